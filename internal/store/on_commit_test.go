package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/envtest"
)

func TestTx_OnCommit(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	ctx := t.Context()
	onCommit := func(tx *store.Tx, id uuid.UUID, name string) {
		tx.OnCommit(envtest.Write(envtest.InsertResource, b.A.Env.ID, id, name).Doing("insert " + name))
	}
	resources := func() int { return envtest.Count(t, b.Store.Reader(b.A), "resources") }
	events := func() int { return envtest.Count(t, b.Store.Reader(b.A), "events") }

	require.NoError(t, b.Store.InEnv(ctx, b.A, func(tx *store.Tx) error {
		require.Zero(t, envtest.Count(t, tx, "resources"))
		onCommit(tx, uuid.New(), "one")
		onCommit(tx, uuid.New(), "two")
		tx.OnCommit(envtest.Write("SELECT 1 / ((SELECT count(*) FROM resources) = 2 AND NOT EXISTS (SELECT FROM events))::int"))
		require.Zero(t, resources())
		tx.Emit("resource.created", nil)
		return nil
	}))
	require.Equal(t, []int{2, 1}, []int{resources(), events()})

	require.NoError(t, b.Store.InEnv(ctx, b.A, func(tx *store.Tx) error {
		onCommit(tx, uuid.New(), "first of all")
		return nil
	}), "it may be all there is")
	require.Equal(t, 3, resources())

	require.NoError(t, b.Store.InEnv(ctx, b.A, func(tx *store.Tx) error {
		onCommit(tx, uuid.New(), "not the last one")
		require.Equal(t, 4, envtest.Count(t, tx, "resources"), "what comes after it sees it")
		_, err := tx.Exec(ctx, envtest.InsertResource, b.A.Env.ID, uuid.New(), "after")
		return err
	}))
	require.Equal(t, 5, resources())

	id := uuid.New()
	for name, also := range map[string]func(tx *store.Tx){
		"at the commit": func(*store.Tx) {},
		"before another statement": func(tx *store.Tx) {
			_, err := tx.Exec(ctx, "SELECT 1")
			require.ErrorContains(t, err, "insert again: ")
		},
	} {
		err := b.Store.InEnv(ctx, b.A, func(tx *store.Tx) error {
			tx.Emit("resource.created", nil)
			onCommit(tx, id, "once")
			onCommit(tx, id, "again")
			also(tx)
			return nil
		})
		require.Error(t, err, name)
		require.Equal(t, []int{5, 1}, []int{resources(), events()}, "%s: nothing of it stays", name)
	}
}

func TestReader_sees_statements_of_OnCommit(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	ctx := t.Context()
	err := b.Store.Atomically(ctx, b.A, func(joined *tenancy.Scope) error {
		begin := func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "SELECT 1")
			return err
		}
		require.NoError(t, b.Store.InEnv(ctx, joined, begin))
		return b.Store.InEnv(ctx, joined, func(tx *store.Tx) error {
			for i, read := range []func(r *store.Reader) int{
				func(r *store.Reader) int { return envtest.Count(t, r, "resources") },
				func(r *store.Reader) (n int) {
					require.NoError(t, r.Batch(ctx, envtest.Read("SELECT count(*) FROM resources", &n)))
					return n
				},
			} {
				tx.OnCommit(envtest.Write(envtest.InsertResource, joined.Env.ID, uuid.New(), "last"))
				require.Equal(t, i+1, read(b.Store.Reader(joined)))
			}
			tx.OnCommit(envtest.Write("SELECT 1 / (random() * 0)::int"))
			require.ErrorContains(t, b.Store.Reader(joined).Batch(ctx, envtest.Read("SELECT 1", new(int))), "division by zero")
			return nil
		})
	})
	require.ErrorContains(t, err, "commit answered ROLLBACK", "though nobody minded")
	require.Zero(t, envtest.Count(t, b.Store.Reader(b.A), "resources"))
}

