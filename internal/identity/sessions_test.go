package identity

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	owner := b.user(t, b.request(t, "demo", "", ""), "owner@demo.example", tenancy.RoleOwner)
	signedIn, err := b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), LoginInput{Email: " OWNER@demo.example ", Password: goodPassword})
	require.NoError(t, err)
	require.Equal(t, b.now.Add(30*24*time.Hour), signedIn.ExpiresAt)
	require.Equal(t, owner.ID, signedIn.User.ID)
	require.Equal(t, &b.now, signedIn.User.LastLoginAt)

	scope := b.request(t, "demo", signedIn.Token, "")
	require.Equal(t, owner.ID, scope.Principal.UserID)
	require.Equal(t, tenancy.RoleOwner, scope.Principal.Role)
	me, err := b.users.Me(t.Context(), scope)
	require.NoError(t, err)
	require.Equal(t, signedIn.User, me)

	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM audit_entries WHERE action = 'session.created' AND outcome = 'SUCCESS'
		AND actor_user_id = $1 AND actor_role = 'TENANT_OWNER' AND tenant_id = $2 AND address = '203.0.113.7'`, owner.ID, b.demo.ID))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM sessions WHERE user_agent = 'a test' AND address = '203.0.113.7'"))

	b.now = b.now.Add(SessionLifetime)
	require.False(t, b.works(t, signedIn.Token), "sessions end")
}

// Tokens and passwords leave no trace in what is kept.
func TestSecretsAreNotStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	_, err := b.users.Create(t.Context(), scope, UserInput{
		Email: "sam@demo.example", Name: "Sam", Role: tenancy.RoleStaff, Password: "a first password",
	})
	require.NoError(t, err)
	token := b.login(t, "demo", "", "owner@demo.example")
	_, err = b.sessions.Login(t.Context(), scope, LoginInput{Email: "owner@demo.example", Password: "mistyped secret"})
	requireCode(t, apperr.InvalidCredentials, err)
	_, err = b.sessions.Login(t.Context(), scope, LoginInput{Email: "secret in the wrong field", Password: "x"})
	requireCode(t, apperr.InvalidCredentials, err)

	for _, table := range []string{"sessions", "users", "user_credentials", "audit_entries", "events", "login_throttles"} {
		for _, secret := range []string{token, "a first password", "mistyped secret", "secret in the wrong field"} {
			require.Zero(t, b.count(t, "SELECT count(*) FROM "+table+" x WHERE strpos(x::text, $1) > 0", secret), table)
		}
	}
	require.Zero(t, b.count(t, "SELECT count(*) FROM events WHERE strpos(data::text, 'argon2') > 0"))
	require.Zero(t, b.count(t, "SELECT count(*) FROM audit_entries WHERE strpos(detail::text, 'argon2') > 0"))
}

// Whoever guesses learns nothing about which accounts exist.
func TestLoginFailuresAreAlike(t *testing.T) {
	t.Parallel()
	b := setup(t)
	live := b.request(t, "demo", "", "")
	b.user(t, live, "owner@demo.example", tenancy.RoleOwner)
	gone := b.user(t, live, "gone@demo.example", tenancy.RoleStaff)
	b.exec(t, "UPDATE users SET is_active = false WHERE id = $1", gone.ID)

	var first *apperr.Error
	for _, in := range []LoginInput{
		{Email: "owner@demo.example", Password: "wrong"}, {Email: "nobody@demo.example", Password: "wrong"}, {Email: "gone@demo.example", Password: "wrong"}, {Email: "gone@demo.example", Password: goodPassword},
	} {
		_, err := b.sessions.Login(t.Context(), live, in)
		known := refusal(t, apperr.InvalidCredentials, err)
		if first == nil {
			first = known
		}
		require.Equal(t, first, known)
		key := accountThrottle(b.demo, false, in.Email).key
		require.Positive(t, b.count(t, "SELECT failures FROM login_throttles WHERE key = $1", key))
	}
	require.Equal(t, 4, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'session.created' AND outcome = 'FAILURE'"))
	require.Equal(t, 3, b.count(t, "SELECT count(*) FROM audit_entries WHERE outcome = 'FAILURE' AND target_id <> ''"))
}

// An unknown account costs a hash too: with a decoy that cannot be verified, it fails.
func TestUnknownAccountIsHashed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.hasher.decoy = "broken"
	_, err := b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), LoginInput{Email: "nobody@demo.example", Password: "wrong"})
	require.ErrorIs(t, err, errMalformedHash)
}

// The same address is another account in every tenant, in each mode and on the platform.
func TestLoginByHostAndMode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tenant(t, "acme-auto", "professional")
	const email = "same@mail.example"
	places := []struct{ domain, mode string }{{"demo", ""}, {"demo", "true"}, {"acme-auto", ""}, {"acme-auto", "true"}, {"", ""}}
	passwords := make([]string, len(places))
	ids := make([]uuid.UUID, len(places))
	for i, place := range places {
		passwords[i] = "password number " + string(rune('0'+i))
		hash, err := b.hasher.Hash(t.Context(), passwords[i])
		require.NoError(t, err)
		if place.domain == "" {
			ids[i] = b.platformUser(t, email, tenancy.RoleSuperuser).ID
		} else {
			ids[i] = b.user(t, b.request(t, place.domain, "", place.mode), email, tenancy.RoleOwner).ID
		}
		b.exec(t, "UPDATE user_credentials SET password_hash = $1 WHERE user_id = $2", hash, ids[i])
	}
	for i, place := range places {
		for j, password := range passwords {
			scope := b.request(t, place.domain, "", place.mode)
			signedIn, err := b.sessions.Login(t.Context(), scope, LoginInput{Email: email, Password: password})
			if i != j {
				requireCode(t, apperr.InvalidCredentials, err)
				continue
			}
			require.NoError(t, err)
			require.Equal(t, ids[i], signedIn.User.ID)
			require.Equal(t, place.mode == "true", signedIn.User.IsSandbox)
			require.Equal(t, place.mode == "true", b.request(t, place.domain, signedIn.Token, "").SandboxMode())
		}
	}
}

func TestLoginToSuspendedTenant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user(t, b.request(t, "demo", "", ""), "owner@demo.example", tenancy.RoleOwner)
	b.exec(t, "UPDATE tenants SET status = 'SUSPENDED'")
	scope := b.request(t, "demo", "", "")
	_, err := b.sessions.Login(t.Context(), scope, LoginInput{Email: "owner@demo.example", Password: "wrong"})
	requireCode(t, apperr.InvalidCredentials, err)
	_, err = b.sessions.Login(t.Context(), scope, LoginInput{Email: "owner@demo.example", Password: goodPassword})
	requireCode(t, apperr.TenantSuspended, err)
	require.Zero(t, b.count(t, "SELECT count(*) FROM sessions"))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'session.created' AND outcome = 'DENIED'"))
}

// What changes while the password is being verified counts.
func TestLoginLosesAgainstChangeOfUser(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"deactivated": "UPDATE users SET is_active = false",
		"password":    "UPDATE user_credentials SET password_hash = password_hash || 'x'",
		"deleted":     "DELETE FROM users",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			scope := b.request(t, "demo", "", "")
			user := b.user(t, scope, "owner@demo.example", tenancy.RoleOwner)
			verified, err := queries.GetUserByID(t.Context(), b.store.Control(), user.ID)
			require.NoError(t, err)
			b.exec(t, change)
			_, err = b.sessions.open(t.Context(), scope, verified, "password", &b.hash, nil)
			requireCode(t, apperr.InvalidCredentials, err)
			require.Zero(t, b.count(t, "SELECT count(*) FROM sessions"))
		})
	}
}

func TestLogoutAndRevoke(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	_, other := b.as(t, "", "other@demo.example", tenancy.RoleOwner)
	second := b.login(t, "demo", "", "owner@demo.example")
	secondID := b.request(t, "demo", second, "").Principal.SessionID

	requireCode(t, apperr.NotFound, b.sessions.Revoke(t.Context(), other, secondID)) // somebody else's
	require.True(t, b.works(t, second))
	require.NoError(t, b.sessions.Revoke(t.Context(), scope, secondID))
	require.False(t, b.works(t, second))
	requireCode(t, apperr.NotFound, b.sessions.Revoke(t.Context(), scope, secondID)) // ended already

	third := b.login(t, "demo", "", "owner@demo.example")
	require.NoError(t, b.sessions.Logout(t.Context(), b.request(t, "demo", third, "")))
	require.False(t, b.works(t, third))
	require.Equal(t, 2, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'session.ended' AND outcome = 'SUCCESS'"))
}

func TestListSessions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	b.as(t, "", "other@demo.example", tenancy.RoleOwner)
	b.now = b.now.Add(time.Hour)
	for range 2 { // two at the same instant
		b.login(t, "demo", "", "owner@demo.example")
	}
	ended := b.login(t, "demo", "", "owner@demo.example")
	require.NoError(t, b.sessions.Logout(t.Context(), b.request(t, "demo", ended, "")))

	var seen []Session
	page := keyset.Page{Limit: 1}
	for {
		list, err := b.sessions.List(t.Context(), scope, page)
		require.NoError(t, err)
		require.Len(t, list.Data, 1)
		seen = append(seen, list.Data...)
		if list.NextCursor == nil {
			break
		}
		page.Cursor = *list.NextCursor
	}
	require.Len(t, seen, 3)
	require.NotEqual(t, seen[0].ID, seen[1].ID)
	require.Equal(t, seen[0].CreatedAt, seen[1].CreatedAt)
	require.Equal(t, scope.Principal.SessionID, seen[2].ID, "the oldest comes last")
	require.True(t, seen[2].IsCurrent)
	require.False(t, seen[0].IsCurrent)
	require.Equal(t, "203.0.113.7", seen[0].Address.String())

	_, err := b.sessions.List(t.Context(), scope, keyset.Page{Cursor: "garbage"})
	requireCode(t, apperr.InvalidCursor, err)
}

func TestSessionsNeedPrincipal(t *testing.T) {
	t.Parallel()
	sessions := NewSessions(nil, NewHasher(cheap))
	anonymous := &tenancy.Scope{}
	requireCode(t, apperr.Unauthorized, sessions.Logout(t.Context(), anonymous))
	requireCode(t, apperr.Unauthorized, sessions.Revoke(t.Context(), anonymous, uuid.New()))
	_, err := sessions.ChangePassword(t.Context(), anonymous, "a", "b")
	requireCode(t, apperr.Unauthorized, err)
	_, err = sessions.List(t.Context(), anonymous, keyset.Page{})
	requireCode(t, apperr.Unauthorized, err)
}

func (b *bundle) changePassword(t *testing.T, scope *tenancy.Scope, current, replacement string) error {
	t.Helper()
	_, err := b.sessions.ChangePassword(t.Context(), scope, current, replacement)
	return err
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := b.user(t, b.request(t, "demo", "", ""), "owner@demo.example", tenancy.RoleOwner)
	current := b.login(t, "demo", "", "owner@demo.example")
	other := b.login(t, "demo", "", "owner@demo.example")
	_, bystander := b.as(t, "", "other@demo.example", tenancy.RoleOwner)

	// In the sandbox, to see that the event is one of the world the user lives in.
	scope := b.request(t, "demo", current, "true")
	err := b.changePassword(t, scope, "wrong", "a much better one")
	requirePointer(t, apperr.ValidationFailed, "/current_password", err)
	err = b.changePassword(t, scope, goodPassword, goodPassword)
	requirePointer(t, apperr.ValidationFailed, "/new_password", err)
	require.True(t, b.works(t, other), "nothing has happened so far")

	require.NoError(t, b.changePassword(t, scope, goodPassword, "a much better one"))
	require.True(t, b.works(t, current), "the session itself goes on")
	require.False(t, b.works(t, other))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM sessions WHERE user_id = $1 AND revoked_at IS NULL", bystander.Principal.UserID))

	_, err = b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), LoginInput{Email: "owner@demo.example", Password: goodPassword})
	requireCode(t, apperr.InvalidCredentials, err)
	_, err = b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), LoginInput{Email: "owner@demo.example", Password: "a much better one"})
	require.NoError(t, err)

	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'user.password_changed' AND env_id = $1", b.demo.Live.ID))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM events WHERE type = 'user.updated' AND env_id = $1
		AND data->>'id' = $2 AND data->>'version' = '2'`, b.demo.Live.ID, user.ID.String()))
	require.Zero(t, b.count(t, "SELECT count(*) FROM events WHERE env_id = $1", b.demo.Sandbox.ID))
}

