package app

import (
	"context"

	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// directory implements businesses.Directory: platform administration changes users by the rules of
// identity.
type directory struct {
	users    *identity.Users
	resolver *tenancy.Resolver
}

var _ businesses.Directory = directory{}

func (d directory) Update(ctx context.Context, scope *tenancy.Scope, user businesses.User, version *int32, patch businesses.UserPatch) (businesses.User, error) {
	change := identity.UserPatch{Email: patch.Email, Username: patch.Username, Name: patch.Name, Role: patch.Role, IsActive: patch.IsActive}
	if user.EnvID == nil {
		updated, err := d.users.UpdatePlatformUser(ctx, scope, user.ID, version, change)
		return changed(user, updated), err
	}
	// The environment is that of the user, not of the request; the principal stays the same.
	inside, err := d.resolver.ScopeOf(ctx, *user.EnvID, scope.Now)
	if err != nil {
		return user, err
	}
	inside.RequestID, inside.Address, inside.UserAgent, inside.Principal = scope.RequestID, scope.Address, scope.UserAgent, scope.Principal
	update := d.users.Update
	if user.Role == tenancy.RoleCustomer {
		update = d.users.UpdateCustomerUser
	}
	updated, err := update(ctx, inside, user.ID, version, change)
	return changed(user, updated), err
}

// changed returns the user with the updated fields.
func changed(user businesses.User, updated identity.User) businesses.User {
	user.Email, user.Username, user.Name, user.Role, user.IsActive = updated.Email, updated.Username, updated.Name, updated.Role, updated.IsActive
	user.LastLoginAt, user.UpdatedAt, user.Version = updated.LastLoginAt, updated.UpdatedAt, updated.Version
	return user
}
