package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// plan returns the snapshot for one start, in the transaction that will book it. If the service or a
// candidate has limits it locks them, and reads again what others have changed before.
func (e *engine) plan(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, req bookingRequest) (*snapshot, error) {
	if err := lockFirst(ctx, tx, scope, &req); err != nil {
		return nil, err
	}
	req.until = req.startAt
	s, err := e.load(ctx, tx, scope, req)
	if err != nil {
		return nil, err
	}
	from, to := req.window(s.Service)
	if !s.limited() {
		return s, nil
	}
	if err := e.lockLimits(ctx, tx, scope, s, req, from, to); err != nil {
		return nil, err
	}
	if s, err = e.load(ctx, tx, scope, req); err != nil {
		return nil, err
	}
	from, to = req.window(s.Service)
	return s, countBookings(ctx, tx, scope, s, req, from, to)
}

// load reads a snapshot, in one round trip if the catalog is cached.
func (e *engine) load(ctx context.Context, db database, scope *tenancy.Scope, req bookingRequest) (*snapshot, error) {
	var s *snapshot
	var rows *stateRows
	err := e.catalogs.WithCurrent(ctx, db, scope.Env.ID, scope.Now, func(known *catalog.Catalog) (uuid.UUID, error) {
		s, rows = newSnapshot(req, known, scope), &stateRows{}
		err := db.Batch(ctx, rows.reads(scope, s, req)...)
		return rows.state.CatalogVersion, err
	})
	if err == nil {
		err = s.add(ctx, rows, req)
	}
	if err != nil {
		return nil, fmt.Errorf("load booking snapshot: %w", err)
	}
	return s, nil
}

// stateRows are what a snapshot has beside the catalog.
type stateRows struct {
	sequence int64
	counts   []schedulingdb.CountBookingsByDateRow
	buffers  []schedulingdb.ListBuffersRow
	state    schedulingdb.GetBookingStateRow
	busy     []schedulingdb.ListBusyRow
	// calendar is read if the catalog does not cover the window.
	calendar []catalog.CalendarEntry
}

// reads returns the statements that read the rows.
func (rows *stateRows) reads(scope *tenancy.Scope, s *snapshot, req bookingRequest) []batch.Statement {
	statements := make([]batch.Statement, 0, 6)
	from, to := req.window(s.Service)
	if req.searching {
		statements = append(statements, batch.Read(queries.GetLastSequence, scope.Env.ID, &rows.sequence))
		if s.limited() {
			statements = append(statements, batch.Read(queries.CountBookingsByDate, req.countParams(scope, s.ids(), req.startAt, req.until), &rows.counts))
		}
	}
	if req.explaining {
		statements = append(statements, batch.Read(queries.ListBuffers, schedulingdb.ListBuffersParams{
			EnvID: scope.Env.ID, FromAt: req.startAt.Add(-longestAllocation), ToAt: req.until.Add(longestAllocation),
		}, &rows.buffers))
	}
	statements = append(statements, batch.Read(queries.GetBookingState,
		schedulingdb.GetBookingStateParams{EnvID: scope.Env.ID, CustomerID: req.customerID}, &rows.state))
	if len(s.resources) > 0 {
		statements = append(statements, batch.Read(queries.ListBusy, req.busyParams(scope, s, from, to), &rows.busy))
	}
	if !s.catalog.Covers(from) {
		statements = append(statements, batch.Read(queries.ListCalendarEntries,
			schedulingdb.ListCalendarEntriesParams{EnvID: scope.Env.ID, FromAt: from, ToAt: to}, &rows.calendar))
	}
	return statements
}

// add completes the snapshot, which has the catalog, with the rows.
func (s *snapshot) add(ctx context.Context, rows *stateRows, req bookingRequest) error {
	from, to := req.window(s.Service)
	s.addState(req, &rows.state)
	s.addBusy(rows.busy, from, to)
	if req.searching {
		s.From, s.To, s.sequence = req.startAt, req.until, rows.sequence
		if s.limited() {
			s.addCounts(rows.counts)
		}
	}
	s.addBuffers(rows.buffers)
	if s.catalog.Covers(from) {
		return s.catalog.AddCalendar(ctx, &s.Snapshot, from, to)
	}
	return s.catalog.AddCalendarEntries(ctx, &s.Snapshot, rows.calendar, from, to)
}

// lockFirst locks the resources for which several races were lost, and before them the service, if it
// has limits.
func lockFirst(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, req *bookingRequest) error {
	if len(req.lockFirst) == 0 {
		return nil
	}
	if err := lockLimitedService(ctx, tx, scope, req.serviceID); err != nil {
		return err
	}
	err := queries.LockResources(ctx, tx, schedulingdb.LockResourcesParams{EnvID: scope.Env.ID, Ids: req.lockFirst})
	if err != nil {
		return fmt.Errorf("lock resources: %w", err)
	}
	return nil
}

// lockLimits serializes bookings for the limits of a snapshot, for starts from from to to: no constraint
// can count uncommitted bookings. What was read before must be read again. The service is always locked before its
// resources, and only objects with a limit are locked.
//
// Due holds are expired here: a request that arrived in time may still be booking one, and only the
// lock of the hold tells whether it counts.
func (e *engine) lockLimits(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, s *snapshot, req bookingRequest, from, to time.Time,
) error {
	if hasLimit(s.Service.Limits) {
		if err := lockLimitedService(ctx, tx, scope, req.serviceID); err != nil {
			return err
		}
	}
	if s.hasLimitedResources() {
		err := queries.LockLimitedResources(ctx, tx, schedulingdb.LockLimitedResourcesParams{EnvID: scope.Env.ID, Ids: s.ids()})
		if err != nil {
			return fmt.Errorf("lock limited resources: %w", err)
		}
	}
	counted := req.countParams(scope, s.ids(), from, to)
	due, err := queries.ListDueHolds(ctx, tx, schedulingdb.ListDueHoldsParams{
		EnvID: counted.EnvID, Now: counted.Now, FromAt: counted.FromAt, ToAt: counted.ToAt, ServiceID: counted.ServiceID,
		ResourceIds: counted.ResourceIds,
	})
	if err != nil {
		return fmt.Errorf("list due holds: %w", err)
	}
	return e.expireHolds(ctx, tx, scope, due)
}

func lockLimitedService(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID) error {
	err := queries.LockLimitedService(ctx, tx, schedulingdb.LockLimitedServiceParams{EnvID: scope.Env.ID, ID: id})
	if err != nil {
		return fmt.Errorf("lock limited service: %w", err)
	}
	return nil
}

// countBookings adds the counts of the limits, if there are any.
func countBookings(
	ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, s *snapshot, req bookingRequest, from, to time.Time,
) error {
	if !s.limited() {
		return nil
	}
	rows, err := queries.CountBookingsByDate(ctx, db, req.countParams(scope, s.ids(), from, to))
	if err != nil {
		return fmt.Errorf("count bookings: %w", err)
	}
	s.addCounts(rows)
	return nil
}
