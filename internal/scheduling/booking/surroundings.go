package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// surround completes a snapshot with what else decides about the time from from to to:
// hours, time off, closures, and how often is booked already.
func (s *Appointments) surround(
	ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, taken *snapshot, w wish, from, to time.Time,
) error {
	if err := s.addCalendar(ctx, db, scope, taken, from, to); err != nil {
		return err
	}
	return s.count(ctx, db, scope, taken, w, from, to)
}

func (s *Appointments) addCalendar(
	ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, taken *snapshot, from, to time.Time,
) error {
	if taken.catalogue.Covers(from) {
		return taken.catalogue.AddCalendar(ctx, &taken.Snapshot, from, to)
	}
	entries, err := s.queries.ListCalendarEntries(ctx, db, schedulingdb.ListCalendarEntriesParams{EnvID: scope.Env.ID, FromAt: from, ToAt: to})
	if err != nil {
		return fmt.Errorf("list calendar: %w", err)
	}
	return taken.catalogue.AddCalendarEntries(ctx, &taken.Snapshot, entries, from, to)
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

func idOrNil(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
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
