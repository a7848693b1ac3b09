package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// PasswordResetLifetime is how long the token of a password reset can be used.
const PasswordResetLifetime = 24 * time.Hour

// PasswordReset lets a user choose a new password. Token is known to nobody else and stored nowhere.
type PasswordReset struct {
	Token     string
	ExpiresAt time.Time
}

// PasswordResets is the service with which those who have lost their password get another one, at
// the instance of somebody above them, who never learns it.
type PasswordResets struct {
	store    *store.Store
	resolver *tenancy.Resolver
	hasher   *Hasher
}

// NewPasswordResets keeps resets in the store and hashes the new passwords with the hasher.
func NewPasswordResets(store *store.Store, resolver *tenancy.Resolver, hasher *Hasher) *PasswordResets {
	return &PasswordResets{store: store, resolver: resolver, hasher: hasher}
}

// Create makes a reset for a user below the signed-in one; an earlier one of the user is dead. The
// password and the sessions stay until it is used. Errors: NotFound, RoleNotAllowed,
// ValidationFailed for oneself and for a user who may not sign in.
func (s *PasswordResets) Create(ctx context.Context, scope *tenancy.Scope, userID uuid.UUID) (PasswordReset, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return PasswordReset{}, err
	}
	if userID == principal.UserID {
		return PasswordReset{}, apperr.New(apperr.ValidationFailed,
			"Change your own password with POST /api/auth/password/, which asks for the current one.")
	}
	reset := PasswordReset{Token: newPasswordResetToken(), ExpiresAt: scope.RealNow().Add(PasswordResetLifetime)}
	err = s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		user, _, err := lock(ctx, tx, scope, userID, nil, false)
		if err != nil {
			return err
		}
		if !user.IsActive {
			return apperr.New(apperr.ValidationFailed, "This user is deactivated.")
		}
		err = queries.PutPasswordReset(ctx, tx, identitydb.PutPasswordResetParams{
			UserID: userID, TokenHash: hashToken(reset.Token), IssuedBy: principal.UserID, Now: scope.RealNow(), ExpiresAt: reset.ExpiresAt,
		})
		if err != nil {
			return fmt.Errorf("put password reset: %w", err)
		}
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "user.password_reset_created", Outcome: audit.Success, TargetType: "user", TargetID: userID.String(),
			Detail: map[string]any{"expires_at": reset.ExpiresAt},
		})
	})
	if err != nil {
		return PasswordReset{}, recordDenied(ctx, s.store, scope, userID.String(), err)
	}
	return reset, nil
}

// deadReset is the one answer to every token that opens nothing: unknown, used, expired,
// replaced, of another business than the host's, or given by somebody who is not above the user any more.
func deadReset() error {
	return apperr.New(apperr.NotFound, "This password reset does not exist, has ended, or was used already.")
}

// Use gives the user of a token a new password and ends all of their sessions. It works once, and signs
// nobody in. Errors: NotFound; ValidationFailed for an easily guessed password; TenantSuspended.
func (s *PasswordResets) Use(ctx context.Context, scope *tenancy.Scope, token, password string) error {
	user, home, err := s.open(ctx, scope.AtHost(), token)
	if err != nil {
		return err
	}
	if home.Tenant.Suspended() {
		return tenantSuspended()
	}
	hash, err := s.hasher.HashNew(ctx, "/new_password", password, user.Email, user.Name, home.Tenant.Name)
	if err != nil {
		return err
	}
	// What happens now is the user's doing.
	home.Principal = &tenancy.Principal{UserID: user.ID, Role: tenancy.Role(user.Role), TenantID: user.TenantID, IsSandbox: user.IsSandbox}
	return s.store.InEnv(ctx, home, func(tx *store.Tx) error { return use(ctx, tx, home, token, hash) })
}

