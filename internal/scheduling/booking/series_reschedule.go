package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// SeriesMove says where appointments of a series move. Each keeps what is not given.
type SeriesMove struct {
	SeriesSelection
	// StartTime is the new local time of day (15:04).
	StartTime *string
	// ShiftDays is by how many days they move; negative is earlier.
	ShiftDays int
	// ResourceIDs are taken, and other resources are chosen, as for a new appointment.
	ResourceIDs []uuid.UUID
	// OnConflict is ConflictFails or ConflictSubstitutes: all of them move, or none.
	OnConflict OnConflict
	DryRun     bool
}

// Reschedule moves the selected appointments, all or none, with the duration, buffers and price of their bookings;
// those already there stay as they are. Their present times do not block them. Errors: those of Cancel; RefusedByPolicy for
// staff who may not move them; those of Create except QuotaExceeded.
func (s *SeriesBookings) Reschedule(
	ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, move SeriesMove,
) (*SeriesOutcome, error) {
	if move.StartTime != nil {
		if _, ok := localtime.ParseTimeOfDay(*move.StartTime); !ok {
			return nil, apperr.NewInvalid("/start_time", "must be a time of day, such as 09:30.")
		}
	}
	var outcome *SeriesOutcome
	err := s.engine.retryOnConflict(ctx, scope, func(tx *store.Tx, lockFirst []uuid.UUID) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		outcome = &SeriesOutcome{
			ID: &current.ID, DryRun: move.DryRun, Timezone: scope.Tenant.Timezone, RRule: current.RRule, Occurrences: []Occurrence{},
		}
		selected, err := move.of(current, scope.Now)
		if err != nil {
			return err
		}
		if len(selected) == 1 && !isOpen[selected[0].Status] {
			return invalidTransition(selected[0].Status, "rescheduled")
		}
		if err := checkReschedule(ctx, tx, scope, viewer.Of(scope), selected...); err != nil {
			return err
		}
		if selected = move.moving(selected, scope.Tenant.Location); len(selected) == 0 {
			return nil
		}
		if outcome.Occurrences, err = s.moveAll(ctx, tx, scope, selected, move, lockFirst); err != nil {
			return err
		}
		if move.DryRun {
			return errDryRun
		}
		return writeSeries(ctx, tx, scope, &current.Series, "series.updated")
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return nil, err
	}
	return outcome, nil
}

// moving returns the appointments that are not at their destination already.
func (m *SeriesMove) moving(selected []Appointment, loc *time.Location) []Appointment {
	return slices.DeleteFunc(slices.Clone(selected), func(a Appointment) bool {
		return m.start(&a, loc).Equal(a.StartAt) &&
			!slices.ContainsFunc(m.ResourceIDs, func(id uuid.UUID) bool { return !slices.Contains(a.ResourceIDs, id) })
	})
}

// moveAll plans, decides and, unless it is a dry run, claims the moves of appointments that are locked.
func (s *SeriesBookings) moveAll(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, selected []Appointment, move SeriesMove, lockFirst []uuid.UUID,
) ([]Occurrence, error) {
	req, err := move.request(selected, scope.Tenant.Location)
	if err != nil {
		return nil, err
	}
	req.lockFirst = lockFirst
	snapshot, err := s.engine.planSeries(ctx, tx, scope, req)
	if err != nil {
		return nil, err
	}
	decided, err := decider{snapshot, viewer.Of(scope)}.decideSeries(ctx, move.wanted(snapshot, selected, scope.Tenant.Location), move.OnConflict, move.ResourceIDs)
	if err != nil || move.DryRun {
		return decided, err
	}
	if refused := conflicts(decided); len(refused) > 0 {
		return nil, seriesRefused(snapshot, decided, refused)
	}
	if err := s.engine.expireHolds(ctx, tx, scope, snapshot.expired); err != nil {
		return nil, err
	}
	return decided, claimMoves(ctx, tx, scope, snapshot, selected, decided)
}

