package booking

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Slot is a time that can be booked, in the form in which errors offer it.
type Slot struct {
	StartAt     time.Time   `json:"start_at"`
	EndAt       time.Time   `json:"end_at"`
	ResourceIDs []uuid.UUID `json:"resource_ids"`
}

// maxAlternatives is how many slots a refusal offers.
const maxAlternatives = 3

// alternativesWithin are the distances from the requested start that are searched, the next one only
// if the first has too few slots: a shorter search is cheaper.
var alternativesWithin = [...]time.Duration{24 * time.Hour, 7 * 24 * time.Hour}

// offerAlternatives adds the nearest free slots to the refusal of a request; the viewer could book each of
// them. Other errors are returned as they are. It searches after the refused transaction, and so
// sees what concurrent bookings have taken.
func (e *engine) offerAlternatives(ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, req bookingRequest, refusal error) error {
	refused, ok := anotherStartMayDo(refusal)
	if !ok {
		return refusal
	}
	slots := []Slot{}
	for _, within := range alternativesWithin {
		found, err := e.nearest(ctx, scope, v, req, within)
		if err != nil {
			return errors.Join(err, refusal)
		}
		if slots = found; len(found) >= maxAlternatives {
			break
		}
	}
	return refused.With("alternatives", slots)
}

// nearest returns the alternatives within a distance from the requested start.
func (e *engine) nearest(
	ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, req bookingRequest, within time.Duration,
) ([]Slot, error) {
	// All candidates are loaded, so that others than the requested ones can be offered.
	search := req
	search.requested = nil
	from, to := req.startAt.Add(-within), req.startAt.Add(within)
	s, err := e.search(ctx, scope, search, from, to)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(req.requested, func(id uuid.UUID) bool { return s.reference(id) == nil }) {
		// A service without requirements takes equipment only if it is requested.
		search.requested = s.sameTypes(req.requested)
		search.onlyRequested = len(search.requested) > 0
		if s, err = e.search(ctx, scope, search, from, to); err != nil {
			return nil, err
		}
	}
	request := availability.Request{Start: req.startAt, Kept: req.kept}
	for _, id := range req.requested {
		if s.reference(id) != nil {
			request.Requested = append(request.Requested, id)
		}
	}
	return decider{s, v}.alternatives(ctx, request)
}

// alternatives are the nearest slots that decide would accept instead of the request; never nil.
func (d decider) alternatives(ctx context.Context, request availability.Request) ([]Slot, error) {
	request.OffGrid = !d.viewer.IsCustomer()
	requests := []availability.Request{request}
	if d.viewer.IsStaff() {
		requests = d.requestsWithOwn(request)
	}
	var found []availability.Slot
	for i := range requests {
		nearest, err := availability.Nearest(ctx, &d.Snapshot, &requests[i], d.now, maxAlternatives)
		if err != nil {
			return nil, err
		}
		for _, slot := range nearest {
			if !slices.ContainsFunc(found, func(known availability.Slot) bool { return known.Start.Equal(slot.Start) }) {
				found = append(found, slot)
			}
		}
	}
	slots := []Slot{}
	for _, slot := range found[:min(len(found), maxAlternatives)] {
		slots = append(slots, Slot{StartAt: slot.Start, EndAt: slot.End, ResourceIDs: slot.ResourceIDs()})
	}
	return slots, nil
}
