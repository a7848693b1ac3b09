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

// SeriesMove says where appointments of a series shall go. Each keeps what is not given.
type SeriesMove struct {
	SeriesSelection
	// StartTime is the new time of day (15:04) on the clock of the business.
	StartTime *string
	// ShiftDays is how many days later they shall be; negative is earlier.
	ShiftDays int
	// ResourceIDs are taken, and what they leave open is chosen, as for a new appointment.
	ResourceIDs []uuid.UUID
	// OnConflict is ConflictFails or ConflictSubstitutes: either all of them move, or none.
	OnConflict OnConflict
	DryRun     bool
}

// Reschedule moves the selected appointments with the duration, buffers and price they were
// booked with, all or none; those that are there already stay as they are. None of the
// present times of those that move stands in the way. Errors: those of Cancel,
// RefusedByPolicy for staff who may not, and, except for the quota, those of Create.
func (s *SeriesBookings) Reschedule(
	ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, move SeriesMove,
) (*SeriesOutcome, error) {
	if move.StartTime != nil {
		if _, ok := localtime.ParseTimeOfDay(*move.StartTime); !ok {
			return nil, apperr.NewInvalid("/start_time", "must be a time of day, such as 09:30.")
		}
	}
	var outcome *SeriesOutcome
	err := s.retryOnConflict(ctx, scope, func(tx *store.Tx, rivals []uuid.UUID) error {
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
		if len(selected) == 1 && !open[selected[0].Status] {
			return invalidTransition(selected[0].Status, "rescheduled")
		}
		if err := s.checkReschedule(ctx, tx, scope, viewer.Of(scope), selected...); err != nil {
			return err
		}
		if selected = move.moving(selected, scope.Tenant.Location); len(selected) == 0 {
			return nil
		}
		if outcome.Occurrences, err = s.moveAll(ctx, tx, scope, selected, move, rivals); err != nil {
			return err
		}
		if move.DryRun {
			return errDryRun
		}
		return s.changed(ctx, tx, scope, &current.Series, "series.updated")
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return nil, err
	}
	return outcome, nil
}

// moving returns those of the appointments that are not where they shall be already.
func (m *SeriesMove) moving(selected []Appointment, loc *time.Location) []Appointment {
	return slices.DeleteFunc(slices.Clone(selected), func(a Appointment) bool {
		return m.start(&a, loc).Equal(a.StartAt) &&
			!slices.ContainsFunc(m.ResourceIDs, func(id uuid.UUID) bool { return !slices.Contains(a.ResourceIDs, id) })
	})
}

// moveAll decides where the appointments, which are locked, can go, and writes it unless
// it is a dry run.
func (s *SeriesBookings) moveAll(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, selected []Appointment, move SeriesMove, rivals []uuid.UUID,
) ([]Occurrence, error) {
	w, err := move.wish(selected, scope.Tenant.Location)
	if err != nil {
		return nil, err
	}
	w.rivals = rivals
	snapshot, err := s.surveySeries(ctx, tx, scope, w)
	if err != nil {
		return nil, err
	}
	decided, err := snapshot.decideSeries(ctx, viewer.Of(scope), move.wanted(snapshot, selected, scope.Tenant.Location), move.OnConflict, move.ResourceIDs)
	if err != nil || move.DryRun {
		return decided, err
	}
	if refused := conflicts(decided); len(refused) > 0 {
		return nil, snapshot.seriesRefused(decided, refused)
	}
	if err := s.clear(ctx, tx, scope, snapshot.expired); err != nil {
		return nil, err
	}
	return decided, s.writeMoves(ctx, tx, scope, snapshot, selected, decided)
}

// wish says what to take the snapshot for. Its resources include all that are to be kept.
func (m *SeriesMove) wish(selected []Appointment, loc *time.Location) (seriesWish, error) {
	w := seriesWish{moving: selected}
	w.serviceID, w.customerID, w.requested = selected[0].ServiceID, selected[0].CustomerID, slices.Clone(m.ResourceIDs)
	for i := range selected {
		start := m.start(&selected[i], loc)
		if err := checkStart(start); err != nil {
			return w, err
		}
		w.starts = append(w.starts, start)
		for _, id := range selected[i].ResourceIDs {
			if !slices.Contains(w.requested, id) {
				w.requested = append(w.requested, id)
			}
		}
	}
	if len(m.ResourceIDs) == 0 {
		w.kept = w.requested
	}
	slices.SortFunc(w.starts, time.Time.Compare)
	w.startAt = w.starts[0]
	return w, nil
}

// start is where an appointment shall go: exactly where it is, if the move does not say
// otherwise.
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

// writeMoves gives the appointments their new times and lanes, with history and events.
func (s *SeriesBookings) writeMoves(
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
		next.hold(snapshot, decided[i].assignments)
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
	err := s.queries.DeleteAllocationsOfAppointments(ctx, tx, schedulingdb.DeleteAllocationsOfAppointmentsParams{
		EnvID: scope.Env.ID, AppointmentIds: params.Ids,
	})
	if err != nil {
		return fmt.Errorf("delete allocations: %w", err)
	}
	lanes := lanesOf(decided)
	params.AppointmentIds, params.ResourceIds, params.Lanes = lanes.appointmentIDs, lanes.resourceIDs, lanes.lanes
	params.FromAts, params.ToAts = lanes.fromAts, lanes.toAts
	taken, err := s.queries.MoveAppointments(ctx, tx, params)
	if err != nil {
		return fmt.Errorf("move appointments: %w", err)
	}
	if int(taken) < len(lanes.lanes) {
		return &laneConflictError{resources: snapshot.ids()}
	}
	for i, a := range moved {
		tx.Emit(eventTypes[ActionRescheduled], a)
		if err := selected[i].freed(ctx, tx, scope); err != nil {
			return err
		}
	}
	return nil
}
