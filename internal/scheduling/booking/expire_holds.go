package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// expireHolds frees the lanes of expired holds. A hold that was booked in time keeps them: then the caller
// loses the race for the lane.
func (e *engine) expireHolds(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, due []uuid.UUID) error {
	if len(due) == 0 {
		return nil
	}
	expired, err := queries.ExpireHolds(ctx, tx, schedulingdb.ExpireHoldsParams{EnvID: scope.Env.ID, Ids: due, Now: scope.Now})
	if err != nil {
		return fmt.Errorf("expire holds: %w", err)
	}
	for _, id := range expired {
		hold, err := readHold(ctx, tx, scope, viewer.Everything(), id)
		if err != nil {
			return err
		}
		tx.Emit("hold.expired", hold)
		// The caller may need only a part of the time.
		if err := hold.enqueueVacancy(ctx, tx, scope); err != nil {
			return err
		}
	}
	if len(expired) == 0 {
		return nil
	}
	return e.onHoldsEnded(ctx, tx, scope, holdsEnd{ids: expired})
}