func TestStore_Atomically_rolls_back_a_failed_part(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	ctx := t.Context()
	failed := errors.New("failed")
	require.NoError(t, b.Store.Atomically(ctx, b.A, func(joined *tenancy.Scope) error {
		require.NoError(t, b.Store.InEnv(ctx, joined, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, envtest.InsertResource, joined.Env.ID, uuid.New(), "stays")
			return err
		}))
		require.ErrorIs(t, b.Store.InEnv(ctx, joined, func(tx *store.Tx) error {
			tx.OnCommit(envtest.Write(envtest.InsertResource, joined.Env.ID, uuid.New(), "at the end"))
			tx.OnCommit(envtest.Write("SELECT 1 / (random() * 0)::int"))
			tx.Emit("resource.created", nil)
			return failed
		}), failed)
		return nil
	}))
	require.Equal(t, 1, envtest.Count(t, b.Store.Reader(b.A), "resources"))
	require.Zero(t, envtest.Count(t, b.Store.Reader(b.A), "events"))
}

// A panic between the results of a batch must not return the connection to the pool.
func TestTx_OnCommit_panics(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	ctx := t.Context()
	for range 30 { // more often than the pool has connections
		require.Panics(t, func() {
			calls := 0
			_ = b.Store.InEnv(ctx, b.A, func(tx *store.Tx) error {
				for range 2 {
					tx.OnCommit(batch.Write(func(ctx context.Context, db batch.DB, _ struct{}) error {
						if calls++; calls == 3 {
							panic("with the first answer")
						}
						_, err := db.Exec(ctx, "SELECT 1")
						return err
					}, struct{}{}))
				}
				return nil
			})
		})
		require.Zero(t, envtest.Count(t, b.Store.Reader(b.A), "resources"))
	}
	envtest.RequireNoneAcquired(t, b.Store)
}

// A canceled commit returns an error, and nothing or everything is committed.
func TestStore_InEnv_canceled_at_commit(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	holder, err := b.DB.OwnerPool().Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), "SELECT FROM event_sequences FOR UPDATE")
	require.NoError(t, err)
	ctx, leave := context.WithCancel(t.Context())
	attempts, done := 0, make(chan error, 1)
	go func() {
		done <- b.Store.InEnv(ctx, b.A, func(tx *store.Tx) error {
			attempts++
			tx.Emit("resource.created", nil)
			tx.OnCommit(envtest.Write(envtest.InsertResource, b.A.Env.ID, uuid.New(), "never"))
			return nil
		})
	}()
	waiting := func(n int) func() bool {
		return func() bool {
			var found int
			err := b.DB.OwnerPool().QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
				WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&found)
			return err == nil && found == n
		}
	}
	require.Eventually(t, waiting(1), 10*time.Second, 5*time.Millisecond)
	leave()
	require.ErrorIs(t, <-done, context.Canceled)
	require.Eventually(t, waiting(0), 10*time.Second, 5*time.Millisecond)
	require.NoError(t, holder.Rollback(t.Context()))
	require.Equal(t, 1, attempts)
	require.Equal(t, []int{0, 0}, []int{envtest.Count(t, b.Store.Reader(b.A), "resources"), envtest.Count(t, b.Store.Reader(b.A), "events")})
	envtest.RequireNoneAcquired(t, b.Store)
}

// A deferred constraint fails only at COMMIT.
func TestStore_InEnv_commit_fails(t *testing.T) {
	t.Parallel()
	b := envtest.New(t)
	ctx := t.Context()
	told := 0
	b.Store.OnEvents(func(uuid.UUID) { told++ })
	book := func(deferred bool) error {
		return b.Store.InEnv(ctx, b.A, func(tx *store.Tx) error {
			if deferred {
				if _, err := tx.Exec(ctx, "SET CONSTRAINTS ALL DEFERRED"); err != nil {
					return err
				}
			}
			tx.Emit("resource.created", nil)
			tx.OnCommit(envtest.Write(`INSERT INTO allocations (env_id, appointment_id, resource_id, lane, start_at, end_at)
				VALUES ($1, $2, $2, 0, now(), now() + interval '1 hour')`, b.A.Env.ID, uuid.New()).Doing("insert"))
			return nil
		})
	}
	require.ErrorContains(t, book(false), "insert: ")
	err := book(true)
	require.ErrorContains(t, err, "violates foreign key constraint")
	require.NotContains(t, err.Error(), "insert: ", "it is the commit that fails")
	require.Zero(t, told)
	require.Zero(t, envtest.Count(t, b.Store.Reader(b.A), "events"))
	envtest.RequireNoneAcquired(t, b.Store)

	require.NoError(t, b.Store.InEnv(ctx, b.A, func(tx *store.Tx) error {
		tx.Emit("resource.created", nil)
		return nil
	}))
	require.Equal(t, 1, told)
}
