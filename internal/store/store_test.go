package store_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/envtest"
)

func TestStore_InEnv_sees_one_environment(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	b.Insert(t, b.A, "live")
	b.Insert(t, b.ASandbox, "sandbox")
	b.Insert(t, b.B, "other")

	for _, scope := range []*tenancy.Scope{b.A, b.ASandbox, b.B} {
		require.Equal(t, 1, envtest.Count(t, b.Store.Reader(scope), "resources"))
		require.NoError(t, b.Store.InEnv(t.Context(), scope, func(tx *store.Tx) error {
			require.Equal(t, 1, envtest.Count(t, tx, "resources"))
			return nil
		}))
	}
	require.NoError(t, b.Store.InPlatform(t.Context(), nil, func(tx pgx.Tx) error {
		require.Equal(t, 3, envtest.Count(t, tx, "resources"))
		return nil
	}))
}

func TestStore_without_environment_sees_nothing(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	b.Insert(t, b.A, "live")
	require.Zero(t, envtest.Count(t, b.Store.Control(), "resources"))
	require.Zero(t, envtest.Count(t, b.Store.Reader(&tenancy.Scope{}), "resources"))
	err := b.Store.InEnv(t.Context(), &tenancy.Scope{}, func(*store.Tx) error { return nil })
	require.ErrorIs(t, err, apperr.New(apperr.TenantRequired, ""))
}

// A connection comes back to the pool after each of these, so a setting that
// outlived its statement would show.
func TestStore_environment_ends_with_the_statement(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	b.Insert(t, b.A, "live")
	conn, err := b.DB.AppPool().Acquire(t.Context())
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
	_, err = conn.Exec(t.Context(), "SELECT set_config('app.env_id', $1, true)", b.A.Env.ID.String())
	require.NoError(t, err)
	require.Empty(t, setting())
	require.Zero(t, envtest.Count(t, conn, "resources"))
}

func TestStore_InEnv_writes_one_environment(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	err := b.Store.InEnv(t.Context(), b.A, func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), envtest.InsertResource, b.B.Env.ID, uuid.New(), "smuggled")
		return err
	})
	require.ErrorContains(t, err, "row-level security")
}

func TestReader_refuses_writes(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	_, err := b.Store.Reader(b.A).Exec(t.Context(), "DELETE FROM resources")
	require.ErrorIs(t, err, store.ErrReadOnly)
	err = b.Store.Reader(b.A).Batch(t.Context(), envtest.Write(envtest.InsertResource, b.A.Env.ID, uuid.New(), "written"))
	require.ErrorIs(t, err, store.ErrReadOnly)
	require.Zero(t, envtest.Count(t, b.Store.Reader(b.A), "resources"))
}

func TestReader_releases_the_connection_after_errors(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	var n int
	for range 30 { // more often than the pool has connections
		require.Error(t, b.Store.Reader(b.A).QueryRow(t.Context(), "SELECT 1/(count(*)-count(*)) FROM resources").Scan(&n))
		require.ErrorIs(t, b.Store.Reader(b.A).QueryRow(t.Context(), "SELECT 1 FROM resources").Scan(&n), pgx.ErrNoRows)
		require.Error(t, b.Store.Reader(b.A).QueryRow(t.Context(), "SELECT nonsense").Scan(&n))
	}
	envtest.RequireNoneAcquired(t, b.Store)
}

func TestStore_InEnv_rolls_back_events(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	failure := errors.New("no")
	err := b.Store.InEnv(t.Context(), b.A, func(tx *store.Tx) error {
		tx.Emit("resource.created", nil)
		return failure
	})
	require.ErrorIs(t, err, failure)
	require.Panics(t, func() {
		_ = b.Store.InEnv(t.Context(), b.A, func(tx *store.Tx) error {
			tx.Emit("resource.created", nil)
			panic("broken")
		})
	})
	require.Zero(t, envtest.Count(t, b.Store.Reader(b.A), "events"))
	b.Insert(t, b.A, "first")
	var sequence int64
	require.NoError(t, b.Store.Reader(b.A).QueryRow(t.Context(), "SELECT max(sequence) FROM events").Scan(&sequence))
	require.EqualValues(t, 1, sequence)
}

