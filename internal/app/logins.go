package app

import (
	"context"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// logins connects new users with the customer or resource that they sign in as.
type logins struct {
	customers *customers.Customers
	resources *catalog.Resources
}

// LinkCustomer makes the user the login of a customer, or, with nil, of a new one with the name and address.
func (l logins) LinkCustomer(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, customerID *uuid.UUID, userID uuid.UUID, name, email string,
) error {
	if customerID != nil {
		return l.customers.LinkLogin(ctx, tx, scope, *customerID, userID)
	}
	_, err := l.customers.CreateIn(ctx, tx, scope, customers.Input{
		Name: name, Email: email, Status: customers.Active, UserID: &userID,
	})
	return err
}

// LinkResource makes the user the login of a resource.
func (l logins) LinkResource(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, resourceID, userID uuid.UUID) error {
	return l.resources.LinkLogin(ctx, tx, scope, resourceID, userID)
}
