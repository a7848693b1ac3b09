package identity

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestUsers_Update_PasswordKnownToOthers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ giver, to tenancy.Role }{
		{tenancy.RoleManager, tenancy.RoleManager}, {tenancy.RoleOwner, tenancy.RoleOwner}, {tenancy.RoleOwner, tenancy.RoleManager},
	} {
		b := setup(t)
		_, scope := b.as(t, "", "giver@demo.example", test.giver)
		raise := func(u User) error {
			_, err := b.users.Update(t.Context(), scope, u.ID, nil, UserPatch{Role: &test.to})
			return err
		}
		change := func(email, current, replacement string) {
			signedIn, err := b.sessions.Login(t.Context(), b.request(t, "demo", "", ""), LoginInput{Email: email, Password: current})
			require.NoError(t, err)
			_, err = b.sessions.ChangePassword(t.Context(), b.request(t, "demo", signedIn.Token, ""), current, replacement)
			require.NoError(t, err)
		}

		typed, err := b.users.Create(t.Context(), scope, newInput("typed@demo.example", tenancy.RoleStaff))
		require.NoError(t, err)
		err = raise(typed)
		requirePointer(t, apperr.RoleNotAllowed, "/role", err)
		require.ErrorContains(t, err, "another user may know")
		_, err = b.users.Update(t.Context(), scope, typed.ID, nil, UserPatch{Role: new(tenancy.RoleStaff), Name: new("Other")})
		require.NoError(t, err, "the role they have")
		change(typed.Email, "a first password", "quite another phrase")
		require.NoError(t, raise(typed))

		reset := b.user(t, scope, "reset@demo.example", tenancy.RoleStaff)
		require.NoError(t, b.use(t, b.reset(t, scope, reset.ID)))
		requirePointer(t, apperr.RoleNotAllowed, "/role", raise(reset))
		change(reset.Email, chosen, "quite another phrase")
		require.NoError(t, raise(reset))
		require.Equal(t, 2, b.count(t, "SELECT count(*) FROM audit_entries WHERE action = 'access.denied'"))
	}
}

func TestUsers_UpdatePlatformUser_PasswordKnownToOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, super := b.as(t, "", "super@platform.example", tenancy.RoleSuperuser)
	typed, err := b.createPlatformUser(t, NewUser{Email: "typed@platform.example", Name: "T", Role: tenancy.RolePlatformManager, PasswordHash: b.hash})
	require.NoError(t, err)
	patch := UserPatch{Role: new(tenancy.RoleSuperuser)}
	_, err = b.users.UpdatePlatformUser(t.Context(), super, typed.ID, nil, patch)
	requirePointer(t, apperr.RoleNotAllowed, "/role", err)
	own := b.platformUser(t, "own@platform.example", tenancy.RolePlatformManager)
	_, err = b.users.UpdatePlatformUser(t.Context(), super, own.ID, nil, patch)
	require.NoError(t, err)
}

// A raise that waits for a reset sees that another user may know the password now; a raise that comes first ends
// the reset.
func TestUsers_Update_RacesPasswordReset(t *testing.T) { //nolint:tparallel // its subtests change the same user
	t.Parallel()
	b := setup(t)
	_, scope := b.as(t, "", "manager@demo.example", tenancy.RoleManager)
	sam := b.user(t, scope, "sam@demo.example", tenancy.RoleStaff)
	raise := func(u User) error {
		_, err := b.users.Update(t.Context(), scope, u.ID, nil, UserPatch{Role: new(tenancy.RoleManager)})
		return err
	}
	t.Run("the reset comes first", func(t *testing.T) {
		tx, err := b.db.OwnerPool().Begin(t.Context())
		require.NoError(t, err)
		defer func() { _ = tx.Rollback(t.Context()) }()
		for _, statement := range []string{
			"UPDATE users SET version = version + 1 WHERE id = $1", "UPDATE user_credentials SET chosen_by_owner = false WHERE user_id = $1",
		} {
			_, err := tx.Exec(t.Context(), statement, sam.ID)
			require.NoError(t, err)
		}
		done := make(chan error, 1)
		go func() { done <- raise(sam) }()
		require.NoError(t, b.waitForLock(t.Context()))
		require.NoError(t, tx.Commit(t.Context()))
		requirePointer(t, apperr.RoleNotAllowed, "/role", <-done)
	})
	t.Run("both at once", func(t *testing.T) {
		for i := range 12 {
			user := b.user(t, scope, strings.Repeat("x", i+1)+"@demo.example", tenancy.RoleStaff)
			token, anybody := b.reset(t, scope, user.ID), b.request(t, "demo", "", "")
			done := make(chan error, 1)
			go func() { done <- b.resets.Use(t.Context(), anybody, token, chosen) }()
			raised, reset := raise(user), <-done
			require.NotEqual(t, raised == nil, reset == nil, "one of both: %v, %v", raised, reset)
		}
	})
}
