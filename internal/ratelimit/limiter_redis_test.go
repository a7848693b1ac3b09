//go:build redis

package ratelimit

import (
	"net/netip"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/testkit/redistest"
)

func TestNodesShareBucketsInRedis(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	a, _ := newLimiter(t, On, server.URL)
	b, _ := newLimiter(t, On, server.URL)
	token := program("free", false)
	first, _ := a.Take(t.Context(), token, false, true)
	second, _ := b.Take(t.Context(), token, false, true)
	require.True(t, first.Allowed && second.Allowed)
	require.Equal(t, 39, first.Remaining)
	require.LessOrEqual(t, second.Remaining, 39)
	require.Less(t, second.Remaining, 40)
	for range 60 {
		a.Take(t.Context(), token, false, true)
	}
	third, _ := b.Take(t.Context(), token, false, true)
	require.False(t, third.Allowed, "a has used it up")
	require.Zero(t, testutil.ToFloat64(a.failures)+testutil.ToFloat64(b.failures))
}

// What an address fails with at one node counts at the other, too.
func TestNodesShareFailures(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	a, _ := newLimiter(t, On, server.URL)
	b, _ := newLimiter(t, On, server.URL)
	here, guess := netip.MustParseAddr("192.0.2.1"), []byte("guess")
	for range failureLimit + 30 { // Redis's own clock gives some back meanwhile
		_, _ = a.Failed(t.Context(), here, guess)
	}
	d, _ := b.Failed(t.Context(), here, guess)
	require.False(t, d.Allowed)
	_, ok := b.Admit(here, guess)
	require.False(t, ok)
	require.Zero(t, testutil.ToFloat64(a.failures)+testutil.ToFloat64(b.failures))
}

func TestRedisOutageFailsOpenToTheNodesOwnCount(t *testing.T) {
	t.Parallel()
	server := redistest.New(t)
	l, _ := newLimiter(t, On, server.URL)
	later := newClock() // for the pauses
	l.now = later.now
	token := program("free", false)
	d, _ := l.Take(t.Context(), token, false, true)
	require.True(t, d.Allowed)
	server.Stop()
	require.Equal(t, 40, allowed(t, l, token, false, true), "the node's own count is fresh")
	require.Equal(t, 1, int(testutil.ToFloat64(l.failures)), "Redis is left alone for a while")
	later.advance(pause + time.Millisecond)
	d, applies := l.Take(t.Context(), token, false, true)
	require.True(t, applies)
	require.False(t, d.Allowed)
	require.Equal(t, 2, int(testutil.ToFloat64(l.failures)))
	server.Start(t)
	later.advance(pause + time.Millisecond)
	d, _ = l.Take(t.Context(), token, false, true)
	require.True(t, d.Allowed, "Redis counts again")
	require.Equal(t, 2, int(testutil.ToFloat64(l.failures)))
}
