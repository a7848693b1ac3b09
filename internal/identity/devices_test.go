package identity

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// A marker is that of one user, with one password, for a year; any other one is none.
func TestKnownDevice(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.November, 22, 9, 30, 0, 0, time.UTC)
	user, other := uuid.New(), uuid.New()
	key, anotherKey := []byte("key"), []byte("another key")
	marker := newDevice(user, key, now)
	require.NotEqual(t, marker, newDevice(user, key, now))
	known := func(marker string, id uuid.UUID, key []byte, at time.Time) bool {
		counted, ok := knownDevice(marker, id, key, at)
		require.Equal(t, ok, counted.key != "")
		require.LessOrEqual(t, len(counted.key), 100)
		return ok
	}
	require.True(t, known(marker, user, key, now))
	require.True(t, known(marker, user, key, now.Add(DeviceLifetime-time.Second)))
	require.False(t, known(marker, user, key, now.Add(DeviceLifetime)))
	require.False(t, known(marker, other, key, now))
	require.False(t, known(marker, uuid.Nil, key, now))
	require.False(t, known(marker, user, anotherKey, now))
	raw, err := base64.RawURLEncoding.DecodeString(marker)
	require.NoError(t, err)
	for i := range raw {
		raw[i] ^= 1
		require.False(t, known(base64.RawURLEncoding.EncodeToString(raw), user, key, now), "byte %d", i)
		raw[i] ^= 1
	}
	for _, forged := range []string{"", "x", "….", marker[1:], marker + "AAAA", base64.RawURLEncoding.EncodeToString(make([]byte, len(raw)))} {
		require.False(t, known(forged, user, key, now), forged)
	}
}

// Whatever strangers do with an account, its user signs in with a browser that they have signed in
// with before; and who has such a browser, but not the password, guesses no faster than anybody.
func TestLogin_KnownDevice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const email = "manager@demo.example"
	b.user(t, b.request(t, "demo", "", ""), email, tenancy.RoleManager)
	b.user(t, b.request(t, "demo", "", ""), "thief@demo.example", tenancy.RoleStaff)
	attempt := func(email, password, device string) (SignedIn, error) {
		return b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), LoginInput{Email: email, Password: password, Device: device})
	}
	first, err := attempt(email, goodPassword, "")
	require.NoError(t, err)
	thief, err := attempt("thief@demo.example", goodPassword, "")
	require.NoError(t, err)

	// One wrong guess a minute keeps the account blocked, from the same address, too.
	for range 60 {
		_, _ = attempt(email, "wrong", "")
		_, err = attempt("nobody@demo.example", "wrong", "")
		require.Error(t, err)
		b.now = b.now.Add(time.Minute)
	}
	_, _ = attempt(email, "wrong", "")
	for name, device := range map[string]string{"none": "", "made up": "made-up", "of another account": thief.Device} {
		_, err = attempt(email, goodPassword, device)
		requireCode(t, apperr.TooManyAttempts, err)
		require.NotEmpty(t, name)
	}
	again, err := attempt(email, goodPassword, first.Device)
	require.NoError(t, err)
	require.NotEqual(t, first.Device, again.Device)
	_, err = attempt(email, goodPassword, "")
	requireCode(t, apperr.TooManyAttempts, err) // the success of the user does not give strangers new guesses

	// With the browser: five guesses, then one a minute, until the user signs in with it.
	for range accountThreshold {
		_, err = attempt(email, "wrong", again.Device)
		requireCode(t, apperr.InvalidCredentials, err)
	}
	for range 3 {
		_, err = attempt(email, goodPassword, again.Device)
		require.Equal(t, accountBlock, refusal(t, apperr.TooManyAttempts, err).RetryAfter)
		b.now = b.now.Add(accountBlock)
		_, err = attempt(email, "wrong", again.Device)
		requireCode(t, apperr.InvalidCredentials, err)
	}
	_, err = attempt(email, goodPassword, first.Device)
	require.NoError(t, err, "another browser of the user")

	// A new password makes all browsers strangers, but the one that it was chosen with.
	last, err := attempt(email, goodPassword, first.Device)
	require.NoError(t, err)
	device, err := b.sessions.ChangePassword(t.Context(), b.request(t, "demo", last.Token, ""), goodPassword, "a much better one")
	require.NoError(t, err)
	b.now = b.now.Add(2 * throttleWindow)
	for range accountThreshold {
		_, err = attempt(email, "wrong", last.Device)
		requireCode(t, apperr.InvalidCredentials, err)
	}
	_, err = attempt(email, "a much better one", last.Device)
	requireCode(t, apperr.TooManyAttempts, err)
	_, err = attempt(email, "a much better one", device)
	require.NoError(t, err)
}
