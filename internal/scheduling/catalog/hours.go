package catalog

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/vacancy"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Hours are when the business, or one of its resources, can be booked. Their JSON form
// is the data of the events business_hours.updated and resource_hours.updated.
type Hours struct {
	// ResourceID is nil for the business.
	ResourceID *uuid.UUID `json:"resource_id,omitempty"`
	// IsSet is false while there are none: the business is open around the clock then,
	// and a resource has the hours of the business.
	IsSet bool `json:"is_set"`
	// Timezone is the IANA name of the zone whose clock they are about.
	Timezone string `json:"timezone"`
	// Weekly has the days with intervals from Monday on, Overrides are in the order of
	// their dates. Neither is nil.
	Weekly    []DayHours  `json:"weekly"`
	Overrides []DateHours `json:"overrides"`
	// Version begins with 1 before they are set for the first time, and goes on when they
	// are deleted.
	Version int32 `json:"version"`
}

// DayHours are the hours of a day of the week.
type DayHours struct {
	// Day is MONDAY to SUNDAY.
	Day       string         `json:"day"`
	Intervals []TimeInterval `json:"intervals"`
}

// DateHours count on a date instead of the weekly hours.
type DateHours struct {
	// Date is YYYY-MM-DD.
	Date string `json:"date"`
	Name string `json:"name"`
	// Intervals are none on a date that is closed. Never nil.
	Intervals []TimeInterval `json:"intervals"`
}

// TimeInterval is a piece of the day on which it starts, on the clock.
type TimeInterval struct {
	// Start is HH:MM, from 00:00 to 23:59.
	Start string `json:"start"`
	// End is HH:MM, up to 24:00. What is not after Start is on the next day.
	End string `json:"end"`
}

// HoursInput is what hours are replaced with.
type HoursInput struct {
	// Timezone nil, and that of the business, both mean that of the business. Only
	// resources may have another one.
	Timezone  *string
	Weekly    []DayHours
	Overrides []DateHours
}

// Schedules is the service for hours. Where its functions take the id of a resource, nil
// means the business.
type Schedules struct {
	store   *store.Store
	queries *schedulingdb.Queries
}

// NewSchedules keeps hours in the store.
func NewSchedules(store *store.Store) *Schedules {
	return &Schedules{store: store, queries: schedulingdb.New()}
}

// Get returns hours. Errors: NotFound if there is no such resource.
func (s *Schedules) Get(ctx context.Context, scope *tenancy.Scope, resourceID *uuid.UUID) (*Hours, error) {
	return s.read(ctx, s.store.Reader(scope), scope, resourceID)
}

// hoursRow is what the queries for hours return.
type hoursRow = schedulingdb.GetResourceHoursRow

func (s *Schedules) read(ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, resourceID *uuid.UUID) (*Hours, error) {
	rows, err := s.rows(ctx, db, scope, resourceID)
	if err != nil {
		return nil, fmt.Errorf("get hours: %w", err)
	}
	if len(rows) == 0 {
		return nil, apperr.NewNotFound("resource")
	}
	return newHours(scope.Tenant, resourceID, rows), nil
}

func (s *Schedules) rows(ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, resourceID *uuid.UUID) ([]hoursRow, error) {
	if resourceID != nil {
		return s.queries.GetResourceHours(ctx, db, schedulingdb.GetResourceHoursParams{EnvID: scope.Env.ID, ResourceID: *resourceID})
	}
	rows, err := s.queries.GetBusinessHours(ctx, db, scope.Env.ID)
	return convert.All(rows, func(row schedulingdb.GetBusinessHoursRow) hoursRow { return hoursRow(row) }), err
}

// Replace sets hours; with a version, only if they are at that version. Appointments
// that exist stay. Errors: NotFound, VersionMismatch, ValidationFailed for what is no
// zone, date or time, for a day or date that occurs twice, and for intervals of one day
// that overlap.
func (s *Schedules) Replace(
	ctx context.Context, scope *tenancy.Scope, resourceID *uuid.UUID, version *int32, in HoursInput,
) (*Hours, error) {
	columns, err := in.columns(scope.Tenant, resourceID)
	if err != nil {
		return nil, err
	}
	var replaced *Hours
	err = s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, resourceID, version)
		if err != nil {
			return err
		}
		replaced, err = s.write(ctx, tx, scope, resourceID, current, columns)
		return err
	})
	if err != nil {
		return nil, err
	}
	return replaced, nil
}

