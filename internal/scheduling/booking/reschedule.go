package booking

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// RescheduleInput is where an appointment shall go.
type RescheduleInput struct {
	// StartAt is a whole minute, in any zone.
	StartAt time.Time
	// ResourceIDs are taken, and what they leave open is chosen, as for a new
	// appointment; without any it keeps its resources if all of them are free, else others
	// are chosen.
	ResourceIDs []uuid.UUID

	// local is set if it is not people who move the appointment, but the rules of its time
	// zone: then notice and horizon do not count, and the clock shows what it
	// showed before.
	local *localStart
}

// Reschedule moves a pending or confirmed appointment, with the duration, buffers and
// price it was booked with. Its present time does not stand in its way, and a move to
// where it is changes nothing. Customers and staff move theirs if the policies allow it;
// what a customer moves is pending again if the service requires approval. Errors:
// NotFound, VersionMismatch, InvalidTransition, RefusedByPolicy, and those of Create,
// except for the quota.
func (s *Appointments) Reschedule(
	ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, in RescheduleInput,
) (*Appointment, error) {
	return s.reschedule(ctx, scope, viewer.Of(scope), id, version, in, nil)
}

// RescheduleFor is Reschedule for whoever the caller knows to be the customer of the
// appointment.
func (s *Appointments) RescheduleFor(
	ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, in RescheduleInput,
) (*Appointment, error) {
	return s.reschedule(ctx, scope, viewer.Bearer(id), id, version, in, nil)
}

// reschedule also reads, in the same transaction, what else the answer needs; nil is nothing.
func (s *Appointments) reschedule(
	ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, version *int32, in RescheduleInput,
	also func(tx *store.Tx) error,
) (*Appointment, error) {
	if err := checkStart(in.StartAt); err != nil {
		return nil, err
	}
	var moved, from *Appointment
	err := s.retryOnConflict(ctx, scope, func(tx *store.Tx, rivals []uuid.UUID) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		current, err := s.lockAs(ctx, tx, scope, v, id, version)
		if err != nil {
			return err
		}
		if !open[current.Status] {
			return invalidTransition(current.Status, "rescheduled")
		}
		if err := s.checkReschedule(ctx, tx, scope, v, *current); err != nil {
			return err
		}
		if in.StartAt.Equal(current.StartAt) && len(in.ResourceIDs) == 0 {
			moved = current
			return nil
		}
		from = current
		moved, err = s.move(ctx, tx, scope, v, current, in, rivals)
		return err
	})
	if err != nil && from != nil {
		return nil, s.offer(ctx, scope, v, in.wish(from), err)
	}
	if err != nil {
		return nil, err
	}
	return moved, nil
}

// checkReschedule reads the policies only for those whom they bind.
func (s *Appointments) checkReschedule(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, current ...Appointment,
) error {
	if v == viewer.Everything() {
		return nil
	}
	p, err := s.policies(ctx, tx, scope)
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

// move decides where the appointment, which is locked, can go, and writes it.
func (s *Appointments) move(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, current *Appointment, in RescheduleInput,
	rivals []uuid.UUID,
) (*Appointment, error) {
	w := in.wish(current)
	w.rivals = rivals
	snapshot, err := s.snapshot(ctx, tx, scope, w)
	if err != nil {
		return nil, err
	}
	local := localStartOf(in.StartAt, scope.Tenant)
	if in.local != nil {
		local = *in.local
		snapshot.Service.Requirements = asBooked(current.Resources)
		snapshot.Service.MinNotice, snapshot.Service.Horizon = 0, 0
	}
	request := availability.Request{Start: in.StartAt, Requested: w.requested, Kept: w.kept, Preferred: current.ResourceIDs}
	assignments, err := snapshot.decide(v, request, in.ResourceIDs)
	if err != nil {
		return nil, err
	}
	if err := s.clear(ctx, tx, scope, snapshot.expired); err != nil {
		return nil, err
	}
	next := *current
	next.StartAt = in.StartAt.UTC()
	next.EndAt = next.StartAt.Add(snapshot.Service.Duration)
	next.Version, next.UpdatedAt = current.Version+1, scope.Now
	if v.IsCustomer() && snapshot.service.requiresApproval {
		next.Status = StatusPending
	}
	next.hold(snapshot, assignments)
	if err := s.replaceAllocations(ctx, tx, scope, snapshot, current, &next, assignments, local); err != nil {
		return nil, err
	}
	tx.Emit(eventTypes[ActionRescheduled], &next)
	return &next, current.freed(ctx, tx, scope)
}

// wish says what to take the snapshot for. Whoever names no resources keeps those that the
// appointment has, if they are free, and gets others that its service allows if they are not;
// only what the rules of a time zone move has no others.
func (in *RescheduleInput) wish(current *Appointment) wish {
	w := wish{
		serviceID: current.ServiceID, customerID: current.CustomerID, startAt: in.StartAt, requested: in.ResourceIDs, moving: current,
	}
	switch {
	case in.local != nil:
		w.requested, w.only = current.ResourceIDs, true
	case len(in.ResourceIDs) == 0:
		w.kept = current.ResourceIDs
	}
	return w
}

// asBooked requires the resources that an appointment has, whatever its service has come
// to require since.
func asBooked(resources []ResourceReference) []availability.Requirement {
	list := make([]availability.Requirement, len(resources))
	for i, r := range resources {
		list[i] = availability.Requirement{
			ResourceIDs: []uuid.UUID{r.ID}, Types: []availability.ResourceType{availability.ResourceType(r.Type)},
		}
	}
	return list
}

func (s *Appointments) replaceAllocations(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, snapshot *snapshot, current, next *Appointment,
	assignments []availability.Assignment, local localStart,
) error {
	changes, err := changesBetween(current, next)
	if err != nil {
		return err
	}
	err = s.queries.DeleteAllocations(ctx, tx, schedulingdb.DeleteAllocationsParams{EnvID: scope.Env.ID, AppointmentID: next.ID})
	if err != nil {
		return fmt.Errorf("delete allocations: %w", err)
	}
	resourceIDs, lanes := columns(assignments)
	from, to := snapshot.Service.Window(next.StartAt)
	taken, err := s.queries.MoveAppointment(ctx, tx, schedulingdb.MoveAppointmentParams{
		EnvID: scope.Env.ID, ID: next.ID, Status: next.Status, StartAt: next.StartAt, EndAt: next.EndAt, Version: next.Version, Now: scope.Now,
		ActorUserID: scope.ActorID(), ActorTokenID: scope.ActorTokenID(), ImpersonatorUserID: scope.ImpersonatorID(), Changes: changes, ResourceIds: resourceIDs, Lanes: lanes, FromAt: from, ToAt: to,
		LocalStartAt: local.at, Timezone: local.timezone, TzdataVersion: local.tzdataVersion,
	})
	if err != nil {
		return fmt.Errorf("move appointment: %w", err)
	}
	if len(taken) < len(assignments) {
		return &laneConflictError{resources: slices.Concat(snapshot.ids(), current.ResourceIDs)}
	}
	return nil
}
