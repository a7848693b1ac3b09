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

// seriesWish says what to take the snapshot of a series for.
type seriesWish struct {
	wish
	// starts are those in question, in order.
	starts []time.Time
	// moving are the appointments that shall be moved; none for a new series.
	moving []Appointment
}

// window is a time of which a snapshot has everything.
type window struct{ from, to time.Time }

// surveySeries takes one snapshot for all starts, and for the local days on which they lie:
// substitutes and alternatives are on the same day. Whatever the number of starts, it
// takes two statements, the customer and what is booked, if the catalogue is known; where there
// are limits, one more for the counts and up to three that lock them first.
func (s *Appointments) surveySeries(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, w seriesWish) (*snapshot, error) {
	taken, err := s.candidates(ctx, tx, scope, w.wish)
	if err != nil || taken.service == nil || taken.customer == nil {
		return taken, err
	}
	windows := w.windows(taken.Service, scope.Tenant.Location)
	from, to := windows[0].from, windows[len(windows)-1].to
	if taken.limited() {
		if err := s.lockLimits(ctx, tx, scope, taken, w.wish, from, to); err != nil {
			return nil, err
		}
	}
	if err := s.addBusy(ctx, tx, scope, taken, w.moving, windows); err != nil {
		return nil, err
	}
	if err := s.surround(ctx, tx, scope, taken, w.wish, from, to); err != nil {
		return nil, err
	}
	for i := range w.moving {
		taken.forget(&w.moving[i])
	}
	return taken, nil
}

// candidates takes a snapshot without anything that is booked. It has all resources that
// could be taken, also instead of the requested ones.
func (s *Appointments) candidates(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, w wish) (*snapshot, error) {
	if err := s.lockRivals(ctx, tx, scope, w); err != nil {
		return nil, err
	}
	state, err := s.queries.GetBookingState(ctx, tx, schedulingdb.GetBookingStateParams{EnvID: scope.Env.ID, CustomerID: w.customerID})
	if err != nil {
		return nil, fmt.Errorf("take snapshot of a series: %w", err)
	}
	known, err := s.catalogs.At(ctx, tx, scope.Env.ID, state.CatalogVersion, scope.Now)
	if err != nil {
		return nil, err
	}
	requested := w
	requested.only, w.requested = true, nil
	taken := newSnapshot(w, known, scope)
	taken.addState(w, &state)
	taken.add(newSnapshot(requested, known, scope))
	return taken, nil
}

// add adds the resources of another snapshot that it does not have.
func (s *snapshot) add(other *snapshot) {
	for i := range other.resources {
		if s.reference(other.resources[i].ID) == nil {
			s.resources = append(s.resources, other.resources[i])
			s.Resources = append(s.Resources, other.Resources[i])
		}
	}
}

// longestAllocation is what the database allows.
const longestAllocation = 48 * time.Hour

// windows returns the times of which the snapshot must know everything, in order and so far
// apart that no allocation lies in two of them.
func (w *seriesWish) windows(service availability.Service, loc *time.Location) []window {
	before, after := service.BufferBefore, service.Duration+service.BufferAfter
	for i := range w.moving {
		times := w.moving[i].times()
		before, after = max(before, times.BufferBefore), max(after, times.Duration+times.BufferAfter)
	}
	var list []window
	for _, start := range w.starts {
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

// addBusy adds what is booked in the windows, except for the appointments that move.
func (s *Appointments) addBusy(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, taken *snapshot, moving []Appointment, windows []window,
) error {
	params := schedulingdb.ListAllocationsInWindowsParams{EnvID: scope.Env.ID, ResourceIds: taken.ids()}
	for _, w := range windows {
		params.EarliestStarts = append(params.EarliestStarts, w.from.Add(-longestAllocation))
		params.FromAts, params.ToAts = append(params.FromAts, w.from), append(params.ToAts, w.to)
	}
	rows, err := s.queries.ListAllocationsInWindows(ctx, tx, params)
	if err != nil {
		return fmt.Errorf("list allocations of a series: %w", err)
	}
	for _, row := range rows {
		if slices.ContainsFunc(moving, func(a Appointment) bool { return a.ID == row.OwnerID }) {
			continue
		}
		busy := availability.Interval{Lane: int(row.Lane), Start: row.StartAt, End: row.EndAt, ObjectID: row.OwnerID}
		if row.ExpiresAt != nil {
			if !row.ExpiresAt.After(taken.now) {
				taken.expired = append(taken.expired, row.OwnerID)
				continue
			}
			busy.Kind = availability.Hold
		}
		r := taken.resource(row.ResourceID)
		r.Busy = append(r.Busy, busy)
	}
	return nil
}
