package catalog_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// change is a row of a table that comes, becomes another, and goes; $1 is the environment.
type change struct{ insert, update, delete string }

// changes has one for every table that a catalogue is read from.
var changes = map[string]change{
	"services": {
		`INSERT INTO services (env_id, id, name, duration_minutes, price_amount, price_currency, created_at, updated_at)
			VALUES ($1, '00000000-0000-4000-8000-0000000000ff', 'New', 60, 5000, 'USD', now(), now())`,
		"UPDATE services SET price_amount = price_amount + 1 WHERE env_id = $1 AND name = 'New'",
		"DELETE FROM services WHERE env_id = $1 AND name = 'New'",
	},
	"service_requirements": {
		"INSERT INTO service_requirements (env_id, service_id, position, resource_type) VALUES ($1, '" + spareService + "', 1, 'ROOM')",
		"UPDATE service_requirements SET resource_type = 'EQUIPMENT' WHERE env_id = $1 AND service_id = '" + spareService + "'",
		"DELETE FROM service_requirements WHERE env_id = $1 AND service_id = '" + spareService + "'",
	},
	"service_requirement_resources": {
		`INSERT INTO service_requirement_resources (env_id, service_id, position, resource_id)
			VALUES ($1, '` + service + "', 1, '" + spareResource + "')",
		"UPDATE service_requirement_resources SET resource_id = resource_id WHERE env_id = $1 AND resource_id = '" + spareResource + "'",
		"DELETE FROM service_requirement_resources WHERE env_id = $1 AND resource_id = '" + spareResource + "'",
	},
	"resources": {
		`INSERT INTO resources (env_id, id, name, type, created_at, updated_at)
			VALUES ($1, '00000000-0000-4000-8000-0000000000ff', 'New', 'ROOM', now(), now())`,
		"UPDATE resources SET is_active = false WHERE env_id = $1 AND name = 'New'",
		"DELETE FROM resources WHERE env_id = $1 AND name = 'New'",
	},
	"schedules": {
		"INSERT INTO schedules (env_id, id, is_set, updated_at) VALUES ($1, '00000000-0000-4000-8000-0000000000ff', true, now())",
		"UPDATE schedules SET is_set = false WHERE env_id = $1 AND resource_id IS NULL",
		"DELETE FROM schedules WHERE env_id = $1 AND resource_id IS NULL",
	},
	"schedule_overrides": {
		"INSERT INTO schedule_overrides (env_id, schedule_id, date) VALUES ($1, '" + schedule + "', '2027-01-01')",
		"UPDATE schedule_overrides SET start_minutes = '{600}', end_minutes = '{660}' WHERE env_id = $1 AND date = '2027-01-01'",
		"DELETE FROM schedule_overrides WHERE env_id = $1 AND date = '2027-01-01'",
	},
	"time_off": {
		`INSERT INTO time_off (env_id, id, title, start_at, end_at, blocks_until, created_at, updated_at)
			VALUES ($1, '00000000-0000-4000-8000-0000000000ff', 'New', '2027-01-01Z', '2027-01-02Z', '2027-01-02Z', now(), now())`,
		"UPDATE time_off SET start_at = '2027-01-01 12:00Z' WHERE env_id = $1 AND title = 'New'",
		"DELETE FROM time_off WHERE env_id = $1 AND title = 'New'",
	},
}

// steps are the changes in an order in which they work.
func (c change) steps() []struct{ name, sql string } {
	return []struct{ name, sql string }{{"insert", c.insert}, {"update", c.update}, {"delete", c.delete}}
}