func TestChangePasswordIsThrottledLikeLogin(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, role := range []tenancy.Role{tenancy.RoleOwner, tenancy.RoleSuperuser} {
		email := string(role) + "@mail.example"
		_, scope := b.as(t, "", email, role)
		for range 5 {
			err := b.changePassword(t, scope, "wrong", "a much better one")
			requirePointer(t, apperr.ValidationFailed, "/current_password", err)
		}
		err := b.changePassword(t, scope, goodPassword, "a much better one")
		requireCode(t, apperr.TooManyAttempts, err)
		// Whoever has a session of the user's does not keep them out.
		domain := "demo"
		if role.Platform() {
			domain = ""
		}
		again := b.request(t, domain, b.login(t, domain, "", email), "")
		require.NoError(t, b.changePassword(t, again, goodPassword, "a much better one"))
	}
}

// What strangers fail with at sign-in does not keep the user from changing the password.
func TestChangePassword_WhileSignInIsBlocked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "staff@demo.example", tenancy.RoleStaff)
	for range 7 {
		_, _ = b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), LoginInput{Email: "staff@demo.example", Password: "wrong"})
	}
	require.NoError(t, b.changePassword(t, scope, goodPassword, "a much better one"))
}

// A superuser's password belongs to no business, wherever they change it.
func TestChangePasswordOfPlatformUser(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "super@platform.example", tenancy.RoleSuperuser)
	require.NoError(t, b.changePassword(t, scope, goodPassword, "a much better one"))
	require.Zero(t, b.count(t, "SELECT count(*) FROM events"))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'user.password_changed' AND tenant_id IS NULL"))
}

