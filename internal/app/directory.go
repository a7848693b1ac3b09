package app

import (
	"context"

	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/platform/admin"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// directory lets the platform's administration change users by the rules of identity.
type directory struct {
	users    *identity.Users
	resolver *tenancy.Resolver
}

var _ admin.Directory = directory{}

func (d directory) Update(ctx context.Context, scope *tenancy.Scope, user admin.User, version *int32, patch admin.UserPatch) error {
	change := identity.UserPatch{Email: patch.Email, Username: patch.Username, Name: patch.Name, Role: patch.Role, IsActive: patch.IsActive}
	if user.EnvID == nil {
		_, err := d.users.UpdatePlatformUser(ctx, scope, user.ID, version, change)
		return err
	}
	// The environment is the user's, whatever the address of the request; who asks is the same.
	inside, err := d.resolver.ScopeOf(ctx, *user.EnvID, scope.Now)
	if err != nil {
		return err
	}
	inside.RequestID, inside.Address, inside.UserAgent, inside.Principal = scope.RequestID, scope.Address, scope.UserAgent, scope.Principal
	if user.Role == tenancy.RoleCustomer {
		_, err = d.users.UpdateCustomerUser(ctx, inside, user.ID, version, change)
	} else {
		_, err = d.users.Update(ctx, inside, user.ID, version, change)
	}
	return err
}
