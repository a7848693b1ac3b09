package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/recurrence"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// newWeekly folds the columns of a schedule into the hours of the weekdays from Monday
// on, each in the order of starts.
func newWeekly(weekdays, starts, ends []int32) (weekly [7][]availability.Hours) {
	for i, day := range weekdays {
		weekly[day] = append(weekly[day], availability.Hours{Start: int(starts[i]), End: int(ends[i])})
	}
	return weekly
}

// newRanges folds the columns of an override.
func newRanges(starts, ends []int32) []availability.Hours {
	ranges := make([]availability.Hours, len(starts))
	for i := range starts {
		ranges[i] = availability.Hours{Start: int(starts[i]), End: int(ends[i])}
	}
	return ranges
}

// AddCalendar adds to a rule book's snapshot what the catalog has of the business and the snapshot's
// resources between two instants: hours, overrides and time off. Errors: TimezoneUnknown; that of ctx.
func (c *Catalog) AddCalendar(ctx context.Context, s *availability.Snapshot, from, to time.Time) error {
	entries := c.Calendar(uuid.Nil, from, to)
	for i := range s.Resources {
		entries = append(entries, c.Calendar(s.Resources[i].ID, from, to)...)
	}
	return c.AddCalendarEntries(ctx, s, entries, from, to)
}

// AddCalendarEntries is AddCalendar with entries that the caller has read, schedules before their
// overrides.
func (c *Catalog) AddCalendarEntries(ctx context.Context, s *availability.Snapshot, entries []CalendarEntry, from, to time.Time) error {
	schedules := map[uuid.UUID]*availability.Schedule{} // by id
	off := map[uuid.UUID][]timeOffRow{}                 // by resource; the zero id is the business
	for i := range entries {
		entry := &entries[i]
		if entry.Kind != KindHours {
			continue
		}
		schedule, err := newSchedule(s.Location, entry.Timezone, entry.Weekdays, entry.StartMinutes, entry.EndMinutes)
		if err != nil {
			return err
		}
		schedules[entry.ObjectID] = schedule
		setSchedule(s, entry.ResourceID, schedule)
	}
	for i := range entries {
		entry := &entries[i]
		switch entry.Kind {
		case KindOverride:
			addOverride(schedules[entry.ObjectID], *entry.Date, entry.StartMinutes, entry.EndMinutes)
		case KindTimeOff:
			id := uuid.Nil
			patch.Set(&id, entry.ResourceID)
			off[id] = append(off[id], timeOffRow{
				id: entry.ObjectID, start: *entry.StartAt, end: *entry.EndAt, rrule: entry.Rrule, timezone: entry.Timezone,
			})
		}
	}
	keepHolidays(s)
	return c.addTimeOff(ctx, s, off, from, to)
}

