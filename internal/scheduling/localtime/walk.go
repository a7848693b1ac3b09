package localtime

import (
	"iter"
	"time"
)

// Days yields the dates that cover the instants from from, up to but without to, in
// order: those whose midnight-to-midnight has an instant of them. A date that the
// location skipped between them is yielded too, because a shift of its may reach over
// its midnight.
func Days(from, to time.Time, loc *time.Location) iter.Seq[Date] {
	return func(yield func(Date) bool) {
		if !from.Before(to) {
			return
		}
		clock := NewClock(loc)
		first := clock.DateOf(from)
		// Clocks that are put back soon after midnight show yesterday's date again, when
		// today's midnight has been already.
		for !clock.At(first.AddDays(1), 0).After(from) {
			first = first.AddDays(1)
		}
		for date := first; clock.At(date, 0).Before(to); date = date.AddDays(1) {
			if !yield(date) {
				return
			}
		}
	}
}

// Grid yields, in order, the instants from from, up to but without to, at which the
// clock of the location shows a whole multiple of step since midnight. It shows such a
// time once, not at all in a gap, and twice in a fold. A step of less than a second counts
// as one.
func Grid(from, to time.Time, step time.Duration, loc *time.Location) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		clock := NewClock(loc)
		seconds := max(int64(step/time.Second), 1)
		end := ceilUnix(to)
		for unix := ceilUnix(from); unix < end; {
			clock.seek(unix)
			ofDay := floorMod(unix+clock.offset, secondsPerDay)
			switch rest := ofDay % seconds; {
			case rest != 0:
				// To the next multiple, but not past midnight, where counting begins anew, nor
				// past a transition.
				unix = min(unix+min(seconds-rest, secondsPerDay-ofDay), clock.end)
			case !yield(time.Unix(unix, 0).UTC()):
				return
			default:
				unix = min(unix+min(seconds, secondsPerDay-ofDay), clock.end)
			}
		}
	}
}

// ceilUnix returns the first whole second that is not before t.
func ceilUnix(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
