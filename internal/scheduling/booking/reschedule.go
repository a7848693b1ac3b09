package booking

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// RescheduleInput says where an appointment moves.
type RescheduleInput struct {
	// StartAt is a whole minute, in any zone.
	StartAt time.Time
	// ResourceIDs are taken, and other resources are chosen, as for a new appointment. Without any it keeps its
	// resources if all of them are free, else others are chosen.
	ResourceIDs []uuid.UUID

	// local is set for a move by new rules of the time zone: notice and horizon do not count, and
	// the local time stays.
	local *localStart
}

// Reschedule moves a pending or confirmed appointment, with the duration, buffers and price of its booking. Its
// present time does not block it, and a move to the present start changes nothing. Customers and staff
// may move theirs if the policies allow it; an appointment moved by a customer is pending again if the
// service requires approval. Errors: NotFound, VersionMismatch, InvalidTransition, RefusedByPolicy, and those of Create
// except QuotaExceeded.
func (s *Appointments) Reschedule(
	ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, version *int32, in RescheduleInput,
) (*Appointment, error) {
	if err := checkStart(in.StartAt); err != nil {
		return nil, err
	}
	var moved rescheduled
	err := s.engine.retryOnConflict(ctx, scope, func(tx *store.Tx, lockFirst []uuid.UUID) error {
		return s.engine.reschedule(ctx, tx, scope, v, id, version, in, lockFirst, &moved)
	})
	if err != nil {
		return nil, moved.offerAlternatives(ctx, s.engine, scope, v, in, err)
	}
	return moved.to, nil
}

// rescheduled is an appointment before and after a move. from is nil until the move is allowed.
type rescheduled struct{ from, to *Appointment }

// reschedule moves an appointment, in one attempt of retryOnConflict.
func (e *engine) reschedule(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, version *int32, in RescheduleInput,
	lockFirst []uuid.UUID, result *rescheduled,
) error {
	current, err := e.lockAppointment(ctx, tx, scope, v, id, version)
	if err != nil {
		return err
	}
	if !isOpen[current.Status] {
		return invalidTransition(current.Status, "rescheduled")
	}
	if err := checkReschedule(ctx, tx, scope, v, *current); err != nil {
		return err
	}
	if in.StartAt.Equal(current.StartAt) && len(in.ResourceIDs) == 0 {
		result.to = current
		return nil
	}
	result.from = current
	result.to, err = e.move(ctx, tx, scope, v, current, in, lockFirst)
	return err
}

// offerAlternatives adds alternatives to the error of a move that was allowed.
func (r *rescheduled) offerAlternatives(
	ctx context.Context, e *engine, scope *tenancy.Scope, v viewer.Viewer, in RescheduleInput, err error,
) error {
	if r.from == nil {
		return err
	}
	return e.offerAlternatives(ctx, scope, v, in.request(r.from), err)
}

// checkReschedule returns an error unless the viewer may move the appointments. Policies are read only if they apply.
func checkReschedule(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, current ...Appointment,
) error {
	if v == viewer.Everything() {
		return nil
	}
	p, err := readPolicies(ctx, tx, scope)
	if err != nil {
		return err
	}
	for i := range current {
		if err := allowReschedule(v, p, &current[i], scope.Now); err != nil {
			return err
		}
	}
	return nil
}

// move plans, decides and claims the new time of an appointment that is locked.
func (e *engine) move(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, current *Appointment, in RescheduleInput,
	lockFirst []uuid.UUID,
) (*Appointment, error) {
	req := in.request(current)
	req.lockFirst = lockFirst
	s, err := e.plan(ctx, tx, scope, req)
	if err != nil {
		return nil, err
	}
	local := localStartOf(in.StartAt, scope.Tenant)
	if in.local != nil {
		local = *in.local
		s.Service.Requirements = asBooked(current.Resources)
		s.Service.MinNotice, s.Service.Horizon = 0, 0
	}
	request := availability.Request{Start: in.StartAt, Requested: req.requested, Kept: req.kept, Preferred: current.ResourceIDs}
	assignments, err := decider{s, v}.decide(request, in.ResourceIDs)
	if err != nil {
		return nil, err
	}
	if err := e.expireHolds(ctx, tx, scope, s.expired); err != nil {
		return nil, err
	}
	next := *current
	next.StartAt = in.StartAt.UTC()
	next.EndAt = next.StartAt.Add(s.Service.Duration)
	next.Version, next.UpdatedAt = current.Version+1, scope.Now
	if v.IsCustomer() && s.service.requiresApproval {
		next.Status = StatusPending
	}
	next.setResources(s, assignments)
	if err := claimMove(ctx, tx, scope, s, current, &next, assignments, local); err != nil {
		return nil, err
	}
	tx.Emit(eventTypes[ActionRescheduled], &next)
	return &next, current.enqueueVacancy(ctx, tx, scope)
}

// request is the bookingRequest of the move. Without resources the appointment keeps those it has if they are
// free, and gets others that its service accepts if not; a move by rules of a time zone cannot choose.
func (in *RescheduleInput) request(current *Appointment) bookingRequest {
	req := bookingRequest{
		serviceID: current.ServiceID, customerID: current.CustomerID, startAt: in.StartAt, requested: in.ResourceIDs, moving: current,
	}
	switch {
	case in.local != nil:
		req.requested, req.onlyRequested = current.ResourceIDs, true
	case len(in.ResourceIDs) == 0:
		req.kept = current.ResourceIDs
	}
	return req
}

// asBooked are requirements for the resources of an appointment, whatever its service requires by now.
func asBooked(resources []ResourceReference) []availability.Requirement {
	list := make([]availability.Requirement, len(resources))
	for i, r := range resources {
		list[i] = availability.Requirement{
			ResourceIDs: []uuid.UUID{r.ID}, Types: []availability.ResourceType{availability.ResourceType(r.Type)},
		}
	}
	return list
}
