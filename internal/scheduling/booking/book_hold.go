package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// bookHeld turns a hold into an appointment with its resources, buffers and price. The rule book is not asked again.
// The input must not contradict the hold. The caller has checked that the hold is visible.
//
// Errors: ValidationFailed for a hold that does not exist, for input that contradicts it, and for a customer that does
// not exist or cannot book; HoldExpired; HoldUsed; QuotaExceeded.
func (e *engine) bookHeld(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, in AppointmentInput) (*Appointment, error) {
	_, held, err := lockHold(ctx, tx, scope, viewer.Everything(), *in.HoldID)
	if errors.Is(err, apperr.NewNotFound("hold")) {
		return nil, apperr.NewUnknownReference("/hold_id", "hold")
	}
	if err != nil {
		return nil, err
	}
	if err := held.allow(in); err != nil {
		return nil, err
	}
	customer, err := bookingCustomer(ctx, tx, scope, in.CustomerID)
	if err != nil {
		return nil, err
	}
	booked, err := held.newAppointment(scope.Now, in, customer.Reference)
	if err != nil {
		return nil, err
	}
	period, local := scope.Entitlements.Period(entitle.MaxAppointments), localStartOf(booked.StartAt, scope.Tenant)
	params := schedulingdb.BookHoldParams{
		EnvID: scope.Env.ID, HoldID: held.ID, ID: booked.ID, CustomerID: in.CustomerID, Status: booked.Status, Notes: booked.Notes,
		QuotaPeriod: period, CreatedBy: scope.ActorID(), Now: scope.Now,
		LocalStartAt: local.at, Timezone: local.timezone, TzdataVersion: local.tzdataVersion,
	}
	params.AttendeeName, params.AttendeeEmail, params.AttendeePhone = booked.Attendee.columns()
	reservation, err := writeCounted(ctx, tx, scope, batch.Write(queries.BookHold, params).
		Wrap(func(err error) error { return violations.Translate(fmt.Errorf("book hold: %w", err)) }))
	if err == nil {
		err = reservation.Finish(ctx, tx)
	}
	if err != nil {
		return nil, err
	}
	held.Status, held.AppointmentID = HoldBooked, &booked.ID
	tx.Emit("hold.booked", held)
	tx.Emit("appointment.created", booked)
	return booked, e.onHoldsEnded(ctx, tx, scope, holdsEnd{ids: []uuid.UUID{held.ID}, appointmentID: &booked.ID})
}

// allow returns an error unless the hold can become the appointment.
func (h *Hold) allow(in AppointmentInput) error {
	switch h.Status {
	case HoldBooked:
		return holdUsed(h)
	case HoldExpired:
		return apperr.New(apperr.HoldExpired, "The hold has expired. Hold the time again, or book it without the hold.").
			With("expired_at", h.ExpiresAt)
	}
	switch {
	case in.ServiceID != h.ServiceID:
		return apperr.NewInvalid("/service_id", "The hold is for another service.")
	case !in.StartAt.Equal(h.StartAt):
		return apperr.NewInvalid("/start_at", "The hold is for %s.", h.StartAt.Format(time.RFC3339))
	case h.CustomerID != nil && *h.CustomerID != in.CustomerID:
		return apperr.NewInvalid("/customer_id", "The hold is for another customer.")
	}
	for i, id := range in.ResourceIDs {
		if !slices.Contains(h.ResourceIDs, id) {
			return apperr.NewInvalid(fmt.Sprintf("/resource_ids/%d", i), "The hold is for other resources.")
		}
	}
	return nil
}

func holdUsed(h *Hold) error {
	return apperr.New(apperr.HoldUsed, "The hold has become an appointment already.").With("appointment_id", h.AppointmentID)
}

// newAppointment is the appointment that the hold becomes.
func (h *Hold) newAppointment(now time.Time, in AppointmentInput, customer Reference) (*Appointment, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make appointment id: %w", err)
	}
	a := &Appointment{
		ID: id, Status: StatusConfirmed, StartAt: h.StartAt, EndAt: h.EndAt, ServiceID: h.ServiceID, CustomerID: customer.ID,
		Service: h.Service, Customer: customer, ResourceIDs: h.ResourceIDs, Resources: h.Resources,
		BufferBeforeMinutes: h.BufferBeforeMinutes, BufferAfterMinutes: h.BufferAfterMinutes, Price: h.Price, Notes: in.Notes,
		Attendee: in.Attendee, CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	if h.requiresApproval {
		a.Status = StatusPending
	}
	return a, nil
}

// bookingCustomer returns a customer who may book. Errors: ValidationFailed.
func bookingCustomer(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID) (*bookedCustomer, error) {
	row, err := queries.GetCustomer(ctx, tx, schedulingdb.GetCustomerParams{EnvID: scope.Env.ID, ID: id})
	var customer *bookedCustomer
	switch {
	case err == nil:
		customer = &bookedCustomer{Reference: Reference{ID: id, Name: row.Name}, status: row.Status}
	case !errors.Is(err, pgx.ErrNoRows):
		return nil, fmt.Errorf("get customer: %w", err)
	}
	if fields := customer.check(); len(fields) > 0 {
		return nil, apperr.New(apperr.ValidationFailed, "%s", fields[0].Detail).WithFields(fields...)
	}
	return customer, nil
}
