package identity

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

const chosen = "chosen by themselves"

func (b *bundle) reset(t *testing.T, scope *tenancy.Scope, id uuid.UUID) string {
	t.Helper()
	reset, err := b.resets.Create(t.Context(), scope, id)
	require.NoError(t, err)
	require.Equal(t, b.now.Add(PasswordResetLifetime), reset.ExpiresAt)
	require.True(t, strings.HasPrefix(reset.Token, PasswordResetPrefix))
	return reset.Token
}

func (b *bundle) use(t *testing.T, token string) error {
	t.Helper()
	return b.resets.Use(t.Context(), b.request(t, "demo", "", ""), token, chosen)
}

func TestPasswordReset(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"", "true"} {
		b := setup(t)
		_, manager := b.as(t, mode, "manager@demo.example", tenancy.RoleManager)
		sam, _ := b.as(t, mode, "sam@demo.example", tenancy.RoleStaff)
		session := b.login(t, "demo", mode, sam.Email)
		token := b.reset(t, manager, sam.ID)
		require.True(t, b.works(t, session), "nothing has happened so far")
		b.login(t, "demo", mode, sam.Email)

		err := b.resets.Use(t.Context(), b.request(t, "demo", "", ""), token, "samsamsamsam")
		requirePointer(t, apperr.ValidationFailed, "/new_password", err)
		require.NoError(t, b.use(t, token))
		require.False(t, b.works(t, session))
		_, err = b.sessions.Login(t.Context(), b.request(t, "demo", "", mode), LoginInput{Email: sam.Email, Password: goodPassword})
		requireCode(t, apperr.InvalidCredentials, err)
		_, err = b.sessions.Login(t.Context(), b.request(t, "demo", "", mode), LoginInput{Email: sam.Email, Password: chosen})
		require.NoError(t, err)
		requireCode(t, apperr.NotFound, b.use(t, token)) // once

		for action, actor := range map[string]uuid.UUID{"user.password_reset_created": manager.Principal.UserID, "user.password_reset": sam.ID} {
			require.Equal(t, 1, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = $1 AND target_id = $2 AND actor_user_id = $3 AND env_id = $4",
				action, sam.ID.String(), actor, manager.Env.ID))
		}
		require.Equal(t, 1, b.count(t, "SELECT count(*) FROM events WHERE type = 'user.updated' AND env_id = $1", manager.Env.ID))
		require.Zero(t, b.count(t, "SELECT count(*) FROM password_resets x WHERE strpos(x::text, $1) > 0", token))
	}
}

// Whatever makes a token worth nothing, the answer is the same, and the password stays.
func TestPasswordReset_EndsWith(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(b *bundle, token string, sam User, manager *tenancy.Scope) string{
		"a typing error": func(_ *bundle, token string, _ User, _ *tenancy.Scope) string { return token + "x" },
		"time": func(b *bundle, token string, _ User, _ *tenancy.Scope) string {
			b.now = b.now.Add(PasswordResetLifetime)
			return token
		},
		"another reset": func(b *bundle, token string, sam User, manager *tenancy.Scope) string {
			b.reset(t, manager, sam.ID)
			return token
		},
		"the user's rise": func(b *bundle, token string, sam User, _ *tenancy.Scope) string {
			b.exec(t, "UPDATE users SET role = 'TENANT_MANAGER' WHERE id = $1", sam.ID)
			return token
		},
		"the giver's fall": func(b *bundle, token string, _ User, manager *tenancy.Scope) string {
			b.exec(t, "UPDATE users SET role = 'TENANT_STAFF' WHERE id = $1", manager.Principal.UserID)
			return token
		},
		"the giver's deactivation": func(b *bundle, token string, _ User, manager *tenancy.Scope) string {
			b.exec(t, "UPDATE users SET is_active = false WHERE id = $1", manager.Principal.UserID)
			return token
		},
		"the giver's deletion": func(b *bundle, token string, _ User, manager *tenancy.Scope) string {
			b.exec(t, "DELETE FROM users WHERE id = $1", manager.Principal.UserID)
			return token
		},
		"the user's deactivation": func(b *bundle, token string, sam User, _ *tenancy.Scope) string {
			b.exec(t, "UPDATE users SET is_active = false WHERE id = $1", sam.ID)
			return token
		},
		"a password that the user has chosen": func(b *bundle, token string, sam User, _ *tenancy.Scope) string {
			scope := b.request(t, "demo", b.login(t, "demo", "", sam.Email), "")
			require.NoError(t, b.changePassword(t, scope, goodPassword, "a much better one"))
			b.exec(t, "UPDATE user_credentials SET password_hash = $1 WHERE user_id = $2", b.hash, sam.ID)
			return token
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			_, manager := b.as(t, "", "manager@demo.example", tenancy.RoleManager)
			sam := b.user(t, manager, "sam@demo.example", tenancy.RoleStaff)
			token := end(b, b.reset(t, manager, sam.ID), sam, manager)
			requireCode(t, apperr.NotFound, b.use(t, token))
			require.Equal(t, 1, b.count(t, "SELECT count(*) FROM user_credentials WHERE user_id = $1 AND password_hash = $2", sam.ID, b.hash))
		})
	}
}

