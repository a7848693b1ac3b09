package schema_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
	"github.com/smoothschedule/smoothschedule/schema"
)

// objects lists everything in the schema, with its definition where it has one.
const objects = `
SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || COALESCE(column_default, '')
FROM information_schema.columns WHERE table_schema IN ('public', 'river') AND table_name <> 'goose_db_version'
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname IN ('public', 'river') AND tablename <> 'goose_db_version'
UNION ALL SELECT 'constraint ' || conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace::regnamespace::text IN ('public', 'river') AND conrelid::regclass::text <> 'goose_db_version'
UNION ALL SELECT 'policy ' || polrelid::regclass::text || ' ' || polname FROM pg_policy
UNION ALL SELECT 'trigger ' || tgrelid::regclass::text || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function ' || p.proname FROM pg_proc p
WHERE p.pronamespace::regnamespace::text IN ('public', 'river') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL SELECT 'extension ' || extname FROM pg_extension WHERE extname <> 'plpgsql'
UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('public', 'information_schema')
ORDER BY 1`

// Every migration can be taken back, and nothing of it is left behind.
func TestMigrationsGoUpAndDown(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	list := func() []string { return listObjects(t, db) }
	latest, err := schema.Latest()
	require.NoError(t, err)
	before := list()
	require.Greater(t, len(before), 100)

	for version := latest - 1; version >= 0; version-- {
		require.NoError(t, postgres.DownTo(t.Context(), db.URL, schema.FS, version), "down to %d", version)
	}
	require.Empty(t, list(), "left behind")
	require.NoError(t, postgres.Migrate(t.Context(), db.URL, schema.FS))
	require.Equal(t, before, list())

	current, last, err := postgres.Status(t.Context(), db.URL, schema.FS)
	require.NoError(t, err)
	require.Equal(t, []int64{latest, latest}, []int64{current, last})
}

func listObjects(t *testing.T, db *dbtest.DB) []string {
	t.Helper()
	rows, err := db.OwnerPool().Query(t.Context(), objects)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}

// A database that ran 58 when it was 57 goes on.
func TestMigration58WhereItWas57(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	latest := listObjects(t, db)
	require.NoError(t, postgres.DownTo(t.Context(), db.URL, schema.FS, 57))
	require.NotEqual(t, latest, listObjects(t, db))
	_, err := db.OwnerPool().Exec(t.Context(), `ALTER TABLE environments ADD COLUMN usage_reconciled_at timestamptz NOT NULL DEFAULT now();
		CREATE INDEX environments_usage_reconciled ON environments (usage_reconciled_at, id);
		GRANT UPDATE (usage_reconciled_at) ON environments TO smoothschedule_platform`)
	require.NoError(t, err)
	require.NoError(t, postgres.Migrate(t.Context(), db.URL, schema.FS))
	require.Equal(t, latest, listObjects(t, db))
}

// A database that has run a migration never runs it again, so a migration that has landed keeps its number
// and its text, which migrations.sum records; a change takes a new migration.
func TestMigrations_match_their_checksums(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("migrations.sum")
	require.NoError(t, err)
	recorded := map[string]string{}
	for line := range strings.Lines(string(text)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		require.True(t, ok, "migrations.sum: %q", line)
		recorded[name] = sum
	}
	files, err := fs.Glob(schema.FS, "*.sql")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	numbers := map[string]string{}
	for _, name := range files {
		text, err := fs.ReadFile(schema.FS, name)
		require.NoError(t, err)
		switch sum := fmt.Sprintf("%x", sha256.Sum256(text)); recorded[name] {
		case sum:
		case "":
			t.Errorf("%s is not in migrations.sum: run `task schema:sum`", name)
		default:
			t.Errorf("%s differs from migrations.sum. A migration that has landed is never changed: write a new one. "+
				"If this one exists on your branch only, delete its line from migrations.sum and run `task schema:sum`", name)
		}
		delete(recorded, name)
		number, _, _ := strings.Cut(name, "_")
		require.Empty(t, numbers[number], "the number of %s is taken", name)
		numbers[number] = name
	}
	require.Empty(t, recorded, "migrations that are in migrations.sum and not in schema/: one that has landed stays")
}