// A transaction holds a lock on every table that it has read, which tells what a catalogue
// is read from; each of these tables has the triggers, and no other.
func TestEveryTableOfTheCatalogueHasTriggers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := func(db store.DB, sql string) []string {
		rows, err := db.Query(t.Context(), sql)
		require.NoError(t, err)
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		return names
	}
	var read []string
	require.NoError(t, b.store.InEnv(t.Context(), b.live.Scope, func(tx *store.Tx) error {
		_, err := catalog.NewCache().Read(t.Context(), tx, b.live.Env.ID, now)
		read = list(tx, `SELECT DISTINCT c.relname::text FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
			WHERE l.pid = pg_backend_pid() AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
				AND c.relname <> 'catalogue_versions' ORDER BY 1`)
		return err
	}))
	require.Equal(t, slices.Sorted(maps.Keys(changes)), read)

	const row, changed, truncated = 1, 4 | 8 | 16, 32 // of tgtype
	for trigger, kind := range map[string]int{
		"note_catalogue_change": changed | truncated, "renew_catalogue_version": row | changed, "renew_catalogue_versions": truncated,
	} {
		require.Equal(t, read, list(b.db.OwnerPool(), fmt.Sprintf(`SELECT tgrelid::regclass::text FROM pg_trigger
			WHERE tgname = '%s' AND tgtype = %d AND tgenabled = 'O' AND tginitdeferred = (tgtype & 1 = 1) ORDER BY 1`, trigger, kind)), trigger)
	}
}

// renewals counts what each environment was given, as the database does it.
func (b *bundle) renewals() func(w *world) int {
	b.Helper()
	b.exec(`CREATE TABLE renewals (env_id uuid);
		CREATE FUNCTION count_renewal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
			'BEGIN INSERT INTO public.renewals VALUES (NEW.env_id); RETURN NULL; END';
		CREATE TRIGGER count_renewal AFTER UPDATE ON catalogue_versions FOR EACH ROW EXECUTE FUNCTION count_renewal()`)
	return func(w *world) (n int) {
		b.Helper()
		require.NoError(b, b.db.OwnerPool().QueryRow(b.Context(), "SELECT count(*) FROM renewals WHERE env_id = $1", w.Env.ID).Scan(&n))
		return n
	}
}

// Whoever changes whatever gives the environment another version with the commit: one, however
// much is changed, none before, none if nothing comes of it, and no other environment.
func TestEveryChangeGivesAVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	renewals := b.renewals()
	for role, pool := range b.pools() {
		for table, change := range changes {
			for _, step := range change.steps() {
				what := fmt.Sprint(step.name, " of ", table, " by ", role)
				was, n, bystander := b.version(b.live), renewals(b.live), b.version(b.sandbox)
				err := b.inTx(pool, b.live, func(ctx context.Context, tx pgx.Tx) error {
					tag, err := tx.Exec(ctx, step.sql, b.live.Env.ID)
					require.NoError(t, err, what)
					require.EqualValues(t, 1, tag.RowsAffected(), what)
					return errChangedTheirMind
				})
				require.ErrorIs(t, err, errChangedTheirMind)
				require.Equal(t, was, b.version(b.live), "%s, rolled back", what)
				require.NoError(t, b.inTx(pool, b.live, func(ctx context.Context, tx pgx.Tx) error {
					_, err := tx.Exec(ctx, step.sql, b.live.Env.ID)
					require.NoError(t, err, what)
					require.Equal(t, was, b.version(b.live), "%s, not committed", what)
					return nil
				}))
				require.NotEqual(t, was, b.version(b.live), what)
				require.Equal(t, n+1, renewals(b.live), what)
				require.Equal(t, bystander, b.version(b.sandbox), "%s: nobody else", what)
			}
		}
	}
	n := renewals(b.live)
	require.NoError(t, b.inTx(b.db.AppPool(), b.live, func(ctx context.Context, tx pgx.Tx) error {
		for table, change := range changes {
			for _, step := range change.steps() {
				_, err := tx.Exec(ctx, step.sql, b.live.Env.ID)
				require.NoError(t, err, "%s of %s", step.name, table)
			}
		}
		return nil
	}))
	require.Equal(t, n+1, renewals(b.live), "all of it together")
	require.Zero(t, renewals(b.sandbox))
}

