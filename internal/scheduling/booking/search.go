package booking

import (
	"context"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// search returns the snapshot of all starts from from to to, in one round trip if the catalog is cached.
func (e *engine) search(ctx context.Context, scope *tenancy.Scope, req bookingRequest, from, to time.Time) (*snapshot, error) {
	req.startAt, req.until, req.searching = from, to, true
	return e.load(ctx, e.store.Reader(scope), scope, req)
}
