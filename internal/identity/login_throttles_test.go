package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestAccountThrottleKeys(t *testing.T) {
	t.Parallel()
	one, other := &tenancy.Tenant{ID: uuid.New()}, &tenancy.Tenant{ID: uuid.New()}
	keys := map[string]bool{}
	for _, tenant := range []*tenancy.Tenant{nil, one, other} {
		for _, sandbox := range []bool{false, true} {
			for _, email := range []string{"a@b.example", "c@b.example"} {
				key := accountThrottle(tenant, sandbox, email).key
				require.LessOrEqual(t, len(key), 100)
				require.NotContains(t, key, email)
				keys[key] = true
			}
		}
	}
	require.Len(t, keys, 12)
}

func TestAddressThrottleKeys(t *testing.T) {
	t.Parallel()
	key := func(address string) string { return addressThrottle(netip.MustParseAddr(address)).key }
	require.Equal(t, "address:203.0.113.7", key("203.0.113.7"))
	require.NotEqual(t, key("203.0.113.7"), key("203.0.113.8"))
	require.Equal(t, key("2001:db8:1:2::3"), key("2001:db8:1:2:ffff::4%eth0"), "one customer has the whole /64")
	require.NotEqual(t, key("2001:db8:1:2::3"), key("2001:db8:1:3::3"))
}

func TestLoginThrottleOfAccount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user(t, b.request(t, "demo", "", ""), "owner@demo.example", tenancy.RoleOwner)
	attempt := func(password string) error {
		_, err := b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), LoginInput{Email: " Owner@Demo.example", Password: password})
		return err
	}
	for range 5 {
		requireCode(t, apperr.InvalidCredentials, attempt("wrong"))
		b.address = b.address.Next() // the account counts, wherever the guesses come from
	}
	blocked := refusal(t, apperr.TooManyAttempts, attempt(goodPassword))
	require.Equal(t, time.Minute, blocked.RetryAfter)

	b.now = b.now.Add(59 * time.Second)
	require.Equal(t, time.Second, refusal(t, apperr.TooManyAttempts, attempt(goodPassword)).RetryAfter)

	b.now = b.now.Add(time.Second)
	requireCode(t, apperr.InvalidCredentials, attempt("wrong"))
	requireCode(t, apperr.TooManyAttempts, attempt(goodPassword)) // each further failure blocks anew

	b.now = b.now.Add(time.Minute)
	require.NoError(t, attempt(goodPassword))
	for range 4 { // the success has cleared the count
		requireCode(t, apperr.InvalidCredentials, attempt("wrong"))
	}
	require.NoError(t, attempt(goodPassword))
}

func TestLoginThrottleForgets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	attempt := func() error {
		_, err := b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), LoginInput{Email: "nobody@demo.example", Password: "wrong"})
		return err
	}
	for range 4 {
		requireCode(t, apperr.InvalidCredentials, attempt())
	}
	b.now = b.now.Add(throttleWindow + time.Microsecond)
	for range 5 {
		requireCode(t, apperr.InvalidCredentials, attempt())
	}
	requireCode(t, apperr.TooManyAttempts, attempt())
}

func TestLoginThrottleOfAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user(t, b.request(t, "demo", "", ""), "owner@demo.example", tenancy.RoleOwner)
	for i := range 50 {
		_, err := b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), LoginInput{Email: fmt.Sprintf("u%d@demo.example", i), Password: "wrong"})
		requireCode(t, apperr.InvalidCredentials, err)
	}
	in := LoginInput{Email: "owner@demo.example", Password: goodPassword}
	_, err := b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), in)
	require.Equal(t, 5*time.Minute, refusal(t, apperr.TooManyAttempts, err).RetryAfter)
	_, err = b.sessions.Login(t.Context(), b.request(t, "", "", ""), in)
	requireCode(t, apperr.TooManyAttempts, err) // at whichever host

	b.address = b.address.Next()
	_, err = b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), in)
	require.NoError(t, err)
}

// A burst gets no more guesses than the threshold and those that are being hashed.
func TestLoginThrottleHoldsAgainstBursts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	scope := b.request(t, "demo", "", "")
	var guesses atomic.Int32
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			_, err := b.sessions.Login(t.Context(), scope, LoginInput{Email: "nobody@demo.example", Password: "wrong"})
			if errors.Is(err, apperr.New(apperr.InvalidCredentials, "")) {
				guesses.Add(1)
			}
		})
	}
	group.Wait()
	require.GreaterOrEqual(t, int(guesses.Load()), 5)
	require.LessOrEqual(t, int(guesses.Load()), 5+runtime.GOMAXPROCS(0)-1)
}

func TestFailuresOfThoseWhoHangUpCount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	throttles := []throttle{{key: "account:x", threshold: 1, block: time.Minute}, {key: "address:x", threshold: 2, block: time.Minute}}
	require.NoError(t, countFailure(ctx, b.store.Control(), throttles, b.now))
	require.Equal(t, 2, b.count(t, "SELECT count(*) FROM login_throttles WHERE failures = 1"))
	requireCode(t, apperr.TooManyAttempts, checkThrottles(t.Context(), b.store.Control(), throttles[:1], b.now))
	require.NoError(t, checkThrottles(t.Context(), b.store.Control(), throttles[1:], b.now))
	requireCode(t, apperr.InvalidCredentials, b.sessions.refuseLogin(ctx, b.request(t, "demo", "", ""), identitydb.User{}, false))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM audit_entries WHERE outcome = 'FAILURE'"))
}
