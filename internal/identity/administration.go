package identity

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// UpdatePlatformUser changes a user of the platform; with a version, only if they are at
// that version. Another role and deactivation end the user's sessions. Passwords are not
// changed here. Errors: NotFound, VersionMismatch, RoleNotAllowed for another user who is not
// below one, a role above one's own, or a higher role than before while another user may know the user's password;
// ValidationFailed, AlreadyExists, LastOwner for the last superuser.
func (s *Users) UpdatePlatformUser(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, patch UserPatch) (User, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return User{}, err
	}
	role := patch.Role
	if role != nil && !role.Platform() {
		return User{}, apperr.NewInvalid("/role", "Users of the platform have roles of the platform.")
	}
	patch.Role = nil // normalize knows the roles of businesses only
	if err := patch.normalize(); err != nil {
		return User{}, err
	}
	patch.Role = role
	var updated User
	err = s.store.InControl(ctx, scope, func(tx pgx.Tx) error {
		current, err := lockPlatformUser(ctx, tx, principal, id, version, patch)
		if err != nil {
			return err
		}
		err = asAdministration(ctx, tx, func() error {
			row, err := queries.UpdatePlatformUser(ctx, tx, identitydb.UpdatePlatformUserParams{
				ID: id, Email: patch.Email, Username: patch.Username, Name: patch.Name, Role: (*string)(patch.Role), IsActive: patch.IsActive,
				Now: scope.RealNow(),
			})
			if err != nil {
				return userError("update", err)
			}
			updated = newUser(row)
			return nil
		})
		if err != nil {
			return err
		}
		return s.administered(ctx, tx, scope, current, updated, patch)
	})
	return updated, s.denied(ctx, scope, id.String(), err)
}

// administrationRole is the database role that users of the platform are made and changed in; others are refused.
const administrationRole = "smoothschedule_administration"

// asAdministration runs fn in a transaction that has the role for as long. An error leaves it there, to be rolled back.
func asAdministration(ctx context.Context, tx pgx.Tx, fn func() error) error {
	before, err := queries.TakeRole(ctx, tx, administrationRole)
	if err != nil {
		return fmt.Errorf("take the role %s: %w", administrationRole, err)
	}
	if err := fn(); err != nil {
		return err
	}
	if _, err := queries.TakeRole(ctx, tx, before.Was); err != nil {
		return fmt.Errorf("take the role %s again: %w", before.Was, err)
	}
	return nil
}

// lockPlatformUser locks a user of the platform for a change by the principal, and
// decides whether they may make it.
func lockPlatformUser(
	ctx context.Context, tx pgx.Tx, principal *tenancy.Principal, id uuid.UUID, version *int32, patch UserPatch,
) (User, error) {
	superusers, err := queries.LockActiveSuperusers(ctx, tx)
	if err != nil {
		return User{}, fmt.Errorf("lock superusers: %w", err)
	}
	row, err := queries.GetPlatformUserForUpdate(ctx, tx, id)
	if err != nil {
		return User{}, userError("lock", err)
	}
	current := newUser(row)
	if err := mayAdminister(principal, current, patch); err != nil {
		return User{}, err
	}
	if patch.Role != nil {
		if err := mayGive(principal, *patch.Role); err != nil {
			return User{}, err
		}
	}
	if err := mayRaise(ctx, tx, current, patch.Role); err != nil {
		return User{}, err
	}
	loses := patch.Role != nil && *patch.Role != tenancy.RoleSuperuser || patch.IsActive != nil && !*patch.IsActive
	if loses && len(superusers) == 1 && slices.Contains(superusers, id) {
		return User{}, apperr.New(apperr.LastOwner, "This is the last active superuser. Make somebody else one first.")
	}
	return current, etag.Check(version, current.Version, "user")
}

// mayAdminister is mayChange for users of the platform. Nobody is above superusers, so they may end
// what another one may do, but not change how that one signs in.
func mayAdminister(principal *tenancy.Principal, user User, patch UserPatch) error {
	peers := principal.Role == tenancy.RoleSuperuser && user.Role == tenancy.RoleSuperuser
	if peers && patch.Email == nil && patch.Username == nil && patch.Name == nil {
		return nil
	}
	return mayChange(principal, user)
}

// UpdateCustomerUser changes the login of a customer in the scope's environment; their
// role stays. Errors: NotFound, VersionMismatch, ValidationFailed, AlreadyExists.
func (s *Users) UpdateCustomerUser(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, patch UserPatch) (User, error) {
	if _, err := principalOf(scope); err != nil {
		return User{}, err
	}
	if patch.Role != nil && *patch.Role != tenancy.RoleCustomer {
		return User{}, apperr.NewInvalid("/role", "Customers stay customers.")
	}
	patch.Role = nil
	if err := patch.normalize(); err != nil {
		return User{}, err
	}
	var updated User
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		row, err := queries.GetCustomerUserForUpdate(ctx, tx, identitydb.GetCustomerUserForUpdateParams{
			ID: id, TenantID: scope.Tenant.ID, IsSandbox: scope.SandboxMode(),
		})
		if err != nil {
			return userError("lock", err)
		}
		current := newUser(row)
		if err := etag.Check(version, current.Version, "user"); err != nil {
			return err
		}
		row, err = queries.UpdateUser(ctx, tx, identitydb.UpdateUserParams{
			ID: id, TenantID: scope.Tenant.ID, IsSandbox: scope.SandboxMode(), Email: patch.Email, Username: patch.Username, Name: patch.Name,
			IsActive: patch.IsActive, Now: scope.RealNow(),
		})
		if err != nil {
			return userError("update", err)
		}
		updated = newUser(row)
		tx.Emit("user.updated", updated)
		return s.administered(ctx, tx, scope, current, updated, patch)
	})
	return updated, err
}

// administered ends the sessions of a user whose role or right to sign in has changed,
// and records the change.
func (s *Users) administered(
	ctx context.Context, tx identitydb.DBTX, scope *tenancy.Scope, before, after User, patch UserPatch,
) error {
	if before.Role != after.Role || before.IsActive && !after.IsActive {
		err := queries.RevokeSessionsOfUser(ctx, tx, identitydb.RevokeSessionsOfUserParams{UserID: after.ID, Now: scope.RealNow()})
		if err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
	}
	return audit.Record(ctx, tx, scope, audit.Entry{
		Action: "user.updated", Outcome: audit.Success, TargetType: "user", TargetID: after.ID.String(), Detail: patch.detail(before),
	})
}
