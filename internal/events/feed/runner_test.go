package feed_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/events/feed"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestRunner_Work(t *testing.T) {
	t.Parallel()
	w := setup(t)
	one, other := w.environment(t), w.environment(t)
	var sizes []int
	r := w.runner(recorder("first", func(batch []events.Stored) error {
		sizes = append(sizes, len(batch))
		for i, e := range batch {
			require.Equal(t, batch[0].Sequence+int64(i), e.Sequence)
			require.Equal(t, "test.done", e.Type)
			require.JSONEq(t, `{"a": "b"}`, string(e.Data))
			require.EqualValues(t, 1, e.Version)
			require.WithinDuration(t, w.now(), e.OccurredAt, time.Minute)
			require.NotEqual(t, uuid.Nil, e.ID)
		}
		return nil
	}), recorder("second", nil))
	w.emit(t, one, 12)
	require.Equal(t, 24, work(t, r))
	require.Equal(t, []int{5, 5, 2}, sizes)
	w.emit(t, other, 1)
	w.emit(t, one, 1)
	require.Equal(t, 4, work(t, r))
	for _, consumer := range []string{"first", "second"} {
		require.Equal(t, upTo(1, 13), w.effects(t, consumer, one))
		require.Equal(t, upTo(1, 1), w.effects(t, consumer, other))
		require.EqualValues(t, 13, w.position(t, consumer, one))
	}
	require.Zero(t, work(t, r))
}

// Two servers that are told of every event have the effect of each once, and in order, also while events are written.
func TestRunner_Run_TwoServers(t *testing.T) {
	t.Parallel()
	const environments, writers, each = 3, 4, 40
	w := setup(t)
	r := [2]*feed.Runner{w.runner(recorder("one", nil)), w.runner(recorder("one", nil))}
	db := store.New(w.db.AppPool(), w.db.PlatformPool())
	db.OnEvents(func(envID uuid.UUID) {
		r[0].Wake(envID, true)
		r[1].Wake(envID, true)
	})
	var list []uuid.UUID
	for range environments {
		list = append(list, w.environment(t))
	}
	start(t, r[0])
	start(t, r[1])
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for i := range each * environments {
				scope, err := w.resolver.ScopeOf(t.Context(), list[i%environments], w.now())
				if err == nil {
					err = db.InEnv(t.Context(), scope, func(tx *store.Tx) error { tx.Emit("test.done", i); return nil })
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for _, env := range list {
		w.eventually(t, "one", env, upTo(1, writers*each))
	}
}

// Whatever goes wrong between effect and position, the next attempt finds neither.
func TestRunner_Crash(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]func(w *world, cancel context.CancelFunc, tx *store.Tx) error{
		"panic": func(*world, context.CancelFunc, *store.Tx) error { panic("crash") },
		"error": func(*world, context.CancelFunc, *store.Tx) error { return errors.New("crash") },
		"canceled before the commit": func(_ *world, cancel context.CancelFunc, _ *store.Tx) error {
			cancel()
			return nil
		},
		"lost connection": func(_ *world, _ context.CancelFunc, tx *store.Tx) error {
			_, _ = tx.Exec(context.Background(), "SELECT pg_terminate_backend(pg_backend_pid())")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			env := w.environment(t)
			w.emit(t, env, 1)
			ctx, cancel := context.WithCancel(t.Context())
			crashes := 1
			consumer := feed.Consumer{
				Name: "one", Start: feed.FromFirst,
				Handle: func(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, batch []events.Stored) error {
					if err := record(ctx, tx, "one", scope, batch); err != nil {
						return err
					}
					if crashes--; crashes >= 0 {
						return crash(w, cancel, tx)
					}
					return nil
				},
			}
			_, err := w.runner(consumer).Work(ctx)
			require.Error(t, err)
			require.Empty(t, w.effects(t, "one", env))
			require.LessOrEqual(t, w.position(t, "one", env), int64(0))
			w.advance(time.Minute)
			require.Equal(t, 1, work(t, w.runner(consumer)))
			require.Equal(t, upTo(1, 1), w.effects(t, "one", env))
		})
	}
}

// A wake-up that got lost, with its server for instance, only costs time.
func TestRunner_Sweep(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r := w.runner(recorder("one", nil))
	env := w.environment(t)
	w.emit(t, env, 7)
	start(t, r)
	require.NoError(t, r.Sweep(t.Context()))
	w.eventually(t, "one", env, upTo(1, 7))
}