// Delete goes back to hours that are not set; with a version, only if they are at that
// version. Errors: NotFound, VersionMismatch.
func (s *Schedules) Delete(ctx context.Context, scope *tenancy.Scope, resourceID *uuid.UUID, version *int32) error {
	return s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, resourceID, version)
		if err != nil || !current.IsSet {
			return err
		}
		_, err = s.write(ctx, tx, scope, resourceID, current, noHours())
		return err
	})
}

// lock makes sure that there is a row to lock, so that rivals wait for each other also
// when hours are set for the first time.
func (s *Schedules) lock(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, resourceID *uuid.UUID, version *int32,
) (current schedulingdb.LockScheduleRow, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return current, fmt.Errorf("make schedule id: %w", err)
	}
	err = s.queries.EnsureSchedule(ctx, tx, schedulingdb.EnsureScheduleParams{
		EnvID: scope.Env.ID, ID: id, ResourceID: resourceID, Now: scope.Now,
	})
	if err != nil {
		return current, violations.Translate(fmt.Errorf("ensure schedule: %w", err))
	}
	current, err = s.queries.LockSchedule(ctx, tx, schedulingdb.LockScheduleParams{EnvID: scope.Env.ID, ResourceID: resourceID})
	if err != nil {
		return current, fmt.Errorf("lock schedule: %w", err)
	}
	return current, etag.Check(version, current.Version, "schedule")
}

// write replaces a schedule that the transaction has locked, and reads it back in the
// form that everybody else sees.
func (s *Schedules) write(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, resourceID *uuid.UUID,
	current schedulingdb.LockScheduleRow, columns *hoursColumns,
) (*Hours, error) {
	schedule, overrides := columns.schedule, columns.overrides
	schedule.EnvID, schedule.ID, schedule.Version, schedule.Now = scope.Env.ID, current.ID, current.Version+1, scope.Now
	if err := s.queries.UpdateSchedule(ctx, tx, schedule); err != nil {
		return nil, fmt.Errorf("update schedule: %w", err)
	}
	if len(overrides.Dates) > 0 {
		overrides.EnvID, overrides.ScheduleID = scope.Env.ID, current.ID
		if err := s.queries.InsertScheduleOverrides(ctx, tx, overrides); err != nil {
			return nil, fmt.Errorf("insert overrides: %w", err)
		}
	}
	hours, err := s.read(ctx, tx, scope, resourceID)
	if err != nil {
		return nil, err
	}
	event := "business_hours.updated"
	if resourceID != nil {
		event = "resource_hours.updated"
	}
	tx.Emit(event, hours)
	return hours, vacancy.EnqueueFromNow(ctx, tx, scope)
}

// newHours folds the rows of a schedule; there is at least one.
func newHours(tenant *tenancy.Tenant, resourceID *uuid.UUID, rows []hoursRow) *Hours {
	row := &rows[0]
	hours := &Hours{ResourceID: resourceID, Timezone: tenant.Timezone, Weekly: []DayHours{}, Overrides: []DateHours{}, Version: 1}
	if row.Version == nil {
		return hours
	}
	hours.IsSet, hours.Version = *row.IsSet, *row.Version
	patch.Set(&hours.Timezone, row.Timezone)
	hours.Weekly = newWeeklyHours(newWeekly(row.Weekdays, row.StartMinutes, row.EndMinutes))
	for i := range rows {
		if o := &rows[i]; o.OverrideDate != nil {
			hours.Overrides = append(hours.Overrides, DateHours{
				Date: localtime.DateOf(*o.OverrideDate, o.OverrideDate.Location()).String(), Name: *o.OverrideName,
				Intervals: newIntervals(newRanges(o.OverrideStartMinutes, o.OverrideEndMinutes)),
			})
		}
	}
	return hours
}

func newWeeklyHours(weekly [7][]availability.Hours) []DayHours {
	days := []DayHours{}
	for i, ranges := range weekly {
		if len(ranges) > 0 {
			days = append(days, DayHours{Day: weekdays[i], Intervals: newIntervals(ranges)})
		}
	}
	return days
}

func newIntervals(ranges []availability.Hours) []TimeInterval {
	intervals := make([]TimeInterval, len(ranges))
	for i, r := range ranges {
		intervals[i] = TimeInterval{Start: localtime.FormatTimeOfDay(r.Start), End: localtime.FormatTimeOfDay(r.End)}
	}
	return intervals
}
