package scheduling

import (
	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// viewer is how far somebody can see. The zero viewer sees nothing, and is bound by what
// customers are bound by.
type viewer struct {
	sight sight
	// id is the user of a customer or of staff, or the object that a link is for.
	id uuid.UUID
}

type sight uint8

const (
	seesNothing sight = iota
	seesEverything
	seesAsCustomer
	seesAsStaff
	seesByLink
)

// everything sees all of the environment: owners, managers, programs, and the product itself
// when it reads on nobody's behalf.
func everything() viewer { return viewer{sight: seesEverything} }

// asCustomer sees what belongs to the customer who signs in as this user.
func asCustomer(userID uuid.UUID) viewer { return viewer{seesAsCustomer, userID} }

// asStaff sees the appointments of the resources of this user.
func asStaff(userID uuid.UUID) viewer { return viewer{seesAsStaff, userID} }

// bearerOf is a customer who has the link to one appointment, or hold, and sees nothing else.
func bearerOf(objectID uuid.UUID) viewer { return viewer{seesByLink, objectID} }

// viewerOf fails closed: a role that is not named here sees what a customer without a record
// would see, and nobody sees nothing. An API token is the business's own; what it may do at
// all, its scopes have said.
func viewerOf(scope *tenancy.Scope) viewer {
	if scope.Principal == nil {
		return viewer{}
	}
	if scope.Principal.Token != nil {
		return everything()
	}
	switch scope.Principal.Role {
	case tenancy.RoleSuperuser, tenancy.RoleOwner, tenancy.RoleManager:
		return everything()
	case tenancy.RoleStaff:
		return asStaff(scope.Principal.UserID)
	default:
		return asCustomer(scope.Principal.UserID)
	}
}

// customer reports whether the viewer is not one of those who work for the business.
func (v viewer) customer() bool { return v.sight != seesEverything && v.sight != seesAsStaff }

// staff reports whether the viewer is limited to the resources of their user, v.id.
func (v viewer) staff() bool { return v.sight == seesAsStaff }

// onlyCustomer is the user to whose customer a list is limited; nil is no limit.
func (v viewer) onlyCustomer() *uuid.UUID {
	switch v.sight {
	case seesEverything, seesAsStaff:
		return nil
	case seesAsCustomer:
		return &v.id
	default:
		return &uuid.Nil // which is no user
	}
}

// onlyCustomerOf is onlyCustomer for one object.
func (v viewer) onlyCustomerOf(objectID uuid.UUID) *uuid.UUID {
	if v.sight == seesByLink && v.id == objectID {
		return nil
	}
	return v.onlyCustomer()
}

// onlyStaff is the user to whose resources a list is limited; nil is no limit.
func (v viewer) onlyStaff() *uuid.UUID {
	if v.staff() {
		return &v.id
	}
	return nil
}
