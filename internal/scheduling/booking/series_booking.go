package booking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/recurrence"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// SeriesInput describes a new series.
type SeriesInput struct {
	// ServiceID, CustomerID, ResourceIDs and Notes are as in AppointmentInput, for each of
	// the appointments.
	ServiceID   uuid.UUID
	CustomerID  uuid.UUID
	ResourceIDs []uuid.UUID
	Notes       string
	// StartAt is the first start that the rule gives, a whole minute, in any zone.
	StartAt time.Time
	// RRule is the value of an RRULE (RFC 5545) that recurs at most once a day and ends (COUNT or UNTIL) after at most
	// MaxSeriesLength occurrences.
	RRule      string
	OnConflict OnConflict
	// DryRun only decides.
	DryRun bool
}

// MaxSeriesLength is the greatest number of occurrences of a series.
const MaxSeriesLength = 200

// SeriesOutcome has the decisions about the occurrences of a series, in the order of their wanted starts.
type SeriesOutcome struct {
	// ID is nil for the dry run of a booking.
	ID          *uuid.UUID
	DryRun      bool
	Timezone    string
	RRule       string
	Occurrences []Occurrence
}

// errDryRun rolls back a dry run.
var errDryRun = errors.New("this was a dry run")

// Create books the occurrences of a rule in one transaction. They start at the local time of the first, in the time
// zone of the business; the first starts exactly as given. All are decided with one snapshot, each as if those before it
// were booked, and counted against the quota together.
//
// Errors: those of Appointments.Create; ValidationFailed for a rule that is invalid, has no end, has too many
// occurrences or does not recur at the start; SlotTaken with the conflicts, except for a dry run. A series without a
// single free occurrence is refused in every mode.
func (s *SeriesBookings) Create(ctx context.Context, scope *tenancy.Scope, in SeriesInput) (*SeriesOutcome, error) {
	if err := checkStart(in.StartAt); err != nil {
		return nil, err
	}
	starts, err := in.starts(ctx, scope.Tenant.Location)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make series id: %w", err)
	}
	var outcome *SeriesOutcome
	err = s.engine.retryOnConflict(ctx, scope, func(tx *store.Tx, lockFirst []uuid.UUID) error {
		outcome, err = s.book(ctx, tx, scope, id, in, starts, lockFirst)
		return err
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return nil, err
	}
	return outcome, nil
}

// starts returns the instants at which the occurrences are wanted, in order.
func (in *SeriesInput) starts(ctx context.Context, loc *time.Location) ([]time.Time, error) {
	in.RRule = recurrence.Normalize(in.RRule)
	rule, err := recurrence.Parse(in.RRule)
	if err != nil {
		return nil, apperr.NewInvalid("/rrule", "This is not a rule by which a series can recur: %s.", err)
	}
	if rule.Endless() {
		return nil, apperr.NewInvalid("/rrule", "A series must end: the rule needs COUNT or UNTIL.")
	}
	recurs, err := recurrence.Start(ctx, rule, in.StartAt, loc)
	if err != nil {
		return nil, ruleError(err)
	}
	shown, more, err := recurs.UpTo(ctx, MaxSeriesLength+1)
	switch {
	case err != nil:
		return nil, err
	case len(shown) > MaxSeriesLength:
		return nil, apperr.NewInvalid("/rrule", "A series has at most %d occurrences.", MaxSeriesLength)
	case more:
		return nil, ruleError(recurrence.ErrTooLong)
	}
	clock := localtime.NewClock(loc)
	starts := make([]time.Time, len(shown))
	for i := range shown {
		starts[i] = clock.AtWallClock(shown[i])
	}
	starts[0] = in.StartAt.UTC() // also if clocks show its local time twice
	if last := starts[len(starts)-1]; !last.Before(localtime.Latest) {
		return nil, apperr.NewInvalid("/rrule", "The occurrences must lie between the years 1970 and 2999.")
	}
	return starts, nil
}

// ruleError is a ValidationFailed error for a rule that is invalid; other errors are returned as they are.
func ruleError(err error) error {
	if invalid, ok := errors.AsType[*recurrence.InvalidError](err); ok {
		return apperr.NewInvalid("/rrule", "%s", invalid.Detail)
	}
	return err
}

// book plans, decides and claims a new series, in one attempt of retryOnConflict.
func (s *SeriesBookings) book(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, in SeriesInput, starts []time.Time, lockFirst []uuid.UUID,
) (*SeriesOutcome, error) {
	snapshot, err := s.engine.planSeries(ctx, tx, scope, seriesRequest{
		bookingRequest: bookingRequest{
			serviceID: in.ServiceID, customerID: in.CustomerID, startAt: starts[0], requested: in.ResourceIDs, lockFirst: lockFirst,
		},
		starts: starts,
	})
	if err != nil {
		return nil, err
	}
	if err := snapshot.checkReferences(&in.CustomerID); err != nil {
		return nil, err
	}
	list := make([]wanted, len(starts))
	for i, start := range starts {
		list[i] = wanted{start: start, service: snapshot.Service, requested: in.ResourceIDs}
	}
	decided, err := decider{snapshot, viewer.Of(scope)}.decideSeries(ctx, list, in.OnConflict, in.ResourceIDs)
	if err != nil {
		return nil, err
	}
	outcome := &SeriesOutcome{DryRun: in.DryRun, Timezone: scope.Tenant.Timezone, RRule: in.RRule, Occurrences: decided}
	refused := conflicts(decided)
	if in.DryRun {
		if free := len(decided) - len(refused); free > 0 {
			err = entitle.Reserve(ctx, tx, scope.Entitlements, entitle.MaxAppointments, int64(free))
		}
		return outcome, cmp.Or(err, errDryRun)
	}
	if len(refused) == len(decided) || len(refused) > 0 && in.OnConflict != ConflictSkips {
		return nil, seriesRefused(snapshot, decided, refused)
	}
	if err := s.engine.expireHolds(ctx, tx, scope, snapshot.expired); err != nil {
		return nil, err
	}
	outcome.ID = &id
	return outcome, claimSeries(ctx, tx, scope, snapshot, in, outcome)
}

