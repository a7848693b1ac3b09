package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// weekdays are the days of a week in their order.
var weekdays = [7]string{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}

// hoursColumns are hours as the queries take them.
type hoursColumns struct {
	schedule  schedulingdb.UpdateScheduleParams
	overrides schedulingdb.InsertScheduleOverridesParams
}

// noHours are those that are not set.
func noHours() *hoursColumns {
	return &hoursColumns{
		schedule: schedulingdb.UpdateScheduleParams{Weekdays: []int32{}, StartMinutes: []int32{}, EndMinutes: []int32{}},
		overrides: schedulingdb.InsertScheduleOverridesParams{
			Dates: []time.Time{}, Names: []string{}, IntervalDates: []time.Time{}, StartMinutes: []int32{}, EndMinutes: []int32{},
		},
	}
}

// columns returns a ValidationFailed error that points at everything that is wrong.
func (in HoursInput) columns(tenant *tenancy.Tenant, resourceID *uuid.UUID) (*hoursColumns, error) {
	r := hoursReader{columns: noHours()}
	r.columns.schedule.IsSet = true
	r.readTimezone(in.Timezone, tenant, resourceID)
	r.readWeekly(in.Weekly)
	r.readOverrides(in.Overrides)
	if len(r.wrong) > 0 {
		return nil, apperr.New(apperr.ValidationFailed, "%s", r.wrong[0].Detail).WithFields(r.wrong...)
	}
	return r.columns, nil
}

// hoursReader turns input into columns, and collects what is wrong with it.
type hoursReader struct {
	columns *hoursColumns
	wrong   []apperr.Field
}

func (r *hoursReader) refuse(pointer, format string, args ...any) {
	r.wrong = append(r.wrong, apperr.Field{Pointer: pointer, Detail: fmt.Sprintf(format, args...)})
}

// readTimezone keeps the zone of the business as none, so that hours which are read and
// written back follow the business as before.
func (r *hoursReader) readTimezone(name *string, tenant *tenancy.Tenant, resourceID *uuid.UUID) {
	if name == nil || *name == tenant.Timezone {
		return
	}
	if resourceID == nil {
		r.refuse("/timezone", "The hours of the business are in its own zone, %s.", tenant.Timezone)
		return
	}
	if _, err := tzdata.Load(*name); err != nil {
		r.refuse("/timezone", "%s", tzdata.Rule)
		return
	}
	r.columns.schedule.Timezone = name
}

func (r *hoursReader) readWeekly(list []DayHours) {
	var weekly [7][]availability.Hours
	var seen [7]bool
	for i, hours := range list {
		day := slices.Index(weekdays[:], hours.Day)
		switch pointer := fmt.Sprintf("/weekly/%d", i); {
		case day < 0:
			r.refuse(pointer+"/day", "The day must be one of MONDAY to SUNDAY.")
		case seen[day]:
			r.refuse(pointer+"/day", "%s occurs twice.", hours.Day)
		default:
			seen[day] = true
			weekly[day] = r.readIntervals(pointer, hours.Intervals)
		}
	}
	c := &r.columns.schedule
	for day, ranges := range weekly {
		for _, v := range ranges {
			c.Weekdays = append(c.Weekdays, int32(day))
			c.StartMinutes, c.EndMinutes = append(c.StartMinutes, int32(v.Start)), append(c.EndMinutes, int32(v.End))
		}
	}
}

func (r *hoursReader) readOverrides(list []DateHours) {
	seen := make(map[localtime.Date]bool, len(list))
	for i, hours := range list {
		pointer := fmt.Sprintf("/overrides/%d", i)
		date, err := localtime.Parse(hours.Date)
		switch {
		case err != nil || date.Year < localtime.Earliest.Year() || date.Year >= localtime.Latest.Year():
			r.refuse(pointer+"/date", "The date must be one of the years 1970 to 2999.")
		case seen[date]:
			r.refuse(pointer+"/date", "%s occurs twice.", hours.Date)
		default:
			seen[date] = true
			r.addOverride(date, hours.Name, r.readIntervals(pointer, hours.Intervals))
		}
	}
}

func (r *hoursReader) addOverride(date localtime.Date, name string, ranges []availability.Hours) {
	c, day := &r.columns.overrides, time.Date(date.Year, date.Month, date.Day, 0, 0, 0, 0, time.UTC)
	c.Dates, c.Names = append(c.Dates, day), append(c.Names, name)
	for _, v := range ranges {
		c.IntervalDates = append(c.IntervalDates, day)
		c.StartMinutes, c.EndMinutes = append(c.StartMinutes, int32(v.Start)), append(c.EndMinutes, int32(v.End))
	}
}

// readIntervals returns the intervals of one day in the order of their starts.
func (r *hoursReader) readIntervals(pointer string, list []TimeInterval) []availability.Hours {
	ranges := make([]availability.Hours, 0, len(list))
	for i, interval := range list {
		pointer := fmt.Sprintf("%s/intervals/%d", pointer, i)
		start, startOK := localtime.ParseTimeOfDay(interval.Start)
		end, endOK := localtime.ParseTimeOfDay(interval.End)
		if end <= start {
			end += localtime.DayMinutes
		}
		given := availability.Hours{Start: start, End: end}
		switch {
		case !startOK || start == localtime.DayMinutes:
			r.refuse(pointer+"/start", "The start must be a time from 00:00 to 23:59.")
		case !endOK:
			r.refuse(pointer+"/end", "The end must be a time from 00:00 to 24:00.")
		case overlaps(given, ranges):
			r.refuse(pointer, "%s–%s overlaps with another interval of the day.", interval.Start, interval.End)
		default:
			ranges = append(ranges, given)
		}
	}
	slices.SortFunc(ranges, func(a, b availability.Hours) int { return cmp.Compare(a.Start, b.Start) })
	return ranges
}

func overlaps(given availability.Hours, others []availability.Hours) bool {
	return slices.ContainsFunc(others, func(other availability.Hours) bool {
		return given.Start < other.End && other.Start < given.End
	})
}
