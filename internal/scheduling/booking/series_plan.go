package booking

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// seriesRequest is a bookingRequest for the occurrences of a series.
type seriesRequest struct {
	bookingRequest
	// starts are those of the occurrences, in order.
	starts []time.Time
	// allMoving are the appointments that move; none for a new series.
	allMoving []Appointment
}

// window is a time of which a snapshot has everything.
type window struct{ from, to time.Time }

// planSeries returns one snapshot for all starts and their local days: substitutes and alternatives are
// on the same day. Whatever the number of starts, it takes two statements (customer, allocations) if the
// catalog is cached; with limits, one more for the counts and up to three locks.
func (e *engine) planSeries(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, req seriesRequest) (*snapshot, error) {
	s, err := e.loadCandidates(ctx, tx, scope, req.bookingRequest)
	if err != nil || s.service == nil || s.customer == nil {
		return s, err
	}
	windows := req.windows(s.Service, scope.Tenant.Location)
	from, to := windows[0].from, windows[len(windows)-1].to
	if s.limited() {
		if err := e.lockLimits(ctx, tx, scope, s, req.bookingRequest, from, to); err != nil {
			return nil, err
		}
	}
	if err := addBusyWindows(ctx, tx, scope, s, req.allMoving, windows); err != nil {
		return nil, err
	}
	if err := addCalendar(ctx, tx, scope, s, from, to); err != nil {
		return nil, err
	}
	if err := countBookings(ctx, tx, scope, s, req.bookingRequest, from, to); err != nil {
		return nil, err
	}
	for i := range req.allMoving {
		s.removeCounts(&req.allMoving[i])
	}
	return s, nil
}

// loadCandidates returns a snapshot without allocations. It has all resources that could be taken, also instead
// of requested ones.
func (e *engine) loadCandidates(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, req bookingRequest) (*snapshot, error) {
	if err := lockFirst(ctx, tx, scope, &req); err != nil {
		return nil, err
	}
	state, err := queries.GetBookingState(ctx, tx, schedulingdb.GetBookingStateParams{EnvID: scope.Env.ID, CustomerID: req.customerID})
	if err != nil {
		return nil, fmt.Errorf("get booking state of a series: %w", err)
	}
	known, err := e.catalogs.At(ctx, tx, scope.Env.ID, state.CatalogVersion, scope.Now)
	if err != nil {
		return nil, err
	}
	requested := req
	requested.onlyRequested, req.requested = true, nil
	s := newSnapshot(req, known, scope)
	s.addState(req, &state)
	addResources(s, newSnapshot(requested, known, scope))
	return s, nil
}

// addCalendar adds hours and time off.
func addCalendar(ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, s *snapshot, from, to time.Time) error {
	if s.catalog.Covers(from) {
		return s.catalog.AddCalendar(ctx, &s.Snapshot, from, to)
	}
	entries, err := queries.ListCalendarEntries(ctx, db, schedulingdb.ListCalendarEntriesParams{EnvID: scope.Env.ID, FromAt: from, ToAt: to})
	if err != nil {
		return fmt.Errorf("list calendar entries: %w", err)
	}
	return s.catalog.AddCalendarEntries(ctx, &s.Snapshot, entries, from, to)
}

// windows returns the times of which the snapshot must have everything, in order and so far apart that no
// allocation is in two of them.
func (r *seriesRequest) windows(service availability.Service, loc *time.Location) []window {
	before, after := service.BufferBefore, service.Duration+service.BufferAfter
	for i := range r.allMoving {
		times := r.allMoving[i].times()
		before, after = max(before, times.BufferBefore), max(after, times.Duration+times.BufferAfter)
	}
	var list []window
	for _, start := range r.starts {
		from, to := dayOf(start, loc)
		from, to = from.Add(-before), to.Add(after)
		if n := len(list); n > 0 && !from.After(list[n-1].to.Add(longestAllocation)) {
			list[n-1].to = to
			continue
		}
		list = append(list, window{from, to})
	}
	return list
}

// addBusyWindows adds the allocations in the windows, except those of the appointments that move.
func addBusyWindows(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, s *snapshot, moving []Appointment, windows []window,
) error {
	params := schedulingdb.ListAllocationsInWindowsParams{EnvID: scope.Env.ID, ResourceIds: s.ids()}
	for _, w := range windows {
		params.EarliestStarts = append(params.EarliestStarts, w.from.Add(-longestAllocation))
		params.FromAts, params.ToAts = append(params.FromAts, w.from), append(params.ToAts, w.to)
	}
	rows, err := queries.ListAllocationsInWindows(ctx, tx, params)
	if err != nil {
		return fmt.Errorf("list allocations of a series: %w", err)
	}
	for _, row := range rows {
		if slices.ContainsFunc(moving, func(a Appointment) bool { return a.ID == row.OwnerID }) {
			continue
		}
		busy := availability.Interval{Lane: int(row.Lane), Start: row.StartAt, End: row.EndAt, ObjectID: row.OwnerID}
		if row.ExpiresAt != nil {
			if !row.ExpiresAt.After(s.now) {
				s.expired = append(s.expired, row.OwnerID)
				continue
			}
			busy.Kind = availability.Hold
		}
		r := s.resource(row.ResourceID)
		r.Busy = append(r.Busy, busy)
	}
	return nil
}