// request is the seriesRequest of the move. Its resources include all that are to be kept.
func (m *SeriesMove) request(selected []Appointment, loc *time.Location) (seriesRequest, error) {
	req := seriesRequest{allMoving: selected}
	req.serviceID, req.customerID, req.requested = selected[0].ServiceID, selected[0].CustomerID, slices.Clone(m.ResourceIDs)
	for i := range selected {
		start := m.start(&selected[i], loc)
		if err := checkStart(start); err != nil {
			return req, err
		}
		req.starts = append(req.starts, start)
		for _, id := range selected[i].ResourceIDs {
			if !slices.Contains(req.requested, id) {
				req.requested = append(req.requested, id)
			}
		}
	}
	if len(m.ResourceIDs) == 0 {
		req.kept = req.requested
	}
	slices.SortFunc(req.starts, time.Time.Compare)
	req.startAt = req.starts[0]
	return req, nil
}

// start is the destination of an appointment: exactly its present start if the move changes neither day nor time.
func (m *SeriesMove) start(a *Appointment, loc *time.Location) time.Time {
	shown := localtime.WallClock(a.StartAt, loc)
	present := shown.Hour()*60 + shown.Minute()
	minutes := present
	if m.StartTime != nil {
		minutes, _ = localtime.ParseTimeOfDay(*m.StartTime)
	}
	if m.ShiftDays == 0 && minutes == present {
		return a.StartAt
	}
	return localtime.At(localtime.DateOf(shown, time.UTC).AddDays(m.ShiftDays), minutes, loc)
}

// wanted lists what is to be decided, in the order of the appointments.
func (m *SeriesMove) wanted(s *snapshot, selected []Appointment, loc *time.Location) []wanted {
	list := make([]wanted, len(selected))
	for i := range selected {
		a := &selected[i]
		booked := s.Service
		times := a.times()
		booked.Active, booked.Duration, booked.BufferBefore, booked.BufferAfter = true, times.Duration, times.BufferBefore, times.BufferAfter
		list[i] = wanted{
			start: m.start(a, loc), service: booked, requested: m.ResourceIDs, preferred: a.ResourceIDs, appointmentID: &a.ID,
		}
		if len(m.ResourceIDs) == 0 {
			list[i].kept = a.ResourceIDs
		}
	}
	return list
}

// claimMoves gives appointments their new times and lanes, and writes history and events. Error: laneConflictError.
func claimMoves(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, snapshot *snapshot, selected []Appointment, decided []Occurrence,
) error {
	params := schedulingdb.MoveAppointmentsParams{
		EnvID: scope.Env.ID, Now: scope.Now, ActorUserID: scope.ActorID(), ActorTokenID: scope.ActorTokenID(),
		ImpersonatorUserID: scope.ImpersonatorID(),
	}
	moved := make([]*Appointment, len(selected))
	for i := range selected {
		next := selected[i]
		next.StartAt, next.EndAt = decided[i].StartAt, decided[i].EndAt
		next.Version, next.UpdatedAt = next.Version+1, scope.Now
		next.setResources(snapshot, decided[i].assignments)
		changes, err := changesBetween(&selected[i], &next)
		if err != nil {
			return err
		}
		params.Ids, params.Versions = append(params.Ids, next.ID), append(params.Versions, next.Version)
		params.StartAts, params.EndAts = append(params.StartAts, next.StartAt), append(params.EndAts, next.EndAt)
		params.Changes = append(params.Changes, string(changes))
		local := localStartOf(next.StartAt, scope.Tenant)
		params.LocalStartAts = append(params.LocalStartAts, local.at)
		params.Timezone, params.TzdataVersion = local.timezone, local.tzdataVersion
		moved[i] = &next
	}
	err := queries.DeleteAllocationsOfAppointments(ctx, tx, schedulingdb.DeleteAllocationsOfAppointmentsParams{
		EnvID: scope.Env.ID, AppointmentIds: params.Ids,
	})
	if err != nil {
		return fmt.Errorf("delete allocations: %w", err)
	}
	lanes := lanesOf(decided)
	params.AppointmentIds, params.ResourceIds, params.Lanes = lanes.appointmentIDs, lanes.resourceIDs, lanes.lanes
	params.FromAts, params.ToAts = lanes.fromAts, lanes.toAts
	taken, err := queries.MoveAppointments(ctx, tx, params)
	if err != nil {
		return fmt.Errorf("move appointments: %w", err)
	}
	if int(taken) < len(lanes.lanes) {
		return &laneConflictError{resources: snapshot.ids()}
	}
	for i, a := range moved {
		tx.Emit(eventTypes[ActionRescheduled], a)
		if err := selected[i].enqueueVacancy(ctx, tx, scope); err != nil {
			return err
		}
	}
	return nil
}
