package booking

import (
	"slices"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
)

// decider asks the rule book for a viewer: staff must be one of the resources, and customers can book only
// on the grid.
type decider struct {
	*snapshot
	viewer viewer.Viewer
}

// decide returns the resources and lanes for a request. given are the resource_ids that the client has sent, into which
// errors point. Errors: SlotTaken with conflicts; OffGrid; LimitDay and LimitWeek; ValidationFailed; RoleNotAllowed
// for staff who are not one of the resources.
func (d decider) decide(request availability.Request, given []uuid.UUID) ([]availability.Assignment, error) {
	decision, err := d.ask(request)
	if err != nil {
		return nil, err
	}
	if !decision.OK {
		return nil, d.refusal(decision.Reasons, given)
	}
	return decision.Assignments, nil
}

// ask is decide for callers that need the reasons. Errors: RoleNotAllowed.
func (d decider) ask(request availability.Request) (availability.Decision, error) {
	request.OffGrid = !d.viewer.IsCustomer()
	if !d.viewer.IsStaff() {
		return availability.Decide(&d.Snapshot, &request, d.now), nil
	}
	decision, ok := d.decideWithOwn(request)
	if !ok {
		return decision, apperr.New(apperr.RoleNotAllowed, "You can only book appointments that you are a resource of yourself.")
	}
	return decision, nil
}

// decideWithOwn requires one of the resources of staff, unless the request names one. It returns false if the
// appointment has no place for any.
func (d decider) decideWithOwn(request availability.Request) (availability.Decision, bool) {
	own := d.ownResources()
	if slices.ContainsFunc(request.Requested, func(id uuid.UUID) bool { return slices.Contains(own, id) }) {
		return availability.Decide(&d.Snapshot, &request, d.now), true
	}
	if len(d.Service.Requirements) == 0 && len(request.Requested) > 0 {
		return availability.Decision{}, false
	}
	var refused *availability.Decision
	for _, id := range keptFirst(own, request.Kept) {
		with := request
		with.Required = []uuid.UUID{id}
		decision := availability.Decide(&d.Snapshot, &with, d.now)
		noPlace := availability.Reason{Code: availability.ResourceNotEligible, ResourceID: id}
		switch {
		case decision.OK:
			return decision, true
		case refused == nil && !slices.Contains(decision.Reasons, noPlace):
			refused = &decision
		}
	}
	if refused == nil {
		return availability.Decision{}, false
	}
	return *refused, true
}

// requestsWithOwn returns the request with each of the resources of staff.
func (d decider) requestsWithOwn(request availability.Request) []availability.Request {
	var requests []availability.Request
	for _, id := range keptFirst(d.ownResources(), request.Kept) {
		with := request
		with.Required = []uuid.UUID{id}
		requests = append(requests, with)
	}
	return requests
}

// keptFirst returns the ids, kept ones first.
func keptFirst(ids, kept []uuid.UUID) []uuid.UUID {
	var first, rest []uuid.UUID
	for _, id := range ids {
		if slices.Contains(kept, id) {
			first = append(first, id)
		} else {
			rest = append(rest, id)
		}
	}
	return append(first, rest...)
}

// ownResources returns the candidates whose login is the viewer.
func (d decider) ownResources() []uuid.UUID {
	var own []uuid.UUID
	for i := range d.resources {
		if id := d.resources[i].userID; id != nil && *id == d.viewer.UserID() {
			own = append(own, d.resources[i].ID)
		}
	}
	return own
}
