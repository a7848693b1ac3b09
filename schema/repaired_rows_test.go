package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
	"github.com/smoothschedule/smoothschedule/schema"
)

// oldDatabase is a database at the version before a migration.
type oldDatabase struct {
	*testing.T
	db *dbtest.DB
}

func newOldDatabase(t *testing.T, version int64) oldDatabase {
	t.Helper()
	db := dbtest.New(t)
	require.NoError(t, postgres.DownTo(t.Context(), db.URL, schema.FS, version))
	return oldDatabase{t, db}
}

func (o oldDatabase) exec(sql string, args ...any) {
	o.Helper()
	_, err := o.db.OwnerPool().Exec(o.Context(), sql, args...)
	require.NoError(o, err, sql)
}

// insert inserts a row for each value. In the statement, :id is a UUID that grows with the number
// of the value, :n that number, :value the value, and :env, :tenant the environment and the tenant 1.
func (o oldDatabase) insert(statement string, values []string) {
	o.Helper()
	const first = "'00000000-0000-4000-8000-000000000001'"
	statement = strings.NewReplacer(
		":id", "('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid", ":env", first, ":tenant", first, ":n", "n", ":value", "value",
	).Replace(statement)
	o.exec(statement+" FROM unnest($1::text[]) WITH ORDINALITY v(value, n)", values)
}

func (o oldDatabase) migrate() {
	o.Helper()
	require.NoError(o, postgres.Migrate(o.Context(), o.db.URL, schema.FS))
}

