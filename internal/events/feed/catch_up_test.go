package feed_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/events/feed"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

func TestCatchUp(t *testing.T) {
	t.Parallel()
	w := setup(t)
	env, stranger := w.environment(t), w.environment(t)
	consumer := recorder("one", nil)
	r := w.runner(consumer)
	w.emit(t, env, 12)
	w.emit(t, stranger, 1)
	scope, err := w.resolver.ScopeOf(t.Context(), env, w.now())
	require.NoError(t, err)
	failure := errors.New("no")
	for _, result := range []error{failure, nil} {
		err := w.store.InEnv(t.Context(), scope, func(tx *store.Tx) error {
			require.NoError(t, feed.CatchUp(t.Context(), tx, scope, consumer))
			return result
		})
		require.ErrorIs(t, err, result)
		if result != nil {
			require.Empty(t, w.effects(t, "one", env))
		}
	}
	require.Equal(t, upTo(1, 12), w.effects(t, "one", env))
	require.Empty(t, w.effects(t, "one", stranger))
	require.Equal(t, 1, work(t, r))

	// The runner waits for the transaction, and goes on behind it.
	w.emit(t, env, 2)
	require.NoError(t, w.store.InEnv(t.Context(), scope, func(tx *store.Tx) error {
		require.NoError(t, feed.CatchUp(t.Context(), tx, scope, consumer))
		start(t, r)
		require.NoError(t, r.Sweep(t.Context()))
		w.emit(t, env, 1)
		r.Wake(env, true)
		return nil
	}))
	w.eventually(t, "one", env, upTo(1, 15))
}
