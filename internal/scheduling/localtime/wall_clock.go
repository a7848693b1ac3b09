package localtime

import (
	"time"
)

// Earliest (inclusive) and Latest (exclusive) limit the instants that are accepted, so that each
// can be written as RFC 3339 in every zone.
var (
	Earliest = time.Date(1970, time.January, 1, 0, 0, 0, 0, time.UTC)
	Latest   = time.Date(3000, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// WallClock returns the local time in loc at an instant, as a time in UTC: sums and differences
// of wall clock times are those of the local clock. Clock.AtWallClock is the inverse.
func WallClock(instant time.Time, loc *time.Location) time.Time {
	_, offset := instant.In(loc).Zone()
	return instant.UTC().Add(time.Duration(offset) * time.Second)
}
