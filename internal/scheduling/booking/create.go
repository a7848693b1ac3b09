package booking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// AppointmentInput describes a new appointment.
type AppointmentInput struct {
	ServiceID  uuid.UUID
	CustomerID uuid.UUID
	// StartAt is a whole minute, in any zone.
	StartAt time.Time
	// ResourceIDs are taken; the other resources are chosen.
	ResourceIDs []uuid.UUID
	Notes       string
	// Attendee is optional.
	Attendee *Attendee
	// HoldID is the hold that becomes the appointment; nil books free time.
	HoldID *uuid.UUID
}

// Create books an appointment with all resources that the service needs. It is PENDING if the service
// requires approval, else CONFIRMED. With a hold it gets the hold's time and resources. Customers book
// for themselves.
//
// Errors: ValidationFailed for references that do not exist in the environment or cannot be booked, for a start that is
// not a whole minute, and for input that contradicts the hold; RoleNotAllowed for staff who are not one of the
// resources; SlotTaken with conflicts and alternatives; HoldExpired; HoldUsed; QuotaExceeded.
func (s *Appointments) Create(ctx context.Context, scope *tenancy.Scope, in AppointmentInput) (*Appointment, error) {
	if err := checkStart(in.StartAt); err != nil {
		return nil, err
	}
	v := viewer.Of(scope)
	if err := checkOwnCustomer(ctx, s.engine.store, scope, v, in.CustomerID); err != nil {
		return nil, err
	}
	if in.HoldID == nil {
		return s.bookFree(ctx, scope, v, in)
	}
	return store.In(ctx, s.engine.store, scope, func(tx *store.Tx) (*Appointment, error) {
		_, err := readHold(ctx, tx, scope, v, *in.HoldID)
		if errors.Is(err, apperr.NewNotFound("hold")) {
			return nil, apperr.NewUnknownReference("/hold_id", "hold")
		}
		if err != nil {
			return nil, err
		}
		return s.engine.bookHeld(ctx, tx, scope, in)
	})
}

// bookFree books free time.
func (s *Appointments) bookFree(ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, in AppointmentInput) (*Appointment, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make appointment id: %w", err)
	}
	var created *Appointment
	err = s.engine.retryOnConflict(ctx, scope, func(tx *store.Tx, lockFirst []uuid.UUID) error {
		created, err = s.engine.bookFree(ctx, tx, scope, v, id, in, lockFirst)
		return err
	})
	if err != nil {
		req := bookingRequest{serviceID: in.ServiceID, customerID: in.CustomerID, startAt: in.StartAt, requested: in.ResourceIDs}
		return nil, s.engine.offerAlternatives(ctx, scope, v, req, err)
	}
	return created, nil
}

// bookFree plans, decides and claims a new appointment, in one attempt of retryOnConflict.
func (e *engine) bookFree(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, in AppointmentInput, lockFirst []uuid.UUID,
) (*Appointment, error) {
	s, err := e.plan(ctx, tx, scope, bookingRequest{
		serviceID: in.ServiceID, customerID: in.CustomerID, startAt: in.StartAt, requested: in.ResourceIDs, lockFirst: lockFirst,
	})
	if err != nil {
		return nil, err
	}
	if err := s.checkReferences(&in.CustomerID); err != nil {
		return nil, err
	}
	assignments, err := decider{s, v}.decide(availability.Request{Start: in.StartAt, Requested: in.ResourceIDs}, in.ResourceIDs)
	if err != nil {
		return nil, err
	}
	if err := e.expireHolds(ctx, tx, scope, s.expired); err != nil {
		return nil, err
	}
	created := newAppointment(s, id, scope.Now, in, assignments)
	return created, claimAppointment(ctx, tx, scope, s, created, assignments)
}

// checkStart returns a ValidationFailed error unless the start is a whole minute and can be stored.
func checkStart(start time.Time) error {
	if start.Before(localtime.Earliest) || !start.Before(localtime.Latest) {
		return apperr.NewInvalid("/start_at", "The start must lie between the years 1970 and 2999.")
	}
	if !start.Equal(start.Truncate(time.Minute)) {
		return apperr.NewInvalid("/start_at", "The start must be a whole minute.")
	}
	return nil
}

// newAppointment returns the appointment of a decision.
func newAppointment(s *snapshot, id uuid.UUID, now time.Time, in AppointmentInput, assignments []availability.Assignment) *Appointment {
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
	a.setResources(s, assignments)
	return a
}

// setResources gives the appointment the resources of a decision.
func (a *Appointment) setResources(s *snapshot, assignments []availability.Assignment) {
	a.Resources = s.references(assignments)
	a.arrange(make([]uuid.UUID, 0, len(assignments)))
}
