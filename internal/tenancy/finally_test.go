package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// What is sent finally runs with the commit, in its order, before the events.
func TestAStatementGoesWithTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	finally := func(tx *tenancy.Tx, id uuid.UUID, name string) {
		tx.Finally(func(db tenancy.DB) error {
			if _, err := db.Exec(ctx, insertResource, b.a.Env.ID, id, name); err != nil {
				return fmt.Errorf("insert %s: %w", name, err)
			}
			return nil
		})
	}
	resources := func() int { return count(t, b.store.Reader(b.a), "resources") }
	events := func() int { return count(t, b.store.Reader(b.a), "events") }

	require.NoError(t, b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
		require.Zero(t, count(t, tx, "resources"))
		finally(tx, uuid.New(), "one")
		finally(tx, uuid.New(), "two")
		tx.Finally(func(db tenancy.DB) error {
			_, err := db.Exec(ctx, "SELECT 1 / ((SELECT count(*) FROM resources) = 2 AND NOT EXISTS (SELECT FROM events))::int")
			return err
		})
		require.Zero(t, resources())
		tx.Emit("resource.created", nil)
		return nil
	}))
	require.Equal(t, []int{2, 1}, []int{resources(), events()})

	require.NoError(t, b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
		finally(tx, uuid.New(), "first of all")
		return nil
	}), "it may be all there is")
	require.Equal(t, 3, resources())

	require.NoError(t, b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
		finally(tx, uuid.New(), "not the last one")
		require.Equal(t, 4, count(t, tx, "resources"), "what comes after it sees it")
		_, err := tx.Exec(ctx, insertResource, b.a.Env.ID, uuid.New(), "after")
		return err
	}))
	require.Equal(t, 5, resources())

	id := uuid.New()
	for name, also := range map[string]func(tx *tenancy.Tx){
		"at the commit": func(*tenancy.Tx) {},
		"before another statement": func(tx *tenancy.Tx) {
			_, err := tx.Exec(ctx, "SELECT 1")
			require.ErrorContains(t, err, "insert again: ")
		},
	} {
		err := b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
			tx.Emit("resource.created", nil)
			finally(tx, id, "once")
			finally(tx, id, "again")
			also(tx)
			return nil
		})
		require.Error(t, err, name)
		require.Equal(t, []int{5, 1}, []int{resources(), events()}, "%s: nothing of it stays", name)
	}
}

func TestStore_InEnv_EndsItsAttempts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	attempts := 0
	err := b.store.InEnv(t.Context(), b.a, func(tx *tenancy.Tx) error {
		attempts++
		require.Less(t, attempts, 8)
		_, err := tx.Exec(t.Context(), "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$")
		return err
	})
	refused, _ := errors.AsType[*apperr.Error](err)
	require.NotNil(t, refused, "%v", err)
	require.Equal(t, apperr.Busy.Name, refused.Code.Name)
	require.Equal(t, 4, attempts)
}

// What reads in a transaction sees what shall go with its end, in whatever way it reads.
func TestAReaderSeesWhatGoesWithTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	err := b.store.Together(ctx, b.a, func(whole *tenancy.Scope) error {
		begin := func(tx *tenancy.Tx) error {
			_, err := tx.Exec(ctx, "SELECT 1")
			return err
		}
		require.NoError(t, b.store.InEnv(ctx, whole, begin))
		return b.store.InEnv(ctx, whole, func(tx *tenancy.Tx) error {
			for i, read := range []func(r *tenancy.Reader) int{
				func(r *tenancy.Reader) int { return count(t, r, "resources") },
				func(r *tenancy.Reader) (n int) {
					require.NoError(t, r.Together(ctx, func(db tenancy.DB) error {
						return db.QueryRow(ctx, "SELECT count(*) FROM resources").Scan(&n)
					}))
					return n
				},
			} {
				tx.Finally(func(db tenancy.DB) error {
					_, err := db.Exec(ctx, insertResource, whole.Env.ID, uuid.New(), "last")
					return err
				})
				require.Equal(t, i+1, read(b.store.Reader(whole)))
			}
			tx.Finally(func(db tenancy.DB) error {
				_, err := db.Exec(ctx, "SELECT 1 / (random() * 0)::int")
				return err
			})
			require.ErrorContains(t, b.store.Reader(whole).Together(ctx, func(db tenancy.DB) error {
				return db.QueryRow(ctx, "SELECT 1").Scan(new(int))
			}), "division by zero")
			return nil
		})
	})
	require.ErrorContains(t, err, "commit answered ROLLBACK", "though nobody minded")
	require.Zero(t, count(t, b.store.Reader(b.a), "resources"))
}