func TestChangePasswordLosesAgainstAnother(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user, scope := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	verified, err := queries.GetUserByID(t.Context(), b.store.Control(), user.ID)
	require.NoError(t, err)
	require.NoError(t, b.changePassword(t, scope, goodPassword, "a much better one"))
	_, err = b.sessions.replacePassword(t.Context(), homeOf(scope, verified), verified, b.hash, b.hash, throttle{key: "account:x"})
	requirePointer(t, apperr.ValidationFailed, "/current_password", err)
}

// Of those who change a password at the same time one succeeds, and nobody stays signed in with the old one.
func TestChangePassword_InParallel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const email, tries = "owner@demo.example", 6
	user := b.user(t, b.request(t, "demo", "", ""), email, tenancy.RoleOwner)
	scopes := make([]*tenancy.Scope, tries)
	for i := range scopes {
		scopes[i] = b.request(t, "demo", b.login(t, "demo", "", email), "")
	}
	anonymous := b.request(t, "demo", "", "")
	var changed atomic.Int32
	var group sync.WaitGroup
	// All have verified the old password before one of them writes: they wait for the user's row.
	lock, err := b.db.OwnerPool().Begin(t.Context())
	require.NoError(t, err)
	_, err = lock.Exec(t.Context(), "SELECT FROM users WHERE id = $1 FOR UPDATE", user.ID)
	require.NoError(t, err)
	for i, scope := range scopes {
		group.Go(func() {
			if _, err := b.sessions.ChangePassword(t.Context(), scope, goodPassword, fmt.Sprintf("a much better one %d", i)); err == nil {
				changed.Add(1)
			}
		})
		group.Go(func() {
			_, _ = b.sessions.Login(t.Context(), anonymous, LoginInput{Email: email, Password: goodPassword})
		})
	}
	assert.Eventually(t, func() bool {
		return b.count(t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 2*tries
	}, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, lock.Commit(t.Context()))
	group.Wait()
	require.EqualValues(t, 1, changed.Load())
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM sessions WHERE user_id = $1 AND revoked_at IS NULL", user.ID))
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM users WHERE id = $1 AND version = 2", user.ID))
}

