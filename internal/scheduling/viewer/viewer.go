package viewer

import (
	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Viewer determines what is visible. The zero Viewer sees nothing and is subject to the rules for
// customers. Viewers can be compared with ==.
type Viewer struct {
	sees sight
	// id is the user of a customer or of staff, or the object of a link.
	id uuid.UUID
}

type sight uint8

const (
	nothing sight = iota
	everything
	asCustomer
	asStaff
	byLink
)

// Everything sees all objects of the environment: owners, managers, API tokens, and internal reads.
func Everything() Viewer { return Viewer{sees: everything} }

// Customer sees the objects of the customer with this user as login.
func Customer(userID uuid.UUID) Viewer { return Viewer{asCustomer, userID} }

// Staff sees the appointments of the resources with this user as login.
func Staff(userID uuid.UUID) Viewer { return Viewer{asStaff, userID} }

// Bearer is a customer with the link to one appointment or hold, and sees nothing else.
func Bearer(objectID uuid.UUID) Viewer { return Viewer{byLink, objectID} }

// Of returns the viewer of a request. It fails closed: an unknown role sees what a customer without
// a record would see, and a request without principal nothing. An API token acts for the
// business; its permissions have been checked before.
func Of(scope *tenancy.Scope) Viewer {
	if scope.Principal == nil {
		return Viewer{}
	}
	if scope.Principal.Token != nil {
		return Everything()
	}
	switch scope.Principal.Role {
	case tenancy.RoleSuperuser, tenancy.RoleOwner, tenancy.RoleManager:
		return Everything()
	case tenancy.RoleStaff:
		return Staff(scope.Principal.UserID)
	default:
		return Customer(scope.Principal.UserID)
	}
}

// IsCustomer reports whether the viewer does not work for the business.
func (v Viewer) IsCustomer() bool { return v.sees != everything && v.sees != asStaff }

// IsStaff reports whether the viewer is limited to the resources of their user.
func (v Viewer) IsStaff() bool { return v.sees == asStaff }

// UserID returns the user of a customer or of staff.
func (v Viewer) UserID() uuid.UUID { return v.id }

// OnlyCustomer returns the user whose customer limits a list; nil is no limit.
func (v Viewer) OnlyCustomer() *uuid.UUID {
	switch v.sees {
	case everything, asStaff:
		return nil
	case asCustomer:
		return &v.id
	default:
		return &uuid.Nil // matches no user
	}
}

// OnlyCustomerOf is OnlyCustomer for a single object.
func (v Viewer) OnlyCustomerOf(objectID uuid.UUID) *uuid.UUID {
	if v.sees == byLink && v.id == objectID {
		return nil
	}
	return v.OnlyCustomer()
}

// OnlyStaff returns the user whose resources limit a list; nil is no limit.
func (v Viewer) OnlyStaff() *uuid.UUID {
	if v.IsStaff() {
		return &v.id
	}
	return nil
}
