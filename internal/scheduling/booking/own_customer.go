package booking

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ownCustomer returns the customer of a viewer. Error: RoleNotAllowed if there is none.
func ownCustomer(ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, v viewer.Viewer) (uuid.UUID, error) {
	id, err := queries.GetCustomerIDOfUser(ctx, db, schedulingdb.GetCustomerIDOfUserParams{
		EnvID: scope.Env.ID, UserID: idOrNil(v.OnlyCustomer()),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return id, apperr.New(apperr.RoleNotAllowed, "Your login belongs to no customer of this business.")
	}
	if err != nil {
		return id, fmt.Errorf("get own customer: %w", err)
	}
	return id, nil
}

// checkOwnCustomer returns an error if the viewer is another customer.
func checkOwnCustomer(ctx context.Context, db *store.Store, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID) error {
	if !v.IsCustomer() {
		return nil
	}
	own, err := ownCustomer(ctx, db.Reader(scope), scope, v)
	if err == nil && own != id {
		err = apperr.NewUnknownReference("/customer_id", "customer")
	}
	return err
}