func TestPasswordReset_Refuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tenant(t, "acme-auto", "enterprise")
	_, owner := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	idle := b.user(t, owner, "idle@demo.example", tenancy.RoleStaff)
	b.exec(t, "UPDATE users SET is_active = false WHERE id = $1", idle.ID)
	for name, tt := range map[string]struct {
		id   uuid.UUID
		code apperr.Code
	}{
		"oneself":          {owner.Principal.UserID, apperr.ValidationFailed},
		"deactivated":      {idle.ID, apperr.ValidationFailed},
		"another business": {b.user(t, b.request(t, "acme-auto", "", ""), "sam@acme.example", tenancy.RoleStaff).ID, apperr.NotFound},
		"the other mode":   {b.user(t, b.request(t, "demo", "", "true"), "sam@demo.example", tenancy.RoleStaff).ID, apperr.NotFound},
		"the platform":     {b.platformUser(t, "sales@platform.example", tenancy.RolePlatformSales).ID, apperr.NotFound},
		"nobody":           {uuid.New(), apperr.NotFound},
	} {
		_, err := b.resets.Create(t.Context(), owner, tt.id)
		require.Error(t, err, name)
		requireCode(t, tt.code, err)
	}
	_, err := b.resets.Create(t.Context(), b.request(t, "demo", "", ""), idle.ID)
	requireCode(t, apperr.Unauthorized, err)

	sam := b.user(t, owner, "sam@demo.example", tenancy.RoleStaff)
	token := b.reset(t, owner, sam.ID)
	requireCode(t, apperr.NotFound, b.resets.Use(t.Context(), b.request(t, "acme-auto", "", ""), token, chosen))
	b.exec(t, "UPDATE tenants SET status = 'SUSPENDED' WHERE id = $1", b.demo.ID)
	requireCode(t, apperr.TenantSuspended, b.use(t, token))
	b.exec(t, "UPDATE tenants SET status = 'ACTIVE' WHERE id = $1", b.demo.ID)
	require.NoError(t, b.use(t, token))
}

// Of many at once one uses the token.
func TestPasswordReset_Once(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, owner := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	sam := b.user(t, owner, "sam@demo.example", tenancy.RoleStaff)
	token := b.reset(t, owner, sam.ID)
	scope := b.request(t, "demo", "", "")
	var used atomic.Int32
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			if b.resets.Use(t.Context(), scope, token, chosen) == nil {
				used.Add(1)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, used.Load())
	require.Equal(t, 1, b.count(t, "SELECT count(*) FROM users WHERE id = $1 AND version = 2", sam.ID))
}

func TestSweep_PasswordResets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, owner := b.as(t, "", "owner@demo.example", tenancy.RoleOwner)
	b.reset(t, owner, b.user(t, owner, "sam@demo.example", tenancy.RoleStaff).ID)
	swept, err := Sweep(t.Context(), b.store, b.now.Add(PasswordResetLifetime-time.Second))
	require.NoError(t, err)
	require.Zero(t, swept.PasswordResets)
	swept, err = Sweep(t.Context(), b.store, b.now.Add(PasswordResetLifetime))
	require.NoError(t, err)
	require.EqualValues(t, 1, swept.PasswordResets)
}
