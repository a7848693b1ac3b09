package scheduling

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalogue"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// surround completes a snapshot with what else decides about the time from from to to:
// hours, time off, closures, and how often is booked already.
func (s *Appointments) surround(
	ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, taken *snapshot, w wish, from, to time.Time,
) error {
	rows := taken.surroundings(from, to)
	if !taken.catalogue.Knows(from) {
		var err error
		rows, err = s.queries.ListSurroundings(ctx, db, schedulingdb.ListSurroundingsParams{EnvID: scope.Env.ID, FromAt: from, ToAt: to})
		if err != nil {
			return fmt.Errorf("list surroundings: %w", err)
		}
	}
	if err := taken.addSurroundings(ctx, rows, from, to); err != nil {
		return err
	}
	return s.count(ctx, db, scope, taken, w, from, to)
}

// count adds how often is booked already, where there are limits: a booking should not pay
// for what a business does not use.
func (s *Appointments) count(
	ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, taken *snapshot, w wish, from, to time.Time,
) error {
	if !taken.limited() {
		return nil
	}
	rows, err := s.queries.CountBookingsByDate(ctx, db, w.counted(scope, taken.ids(), from, to))
	if err != nil {
		return fmt.Errorf("count bookings: %w", err)
	}
	taken.addCounts(rows)
	return nil
}

// addSurroundings folds the rows of ListSurroundings, schedules before their overrides.
func (s *snapshot) addSurroundings(ctx context.Context, rows []catalogue.Surrounding, from, to time.Time) error {
	schedules := map[uuid.UUID]*availability.Schedule{} // by id
	off := map[uuid.UUID][]timeOffRow{}                 // by resource; the zero id is the business
	for i := range rows {
		row := &rows[i]
		if row.Kind != catalogue.KindHours {
			continue
		}
		schedule, err := newSchedule(s.Location, row.Timezone, row.Weekdays, row.StartMinutes, row.EndMinutes)
		if err != nil {
			return err
		}
		schedules[row.ObjectID] = schedule
		s.setSchedule(row.ResourceID, schedule)
	}
	for i := range rows {
		row := &rows[i]
		switch row.Kind {
		case catalogue.KindOverride:
			addOverride(schedules[row.ObjectID], *row.Date, row.StartMinutes, row.EndMinutes)
		case catalogue.KindTimeOff:
			id := idOrNil(row.ResourceID)
			off[id] = append(off[id], timeOffRow{
				id: row.ObjectID, start: *row.StartAt, end: *row.EndAt, rrule: row.Rrule, timezone: row.Timezone,
			})
		}
	}
	s.keepHolidays()
	return s.addTimeOff(ctx, off, from, to)
}

func idOrNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

// setSchedule gives the business (nil) or a candidate its hours.
func (s *snapshot) setSchedule(resourceID *uuid.UUID, schedule *availability.Schedule) {
	if resourceID == nil {
		s.Business = schedule
		return
	}
	for i := range s.Resources {
		if s.Resources[i].ID == *resourceID {
			s.Resources[i].Schedule = schedule
		}
	}
}

// keepHolidays closes those with hours of their own when the business has a holiday.
func (s *snapshot) keepHolidays() {
	if s.Business == nil {
		return
	}
	for i := range s.Resources {
		if own := s.Resources[i].Schedule; own != nil {
			addHolidays(own, s.Business)
		}
	}
}

func (s *snapshot) addTimeOff(ctx context.Context, off map[uuid.UUID][]timeOffRow, from, to time.Time) error {
	var err error
	if s.Closures, err = expandTimeOff(ctx, s.catalogue, off[uuid.Nil], from, to); err != nil {
		return err
	}
	for i := range s.Resources {
		if s.Resources[i].TimeOff, err = expandTimeOff(ctx, s.catalogue, off[s.Resources[i].ID], from, to); err != nil {
			return err
		}
	}
	return nil
}

// counted says what to count for the starts of a wish, from from to to: all weeks that
// they touch.
func (w *wish) counted(scope *tenancy.Scope, resources []uuid.UUID, from, to time.Time) schedulingdb.CountBookingsByDateParams {
	const week = 8 * 24 * time.Hour // and a day, for zones
	params := schedulingdb.CountBookingsByDateParams{
		Timezone: scope.Tenant.Timezone, EnvID: scope.Env.ID, ServiceID: w.serviceID, ResourceIds: resources,
		FromAt: from.Add(-week), ToAt: to.Add(week), Now: scope.Now,
	}
	if w.moving != nil {
		params.ExceptOwnerID = w.moving.ID
	}
	return params
}

// addCounts folds the rows of CountBookingsByDate.
func (s *snapshot) addCounts(rows []schedulingdb.CountBookingsByDateRow) {
	s.Service.Counts = map[localtime.Date]int{}
	for i := range s.Resources {
		s.Resources[i].Counts = map[localtime.Date]int{}
	}
	for _, row := range rows {
		date := localtime.DateOf(row.Date, time.UTC)
		if row.ResourceID == uuid.Nil {
			s.Service.Counts[date] += int(row.N)
			continue
		}
		for i := range s.Resources {
			if s.Resources[i].ID == row.ResourceID {
				s.Resources[i].Counts[date] += int(row.N)
			}
		}
	}
}