// An environment whose events take long, and one whose events fail, keep no other one waiting.
func TestRunner_Run_Independent(t *testing.T) {
	t.Parallel()
	w := setup(t)
	slow, failing, fine := w.environment(t), w.environment(t), w.environment(t)
	release, began := make(chan struct{}), make(chan struct{}, 1)
	consumer := recorder("one", nil)
	inner := consumer.Handle
	consumer.Workers = 2
	consumer.Handle = func(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, batch []events.Stored) error {
		switch scope.Env.ID {
		case slow:
			began <- struct{}{}
			<-release
		case failing:
			return errors.New("no")
		}
		return inner(ctx, tx, scope, batch)
	}
	r := w.runner(consumer)
	start(t, r)
	w.emit(t, slow, 1)
	w.emit(t, failing, 1)
	r.Wake(slow, true)
	<-began
	r.Wake(failing, true)
	w.emit(t, fine, 12)
	r.Wake(fine, true)
	w.eventually(t, "one", fine, upTo(1, 12))
	close(release)
	w.eventually(t, "one", slow, upTo(1, 1))
	require.Empty(t, w.effects(t, "one", failing))
}

// What is announced by another server is handled if that server does not do so.
func TestRunner_Wake_FromAnotherServer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r := w.runner(recorder("one", nil))
	start(t, r)
	env := w.environment(t)
	w.emit(t, env, 1)
	r.Wake(env, false)
	w.eventually(t, "one", env, upTo(1, 1))
}

func TestConsumer_Start(t *testing.T) {
	t.Parallel()
	w := setup(t)
	old := w.environment(t)
	w.emit(t, old, 3)
	fromNow := recorder("now", nil)
	fromNow.Start = feed.FromNow
	r := w.runner(fromNow, recorder("first", nil))
	require.Equal(t, 3, work(t, r))
	young := w.environment(t) // nobody registers it
	w.emit(t, young, 2)
	w.emit(t, old, 1)
	work(t, w.runner(fromNow, recorder("first", nil))) // a server that is started again
	require.Equal(t, upTo(4, 4), w.effects(t, "now", old))
	require.Equal(t, upTo(1, 4), w.effects(t, "first", old))
	for _, consumer := range []string{"now", "first"} {
		require.Equal(t, upTo(1, 2), w.effects(t, consumer, young))
	}
}

// Expired events are passed over.
func TestRunner_Work_Expired(t *testing.T) {
	t.Parallel()
	w := setup(t)
	r := w.runner(recorder("one", nil))
	env := w.environment(t)
	w.emit(t, env, 4)
	for _, gone := range []int64{2, 4} {
		_, err := w.db.OwnerPool().Exec(t.Context(), "DELETE FROM events WHERE sequence <= $1", gone)
		require.NoError(t, err)
		if gone == 2 {
			work(t, r)
			w.emit(t, env, 0)
		}
	}
	w.emit(t, env, 1)
	_, err := w.db.OwnerPool().Exec(t.Context(), "DELETE FROM events")
	require.NoError(t, err)
	require.Zero(t, work(t, r))
	require.Equal(t, upTo(3, 4), w.effects(t, "one", env))
	require.EqualValues(t, 5, w.position(t, "one", env))
}

// In an environment in which a consumer has nothing to do, Handle is not called, and its position follows with the
// sweep.
func TestConsumer_Narrow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	busy, idle := w.environment(t), w.environment(t)
	var narrowed atomic.Int64
	consumer := recorder("one", nil)
	consumer.Narrow = func(_ context.Context, _ store.DB, envIDs []uuid.UUID) (list []uuid.UUID, err error) {
		narrowed.Add(1)
		for _, envID := range envIDs {
			if envID == busy {
				list = append(list, envID)
			}
		}
		return list, nil
	}
	r := w.runner(consumer)
	w.emit(t, busy, 3)
	w.emit(t, idle, 3)
	start(t, r)
	r.Wake(busy, true)
	r.Wake(idle, true)
	w.eventually(t, "one", busy, upTo(1, 3))
	require.EqualValues(t, -1, w.position(t, "one", idle))
	require.Positive(t, narrowed.Load())
	for _, want := range []int64{3, 5} { // at first it has no position
		require.NoError(t, r.Sweep(t.Context()))
		require.Equal(t, want, w.position(t, "one", idle))
		w.emit(t, idle, 2)
	}
	require.Empty(t, w.effects(t, "one", idle))
}