// claimSeries writes a series with the appointments of the occurrences that take place, and counts them against the quota.
func claimSeries(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, snapshot *snapshot, in SeriesInput, outcome *SeriesOutcome,
) error {
	series := Series{
		ID: *outcome.ID, ServiceID: in.ServiceID, CustomerID: in.CustomerID, Service: snapshot.service.Reference,
		Customer: snapshot.customer.Reference, StartAt: in.StartAt.UTC(), RRule: outcome.RRule, Timezone: outcome.Timezone,
		ResourceIDs: append([]uuid.UUID{}, in.ResourceIDs...), Notes: in.Notes, CreatedAt: scope.Now, UpdatedAt: scope.Now, Version: 1,
	}
	err := queries.InsertSeries(ctx, tx, schedulingdb.InsertSeriesParams{
		EnvID: scope.Env.ID, ID: series.ID, ServiceID: series.ServiceID, CustomerID: series.CustomerID, StartAt: series.StartAt,
		Rrule: series.RRule, Timezone: series.Timezone, ResourceIds: series.ResourceIDs, Notes: series.Notes,
		CreatedBy: scope.ActorID(), Now: scope.Now,
	})
	if err != nil {
		return violations.Translate(fmt.Errorf("insert series: %w", err))
	}
	tx.Emit("series.created", series)
	created, err := newSeriesAppointments(snapshot, scope.Now, in, outcome)
	if err != nil {
		return err
	}
	if err := claimAppointments(ctx, tx, scope, snapshot, created, outcome.Occurrences); err != nil {
		return err
	}
	for i := range created {
		tx.Emit("appointment.created", created[i])
	}
	return entitle.Reserve(ctx, tx, scope.Entitlements, entitle.MaxAppointments, int64(len(created)))
}

// newSeriesAppointments returns the appointments of the occurrences that take place, and sets their ids in the outcome.
func newSeriesAppointments(
	snapshot *snapshot, now time.Time, in SeriesInput, outcome *SeriesOutcome,
) ([]*Appointment, error) {
	var created []*Appointment
	for i := range outcome.Occurrences {
		o := &outcome.Occurrences[i]
		if o.Verdict == VerdictConflict {
			continue
		}
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("make appointment id: %w", err)
		}
		snapshot.Service = o.service
		a := newAppointment(snapshot, id, now, AppointmentInput{
			ServiceID: in.ServiceID, CustomerID: in.CustomerID, StartAt: o.StartAt, Notes: in.Notes,
		}, o.assignments)
		a.SeriesID, o.AppointmentID = outcome.ID, &id
		created = append(created, a)
	}
	return created, nil
}

// claimAppointments writes appointments with their lanes. Error: laneConflictError.
func claimAppointments(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, snapshot *snapshot, created []*Appointment, occurrences []Occurrence,
) error {
	first := created[0]
	lanes := lanesOf(occurrences)
	params := schedulingdb.InsertAppointmentsOfSeriesParams{
		EnvID: scope.Env.ID, SeriesID: *first.SeriesID, ServiceID: first.ServiceID, CustomerID: first.CustomerID, Status: first.Status,
		BufferBeforeMinutes: first.BufferBeforeMinutes, BufferAfterMinutes: first.BufferAfterMinutes,
		ServiceVersion: snapshot.service.version, PriceAmount: first.Price.Amount, PriceCurrency: first.Price.Currency,
		Notes: first.Notes, QuotaPeriod: scope.Entitlements.Period(entitle.MaxAppointments), CreatedBy: scope.ActorID(), Now: scope.Now,
		AppointmentIds: lanes.appointmentIDs, ResourceIds: lanes.resourceIDs, Lanes: lanes.lanes, FromAts: lanes.fromAts, ToAts: lanes.toAts,
	}
	for _, a := range created {
		local := localStartOf(a.StartAt, scope.Tenant)
		params.LocalStartAts = append(params.LocalStartAts, local.at)
		params.Timezone, params.TzdataVersion = local.timezone, local.tzdataVersion
		params.Ids = append(params.Ids, a.ID)
		params.StartAts = append(params.StartAts, a.StartAt)
		params.EndAts = append(params.EndAts, a.EndAt)
	}
	taken, err := queries.InsertAppointmentsOfSeries(ctx, tx, params)
	if err != nil {
		return violations.Translate(fmt.Errorf("insert appointments of series: %w", err))
	}
	if int(taken) < len(lanes.lanes) {
		return &laneConflictError{resources: snapshot.ids()}
	}
	return nil
}

// laneColumns are the lanes of several appointments as arrays for queries.
type laneColumns struct {
	appointmentIDs, resourceIDs []uuid.UUID
	lanes                       []int32
	fromAts, toAts              []time.Time
}

// lanesOf returns the lanes of the occurrences that take place.
func lanesOf(occurrences []Occurrence) (c laneColumns) {
	for i := range occurrences {
		o := &occurrences[i]
		from, to := o.service.Window(o.StartAt)
		for _, a := range o.assignments {
			c.appointmentIDs = append(c.appointmentIDs, *o.AppointmentID)
			c.resourceIDs = append(c.resourceIDs, a.ResourceID)
			c.lanes = append(c.lanes, int32(a.Lane))
			c.fromAts, c.toAts = append(c.fromAts, from), append(c.toAts, to)
		}
	}
	return c
}
