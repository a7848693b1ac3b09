package scheduling

import (
	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// viewer is how far somebody can see. At most one field is set; without any they see
// everything in the environment.
type viewer struct {
	// customerUserID limits them to what belongs to the customer who signs in as this user.
	customerUserID *uuid.UUID
	// staffUserID limits them to appointments of the resources of this user.
	staffUserID *uuid.UUID
	// trusted are customers whom the caller has let in by other means than their user, to
	// exactly the object in question.
	trusted bool
}

// viewerOf fails closed: a role that is not named here, or nobody at all, sees what a
// customer without a record would see. An API token is the business's own; what it may do
// at all, its scopes have said.
func viewerOf(scope *tenancy.Scope) viewer {
	if scope.Principal == nil {
		return viewer{customerUserID: &uuid.Nil}
	}
	if scope.Principal.Token != nil {
		return viewer{}
	}
	switch scope.Principal.Role {
	case tenancy.RoleSuperuser, tenancy.RoleOwner, tenancy.RoleManager:
		return viewer{}
	case tenancy.RoleStaff:
		return viewer{staffUserID: &scope.Principal.UserID}
	default:
		return viewer{customerUserID: &scope.Principal.UserID}
	}
}

// customer reports whether the viewer is not one of those who work for the business.
func (v viewer) customer() bool { return v.customerUserID != nil || v.trusted }
