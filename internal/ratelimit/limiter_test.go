package ratelimit

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

type clock struct{ nanoseconds atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanoseconds.Store(time.Date(2026, time.November, 22, 9, 30, 0, 0, time.UTC).UnixNano())
	return c
}
func (c *clock) now() time.Time          { return time.Unix(0, c.nanoseconds.Load()) }
func (c *clock) advance(d time.Duration) { c.nanoseconds.Add(int64(d)) }

func newLimiter(t *testing.T, mode, redisURL string) (*Limiter, *clock) {
	t.Helper()
	c := newClock()
	l, err := New(Options{Mode: mode, RedisURL: redisURL, Log: slog.New(slog.DiscardHandler), Now: c.now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l, c
}

func program(plan string, sandbox bool) *tenancy.Scope {
	return &tenancy.Scope{
		Principal:    &tenancy.Principal{Token: &tenancy.Token{ID: uuid.New(), IsSandbox: sandbox}},
		Env:          tenancy.Environment{IsSandbox: sandbox},
		Entitlements: &entitle.Set{Grants: entitle.Grants{Plan: &entitle.PlanVersion{Code: plan}}},
	}
}

func person() *tenancy.Scope {
	return &tenancy.Scope{Principal: &tenancy.Principal{UserID: uuid.New(), Role: tenancy.RoleOwner}}
}

func nobody(address string) *tenancy.Scope {
	return &tenancy.Scope{Address: netip.MustParseAddr(address)}
}

// allowed takes until it is refused, and says how many were allowed.
func allowed(t *testing.T, l *Limiter, scope *tenancy.Scope, public, writes bool) int {
	t.Helper()
	for n := range 100_000 {
		d, applies := l.Take(t.Context(), scope, public, writes)
		require.True(t, applies)
		if !d.Allowed {
			require.Zero(t, d.Remaining)
			require.Positive(t, d.RetryAfter)
			return n
		}
		require.Equal(t, d.Policy.Quota-n-1, d.Remaining)
	}
	require.Fail(t, "never refused")
	return 0
}

// Everybody gets exactly what the table says, at once, and then what time gives back.
func TestQuotas(t *testing.T) {
	t.Parallel()
	l, clock := newLimiter(t, On, "")
	for _, tt := range []struct {
		name           string
		scope          *tenancy.Scope
		public, writes bool
		want           int
	}{
		{"token-reads", program("free", false), false, false, 100},
		{"token-writes", program("free", false), false, true, 40},
		{"token-reads", program("business", false), false, false, 500},
		{"token-writes", program("enterprise", false), false, true, 800},
		{"token-reads", program("a plan of its own", false), false, false, 200},
		{"token-reads-sandbox", program("free", true), false, false, 50},
		{"token-writes-sandbox", program("free", true), false, true, 20},
		{"user-reads", person(), false, false, 500},
		{"user-writes", person(), false, true, 200},
		{"address-reads", nobody("192.0.2.1"), true, false, 200},
		{"address-writes", nobody("192.0.2.1"), true, true, 60},
	} {
		require.Equal(t, tt.want, allowed(t, l, tt.scope, tt.public, tt.writes), tt.name)
		d, _ := l.Take(t.Context(), tt.scope, tt.public, tt.writes)
		require.Equal(t, Policy{Name: tt.name, Quota: tt.want}, d.Policy)
		// One more after the time that one takes, and everything after the window.
		one := Window / time.Duration(tt.want)
		require.InDelta(t, one, d.RetryAfter, float64(time.Microsecond))
		clock.advance(one + time.Microsecond)
		require.Equal(t, 1, allowed1(t, l, tt.scope, tt.public, tt.writes), tt.name)
		clock.advance(Window + time.Second)
		require.Equal(t, tt.want, allowed(t, l, tt.scope, tt.public, tt.writes), "%s: nobody is locked out", tt.name)
	}
}

func allowed1(t *testing.T, l *Limiter, scope *tenancy.Scope, public, writes bool) (n int) {
	t.Helper()
	for range 2 {
		if d, _ := l.Take(t.Context(), scope, public, writes); d.Allowed {
			n++
		}
	}
	return n
}

// One client's use is not another's; reads are not writes, and the sandbox is not the live world.
func TestBucketsAreApart(t *testing.T) {
	t.Parallel()
	l, _ := newLimiter(t, On, "")
	token := program("free", false)
	require.Equal(t, 100, allowed(t, l, token, false, false))
	require.Equal(t, 40, allowed(t, l, token, false, true))
	require.Equal(t, 100, allowed(t, l, program("free", false), false, false), "another token")
	user := person()
	require.Equal(t, 500, allowed(t, l, user, false, false))
	inSandbox := *user
	inSandbox.Env.IsSandbox = true
	require.Equal(t, 250, allowed(t, l, &inSandbox, false, false))
	// Where nobody needs to be signed in, being so makes no difference.
	here := nobody("192.0.2.1")
	require.Equal(t, 200, allowed(t, l, here, true, false))
	signedIn := *person()
	signedIn.Address = here.Address
	d, _ := l.Take(t.Context(), &signedIn, true, false)
	require.False(t, d.Allowed)

	require.Equal(t, 200, allowed(t, l, nobody("2001:db8:1:2::1"), true, false))
	d, _ = l.Take(t.Context(), nobody("2001:db8:1:2:ffff::9"), true, false)
	require.False(t, d.Allowed, "the same network")
	require.Equal(t, 200, allowed(t, l, nobody("2001:db8:1:3::1"), true, false))
	d, _ = l.Take(t.Context(), nobody("::ffff:192.0.2.1"), true, false)
	require.False(t, d.Allowed, "the same address in another spelling")
}

func TestModes(t *testing.T) {
	t.Parallel()
	off, _ := newLimiter(t, Off, "")
	tokens, _ := newLimiter(t, TokensOnly, "")
	for _, scope := range []*tenancy.Scope{program("free", false), person(), nobody("192.0.2.1")} {
		_, applies := off.Take(t.Context(), scope, false, true)
		require.False(t, applies)
		_, applies = tokens.Take(t.Context(), scope, false, true)
		require.Equal(t, scope.Principal != nil && scope.Principal.Token != nil, applies)
	}
	_, err := New(Options{Mode: On, RedisURL: "http://cache", Now: time.Now})
	require.Error(t, err)
}

// A burst in parallel gets no more than the quota.
func TestParallelRequestsShareTheQuota(t *testing.T) {
	t.Parallel()
	l, _ := newLimiter(t, On, "")
	require.EqualValues(t, 40, parallel(t, program("free", false), l))
}

// parallel sends 128 writes at once, spread over the limiters, and counts the allowed ones.
func parallel(t *testing.T, scope *tenancy.Scope, limiters ...*Limiter) int64 {
	t.Helper()
	var n atomic.Int64
	var group sync.WaitGroup
	for i := range 128 {
		l := limiters[i%len(limiters)]
		group.Go(func() {
			if d, _ := l.Take(t.Context(), scope, false, true); d.Allowed {
				n.Add(1)
			}
		})
	}
	group.Wait()
	return n.Load()
}

// An address may send so many tokens that open nothing; then only those are looked up that
// have worked before.
func TestTokensThatOpenNothing(t *testing.T) {
	t.Parallel()
	l, clock := newLimiter(t, On, "")
	here, elsewhere := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	mine, guess := []byte("mine"), []byte("guess")
	l.Worked(mine)
	admitted := func(address netip.Addr, token []byte) bool {
		_, ok := l.Admit(address, token)
		return ok
	}
	for n := range failureLimit {
		require.True(t, admitted(here, guess))
		d, applies := l.Failed(t.Context(), here, guess)
		require.True(t, applies && d.Allowed)
		require.Equal(t, failureLimit-n-1, d.Remaining)
	}
	d, _ := l.Failed(t.Context(), here, guess)
	require.False(t, d.Allowed)
	require.Equal(t, Policy{Name: "address-failures", Quota: failureLimit}, d.Policy)

	d, ok := l.Admit(here, guess)
	require.False(t, ok)
	require.InDelta(t, Window/failureLimit, d.RetryAfter, float64(time.Microsecond))
	require.True(t, admitted(here, mine))
	require.True(t, admitted(elsewhere, guess))
	_, _ = l.Failed(t.Context(), here, mine) // it was revoked
	require.False(t, admitted(here, mine))

	clock.advance(Window/failureLimit + time.Microsecond)
	require.True(t, admitted(here, guess), "one more, in the time that one takes")
	d, _ = l.Failed(t.Context(), here, guess)
	require.True(t, d.Allowed)
	d, _ = l.Failed(t.Context(), here, guess)
	require.False(t, d.Allowed)

	for _, mode := range []string{TokensOnly, Off} {
		l, _ := newLimiter(t, mode, "")
		for range failureLimit + 1 {
			_, applies := l.Failed(t.Context(), here, guess)
			require.False(t, applies)
		}
	}
}

// Hosts where nobody lives are counted like tokens, apart from them, and by network.
func TestHosts(t *testing.T) {
	t.Parallel()
	l, clock := newLimiter(t, On, "")
	here, neighbour, elsewhere := netip.MustParseAddr("2001:db8:1:2::1"), netip.MustParseAddr("2001:db8:1:2:ffff::9"), netip.MustParseAddr("2001:db8:1:3::1")
	l.HostWorked("salon")
	admitted := func(address netip.Addr, host string) bool {
		_, ok := l.AdmitHost(address, host)
		return ok
	}
	for i := range failureLimit {
		host := fmt.Sprint("nobody", i)
		require.True(t, admitted(here, host))
		d, applies := l.HostFailed(t.Context(), here, host)
		require.True(t, applies && d.Allowed)
	}
	d, _ := l.HostFailed(t.Context(), here, "nobody")
	require.False(t, d.Allowed)
	require.Equal(t, "address-hosts", d.Policy.Name)
	require.False(t, admitted(here, "nobody"))
	require.False(t, admitted(neighbour, "another"))
	require.True(t, admitted(neighbour, "salon"))
	require.True(t, admitted(elsewhere, "nobody"))
	_, ok := l.Admit(here, []byte("a token"))
	require.True(t, ok, "tokens are something else")
	clock.advance(Window/failureLimit + time.Microsecond)
	require.True(t, admitted(here, "another"), "one more, in the time that one takes")
}

func TestPointless(t *testing.T) {
	t.Parallel()
	l, clock := newLimiter(t, On, "")
	here, elsewhere := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range failureLimit {
		d, applies := l.Pointless(t.Context(), here)
		require.True(t, applies && d.Allowed)
	}
	d, _ := l.Pointless(t.Context(), here)
	require.False(t, d.Allowed)
	require.Equal(t, Policy{Name: "address-refusals", Quota: failureLimit}, d.Policy)
	d, _ = l.Pointless(t.Context(), elsewhere)
	require.True(t, d.Allowed)
	require.Equal(t, 200, allowed(t, l, nobody("192.0.2.1"), true, false), "what needs no sign-in is something else")
	clock.advance(Window)
	d, _ = l.Pointless(t.Context(), here)
	require.True(t, d.Allowed)
	only, _ := newLimiter(t, TokensOnly, "")
	_, applies := only.Pointless(t.Context(), here)
	require.False(t, applies)
}

// What a client may not do is counted apart, and for each client.
func TestDenials(t *testing.T) {
	t.Parallel()
	l, clock := newLimiter(t, On, "")
	token, user := program("free", false), person()
	for _, scope := range []*tenancy.Scope{token, user} {
		for range denialLimit {
			d, applies := l.Denied(t.Context(), scope)
			require.True(t, applies && d.Allowed)
		}
		d, _ := l.Denied(t.Context(), scope)
		require.False(t, d.Allowed)
		require.Equal(t, Policy{Name: "denials", Quota: denialLimit}, d.Policy)
	}
	require.Equal(t, 100, allowed(t, l, token, false, false))
	clock.advance(Window + time.Second)
	d, _ := l.Denied(t.Context(), token)
	require.True(t, d.Allowed)
	_, applies := l.Denied(t.Context(), nobody("192.0.2.1"))
	require.False(t, applies)
	only, _ := newLimiter(t, TokensOnly, "")
	_, applies = only.Denied(t.Context(), user)
	require.False(t, applies)
	_, applies = only.Denied(t.Context(), token)
	require.True(t, applies)
}

// Two nodes with the same Redis share each bucket.
// While Redis does not answer, each node counts by itself; nobody is stopped, and nobody
// is without a limit. When it is back, they share again.
// The guide shows the numbers of the code.
func TestTheGuideShowsTheTable(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/api/rate-limits.md")
	require.NoError(t, err)
	row := func(who string, n numbers) {
		require.Contains(t, string(guide), fmt.Sprintf("| %s | %d | %d |\n", who, n.reads, n.writes))
	}
	for plan, n := range tokenLimits {
		row("API token, plan `"+plan+"`", n)
	}
	row("API token, other plans", otherPlan)
	row("signed-in user", userLimits)
	row("client address, on operations without sign-in", addressLimits)
	require.Contains(t, string(guide), fmt.Sprintf("An address may send %d requests in ten seconds with an invalid token", failureLimit))
	require.Contains(t, string(guide), fmt.Sprintf("a client has %d in ten seconds", denialLimit))
	require.Equal(t, len(tokenLimits)+1, strings.Count(string(guide), "\n| API token"), "plans that are gone")
}