func TestSweep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.user(t, b.request(t, "demo", "", ""), "owner@demo.example", tenancy.RoleOwner)
	expired, revoked := b.login(t, "demo", "", "owner@demo.example"), b.login(t, "demo", "", "owner@demo.example")
	b.now = b.now.Add(SessionLifetime - time.Hour)
	require.NoError(t, b.sessions.Logout(t.Context(), b.request(t, "demo", revoked, "")))
	alive := b.login(t, "demo", "", "owner@demo.example")
	_, err := b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), LoginInput{Email: "nobody@demo.example", Password: "x"})
	requireCode(t, apperr.InvalidCredentials, err)

	swept, err := Sweep(t.Context(), b.store, b.now)
	require.NoError(t, err)
	require.Equal(t, Swept{}, swept)

	swept, err = Sweep(t.Context(), b.store, b.now.Add(throttleWindow+time.Second))
	require.NoError(t, err)
	require.Equal(t, Swept{Throttles: 2}, swept, "of the account and of the address")

	b.now = b.now.Add(2*time.Hour + deadSessionsKept)
	swept, err = Sweep(t.Context(), b.store, b.now)
	require.NoError(t, err)
	require.Equal(t, Swept{Sessions: 2}, swept)
	require.True(t, b.works(t, alive))
	require.False(t, b.works(t, expired))
}

// The session is bound to what the resolver reads, so that a wrong hash or column shows.
func TestSessionRow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user, scope := b.as(t, "true", "owner@demo.example", tenancy.RoleOwner)
	require.True(t, user.IsSandbox)
	require.True(t, scope.Principal.SessionSandbox)
	rows, err := queries.ListSessionsOfUser(t.Context(), b.store.Control(), identitydb.ListSessionsOfUserParams{
		UserID: user.ID, Now: b.now, BeforeCreatedAt: start().CreatedAt, BeforeID: start().ID, RowLimit: 2,
	})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.True(t, rows[0].SandboxMode)
}