// Of a transaction that joined another one and failed, nothing stays, also not what should
// have gone with its end.
func TestNothingStaysOfWhatHasJoinedAndFailed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	failed := errors.New("failed")
	require.NoError(t, b.store.Together(ctx, b.a, func(whole *tenancy.Scope) error {
		require.NoError(t, b.store.InEnv(ctx, whole, func(tx *tenancy.Tx) error {
			_, err := tx.Exec(ctx, insertResource, whole.Env.ID, uuid.New(), "stays")
			return err
		}))
		require.ErrorIs(t, b.store.InEnv(ctx, whole, func(tx *tenancy.Tx) error {
			tx.Finally(func(db tenancy.DB) error {
				_, err := db.Exec(ctx, insertResource, whole.Env.ID, uuid.New(), "at the end")
				return err
			})
			tx.Finally(func(db tenancy.DB) error {
				_, err := db.Exec(ctx, "SELECT 1 / (random() * 0)::int")
				return err
			})
			tx.Emit("resource.created", nil)
			return failed
		}), failed)
		return nil
	}))
	require.Equal(t, 1, count(t, b.store.Reader(b.a), "resources"))
	require.Zero(t, count(t, b.store.Reader(b.a), "events"))
}

// A panic of a statement's function, in the middle of the answers, gives no connection back that
// others could not use.
func TestAPanicAtTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	for range 30 { // more often than the pool has connections
		require.Panics(t, func() {
			calls := 0
			_ = b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
				for range 2 {
					tx.Finally(func(db tenancy.DB) error {
						if calls++; calls == 3 {
							panic("with the first answer")
						}
						_, err := db.Exec(ctx, "SELECT 1")
						return err
					})
				}
				return nil
			})
		})
		require.Zero(t, count(t, b.store.Reader(b.a), "resources"))
	}
	requireNoneAcquired(t, b.store)
}

// Whoever goes away while the end is on its way hears of it, and everything happened or nothing.
func TestGoingAwayAtTheCommit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	holder, err := b.db.OwnerPool().Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), "SELECT FROM event_sequences FOR UPDATE")
	require.NoError(t, err)
	ctx, leave := context.WithCancel(t.Context())
	attempts, done := 0, make(chan error, 1)
	go func() {
		done <- b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
			attempts++
			tx.Emit("resource.created", nil)
			tx.Finally(func(db tenancy.DB) error {
				_, err := db.Exec(ctx, insertResource, b.a.Env.ID, uuid.New(), "never")
				return err
			})
			return nil
		})
	}()
	waiting := func(n int) func() bool {
		return func() bool {
			var found int
			err := b.db.OwnerPool().QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
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
	require.Equal(t, []int{0, 0}, []int{count(t, b.store.Reader(b.a), "resources"), count(t, b.store.Reader(b.a), "events")})
	requireNoneAcquired(t, b.store)
}

// What is refused only by the commit itself is an error, too, and nobody hears of events.
func TestTheCommitIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	told := 0
	b.store.OnEvents(func(uuid.UUID) { told++ })
	book := func(deferred bool) error {
		return b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
			if deferred {
				if _, err := tx.Exec(ctx, "SET CONSTRAINTS ALL DEFERRED"); err != nil {
					return err
				}
			}
			tx.Emit("resource.created", nil)
			tx.Finally(func(db tenancy.DB) error {
				_, err := db.Exec(ctx, `INSERT INTO allocations (env_id, appointment_id, resource_id, lane, start_at, end_at)
					VALUES ($1, $2, $2, 0, now(), now() + interval '1 hour')`, b.a.Env.ID, uuid.New())
				if err != nil {
					return fmt.Errorf("insert: %w", err)
				}
				return nil
			})
			return nil
		})
	}
	require.ErrorContains(t, book(false), "insert: ")
	err := book(true)
	require.ErrorContains(t, err, "violates foreign key constraint")
	require.NotContains(t, err.Error(), "insert: ", "it is the commit that fails")
	require.Zero(t, told)
	require.Zero(t, count(t, b.store.Reader(b.a), "events"))
	requireNoneAcquired(t, b.store)

	require.NoError(t, b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
		tx.Emit("resource.created", nil)
		return nil
	}))
	require.Equal(t, 1, told)
}
