package availability

import (
	"time"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// Hours are a piece of a local day at which somebody is there, in minutes from its
// midnight as the clock on the wall counts them (see package localtime). The end may lie
// on the next day; it is at most 2880.
type Hours struct {
	Start int
	End   int
}

// Schedule says when a business, or a resource, is open.
type Schedule struct {
	// Location is the zone of the hours; nil is UTC.
	Location *time.Location
	// Weekly has the hours of each day of the week, in any order; its index is a
	// time.Weekday, so Sunday is first.
	Weekly [7][]Hours
	// Overrides replace the weekly hours of a date, including those after its midnight.
	// A date without hours is closed.
	Overrides map[localtime.Date][]Hours
}

// lookback is how many days before a start the hours can begin that it lies in: they end
// before the clock shows the date after the next.
const lookback = 1

// stretches returns the times from from, up to but without to, at which the schedule
// is open without a break, in order; they may reach beyond.
func (s *Schedule) stretches(from, to micros) []span {
	clock := localtime.NewClock(orUTC(s.Location))
	var open []span
	last := clock.Ordinal(to.unix()) + 1
	for n := clock.Ordinal(from.unix()) - lookback; n <= last; n++ {
		date := localtime.OfOrdinal(n)
		hours, overridden := s.Overrides[date]
		if !overridden {
			hours = s.Weekly[date.Weekday()]
		}
		for _, h := range hours {
			if start, end, ok := clock.Range(date, h.Start, h.End); ok {
				open = append(open, span{microsOf(start), microsOf(end)})
			}
		}
	}
	return union(open)
}

func orUTC(loc *time.Location) *time.Location {
	if loc == nil {
		return time.UTC
	}
	return loc
}
