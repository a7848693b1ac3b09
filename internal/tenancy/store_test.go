package tenancy_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

var instant = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type bundle struct {
	db    *dbtest.DB
	store *tenancy.Store
	// Two tenants with two environments each.
	a, b *tenancy.Scope
	// aSandbox is tenant a in its sandbox.
	aSandbox *tenancy.Scope
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db := dbtest.New(t)
	bundle := &bundle{db: db, store: tenancy.NewStore(db.AppPool(), db.PlatformPool())}
	bundle.a, bundle.aSandbox = insertTenant(t, db, "a")
	bundle.b, _ = insertTenant(t, db, "b")
	return bundle
}

// requireNoneAcquired fails if somebody keeps a connection. A connection that cannot be used
// again is given back in a goroutine of the pool, so it may take a moment.
func requireNoneAcquired(t *testing.T, store *tenancy.Store) {
	t.Helper()
	require.Eventually(t, func() bool { return store.Control().Stat().AcquiredConns() == 0 }, 10*time.Second, time.Millisecond)
}

func insertTenant(t *testing.T, db *dbtest.DB, name string) (live, sandbox *tenancy.Scope) {
	t.Helper()
	tenant := &tenancy.Tenant{ID: uuid.New(), Name: name}
	tenant.Live = tenancy.Environment{ID: uuid.New(), TenantID: tenant.ID, Name: name}
	tenant.Sandbox = tenancy.Environment{ID: uuid.New(), TenantID: tenant.ID, Name: name + "_sandbox", IsSandbox: true}
	ctx := t.Context()
	_, err := db.OwnerPool().Exec(ctx, `INSERT INTO tenants (id, name, plan_version_id)
		SELECT $1, $2, id FROM plan_versions LIMIT 1`, tenant.ID, name)
	require.NoError(t, err)
	for _, e := range []tenancy.Environment{tenant.Live, tenant.Sandbox} {
		_, err = db.OwnerPool().Exec(ctx, `INSERT INTO environments (id, tenant_id, name, is_sandbox) VALUES ($1, $2, $3, $4)`,
			e.ID, e.TenantID, e.Name, e.IsSandbox)
		require.NoError(t, err)
		_, err = db.OwnerPool().Exec(ctx, `INSERT INTO event_sequences (env_id, last_sequence) VALUES ($1, 0)`, e.ID)
		require.NoError(t, err)
	}
	live = &tenancy.Scope{Tenant: tenant, Env: tenant.Live, Now: instant}
	return live, &tenancy.Scope{Tenant: tenant, Env: tenant.Sandbox, Now: instant}
}

const insertResource = `INSERT INTO resources (env_id, id, name, type, created_at, updated_at)
	VALUES ($1, $2, $3, 'ROOM', now(), now())`

func (b *bundle) insert(t *testing.T, scope *tenancy.Scope, name string) uuid.UUID {
	t.Helper()
	id := uuid.New()
	require.NoError(t, b.store.InEnv(t.Context(), scope, func(tx *tenancy.Tx) error {
		_, err := tx.Exec(t.Context(), insertResource, scope.Env.ID, id, name)
		tx.Emit("resource.created", map[string]any{"id": id})
		return err
	}))
	return id
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func count(t *testing.T, db querier, table string) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

func TestAnEnvironmentSeesOnlyItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, b.a, "live")
	b.insert(t, b.aSandbox, "sandbox")
	b.insert(t, b.b, "other")

	for _, scope := range []*tenancy.Scope{b.a, b.aSandbox, b.b} {
		require.Equal(t, 1, count(t, b.store.Reader(scope), "resources"))
		require.NoError(t, b.store.InEnv(t.Context(), scope, func(tx *tenancy.Tx) error {
			require.Equal(t, 1, count(t, tx, "resources"))
			return nil
		}))
	}
	require.NoError(t, b.store.InPlatform(t.Context(), func(tx pgx.Tx) error {
		require.Equal(t, 3, count(t, tx, "resources"))
		return nil
	}))
}

func TestWithoutAnEnvironmentNothingIsVisible(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, b.a, "live")
	require.Zero(t, count(t, b.store.Control(), "resources"))
	require.Zero(t, count(t, b.store.Reader(&tenancy.Scope{}), "resources"))
	err := b.store.InEnv(t.Context(), &tenancy.Scope{}, func(*tenancy.Tx) error { return nil })
	require.ErrorIs(t, err, apperr.New(apperr.TenantRequired, ""))
}