// The owner of the database need not be a superuser. Row security is forced on owners, who
// see the rows that a migration changes as members of smoothschedule_platform.
func TestMigrationsChangeRowsForAPlainOwner(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	exec := func(sql string) {
		_, err := db.OwnerPool().Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	require.NoError(t, postgres.DownTo(t.Context(), db.URL, schema.FS, 0))
	exec(`DO $$ BEGIN CREATE ROLE smoothschedule_test_owner NOLOGIN CREATEROLE; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`)
	exec(`DROP TABLE goose_db_version;
		GRANT ALL ON SCHEMA public TO smoothschedule_test_owner;
		DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO smoothschedule_test_owner', current_database()); END $$`)
	plain, err := url.Parse(db.URL)
	require.NoError(t, err)
	query := plain.Query()
	query.Set("role", "smoothschedule_test_owner")
	plain.RawQuery = query.Encode()
	require.NoError(t, postgres.Migrate(t.Context(), plain.String(), schema.FS))

	const waitingMoreThanOnce = 52
	require.NoError(t, postgres.DownTo(t.Context(), plain.String(), schema.FS, waitingMoreThanOnce))
	exec(`INSERT INTO tenants (id, name, plan_version_id, timezone) SELECT gen_random_uuid(), 'T', id, 'UTC' FROM plan_versions LIMIT 1;
		INSERT INTO environments (id, tenant_id, name, is_sandbox) SELECT gen_random_uuid(), id, 't', false FROM tenants;
		INSERT INTO services (env_id, id, name, duration_minutes, price_amount, price_currency, created_at, updated_at)
			SELECT id, gen_random_uuid(), 'S', 30, 0, 'USD', now(), now() FROM environments;
		INSERT INTO customers (env_id, id, name, created_at, updated_at) SELECT id, gen_random_uuid(), 'C', now(), now() FROM environments;
		INSERT INTO waitlist_entries (env_id, id, service_id, customer_id, from_at, to_at, resource_ids, created_at, updated_at)
			SELECT s.env_id, gen_random_uuid(), s.id, c.id, now(), now() + interval '1 hour', '{}', now(), now()
			FROM services s, customers c, generate_series(1, 3)`)
	for range 2 {
		require.NoError(t, postgres.Migrate(t.Context(), plain.String(), schema.FS))
		require.NoError(t, postgres.DownTo(t.Context(), plain.String(), schema.FS, waitingMoreThanOnce))
	}
	var waiting int
	require.NoError(t, db.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM waitlist_entries WHERE status = 'WAITING'").Scan(&waiting))
	require.Equal(t, 1, waiting)

	// Triggers that work as the owner can do what they are for.
	require.NoError(t, postgres.Migrate(t.Context(), plain.String(), schema.FS))
	versions := func() (list []string) {
		require.NoError(t, db.OwnerPool().QueryRow(t.Context(), "SELECT array_agg(version::text) FROM catalogue_versions").Scan(&list))
		return list
	}
	before := versions()
	require.Len(t, before, 1)
	require.NoError(t, pgx.BeginFunc(t.Context(), db.AppPool(), func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "SELECT set_config('app.env_id', id::text, true) FROM environments")
		require.NoError(t, err)
		tag, err := tx.Exec(t.Context(), "UPDATE services SET name = 'New'")
		require.EqualValues(t, 1, tag.RowsAffected())
		return err
	}))
	require.NotEqual(t, before, versions())
}

// Tokens and webhooks from before the scopes of the waitlist and the limits of webhooks: programs can do
// what they could, and webhooks that they set up get what their tokens may read.
func TestMigrations62And63(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	type body = map[string]any
	add := func(c *apitest.Client) string {
		return c.Post(t, "/api/v1/webhooks", body{"url": "https://example.com/hooks", "event_types": []string{"*"}}).Require(t, 201).ID(t)
	}
	change := func(c *apitest.Client, id string) {
		c.Do(t, http.MethodPatch, "/api/v1/webhooks/"+id, body{"description": "changed"}).Require(t, 200)
	}
	token := owner.APIToken(t, false, "webhooks:write", "appointments:write", "customers:read")
	owners, changed, made := add(owner), add(owner), add(token)
	change(owner, owners)
	change(token, changed)
	change(owner, made)
	ctx := t.Context()
	require.NoError(t, postgres.DownTo(ctx, s.DB.URL, schema.FS, 61))
	_, err := s.DB.OwnerPool().Exec(ctx, "INSERT INTO api_tokens SELECT (jsonb_populate_record(k, jsonb_build_object('id', gen_random_uuid(), 'scopes', '{services:read}'::text[]))).* FROM api_tokens k")
	require.NoError(t, err)
	require.NoError(t, postgres.Migrate(ctx, s.DB.URL, schema.FS))

	rows, err := s.DB.OwnerPool().Query(ctx, "SELECT array_to_string(scopes, ' ') FROM api_tokens ORDER BY 1")
	require.NoError(t, err)
	scopes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"appointments:write customers:read waitlist:write webhooks:write", "services:read"}, scopes)
	for id, want := range map[string]string{
		owners: "*", changed: "appointments:read customers:read waitlist:read webhooks:read", made: "appointments:read customers:read waitlist:read webhooks:read",
	} {
		var got string
		require.NoError(t, s.DB.OwnerPool().QueryRow(ctx, "SELECT array_to_string(read_scopes, ' ') FROM webhook_endpoints WHERE id = $1", id).Scan(&got))
		require.Equal(t, want, got)
	}
}

