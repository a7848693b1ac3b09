package entitle

import "time"

// Interval is how often a plan is paid for.
type Interval string

// The intervals.
const (
	Monthly Interval = "MONTH"
	Yearly  Interval = "YEAR"
)

// PeriodEnd returns the end of the billing period that now is in: the first local
// midnight after now that is a whole number of intervals after the anchor, a local date
// written as midnight UTC. A day that a month lacks is its last day (31 January,
// 28 February, 31 March), counted from the anchor each time, so nothing drifts. An
// anchor in the future is itself the end.
func PeriodEnd(anchor time.Time, interval Interval, location *time.Location, now time.Time) time.Time {
	months := 1
	if interval == Yearly {
		months = 12
	}
	local := now.In(location)
	passed := (local.Year()-anchor.Year())*12 + int(local.Month()) - int(anchor.Month())
	for n := max(passed/months-1, 0); ; n++ {
		if end := monthsAfter(anchor, n*months, location); end.After(now) {
			return end.UTC()
		}
	}
}

// monthsAfter returns the start of the day n months after the anchor.
func monthsAfter(anchor time.Time, n int, location *time.Location) time.Time {
	first := time.Date(anchor.Year(), anchor.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := time.Date(first.Year(), first.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(first.Year(), first.Month(), min(anchor.Day(), last), 0, 0, 0, 0, location)
}
