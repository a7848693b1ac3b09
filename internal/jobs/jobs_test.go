package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/jobtest"
)

var instant = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type noteArgs struct {
	jobs.InEnv
	Note string `json:"note"`
}

func (noteArgs) Kind() string { return "note" }

type uniqueArgs struct{ jobs.InEnv }

func (uniqueArgs) Kind() string { return "unique" }

func (uniqueArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

type bundle struct {
	db            *dbtest.DB
	store         *store.Store
	workers       *jobs.Workers
	live, sandbox *tenancy.Scope
	// notes are what the jobs of kind note were worked with.
	notes chan string
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db := dbtest.New(t)
	ctx := t.Context()
	tenant, live, sandbox := uuid.New(), uuid.New(), uuid.New()
	_, err := db.OwnerPool().Exec(ctx, `INSERT INTO tenants (id, name, timezone, plan_version_id)
		SELECT $1, 'A', 'America/New_York', id FROM plan_versions LIMIT 1`, tenant)
	require.NoError(t, err)
	for id, name := range map[uuid.UUID]string{live: "a", sandbox: "a_sandbox"} {
		_, err = db.OwnerPool().Exec(ctx, `INSERT INTO environments (id, tenant_id, name, is_sandbox) VALUES ($1, $2, $3, $4)`,
			id, tenant, name, strings.HasSuffix(name, "sandbox"))
		require.NoError(t, err)
		_, err = db.OwnerPool().Exec(ctx, `INSERT INTO event_sequences (env_id, last_sequence) VALUES ($1, 0)`, id)
		require.NoError(t, err)
	}
	resolver := tenancy.NewResolver(db.AppPool(), entitle.NewPlans(db.AppPool()))
	b := &bundle{
		db: db, store: store.New(db.AppPool(), db.PlatformPool()), notes: make(chan string, 100),
		workers: jobs.NewWorkers(resolver, func() time.Time { return instant }),
	}
	b.live, err = resolver.ScopeOf(ctx, live, instant)
	require.NoError(t, err)
	b.sandbox, err = resolver.ScopeOf(ctx, sandbox, instant)
	require.NoError(t, err)
	jobs.Handle(b.workers, func(_ context.Context, scope *tenancy.Scope, args noteArgs) error {
		b.notes <- scope.Env.Name + " " + args.Note
		return nil
	})
	return b
}

func (b *bundle) count(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, b.db.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM river.river_job").Scan(&n))
	return n
}

func TestTheScopeOfAnEnvironment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, "a", b.live.Env.Name)
	require.Equal(t, "a_sandbox", b.sandbox.Env.Name)
	require.True(t, b.sandbox.SandboxMode())
	require.Nil(t, b.live.Principal)
	require.Equal(t, instant, b.live.Now)
	require.Equal(t, "America/New_York", b.live.Tenant.Location.String())
	require.Equal(t, b.sandbox.Env.ID, b.sandbox.Entitlements.EnvID)
}

// A job exists exactly if the transaction that inserted it is committed.
func TestAJobIsPartOfItsTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t)
	failure := errors.New("no")
	for _, fail := range []error{failure, nil} {
		err := b.store.InEnv(t.Context(), b.live, func(tx *store.Tx) error {
			require.NoError(t, jobs.Insert(t.Context(), tx, noteArgs{jobs.In(b.live), "in an environment"}))
			tx.Emit("test.done", nil)
			return fail
		})
		require.ErrorIs(t, err, fail)
		for _, in := range []func(context.Context, *tenancy.Scope, func(pgx.Tx) error) error{b.store.InControl, b.store.InPlatform} {
			err = in(t.Context(), nil, func(tx pgx.Tx) error {
				require.NoError(t, jobs.Insert(t.Context(), tx, noteArgs{jobs.In(b.sandbox), "elsewhere"}))
				return fail
			})
			require.ErrorIs(t, err, fail)
		}
		if fail != nil {
			require.Zero(t, b.count(t))
		}
	}
	require.Equal(t, map[string]int{"note": 3}, jobtest.Work(t, b.db, b.workers, instant))
	require.Equal(t, []string{"a in an environment", "a_sandbox elsewhere", "a_sandbox elsewhere"}, []string{<-b.notes, <-b.notes, <-b.notes})
	require.Empty(t, jobtest.Work(t, b.db, b.workers, instant))
}

func TestAJobThatWaits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.store.InEnv(t.Context(), b.live, func(tx *store.Tx) error {
		return jobs.Insert(t.Context(), tx, noteArgs{jobs.In(b.live), "later"}, jobs.At(instant.Add(time.Hour)))
	}))
	require.Empty(t, jobtest.Work(t, b.db, b.workers, instant.Add(time.Hour-time.Microsecond)))
	require.Len(t, jobtest.Work(t, b.db, b.workers, instant.Add(time.Hour)), 1)
}

func TestAUniqueJobIsInsertedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		require.NoError(t, b.store.InEnv(t.Context(), b.live, func(tx *store.Tx) error {
			return jobs.Insert(t.Context(), tx, uniqueArgs{jobs.In(b.live)})
		}))
	}
	require.Equal(t, 1, b.count(t))
}

// Somebody may empty or delete an environment while its jobs wait.
func TestAJobOfAnEnvironmentThatIsGoneIsDropped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	err := b.workers.Work(t.Context(), "note", []byte(`{"env_id": "`+uuid.NewString()+`"}`))
	require.ErrorIs(t, err, &river.JobCancelError{})
	require.ErrorContains(t, b.workers.Work(t.Context(), "nobody", nil), "nobody works")
	require.Empty(t, b.notes)
}

func TestARunnerWorksAndStops(t *testing.T) {
	t.Parallel()
	b := setup(t)
	begun, finish, finished := make(chan struct{}), make(chan struct{}), make(chan struct{})
	jobs.Handle(b.workers, func(context.Context, *tenancy.Scope, uniqueArgs) error {
		close(begun)
		<-finish
		close(finished)
		return nil
	})
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: b.db.URL, Role: dbtest.PlatformRole, MaxConns: 4})
	require.NoError(t, err)
	defer pool.Close()
	runner, err := jobs.NewRunner(pool, b.workers, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, runner.Start(t.Context()))
	require.NoError(t, b.store.InEnv(t.Context(), b.live, func(tx *store.Tx) error {
		require.NoError(t, jobs.Insert(t.Context(), tx, noteArgs{jobs.In(b.live), "hello"}))
		return jobs.Insert(t.Context(), tx, uniqueArgs{jobs.In(b.live)})
	}))
	require.Equal(t, "a hello", <-b.notes)
	<-begun

	// What runs may finish.
	stopped := make(chan error, 1)
	go func() { stopped <- runner.Stop(t.Context(), time.Minute) }()
	close(finish)
	<-finished
	require.NoError(t, <-stopped)
	var done int
	require.NoError(t, b.db.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM river.river_job WHERE state = 'completed'").Scan(&done))
	require.Equal(t, 2, done)
}

// The migration is a copy of what River makes itself; another version of River may want
// more.
func TestMigrationsMatchRiver(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	ctx := t.Context()
	_, err := db.OwnerPool().Exec(ctx, "CREATE SCHEMA expected")
	require.NoError(t, err)
	migrator, err := rivermigrate.New(riverpgxv5.New(db.OwnerPool()), &rivermigrate.Config{Schema: "expected"})
	require.NoError(t, err)
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	require.NoError(t, err)
	list := func(schema string) []string {
		rows, err := db.OwnerPool().Query(ctx, `
SELECT 'column ' || table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable || ' ' || COALESCE(column_default, '')
FROM information_schema.columns WHERE table_schema = $1
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = $1
UNION ALL SELECT 'constraint ' || conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = $1::regnamespace
UNION ALL SELECT 'table ' || relname || ' ' || relpersistence::text FROM pg_class WHERE relnamespace = $1::regnamespace
UNION ALL SELECT 'function ' || proname || ' ' || regexp_replace(prosrc, '\s+', ' ', 'g') FROM pg_proc WHERE pronamespace = $1::regnamespace
UNION ALL SELECT 'label ' || enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE t.typnamespace = $1::regnamespace
ORDER BY 1`, schema)
		require.NoError(t, err)
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		for i := range found {
			found[i] = strings.ReplaceAll(found[i], schema+".", "")
		}
		return found
	}
	require.Equal(t, list("expected"), list(jobs.Schema))

	ours, err := rivermigrate.New(riverpgxv5.New(db.OwnerPool()), &rivermigrate.Config{Schema: jobs.Schema})
	require.NoError(t, err)
	valid, err := ours.Validate(ctx, nil)
	require.NoError(t, err)
	require.True(t, valid.OK, valid.Messages)
}

func TestRolesMayDoNoMoreThanTheyNeed(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	for _, statement := range []string{
		"DELETE FROM river.river_job", "UPDATE river.river_job SET args = '{}'", "TRUNCATE river.river_job",
		"SELECT * FROM river.river_leader", "SELECT * FROM river.river_queue", "CREATE TABLE river.x ()",
	} {
		_, err := db.AppPool().Exec(t.Context(), statement)
		require.ErrorContains(t, err, "permission denied", statement)
	}
	for _, statement := range []string{"TRUNCATE river.river_job", "DROP TABLE river.river_job", "CREATE TABLE river.x ()", "DELETE FROM river.river_migration"} {
		_, err := db.PlatformPool().Exec(t.Context(), statement)
		require.Error(t, err, statement)
	}
}
