package identity

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ChangePassword gives the signed-in user a new password and ends all of their other
// sessions. It returns the marker of the browser, since those before are worth nothing now. Errors: ValidationFailed for /current_password if it is wrong, which
// counts against the session, and for /new_password if it is the current one or easily guessed;
// TooManyAttempts.
func (s *Sessions) ChangePassword(ctx context.Context, scope *tenancy.Scope, current, replacement string) (device string, err error) {
	principal, err := principalOf(scope)
	if err != nil {
		return "", err
	}
	user, err := queries.GetUserByID(ctx, s.store.Control(), principal.UserID)
	if err != nil {
		return "", fmt.Errorf("get user: %w", err)
	}
	home := homeOf(scope, user)
	// Not the account's: what strangers fail with must not keep the user from changing the password.
	guesses := sessionThrottle(principal.SessionID)
	credentials, err := s.credentialsOf(ctx, user.ID)
	if err != nil {
		return "", err
	}
	verified, err := s.guess(ctx, scope, []throttle{guesses}, user.ID, credentials.Parameters, current, user.IsActive)
	if err != nil {
		return "", err
	}
	if verified == nil {
		return "", wrongCurrentPassword()
	}
	if replacement == current {
		return "", apperr.NewInvalid("/new_password", "The new password is the current one.")
	}
	hash, err := s.hasher.HashNew(ctx, "/new_password", replacement, user.Email, user.Name)
	if err != nil {
		return "", err
	}
	return s.replacePassword(ctx, home, user, *verified, hash, guesses)
}

func wrongCurrentPassword() error {
	return apperr.NewInvalid("/current_password", "This is not your current password.")
}

// replacePassword replaces the verified hash, and returns the new marker of the browser.
func (s *Sessions) replacePassword(
	ctx context.Context, scope *tenancy.Scope, user identitydb.User, verified, hash string, guesses throttle,
) (device string, err error) {
	err = inHome(ctx, s.store, scope, func(tx identitydb.DBTX, emit func(string, any)) error {
		changed, err := queries.NotePasswordChange(ctx, tx, identitydb.NotePasswordChangeParams{ID: user.ID, Now: scope.RealNow()})
		if errors.Is(err, pgx.ErrNoRows) {
			return wrongCurrentPassword() // they were active until just now
		}
		if err != nil {
			return fmt.Errorf("note password change: %w", err)
		}
		replaced, err := queries.ReplacePassword(ctx, tx, identitydb.ReplacePasswordParams{UserID: user.ID, VerifiedHash: verified, Hash: hash})
		if err != nil {
			return fmt.Errorf("replace password: %w", err)
		}
		if !replaced {
			return wrongCurrentPassword() // it was, until another request changed it
		}
		if device, err = makeDevice(ctx, tx, user.ID, scope.RealNow()); err != nil {
			return err
		}
		err = queries.RevokeSessionsOfUser(ctx, tx, identitydb.RevokeSessionsOfUserParams{
			UserID: user.ID, ExceptID: &scope.Principal.SessionID, Now: scope.RealNow(),
		})
		if err != nil {
			return fmt.Errorf("end other sessions: %w", err)
		}
		if err := queries.DeletePasswordResetOfUser(ctx, tx, user.ID); err != nil {
			return fmt.Errorf("delete password reset: %w", err)
		}
		if err := queries.ForgetLoginFailures(ctx, tx, guesses.key); err != nil {
			return fmt.Errorf("forget login failures: %w", err)
		}
		if worksForTenant(tenancy.Role(user.Role)) {
			emit("user.updated", newUser(changed))
		}
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "user.password_changed", Outcome: audit.Success, TargetType: "user", TargetID: user.ID.String(),
		})
	})
	return device, err
}

// homeOf returns the scope in the world that the signed-in user belongs to, which is
// not that of the request if a live user works in the sandbox, or one of the platform
// in a business.
func homeOf(scope *tenancy.Scope, user identitydb.User) *tenancy.Scope {
	switch {
	case user.TenantID == nil:
		home := *scope
		home.Tenant, home.Env = nil, tenancy.Environment{}
		return &home
	case user.IsSandbox:
		return scope // they never leave it
	}
	return scope.InLive()
}

// inHome runs fn in a transaction in the scope's environment, or, for users of the
// platform, who have none, on the control plane, where there are no events.
func inHome(ctx context.Context, db *store.Store, scope *tenancy.Scope, fn func(tx identitydb.DBTX, emit func(string, any)) error) error {
	if scope.Tenant == nil {
		return db.InControl(ctx, scope, func(tx pgx.Tx) error { return fn(tx, func(string, any) {}) })
	}
	return db.InEnv(ctx, scope, func(tx *store.Tx) error { return fn(tx, tx.Emit) })
}