// A connection comes back to the pool after each of these, so a setting that
// outlived its statement would show.
func TestTheEnvironmentDoesNotOutliveItsUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, b.a, "live")
	conn, err := b.store.Control().Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	setting := func() string {
		var value *string
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT NULLIF(current_setting('app.env_id', true), '')").Scan(&value))
		if value == nil {
			return ""
		}
		return *value
	}
	require.Empty(t, setting())
	_, err = conn.Exec(t.Context(), "SELECT set_config('app.env_id', $1, true)", b.a.Env.ID.String())
	require.NoError(t, err)
	require.Empty(t, setting())
	require.Zero(t, count(t, conn, "resources"))
}

func TestRowsCannotBeWrittenIntoAnotherEnvironment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	err := b.store.InEnv(t.Context(), b.a, func(tx *tenancy.Tx) error {
		_, err := tx.Exec(t.Context(), insertResource, b.b.Env.ID, uuid.New(), "smuggled")
		return err
	})
	require.ErrorContains(t, err, "row-level security")
}

func TestAReaderRefusesToWrite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.store.Reader(b.a).Exec(t.Context(), "DELETE FROM resources")
	require.ErrorIs(t, err, tenancy.ErrReadOnly)
	err = b.store.Reader(b.a).Together(t.Context(), func(db tenancy.DB) error {
		_, err := db.Exec(t.Context(), insertResource, b.a.Env.ID, uuid.New(), "written")
		return err
	})
	require.ErrorIs(t, err, tenancy.ErrReadOnly)
	require.Zero(t, count(t, b.store.Reader(b.a), "resources"))
}

func TestAReaderReportsErrorsAndGivesTheConnectionBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var n int
	for range 30 { // more often than the pool has connections
		require.Error(t, b.store.Reader(b.a).QueryRow(t.Context(), "SELECT 1/(count(*)-count(*)) FROM resources").Scan(&n))
		require.ErrorIs(t, b.store.Reader(b.a).QueryRow(t.Context(), "SELECT 1 FROM resources").Scan(&n), pgx.ErrNoRows)
		require.Error(t, b.store.Reader(b.a).QueryRow(t.Context(), "SELECT nonsense").Scan(&n))
	}
	requireNoneAcquired(t, b.store)
}

func TestAFailedTransactionLeavesNoEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	failure := errors.New("no")
	err := b.store.InEnv(t.Context(), b.a, func(tx *tenancy.Tx) error {
		tx.Emit("resource.created", nil)
		return failure
	})
	require.ErrorIs(t, err, failure)
	require.Panics(t, func() {
		_ = b.store.InEnv(t.Context(), b.a, func(tx *tenancy.Tx) error {
			tx.Emit("resource.created", nil)
			panic("broken")
		})
	})
	require.Zero(t, count(t, b.store.Reader(b.a), "events"))
	b.insert(t, b.a, "first")
	var sequence int64
	require.NoError(t, b.store.Reader(b.a).QueryRow(t.Context(), "SELECT max(sequence) FROM events").Scan(&sequence))
	require.EqualValues(t, 1, sequence)
}

// The last statement and the commit travel together: when the statement fails,
// nothing may be committed, and the connection is clean again.
func TestNothingIsCommittedWithoutItsEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.db.OwnerPool().Exec(t.Context(), "DELETE FROM event_sequences WHERE env_id = $1", b.a.Env.ID)
	require.NoError(t, err)
	for range 15 { // more often than the pool has connections
		err = b.store.InEnv(t.Context(), b.a, func(tx *tenancy.Tx) error {
			_, err := tx.Exec(t.Context(), insertResource, b.a.Env.ID, uuid.New(), "lost")
			tx.Emit("resource.created", nil)
			return err
		})
		require.ErrorContains(t, err, "null value")
	}
	require.Zero(t, count(t, b.store.Reader(b.a), "resources"))
	requireNoneAcquired(t, b.store)
}

// A statement that failed, and whose error somebody forgot, must not end in a commit.
func TestAForgottenErrorIsNotCommitted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, emit := range []bool{false, true} {
		err := b.store.InEnv(t.Context(), b.a, func(tx *tenancy.Tx) error {
			_, _ = tx.Exec(t.Context(), "SELECT 1/0")
			if emit {
				tx.Emit("resource.created", nil)
			}
			return nil
		})
		require.Error(t, err)
	}
}

