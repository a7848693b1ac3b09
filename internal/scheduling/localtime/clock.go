package localtime

import (
	"math"
	"time"
)

// Clock is the clock on the wall of one location. It remembers the offset that it
// looked up last, and is therefore fast for instants near each other, and not for
// use by several goroutines at once.
type Clock struct {
	loc *time.Location
	// From start to end, in Unix seconds, it shows offset seconds more than UTC. Those
	// may be only a part of the time for which it does.
	start, end, offset int64
}

// NewClock returns the clock of a location.
func NewClock(loc *time.Location) *Clock {
	return &Clock{loc: loc} // start = end: nothing is known yet
}

// quarterHour is the grid of transitions, in seconds: all since 1972 lie on it.
const quarterHour = 15 * 60

// seek looks up the offset at an instant. Afterwards start <= unix < end, so loops that
// continue at end advance.
func (c *Clock) seek(unix int64) {
	if c.start <= unix && unix < c.end {
		return
	}
	t := time.Unix(unix, 0).In(c.loc)
	_, offset := t.Zone()
	start, end := t.ZoneBounds()
	c.offset, c.start, c.end = int64(offset), math.MinInt64, math.MaxInt64
	if !start.IsZero() {
		c.start = start.Unix()
	}
	if !end.IsZero() {
		c.end = end.Unix()
	}
	// After the last transition that a zone lists, ZoneBounds assumes years of 365 days: on
	// 31 December of a leap year the end that it returns has already passed.
	if unix < c.start || c.end <= unix {
		c.start = unix - floorMod(unix, quarterHour)
		c.end = c.start + quarterHour
	}
}

// At returns the instant of a local time, as the policy of the package has it. It is
// given in minutes from the midnight with which the date begins, as the clock counts
// them: 1500 is one o'clock on the next day, however long the day is.
func (c *Clock) At(date Date, minutesFromMidnight int) time.Time {
	wall := int64(date.Ordinal())*secondsPerDay + int64(minutesFromMidnight)*60
	// A day before, the clock has not yet come so far, because offsets are shorter.
	unix := wall - secondsPerDay
	for {
		c.seek(unix)
		// In a gap it has gone too far already when the offset begins.
		if first := max(wall-c.offset, unix); first < c.end {
			return time.Unix(first, 0).UTC()
		}
		unix = c.end
	}
}

// AtWallClock returns the instant of a local time in the form of WallClock, to the minute.
func (c *Clock) AtWallClock(shown time.Time) time.Time {
	return c.At(DateOf(shown, time.UTC), shown.Hour()*60+shown.Minute())
}

// DateOf returns the date on the calendar at the instant.
func (c *Clock) DateOf(instant time.Time) Date {
	return OfOrdinal(c.Ordinal(instant.Unix()))
}

// Ordinal returns the ordinal of the date on the calendar at an instant, which is given
// in Unix seconds.
func (c *Clock) Ordinal(unix int64) int {
	c.seek(unix)
	return int(floorDiv(unix+c.offset, secondsPerDay))
}

// Range returns the instants between two local times of a date, for example of a shift.
// It is not ok if there are none, because the times are the wrong way round or a gap
// has swallowed them.
func (c *Clock) Range(date Date, startMin, endMin int) (start, end time.Time, ok bool) {
	start, end = c.At(date, startMin), c.At(date, endMin)
	return start, end, start.Before(end)
}

// At returns the instant of a local time, see Clock.At.
func At(date Date, minutesFromMidnight int, loc *time.Location) time.Time {
	return NewClock(loc).At(date, minutesFromMidnight)
}

// Range returns the instants between two local times of a date, see Clock.Range.
func Range(date Date, startMin, endMin int, loc *time.Location) (start, end time.Time, ok bool) {
	return NewClock(loc).Range(date, startMin, endMin)
}

// floorDiv divides and rounds down, also below zero.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// floorMod is the remainder of floorDiv, which is not negative.
func floorMod(a, b int64) int64 {
	r := a % b
	if r < 0 {
		r += b
	}
	return r
}