// The trail is in months, and nothing of it is lost on the way there and back.
func TestMigrationOfTheAuditTrailKeepsItsEntries(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	const whole = 74
	exec := func(sql string) {
		_, err := db.OwnerPool().Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	entries := func() (text string) {
		require.NoError(t, db.OwnerPool().QueryRow(t.Context(), "SELECT string_agg(e::text, '|' ORDER BY id) FROM audit_entries e").Scan(&text))
		return text
	}
	require.NoError(t, postgres.DownTo(t.Context(), db.URL, schema.FS, whole))
	exec(`INSERT INTO audit_entries (id, occurred_at, action, outcome, detail) SELECT gen_random_uuid(), at, 'test.done', 'DENIED', '{"a": 1}'
		FROM unnest(ARRAY['2020-02-29 23:59:59.999999Z', '2020-03-01 00:00:00Z', '2025-12-31 23:59:59Z', now(), now() + interval '20 years']::timestamptz[]) at`)
	before := entries()
	require.NoError(t, postgres.Migrate(t.Context(), db.URL, schema.FS))
	require.Equal(t, before, entries())
	var months, other int
	require.NoError(t, db.OwnerPool().QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE tableoid::regclass::text IN
		('audit_partitions.y2020m02', 'audit_partitions.y2020m03', 'audit_partitions.y2025m12')),
		count(*) FILTER (WHERE tableoid = 'audit_partitions.other'::regclass) FROM audit_entries`).Scan(&months, &other))
	require.Equal(t, []int{3, 0}, []int{months, other})
	require.NoError(t, postgres.DownTo(t.Context(), db.URL, schema.FS, whole))
	require.Equal(t, before, entries())
}

// Deliveries are neither lost nor made twice when webhooks become a consumer of the feed, or stop being one.
func TestMigration80(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	type body = map[string]any
	owner.Post(t, "/api/v1/webhooks", body{"url": "https://example.com/hooks", "event_types": []string{"customer.*"}}).Require(t, 201)
	customer := func() { owner.Post(t, "/api/v1/customers", body{"name": "Carla"}).Require(t, 201) }
	deliveries := func() (sequences []int64) {
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(),
			"SELECT COALESCE(array_agg(sequence ORDER BY sequence), '{}') FROM webhook_deliveries WHERE status = 'PENDING'").Scan(&sequences))
		return sequences
	}
	first := int64(3) // after the user and the webhook
	customer()
	s.WorkFeed(t)
	customer()
	require.Equal(t, []int64{first}, deliveries())

	// The version before looks at new events only, so going back gives away those that wait.
	require.NoError(t, postgres.DownTo(t.Context(), s.DB.URL, schema.FS, 79))
	require.Equal(t, []int64{first, first + 1}, deliveries())
	// It gives away what it appends itself.
	append79 := func() {
		_, err := s.DB.OwnerPool().Exec(t.Context(), `WITH next AS (
				UPDATE event_sequences s SET last_sequence = s.last_sequence + 1 FROM webhook_endpoints w WHERE w.env_id = s.env_id RETURNING s.env_id, s.last_sequence
			), appended AS (
				INSERT INTO events (env_id, id, sequence, type, version, occurred_at, data)
				SELECT env_id, gen_random_uuid(), last_sequence, 'customer.created', 1, now(), '{}' FROM next RETURNING *
			)
			SELECT fan_out_events(a.env_id, ARRAY[a.id], ARRAY[a.sequence], ARRAY[a.type], ARRAY[NULL::text], now()) FROM appended a`)
		require.NoError(t, err)
	}
	append79()
	require.Equal(t, []int64{first, first + 1, first + 2}, deliveries())

	require.NoError(t, postgres.Migrate(t.Context(), s.DB.URL, schema.FS))
	s.WorkFeed(t)
	require.Equal(t, []int64{first, first + 1, first + 2}, deliveries())
	append79() // while servers of the version before still run
	customer()
	require.Positive(t, s.WorkFeed(t))
	require.Equal(t, []int64{first, first + 1, first + 2, first + 3, first + 4}, deliveries())
}
