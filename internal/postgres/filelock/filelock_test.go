package filelock

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSharedHoldersExcludeAnExclusiveOne(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, err := Shared(t.Context(), path)
	require.NoError(t, err)
	second, err := Shared(t.Context(), path)
	require.NoError(t, err)
	_, err = TryExclusive(path)
	require.ErrorIs(t, err, ErrBusy)
	require.NoError(t, first.Release())
	_, err = TryExclusive(path)
	require.ErrorIs(t, err, ErrBusy)
	require.NoError(t, second.Release())
	third, err := TryExclusive(path)
	require.NoError(t, err)
	require.NoError(t, third.Release())
}

func TestWaiterGetsTheLockAfterItsHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	holder, err := Exclusive(t.Context(), path)
	require.NoError(t, err)
	got := make(chan error, 1)
	go func() {
		lock, err := Exclusive(t.Context(), path)
		if err == nil {
			err = lock.Release()
		}
		got <- err
	}()
	require.NoError(t, holder.Release())
	require.NoError(t, <-got)
}

func TestAbandonedWaitGivesTheLockBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	holder, err := Exclusive(t.Context(), path)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Shared(ctx, path)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, holder.Release())
	lock, err := Exclusive(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, lock.Release())
}

func TestUnusablePath(t *testing.T) {
	t.Parallel()
	_, err := Exclusive(t.Context(), filepath.Join(t.TempDir(), "missing", "lock"))
	require.Error(t, err)
}