// open returns the user whom a token gives a new password, with the scope of a request of nobody in
// their environment.
func (s *PasswordResets) open(ctx context.Context, scope *tenancy.Scope, token string) (identitydb.User, *tenancy.Scope, error) {
	var none identitydb.User
	userID, err := queries.GetUserOfPasswordReset(ctx, s.store.Control(), identitydb.GetUserOfPasswordResetParams{
		TokenHash: hashToken(token), Now: scope.RealNow(),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return none, nil, deadReset()
	}
	if err != nil {
		return none, nil, fmt.Errorf("get user of password reset: %w", err)
	}
	user, err := queries.GetUserByID(ctx, s.store.Control(), userID)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && (user.EnvID == nil || scope.Tenant != nil && scope.Tenant.ID != *user.TenantID) {
		return none, nil, deadReset()
	}
	if err != nil {
		return none, nil, fmt.Errorf("get user: %w", err)
	}
	home, err := homeAt(ctx, s.store, s.resolver, scope, *user.EnvID)
	return user, home, err
}

// use uses the token up and sets the password, if whoever gave the token is above the user still: the
// user may have risen, and the other one may have fallen, since.
func use(ctx context.Context, tx *store.Tx, home *tenancy.Scope, token, hash string) error {
	reset, err := queries.LockPasswordReset(ctx, tx, identitydb.LockPasswordResetParams{TokenHash: hashToken(token), Now: home.RealNow()})
	if errors.Is(err, pgx.ErrNoRows) {
		return deadReset() // it was open until just now
	}
	if err != nil {
		return fmt.Errorf("lock password reset: %w", err)
	}
	row, err := queries.GetTenantUserForUpdate(ctx, tx, identitydb.GetTenantUserForUpdateParams{
		ID: reset.UserID, TenantID: home.Tenant.ID, IsSandbox: home.SandboxMode(),
	})
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !row.IsActive {
		return deadReset()
	}
	if err != nil {
		return fmt.Errorf("lock user: %w", err)
	}
	if err := mayStillReset(ctx, tx, home, reset.IssuedBy, tenancy.Role(row.Role)); err != nil {
		return err
	}
	changed, err := queries.NotePasswordChange(ctx, tx, identitydb.NotePasswordChangeParams{ID: row.ID, Now: home.RealNow()})
	if err != nil {
		return fmt.Errorf("note password change: %w", err)
	}
	done, err := queries.ResetPassword(ctx, tx, identitydb.ResetPasswordParams{
		UserID: row.ID, TokenHash: hashToken(token), Now: home.RealNow(), Hash: hash,
	})
	if err != nil {
		return fmt.Errorf("reset password: %w", err)
	}
	if !done {
		return deadReset()
	}
	err = queries.RevokeSessionsOfUser(ctx, tx, identitydb.RevokeSessionsOfUserParams{UserID: row.ID, Now: home.RealNow()})
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	account := accountThrottle(home.Tenant, row.IsSandbox, row.Email)
	if err := queries.ForgetLoginFailures(ctx, tx, account.key); err != nil {
		return fmt.Errorf("forget login failures: %w", err)
	}
	tx.Emit("user.updated", newUser(changed))
	return audit.Record(ctx, tx, home, audit.Entry{
		Action: "user.password_reset", Outcome: audit.Success, TargetType: "user", TargetID: row.ID.String(),
		Detail: map[string]any{"issued_by": reset.IssuedBy},
	})
}

// mayStillReset refuses a reset whose giver is not above the user any more, or not active.
func mayStillReset(ctx context.Context, tx *store.Tx, home *tenancy.Scope, giverID uuid.UUID, role tenancy.Role) error {
	giver, err := queries.GetRoleForInvitation(ctx, tx, giverID)
	if errors.Is(err, pgx.ErrNoRows) {
		return deadReset()
	}
	if err != nil {
		return fmt.Errorf("get who gave the password reset: %w", err)
	}
	at := giver.TenantID == nil || *giver.TenantID == home.Tenant.ID
	if !at || !outranks(tenancy.Role(giver.Role), role) {
		return deadReset()
	}
	return nil
}