// setSchedule sets the hours of the business (nil) or of a resource.
func setSchedule(s *availability.Snapshot, resourceID *uuid.UUID, schedule *availability.Schedule) {
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

// keepHolidays applies the holidays of the business to resources with hours of their own.
func keepHolidays(s *availability.Snapshot) {
	if s.Business == nil {
		return
	}
	for i := range s.Resources {
		if own := s.Resources[i].Schedule; own != nil {
			addHolidays(own, s.Business)
		}
	}
}

func (c *Catalog) addTimeOff(ctx context.Context, s *availability.Snapshot, off map[uuid.UUID][]timeOffRow, from, to time.Time) error {
	var err error
	if s.Closures, err = expandTimeOff(ctx, c, off[uuid.Nil], from, to); err != nil {
		return err
	}
	for i := range s.Resources {
		if s.Resources[i].TimeOff, err = expandTimeOff(ctx, c, off[s.Resources[i].ID], from, to); err != nil {
			return err
		}
	}
	return nil
}

// newSchedule folds the columns of a schedule that is set; without a zone it has that of
// the business. Its overrides are added one by one.
func newSchedule(business *time.Location, timezone *string, weekdays, starts, ends []int32) (*availability.Schedule, error) {
	s := &availability.Schedule{Location: business, Overrides: map[localtime.Date][]availability.Hours{}}
	if timezone != nil {
		var err error
		if s.Location, err = loadLocation(*timezone); err != nil {
			return nil, fmt.Errorf("zone of a schedule: %w", err)
		}
	}
	for i, ranges := range newWeekly(weekdays, starts, ends) {
		s.Weekly[(i+int(time.Monday))%len(s.Weekly)] = ranges
	}
	return s, nil
}

// addOverride adds what counts on a date, which is its midnight in UTC.
func addOverride(s *availability.Schedule, date time.Time, starts, ends []int32) {
	s.Overrides[localtime.DateOf(date, time.UTC)] = newRanges(starts, ends)
}

// addHolidays closes a resource that has hours of its own on the dates on which the
// business is closed by an override, unless the resource has one for that date itself.
func addHolidays(own, business *availability.Schedule) {
	for date, ranges := range business.Overrides {
		if _, overridden := own.Overrides[date]; len(ranges) == 0 && !overridden {
			own.Overrides[date] = ranges
		}
	}
}

// timeOffRow is what expandTimeOff needs to know of time off.
type timeOffRow struct {
	id uuid.UUID
	// start and end are those of the first occurrence.
	start, end time.Time
	// rrule and timezone are nil for what takes place once.
	rrule, timezone *string
}

// expandTimeOff returns the occurrences that overlap with from to to, in the order of
// their starts; they may overlap with each other. What recurs does so on the clock of its
// zone: each occurrence has the start and the end of the first on that clock. The first
// one is exactly as it was given. An occurrence that a gap of the clock swallows as a
// whole does not take place. Evaluated rules are cached with the catalog. Errors: a rule or a
// time zone that TimeOffs has never accepted; that of ctx.
func expandTimeOff(ctx context.Context, known *Catalog, rows []timeOffRow, from, to time.Time) ([]availability.Span, error) {
	var spans []availability.Span
	for i := range rows {
		row := &rows[i]
		if row.rrule == nil {
			spans = appendSpan(spans, availability.Span{Start: row.start, End: row.end, ObjectID: row.id}, from, to)
			continue
		}
		var err error
		if spans, err = row.expand(ctx, known, spans, from, to); err != nil {
			return nil, fmt.Errorf("expand time off %s: %w", row.id, err)
		}
	}
	slices.SortStableFunc(spans, func(a, b availability.Span) int {
		return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End))
	})
	return spans, nil
}

func (r *timeOffRow) expand(
	ctx context.Context, known *Catalog, spans []availability.Span, from, to time.Time,
) ([]availability.Span, error) {
	loc, err := loadLocation(*r.timezone)
	if err != nil {
		return nil, err
	}
	first, length := r.onClock(loc)
	key := recurringKey{rrule: *r.rrule, timezone: *r.timezone, first: first}
	recurs, err := Derive(known, key, func() (*recurrence.Recurrence, error) {
		rule, err := recurrence.ParseStored(*r.rrule)
		if err != nil {
			return nil, err
		}
		return rule.From(ctx, first, loc)
	})
	if err != nil {
		return nil, err
	}
	clock := localtime.NewClock(loc)
	// Clocks and instants can differ by a skipped day, on either side.
	const slack = 48 * time.Hour
	starts, err := recurs.Between(ctx, localtime.WallClock(from, loc).Add(-length-slack), localtime.WallClock(to, loc).Add(slack))
	if err != nil {
		return nil, err
	}
	for _, start := range starts {
		occurrence := availability.Span{Start: clock.AtWallClock(start), End: clock.AtWallClock(start.Add(length)), ObjectID: r.id}
		if start.Equal(first) {
			occurrence.Start, occurrence.End = r.start, r.end
		}
		spans = appendSpan(spans, occurrence, from, to)
	}
	return spans, nil
}

// recurringKey identifies a recurrence.
type recurringKey struct {
	rrule, timezone string
	first           time.Time // in UTC
}

// onClock returns what a clock shows at the start of the first occurrence, and how far
// it goes until its end.
func (r *timeOffRow) onClock(loc *time.Location) (start time.Time, length time.Duration) {
	start = localtime.WallClock(r.start, loc)
	if length = localtime.WallClock(r.end, loc).Sub(start); length <= 0 { // the clock was put back meanwhile
		length = r.end.Sub(r.start)
	}
	return start, length
}

func appendSpan(spans []availability.Span, s availability.Span, from, to time.Time) []availability.Span {
	if s.Start.Before(s.End) && s.Start.Before(to) && s.End.After(from) {
		return append(spans, s)
	}
	return spans
}

// loadLocation returns the zone with a name that is stored. Errors: TimezoneUnknown.
func loadLocation(name string) (*time.Location, error) {
	location, err := tzdata.Load(name)
	if err != nil {
		return nil, apperr.New(apperr.TimezoneUnknown, "The hours or time off in the time zone %q cannot be evaluated: there is no such zone. "+
			"Set them again.", name).WithCause(err)
	}
	return location, nil
}