// What no request does, but whoever has psql can do. In the statements are the two environments.
func TestUnusualChangesGiveAVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, test := range []struct {
		what, sql string
		versions  int // how many environments get another
	}{
		{"constraints at once", "SET CONSTRAINTS ALL IMMEDIATE; UPDATE services SET name = 'X' WHERE env_id = :live", 1},
		{"a savepoint that is kept", "SAVEPOINT a; UPDATE services SET name = 'Y' WHERE env_id = :live; RELEASE a", 1},
		{"a savepoint that is not", "SAVEPOINT a; UPDATE services SET name = 'Y' WHERE env_id = :live; ROLLBACK TO a", 0},
		{"two in one", "UPDATE services SET name = 'Z' WHERE env_id = :live; SAVEPOINT a; DELETE FROM time_off; ROLLBACK TO a", 1},
		{"at once, taken back", "SAVEPOINT a; SET CONSTRAINTS ALL IMMEDIATE; DELETE FROM time_off; ROLLBACK TO a", 0},
		{"renewed in what is taken back", "UPDATE services SET name = 'R' WHERE env_id = :live; SAVEPOINT a; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO a", 1},
		{"two environments", "UPDATE services SET name = 'S'", 2},
		{"to another environment", "UPDATE time_off SET env_id = :sandbox, id = gen_random_uuid() WHERE env_id = :live", 2},
		{"truncate", "TRUNCATE schedule_overrides", 2},
		{"truncate with what depends", "TRUNCATE schedules CASCADE", 2},
	} {
		was := map[*world]uuid.UUID{b.live: b.version(b.live), b.sandbox: b.version(b.sandbox)}
		sql := strings.NewReplacer(":live", "'"+b.live.Env.ID.String()+"'", ":sandbox", "'"+b.sandbox.Env.ID.String()+"'").Replace("BEGIN; " + test.sql + "; COMMIT")
		b.exec(sql)
		n := 0
		for w, version := range was {
			if b.version(w) != version {
				n++
			}
		}
		require.Equal(t, test.versions, n, test.what)
	}
}

// In a database that was restored from a dump, transactions have the numbers of others
// before them.
func TestARestoredDatabaseGivesAVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	was := b.version(b.live)
	require.NoError(t, b.inTx(b.db.AppPool(), b.live, func(ctx context.Context, tx pgx.Tx) error {
		var number string
		require.NoError(t, tx.QueryRow(ctx, "SELECT pg_current_xact_id()::text").Scan(&number))
		b.exec("UPDATE catalogue_versions SET changed_in = '" + number + "'")
		_, err := tx.Exec(ctx, "UPDATE services SET name = 'New' WHERE env_id = $1", b.live.Env.ID)
		return err
	}))
	require.NotEqual(t, was, b.version(b.live))
}

// A user who is deleted is the login of no resource any more, whoever deletes them.
func TestDeletingAUserGivesAVersion(t *testing.T) {
	t.Parallel()
	for role, pool := range map[string]func(b *bundle) *pgxpool.Pool{
		"app":      func(b *bundle) *pgxpool.Pool { return b.db.AppPool() },
		"platform": func(b *bundle) *pgxpool.Pool { return b.db.PlatformPool() },
		"owner":    func(b *bundle) *pgxpool.Pool { return b.db.OwnerPool() },
	} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			cache, ana := catalog.NewCache(), uuid.MustParse(resource)
			require.Equal(t, b.live.userID, *b.at(cache, b.live).Resource(ana).UserID)
			sandbox := b.at(cache, b.sandbox)
			tag, err := pool(b).Exec(t.Context(), "DELETE FROM users WHERE id = $1", b.live.userID) // in no environment
			require.NoError(t, err)
			require.EqualValues(t, 1, tag.RowsAffected())
			require.Nil(t, b.at(cache, b.live).Resource(ana).UserID)
			require.Same(t, sandbox, b.at(cache, b.sandbox))
		})
	}
}

// Environments begin with a version, whoever makes them, and take it along.
func TestAVersionLivesAsLongAsItsEnvironment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := &world{Scope: &tenancy.Scope{Env: tenancy.Environment{ID: uuid.New()}}}
	sandbox := "'" + b.sandbox.Env.ID.String() + "'"
	b.exec("BEGIN; SET CONSTRAINTS ALL DEFERRED; DELETE FROM users WHERE env_id = " + sandbox + "; DELETE FROM environments WHERE id = " + sandbox + "; COMMIT")
	_, err := b.db.PlatformPool().Exec(t.Context(), "INSERT INTO environments (id, tenant_id, name, is_sandbox) VALUES ($1, $2, 'new', true)",
		w.Env.ID, b.live.Tenant.ID)
	require.NoError(t, err)
	require.NotEqual(t, uuid.Nil, b.version(w))
	var n int
	require.NoError(t, b.db.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM catalogue_versions").Scan(&n))
	require.Equal(t, 2, n)
}
