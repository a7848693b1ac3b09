package scheduling

import (
	"context"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Logins connects new users with what they are the login of, inside the transaction that
// makes them. It asks for no rights: whoever makes the user has seen to them.
type Logins struct {
	customers *Customers
	resources *Resources
}

// NewLogins links users to customers and resources of the two services.
func NewLogins(customers *Customers, resources *Resources) *Logins {
	return &Logins{customers: customers, resources: resources}
}

// LinkCustomer makes the user the login of a customer, or, with nil, of a new one with
// their name and address. Errors: NotFound, AlreadyExists if the customer has a login.
func (s *Logins) LinkCustomer(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, customerID *uuid.UUID, userID uuid.UUID, name, email string,
) error {
	if customerID == nil {
		_, err := s.customers.create(ctx, tx, scope, CustomerInput{Name: name, Email: email, Status: "ACTIVE", UserID: &userID})
		return err
	}
	current, err := s.customers.lock(ctx, tx, scope, *customerID, nil)
	if err != nil {
		return err
	}
	if current.UserID != nil {
		return apperr.New(apperr.AlreadyExists, "The customer has a login already.")
	}
	_, err = s.customers.update(ctx, tx, scope, current, CustomerPatch{UserID: NewClearable(&userID)})
	return err
}

// LinkResource makes the user the login of a resource. Errors: NotFound, AlreadyExists if
// the resource has a login.
func (s *Logins) LinkResource(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, resourceID, userID uuid.UUID) error {
	current, err := s.resources.lock(ctx, tx, scope, resourceID, nil)
	if err != nil {
		return err
	}
	if current.UserID != nil {
		return apperr.New(apperr.AlreadyExists, "The resource has a login already.")
	}
	_, err = s.resources.update(ctx, tx, scope, current, ResourcePatch{UserID: NewClearable(&userID)})
	return err
}