// The last statement and the commit travel together: when the statement fails,
// nothing may be committed, and the connection is clean again.
func TestStore_InEnv_rolls_back_if_events_fail(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	_, err := b.DB.OwnerPool().Exec(t.Context(), "DELETE FROM event_sequences WHERE env_id = $1", b.A.Env.ID)
	require.NoError(t, err)
	for range 15 { // more often than the pool has connections
		err = b.Store.InEnv(t.Context(), b.A, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), envtest.InsertResource, b.A.Env.ID, uuid.New(), "lost")
			tx.Emit("resource.created", nil)
			return err
		})
		require.ErrorContains(t, err, "null value")
	}
	require.Zero(t, envtest.Count(t, b.Store.Reader(b.A), "resources"))
	envtest.RequireNoneAcquired(t, b.Store)
}

// A statement that failed, and whose error somebody forgot, must not end in a commit.
func TestStore_InEnv_ignored_error_is_not_committed(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	for _, emit := range []bool{false, true} {
		err := b.Store.InEnv(t.Context(), b.A, func(tx *store.Tx) error {
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
func TestTx_Emit_in_parallel_leaves_no_gaps(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 25
	b := envtest.New(t)
	var writing sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for i := range each {
				err := b.Store.InEnv(t.Context(), b.A, func(tx *store.Tx) error {
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
		rows, err := b.Store.Reader(b.A).Query(t.Context(), "SELECT sequence FROM events WHERE sequence > $1 ORDER BY sequence", last)
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
func TestStore_InEnv_retries_on_deadlock(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	first, second := b.Insert(t, b.A, "1"), b.Insert(t, b.A, "2")
	var firstAttempt sync.WaitGroup
	firstAttempt.Add(2)
	swap := func(x, y uuid.UUID) error {
		attempt := 0
		return b.Store.InEnv(t.Context(), b.A, func(tx *store.Tx) error {
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
	rows, err := b.Store.Reader(b.A).Query(t.Context(), "SELECT version FROM resources")
	require.NoError(t, err)
	versions, err = pgx.CollectRows(rows, pgx.RowTo[int32])
	require.NoError(t, err)
	require.Equal(t, []int32{3, 3}, versions)
}

// Whoever is sacrificed again and again hears that in the end, and nothing is left of it.
func TestStore_InEnv_is_busy_after_deadlocks(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	attempts := 0
	err := b.Store.InEnv(t.Context(), b.A, func(tx *store.Tx) error {
		attempts++
		tx.Emit("test.happened", nil)
		_, err := tx.Exec(t.Context(), "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$")
		return err
	})
	var refused *apperr.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, apperr.Busy.Name, refused.Code.Name)
	require.Equal(t, 6, attempts)
	var events int
	require.NoError(t, b.DB.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM events").Scan(&events))
	require.Zero(t, events)
}

func TestAuditEntries_are_insert_only(t *testing.T) {
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

func TestPlanVersions_are_immutable(t *testing.T) {
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

func TestEmptyEnvironment_refuses_live(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	b.Insert(t, b.A, "live")
	b.Insert(t, b.ASandbox, "sandbox")
	empty := func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "SELECT empty_environment()")
		return err
	}
	require.ErrorContains(t, b.Store.InEnv(t.Context(), b.A, empty), "only a sandbox")
	require.NoError(t, b.Store.InSandbox(t.Context(), b.A, empty))
	require.Equal(t, 1, envtest.Count(t, b.Store.Reader(b.A), "resources"))
	require.Zero(t, envtest.Count(t, b.Store.Reader(b.ASandbox), "resources"))
}
