package keyset

import "time"

// ClampRange returns the range of a filter, limited to [first, last). It stores the range in the
// filter, in one form for all spellings of the same instants, so that a cursor fits all of them.
func ClampRange(filterFrom, filterTo **time.Time, first, last time.Time) (from, to time.Time) {
	from, to = first, last
	if given := *filterFrom; given != nil && given.After(from) {
		from = ceil(*given)
	}
	if given := *filterTo; given != nil && given.Before(to) {
		to = ceil(*given)
	}
	*filterFrom, *filterTo = &from, &to
	return from, to
}

// ceil rounds up to microseconds, the resolution of PostgreSQL: rounded down, "from a
// nanosecond after noon" would include noon.
func ceil(t time.Time) time.Time {
	return t.UTC().Add(time.Microsecond - 1).Truncate(time.Microsecond)
}