// A reader that always continues after the last sequence it saw must never miss an
// event: sequences become visible in their order, without gaps, whatever the
// number of writers.
func TestTheFeedHasNoGapsUnderParallelWriters(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 25
	b := setup(t)
	var writing sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for i := range each {
				err := b.store.InEnv(t.Context(), b.a, func(tx *tenancy.Tx) error {
					tx.Emit("test.first", i)
					tx.Emit("test.second", i)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writing.Wait(); close(done) }()
	last := int64(0)
	for finished := false; !finished; {
		select {
		case <-done:
			finished = true // and read once more
		default:
		}
		rows, err := b.store.Reader(b.a).Query(t.Context(), "SELECT sequence FROM events WHERE sequence > $1 ORDER BY sequence", last)
		require.NoError(t, err)
		sequences, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		require.NoError(t, err)
		for _, sequence := range sequences {
			require.Equal(t, last+1, sequence, "a gap")
			last = sequence
		}
	}
	require.EqualValues(t, writers*each*2, last)
}

// Two transactions that lock the same rows in opposite order: PostgreSQL aborts
// one, and the Store runs it again.
func TestADeadlockIsRepeatedNotReported(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second := b.insert(t, b.a, "1"), b.insert(t, b.a, "2")
	var firstAttempt sync.WaitGroup
	firstAttempt.Add(2)
	swap := func(x, y uuid.UUID) error {
		attempt := 0
		return b.store.InEnv(t.Context(), b.a, func(tx *tenancy.Tx) error {
			attempt++
			if _, err := tx.Exec(t.Context(), "UPDATE resources SET version = version + 1 WHERE id = $1", x); err != nil {
				return err
			}
			if attempt == 1 { // both hold their first row before either asks for its second
				firstAttempt.Done()
				firstAttempt.Wait()
			}
			_, err := tx.Exec(t.Context(), "UPDATE resources SET version = version + 1 WHERE id = $1", y)
			return err
		})
	}
	results := make(chan error, 2)
	go func() { results <- swap(first, second) }()
	go func() { results <- swap(second, first) }()
	require.NoError(t, <-results)
	require.NoError(t, <-results)
	var versions []int32
	rows, err := b.store.Reader(b.a).Query(t.Context(), "SELECT version FROM resources")
	require.NoError(t, err)
	versions, err = pgx.CollectRows(rows, pgx.RowTo[int32])
	require.NoError(t, err)
	require.Equal(t, []int32{3, 3}, versions)
}

// Whoever is sacrificed again and again hears that in the end, and nothing is left of it.
func TestTooManyDeadlocksAreBusy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	attempts := 0
	err := b.store.InEnv(t.Context(), b.a, func(tx *tenancy.Tx) error {
		attempts++
		tx.Emit("test.happened", nil)
		_, err := tx.Exec(t.Context(), "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$")
		return err
	})
	var refused *apperr.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, apperr.Busy.Name, refused.Code.Name)
	require.Equal(t, 4, attempts)
	var events int
	require.NoError(t, b.db.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM events").Scan(&events))
	require.Zero(t, events)
}

func TestTheAuditTrailOnlyGrows(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	ctx := t.Context()
	_, err := db.AppPool().Exec(ctx, `INSERT INTO audit_entries (id, occurred_at, action, outcome) VALUES ($1, now(), 'test.done', 'SUCCESS')`, uuid.New())
	require.NoError(t, err)
	for _, change := range []string{"UPDATE audit_entries SET action = 'test.other'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"} {
		_, err = db.AppPool().Exec(ctx, change)
		require.ErrorContains(t, err, "permission denied", change)
		_, err = db.OwnerPool().Exec(ctx, change)
		require.ErrorContains(t, err, "insert-only", change)
	}
}

func TestAPublishedPlanVersionCannotChange(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	ctx := t.Context()
	for _, change := range []string{
		`UPDATE plan_versions SET features = '{"can_white_label": true}'`, `UPDATE plan_versions SET limits = '{}'`,
		`UPDATE plan_versions SET status = 'DRAFT', published_at = NULL`, `DELETE FROM plan_versions`,
	} {
		_, err := db.OwnerPool().Exec(ctx, change)
		require.ErrorContains(t, err, "published", change)
	}
	_, err := db.OwnerPool().Exec(ctx, `UPDATE plan_versions SET status = 'ARCHIVED'`)
	require.NoError(t, err)
}

func TestOnlyASandboxCanBeEmptied(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.insert(t, b.a, "live")
	b.insert(t, b.aSandbox, "sandbox")
	empty := func(tx *tenancy.Tx) error {
		_, err := tx.Exec(t.Context(), "SELECT empty_environment()")
		return err
	}
	require.ErrorContains(t, b.store.InEnv(t.Context(), b.a, empty), "only a sandbox")
	require.NoError(t, b.store.InSandbox(t.Context(), b.a, empty))
	require.Equal(t, 1, count(t, b.store.Reader(b.a), "resources"))
	require.Zero(t, count(t, b.store.Reader(b.aSandbox), "resources"))
}
