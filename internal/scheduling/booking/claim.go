package booking

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// claimAppointment writes an appointment with its lanes and counts it against the quota, in one round trip.
// Errors: laneConflictError if another booking has one of the lanes; QuotaExceeded.
func claimAppointment(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, s *snapshot, a *Appointment, assignments []availability.Assignment,
) error {
	resourceIDs, lanes := columns(assignments)
	from, to := s.Service.Window(a.StartAt)
	local := localStartOf(a.StartAt, scope.Tenant)
	params := schedulingdb.InsertAppointmentParams{
		EnvID: scope.Env.ID, ID: a.ID, ServiceID: a.ServiceID, CustomerID: a.CustomerID, Status: a.Status,
		StartAt: a.StartAt, EndAt: a.EndAt, BufferBeforeMinutes: a.BufferBeforeMinutes, BufferAfterMinutes: a.BufferAfterMinutes,
		ServiceVersion: s.service.version, PriceAmount: a.Price.Amount, PriceCurrency: a.Price.Currency, Notes: a.Notes,
		QuotaPeriod: scope.Entitlements.Period(entitle.MaxAppointments), CreatedBy: scope.ActorID(), Now: scope.Now,
		ResourceIds: resourceIDs, Lanes: lanes, FromAt: from, ToAt: to,
		LocalStartAt: local.at, Timezone: local.timezone, TzdataVersion: local.tzdataVersion,
	}
	params.AttendeeName, params.AttendeeEmail, params.AttendeePhone = a.Attendee.columns()
	allTaken := false
	insert := batch.Read(queries.InsertAppointment, params, &allTaken).
		Wrap(func(err error) error { return violations.Translate(fmt.Errorf("insert appointment: %w", err)) })
	reservation, err := writeCounted(ctx, tx, scope, insert)
	if err != nil {
		return err
	}
	if !allTaken {
		return &laneConflictError{resources: s.ids()}
	}
	if err := reservation.Finish(ctx, tx); err != nil {
		return err
	}
	tx.Emit("appointment.created", a)
	return nil
}

// writeCounted writes an appointment and counts it against the quota, in one round trip. The caller finishes the
// reservation unless the transaction is rolled back.
func writeCounted(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, write batch.Statement,
) (*entitle.Reservation, error) {
	reservation := entitle.NewReservation(scope.Entitlements, entitle.MaxAppointments, 1)
	return reservation, tx.Batch(ctx, write, reservation.Statement())
}

// columns returns assignments as arrays for queries.
func columns(assignments []availability.Assignment) (resourceIDs []uuid.UUID, lanes []int32) {
	resourceIDs, lanes = make([]uuid.UUID, len(assignments)), make([]int32, len(assignments))
	for i, a := range assignments {
		resourceIDs[i], lanes[i] = a.ResourceID, int32(a.Lane)
	}
	return resourceIDs, lanes
}

// claimHold writes a hold with its lanes. Error: laneConflictError.
func claimHold(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, s *snapshot, h *Hold, assignments []availability.Assignment,
) error {
	resourceIDs, lanes := columns(assignments)
	from, to := s.Service.Window(h.StartAt)
	taken, err := queries.InsertHold(ctx, tx, schedulingdb.InsertHoldParams{
		EnvID: scope.Env.ID, ID: h.ID, ServiceID: h.ServiceID, CustomerID: h.CustomerID, StartAt: h.StartAt, EndAt: h.EndAt,
		BufferBeforeMinutes: h.BufferBeforeMinutes, BufferAfterMinutes: h.BufferAfterMinutes, ServiceVersion: h.serviceVersion,
		PriceAmount: h.Price.Amount, PriceCurrency: h.Price.Currency, ExpiresAt: h.ExpiresAt, HolderID: h.holder,
		CreatedBy: scope.ActorID(), Now: scope.Now, ResourceIds: resourceIDs, Lanes: lanes, FromAt: from, ToAt: to,
	})
	if err != nil {
		return violations.Translate(fmt.Errorf("insert hold: %w", err))
	}
	if len(taken) < len(assignments) {
		return &laneConflictError{resources: s.ids()}
	}
	err = queries.DeleteOldHolds(ctx, tx, schedulingdb.DeleteOldHoldsParams{EnvID: scope.Env.ID, Before: scope.Now.Add(-holdRetention)})
	if err != nil {
		return fmt.Errorf("delete old holds: %w", err)
	}
	tx.Emit("hold.created", h)
	return nil
}

// claimMove gives an appointment, which is locked, its new time and lanes, and writes its history. Error: laneConflictError.
func claimMove(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, s *snapshot, current, next *Appointment,
	assignments []availability.Assignment, local localStart,
) error {
	changes, err := changesBetween(current, next)
	if err != nil {
		return err
	}
	err = queries.DeleteAllocations(ctx, tx, schedulingdb.DeleteAllocationsParams{EnvID: scope.Env.ID, AppointmentID: next.ID})
	if err != nil {
		return fmt.Errorf("delete allocations: %w", err)
	}
	resourceIDs, lanes := columns(assignments)
	from, to := s.Service.Window(next.StartAt)
	taken, err := queries.MoveAppointment(ctx, tx, schedulingdb.MoveAppointmentParams{
		EnvID: scope.Env.ID, ID: next.ID, Status: next.Status, StartAt: next.StartAt, EndAt: next.EndAt, Version: next.Version, Now: scope.Now,
		ActorUserID: scope.ActorID(), ActorTokenID: scope.ActorTokenID(), ImpersonatorUserID: scope.ImpersonatorID(), Changes: changes, ResourceIds: resourceIDs, Lanes: lanes, FromAt: from, ToAt: to,
		LocalStartAt: local.at, Timezone: local.timezone, TzdataVersion: local.tzdataVersion,
	})
	if err != nil {
		return fmt.Errorf("move appointment: %w", err)
	}
	if len(taken) < len(assignments) {
		return &laneConflictError{resources: slices.Concat(s.ids(), current.ResourceIDs)}
	}
	return nil
}
