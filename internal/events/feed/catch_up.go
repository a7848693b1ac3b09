package feed

import (
	"context"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// CatchUp handles, in the caller's transaction, all events that the consumer has not handled in the scope's
// environment, and holds its position until the transaction ends. A change of the data by which a consumer decides
// calls it first: the events from before the change are then handled as they would have been without it. It waits for
// another transaction that has the position. Errors: those of the consumer.
func CatchUp(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, c Consumer) error {
	var position tenancydb.LockFeedPositionRow
	add := batch.Write(queries.AddFeedPosition, tenancydb.AddFeedPositionParams{EnvID: scope.Env.ID, Consumer: c.Name, Now: scope.RealNow()})
	lock := batch.Read(queries.LockFeedPosition, tenancydb.LockFeedPositionParams{EnvID: scope.Env.ID, Consumer: c.Name}, &position)
	if err := tx.Batch(ctx, add.Doing("add a feed position"), lock.Doing("lock a feed position")); err != nil {
		return err
	}
	for more, after := true, position.LastSequence; more; {
		var rows []tenancydb.ListFeedEventsRow
		read := batch.Read(queries.ListFeedEvents, tenancydb.ListFeedEventsParams{
			EnvID: scope.Env.ID, Consumer: c.Name, RowLimit: c.batchSize(),
		}, &rows)
		if err := read.Doing("list events").Run(ctx, tx); err != nil {
			return err
		}
		claimed := claim{after: after}
		claimed.add(rows)
		if claimed.end == after {
			return nil
		}
		if len(claimed.events) > 0 {
			if err := c.Handle(ctx, tx, scope, claimed.events); err != nil {
				return err
			}
		}
		set := batch.Write(queries.SetFeedPosition, tenancydb.SetFeedPositionParams{
			EnvID: scope.Env.ID, Consumer: c.Name, LastSequence: claimed.end, Now: scope.RealNow(),
		})
		if err := set.Doing("set a feed position").Run(ctx, tx); err != nil {
			return err
		}
		after, more = claimed.end, claimed.more
	}
	return nil
}
