package localtime

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a day of the proleptic Gregorian calendar, in no zone in particular. Dates
// are comparable with == if they are normal, which they are unless written by hand
// with a day that the month does not have.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

const secondsPerDay = 24 * 60 * 60

// Parse reads a date as YYYY-MM-DD.
func Parse(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a date (YYYY-MM-DD)", s)
	}
	return wallDate(t), nil
}

// OfOrdinal returns the date that is n days after 1970-01-01.
func OfOrdinal(n int) Date {
	return wallDate(time.Unix(int64(n)*secondsPerDay, 0).UTC())
}

// DateOf returns the date on the calendar of the location at the instant.
func DateOf(instant time.Time, loc *time.Location) Date {
	return wallDate(instant.In(loc))
}

func wallDate(t time.Time) Date {
	year, month, day := t.Date()
	return Date{Year: year, Month: month, Day: day}
}

// Ordinal returns the number of days from 1970-01-01 to the date.
func (d Date) Ordinal() int {
	return int(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
}

// AddDays returns the date n days later on the calendar, whether a place had that day
// or skipped it.
func (d Date) AddDays(n int) Date { return OfOrdinal(d.Ordinal() + n) }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Weekday()
}

// Monday returns the first day of the date's ISO week.
func (d Date) Monday() Date {
	sinceMonday := (int(d.Weekday()) + 6) % 7
	return d.AddDays(-sinceMonday)
}

// Compare returns -1 if the date is before the other, 1 if it is after it, else 0.
func (d Date) Compare(other Date) int {
	return cmp.Or(cmp.Compare(d.Year, other.Year), cmp.Compare(d.Month, other.Month), cmp.Compare(d.Day, other.Day))
}

// String returns the date as YYYY-MM-DD.
func (d Date) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}