// column returns the values of a column of the inserted rows in their order, NULL as "NULL".
func (o oldDatabase) column(table, column string) []string {
	o.Helper()
	rows, err := o.db.OwnerPool().Query(o.Context(),
		"SELECT COALESCE("+column+"::text, 'NULL') FROM "+table+" WHERE id::text LIKE '00000000-0000-4000-8000-%' ORDER BY id")
	require.NoError(o, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(o, err)
	return found
}

const (
	insertEnvironments = `INSERT INTO environments (id, tenant_id, name, is_sandbox) SELECT :id, :id, 'e' || :n, false`
	insertServices     = `INSERT INTO services (env_id, id, name, duration_minutes, price_amount, price_currency, created_at, updated_at)
		SELECT :env, :id, :value, 30, 0, 'USD', now(), now()`
	insertCustomers = `INSERT INTO customers (env_id, id, name, created_at, updated_at) SELECT :env, :id, :value, now(), now()`
	insertResources = `INSERT INTO resources (env_id, id, name, type, created_at, updated_at) SELECT :env, :id, :value, 'ROOM', now(), now()`
)

// Migration 60 removes from stored names what a name cannot have, and replaces those that show nothing.
func TestMigration60(t *testing.T) {
	t.Parallel()
	names := []string{"Ana", " Ana ", "a\tb", "a\r\nb\u2028c", "\u202eevil", "a\u2066b\u2069", "tab\t", "  ", "\u200b", "\u200b\n", "\u0001"}
	repaired := func(fallback string) []string {
		return []string{"Ana", " Ana ", "a b", "a b c", "evil", "ab", "tab", fallback, fallback, fallback, fallback}
	}
	o := newOldDatabase(t, 59)
	o.insert(`INSERT INTO tenants (id, name, plan_version_id) SELECT :id, :value, (SELECT id FROM plan_versions LIMIT 1)`, names)
	o.insert(insertEnvironments, names)
	for _, statement := range []string{
		insertServices, insertCustomers, insertResources,
		`INSERT INTO users (id, tenant_id, env_id, email, username, name, role, password_hash)
			SELECT :id, :tenant, :env, :n || '@x.example', :value, :value, 'TENANT_STAFF', 'x'`,
		`INSERT INTO plans (id, code, name, rank) SELECT :id, 'old' || :n, :value, 1000 + :n`,
		`INSERT INTO schedules (env_id, id, resource_id, is_set, updated_at) SELECT :env, :id, :id, true, now()`,
		`INSERT INTO schedule_overrides (env_id, schedule_id, date, name) SELECT :env, :id, '2027-01-01', :value`,
		`INSERT INTO time_off (env_id, id, title, start_at, end_at, blocks_until, created_at, updated_at)
			SELECT :env, :id, :value, now(), now() + interval '1 hour', now() + interval '1 hour', now(), now()`,
		`INSERT INTO tenant_invitations (id, token_hash, email, business_name, subdomain, plan_code, timezone, currency, expires_at, created_at, updated_at)
			SELECT :id, sha256(:n::text::bytea), 'x@y.example', :value, 's' || :n, 'free', 'UTC', 'USD', now(), now(), now()`,
		`INSERT INTO invitations (env_id, id, token_hash, email, name, role, invited_by, expires_at, created_at, updated_at)
			SELECT :env, :id, sha256(:n::text::bytea), :n || '@y.example', :value, 'TENANT_STAFF', gen_random_uuid(), now(), now(), now()`,
		`INSERT INTO api_tokens (id, tenant_id, env_id, is_sandbox, name, scopes, created_at, updated_at)
			SELECT :id, :tenant, :env, false, :value, '{services:read}', now(), now()`,
	} {
		o.insert(statement, names)
	}
	o.migrate()
	for _, table := range []string{"tenants", "users", "plans", "resources", "services", "customers", "api_tokens"} {
		require.Equal(t, repaired("Unnamed"), o.column(table, "name"), table)
	}
	require.Equal(t, repaired("Unnamed"), o.column("time_off", "title"))
	require.Equal(t, repaired("Unnamed"), o.column("tenant_invitations", "business_name"))
	require.Equal(t, repaired(""), o.column("invitations", "name"))
	require.Equal(t, repaired(""), o.column("(SELECT schedule_id AS id, name FROM schedule_overrides) overrides", "name"))
	usernames, ids := o.column("users", "username"), o.column("users", "id")
	require.Equal(t, append([]string{"Ana", " Ana "}, ids[2:]...), usernames, "user names stay unique")
}

// Migration 61 replaces stored names of zones that are not those of the IANA database, and forgets what
// appointments were shown in them.
func TestMigration61_zones(t *testing.T) {
	t.Parallel()
	zones := []string{"Europe/Vienna", "UTC", "posix/Europe/Vienna", "right/America/Sao_Paulo", "posixrules", "localtime", "Local", "Factory", "posix/Factory"}
	repaired := []string{"Europe/Vienna", "UTC", "Europe/Vienna", "America/Sao_Paulo", "America/New_York", "UTC", "UTC", "UTC", "UTC"}
	o := newOldDatabase(t, 60)
	o.insert(`INSERT INTO tenants (id, name, timezone, plan_version_id) SELECT :id, 'T', :value, (SELECT id FROM plan_versions LIMIT 1)`, zones)
	for _, statement := range []string{
		insertEnvironments, insertServices, insertCustomers, insertResources,
		`INSERT INTO tenant_invitations (id, token_hash, email, business_name, subdomain, plan_code, timezone, currency, expires_at, created_at, updated_at)
			SELECT :id, sha256(:n::text::bytea), 'x@y.example', 'T', 's' || :n, 'free', :value, 'USD', now(), now(), now()`,
		`INSERT INTO schedules (env_id, id, resource_id, is_set, timezone, updated_at) SELECT :env, :id, :id, true, :value, now()`,
		`INSERT INTO time_off (env_id, id, title, start_at, end_at, rrule, timezone, blocks_until, created_at, updated_at)
			SELECT :env, :id, 'T', now(), now() + interval '1 hour', 'FREQ=DAILY', :value, 'infinity', now(), now()`,
		`INSERT INTO series (env_id, id, service_id, customer_id, start_at, rrule, timezone, created_at, updated_at)
			SELECT :env, :id, :id, :id, now(), 'FREQ=DAILY;COUNT=2', :value, now(), now()`,
		`INSERT INTO appointments (env_id, id, service_id, customer_id, status, start_at, end_at, buffer_before_minutes, buffer_after_minutes,
			service_version, price_amount, price_currency, resource_ids, quota_period, timezone, local_start_at, tzdata_version, created_at, updated_at)
			SELECT :env, :id, :id, :id, 'CONFIRMED', now(), now() + interval '1 hour', 0, 0,
				1, 0, 'USD', ARRAY[:id], '2027-01-01', :value, '2027-01-01 09:00', '2025a', now(), now()`,
	} {
		o.insert(statement, zones)
	}
	o.exec(`INSERT INTO resources (env_id, id, name, type, created_at, updated_at) SELECT env_id, '00000000-0000-4000-8000-000000000099', name, type,
		created_at, updated_at FROM resources LIMIT 1`)
	o.exec(`INSERT INTO schedules (env_id, id, resource_id, is_set, updated_at) SELECT env_id, id, id, true, updated_at FROM resources
		WHERE id = '00000000-0000-4000-8000-000000000099'`)
	o.migrate()
	for _, table := range []string{"tenants", "tenant_invitations", "time_off", "series"} {
		require.Equal(t, repaired, o.column(table, "timezone"), table)
	}
	require.Equal(t, append(slices.Clip(repaired), "NULL"), o.column("schedules", "timezone"), "that of the business stays")
	shown := o.column("appointments", "(timezone, local_start_at, tzdata_version)")
	for i, zone := range zones {
		want := "(,,)"
		if zone == repaired[i] {
			want = "(" + zone + `,"2027-01-01 09:00:00",2025a)`
		}
		require.Equal(t, want, shown[i], zone)
	}
}

// Migration 61 leaves prices in another currency than that of the business as they are: all but the price can be
// changed, and a new price is in the currency of the business.
func TestMigration61_currencies(t *testing.T) {
	t.Parallel()
	o := newOldDatabase(t, 60)
	currencies := []string{"USD", "EUR"}
	o.insert(`INSERT INTO tenants (id, name, currency, plan_version_id) SELECT :id, 'T', 'USD', (SELECT id FROM plan_versions LIMIT 1)`, currencies)
	o.insert(insertEnvironments, currencies)
	o.insert(`INSERT INTO services (env_id, id, name, duration_minutes, price_amount, price_currency, created_at, updated_at)
		SELECT :env, :id, 'S', 30, 100, :value, now(), now()`, currencies)
	o.migrate()
	require.Equal(t, currencies, o.column("services", "price_currency"))
	o.exec("UPDATE services SET name = 'New', price_amount = price_amount, price_currency = price_currency")
	_, err := o.db.OwnerPool().Exec(t.Context(), "UPDATE services SET price_amount = 200 WHERE price_currency = 'EUR'")
	require.ErrorContains(t, err, "a service is priced in the currency of its business")
	o.exec("UPDATE services SET price_amount = 200, price_currency = 'USD' WHERE price_currency = 'EUR'")
	require.Equal(t, []string{"100", "200"}, o.column("services", "price_amount"))
}
