package booking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// AppointmentInput is what a new appointment is made of.
type AppointmentInput struct {
	ServiceID  uuid.UUID
	CustomerID uuid.UUID
	// StartAt is a whole minute, in any zone.
	StartAt time.Time
	// ResourceIDs are taken; what they leave open is chosen.
	ResourceIDs []uuid.UUID
	Notes       string
	// Attendee is who comes, if that is known.
	Attendee *Attendee
	// HoldID is the hold that becomes the appointment; nil books what is free.
	HoldID *uuid.UUID
}

// Create books an appointment: all resources that the service needs, or none. It is
// PENDING if the service requires approval, else CONFIRMED. With a hold, it is what is
// held; see BookHeld. Customers book for themselves.
//
// Errors: ValidationFailed for references that do not exist in the environment, or
// cannot be booked, and for a start that is not a whole minute; RoleNotAllowed for staff
// who are not one of the resources; SlotTaken with the conflicting resources;
// QuotaExceeded; those of BookHeld.
func (s *Appointments) Create(ctx context.Context, scope *tenancy.Scope, in AppointmentInput) (*Appointment, error) {
	if err := checkStart(in.StartAt); err != nil {
		return nil, err
	}
	if err := s.checkOwnCustomer(ctx, scope, in.CustomerID); err != nil {
		return nil, err
	}
	if in.HoldID == nil {
		return s.create(ctx, scope, in)
	}
	var booked *Appointment
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) (err error) {
		if err := s.checkHoldVisible(ctx, tx, scope, *in.HoldID); err != nil {
			return err
		}
		booked, err = s.BookHeld(ctx, tx, scope, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return booked, nil
}

// create books what is free, for whoever it is.
func (s *Appointments) create(ctx context.Context, scope *tenancy.Scope, in AppointmentInput) (*Appointment, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make appointment id: %w", err)
	}
	var created *Appointment
	err = s.retryOnConflict(ctx, scope, func(tx *store.Tx, rivals []uuid.UUID) error {
		created, err = s.bookFree(ctx, tx, scope, id, in, rivals)
		return err
	})
	if err != nil {
		w := wish{serviceID: in.ServiceID, customerID: in.CustomerID, startAt: in.StartAt, requested: in.ResourceIDs}
		return nil, s.offer(ctx, scope, viewer.Of(scope), w, err)
	}
	return created, nil
}

// bookFree decides about an appointment and writes it.
func (s *Appointments) bookFree(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, in AppointmentInput, rivals []uuid.UUID,
) (*Appointment, error) {
	snapshot, assignments, err := s.decideFree(ctx, tx, scope, in, &in.CustomerID, rivals)
	if err != nil {
		return nil, err
	}
	if err := s.clear(ctx, tx, scope, snapshot.expired); err != nil {
		return nil, err
	}
	created := snapshot.newAppointment(id, scope.Now, in, assignments)
	return created, s.insert(ctx, tx, scope, snapshot, created, assignments)
}

// decideFree decides about an appointment; whether the customer may book, if there is one.
func (s *Appointments) decideFree(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, in AppointmentInput, customerID *uuid.UUID, rivals []uuid.UUID,
) (*snapshot, []availability.Assignment, error) {
	snapshot, err := s.snapshot(ctx, tx, scope, wish{
		serviceID: in.ServiceID, customerID: in.CustomerID, startAt: in.StartAt, requested: in.ResourceIDs, rivals: rivals,
	})
	if err != nil {
		return nil, nil, err
	}
	if err := snapshot.checkReferences(customerID); err != nil {
		return nil, nil, err
	}
	request := availability.Request{Start: in.StartAt, Requested: in.ResourceIDs}
	assignments, err := snapshot.decide(viewer.Of(scope), request, in.ResourceIDs)
	return snapshot, assignments, err
}

func checkStart(start time.Time) error {
	if start.Before(localtime.Earliest) || !start.Before(localtime.Latest) {
		return apperr.NewInvalid("/start_at", "The start must lie between the years 1970 and 2999.")
	}
	if !start.Equal(start.Truncate(time.Minute)) {
		return apperr.NewInvalid("/start_at", "The start must be a whole minute.")
	}
	return nil
}

// newAppointment is the appointment that the assignments of a decision make.
func (s *snapshot) newAppointment(id uuid.UUID, now time.Time, in AppointmentInput, assignments []availability.Assignment) *Appointment {
	start := in.StartAt.UTC()
	a := &Appointment{
		ID: id, Status: StatusConfirmed, StartAt: start, EndAt: start.Add(s.Service.Duration),
		ServiceID: in.ServiceID, CustomerID: in.CustomerID, Service: s.service.Reference, Customer: s.customer.Reference,
		BufferBeforeMinutes: s.service.bufferBefore, BufferAfterMinutes: s.service.bufferAfter, Price: s.service.price,
		Notes: in.Notes, Attendee: in.Attendee, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	if s.service.requiresApproval {
		a.Status = StatusPending
	}
	a.hold(s, assignments)
	return a
}

// hold gives the appointment the resources of the assignments.
func (a *Appointment) hold(s *snapshot, assignments []availability.Assignment) {
	a.Resources = s.references(assignments)
	a.arrange(make([]uuid.UUID, 0, len(assignments)))
}

// references are the resources of the assignments.
func (s *snapshot) references(assignments []availability.Assignment) []ResourceReference {
	list := make([]ResourceReference, len(assignments))
	for i, taken := range assignments {
		list[i] = s.reference(taken.ResourceID).ResourceReference
	}
	return list
}

// insert writes the appointment and counts it for its quota.
func (s *Appointments) insert(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, snapshot *snapshot, a *Appointment, assignments []availability.Assignment,
) error {
	resourceIDs, lanes := columns(assignments)
	from, to := snapshot.Service.Window(a.StartAt)
	local := localStartOf(a.StartAt, scope.Tenant)
	params := schedulingdb.InsertAppointmentParams{
		EnvID: scope.Env.ID, ID: a.ID, ServiceID: a.ServiceID, CustomerID: a.CustomerID, Status: a.Status,
		StartAt: a.StartAt, EndAt: a.EndAt, BufferBeforeMinutes: a.BufferBeforeMinutes, BufferAfterMinutes: a.BufferAfterMinutes,
		ServiceVersion: snapshot.service.version, PriceAmount: a.Price.Amount, PriceCurrency: a.Price.Currency, Notes: a.Notes,
		QuotaPeriod: scope.Entitlements.Period(entitle.MaxAppointments), CreatedBy: scope.ActorID(), Now: scope.Now,
		ResourceIds: resourceIDs, Lanes: lanes, FromAt: from, ToAt: to,
		LocalStartAt: local.at, Timezone: local.timezone, TzdataVersion: local.tzdataVersion,
	}
	params.AttendeeName, params.AttendeeEmail, params.AttendeePhone = a.Attendee.columns()
	allTaken := false
	insert := batch.Read(s.queries.InsertAppointment, params, &allTaken).
		Wrap(func(err error) error { return violations.Translate(fmt.Errorf("insert appointment: %w", err)) })
	reservation, err := s.countWith(ctx, tx, scope, insert)
	if err != nil {
		return err
	}
	if !allTaken {
		return &laneConflictError{resources: snapshot.ids()}
	}
	if err := reservation.Finish(ctx, tx); err != nil {
		return err
	}
	tx.Emit("appointment.created", a)
	return nil
}

// countWith writes an appointment and counts it for its quota, in one round trip. The caller
// finishes the reservation, if what was written is to stay.
func (s *Appointments) countWith(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, write batch.Statement,
) (*entitle.Reservation, error) {
	reservation := entitle.NewReservation(scope.Entitlements, entitle.MaxAppointments, 1)
	return reservation, tx.Batch(ctx, write, reservation.Statement())
}

// columns are the assignments as the arrays that queries take.
func columns(assignments []availability.Assignment) (resourceIDs []uuid.UUID, lanes []int32) {
	resourceIDs, lanes = make([]uuid.UUID, len(assignments)), make([]int32, len(assignments))
	for i, a := range assignments {
		resourceIDs[i], lanes[i] = a.ResourceID, int32(a.Lane)
	}
	return resourceIDs, lanes
}

// laneConflictError means that another booking took a lane between the snapshot and the insert.
type laneConflictError struct {
	// resources are the candidates of the snapshot.
	resources []uuid.UUID
}

func (*laneConflictError) Error() string { return "another booking took the lane first" }

// optimisticAttempts are made without locks; each one fails only if another booking succeeds. Further
// attempts lock the candidates first.
const optimisticAttempts = 3

// retryOnConflict runs fn in a transaction, again after each conflict about a lane (see store.Retry
// for how often). lockFirst are the resources that fn must lock before it reads.
func (s *Appointments) retryOnConflict(
	ctx context.Context, scope *tenancy.Scope, fn func(tx *store.Tx, lockFirst []uuid.UUID) error,
) error {
	var lockFirst []uuid.UUID
	conflicts := 0
	return s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		err := fn(tx, lockFirst)
		conflict, ok := errors.AsType[*laneConflictError](err)
		if !ok {
			return err
		}
		if conflicts++; conflicts >= optimisticAttempts {
			lockFirst = conflict.resources
		}
		return store.Retry(err)
	})
}
