package scheduling

import (
	"time"

	"github.com/google/uuid"
)

// byName is where a page of a list ends that is in the order of names. The zero value
// comes before every name.
type byName struct {
	Name string    `json:"n"`
	ID   uuid.UUID `json:"i"`
}

// byTime is where a page of a list ends that is in the order of instants.
type byTime struct {
	At time.Time `json:"t"`
	ID uuid.UUID `json:"i"`
}

// bounds returns the range that a filter names as instants, and writes it back in a form
// that is the same for every spelling of the same instants, so that cursors fit all of
// them.
func bounds(filterFrom, filterTo **time.Time) (from, to time.Time) {
	from, to = firstStart, lastStart
	if given := *filterFrom; given != nil && given.After(from) {
		from = ceil(*given)
	}
	if given := *filterTo; given != nil && given.Before(to) {
		to = ceil(*given)
	}
	*filterFrom, *filterTo = &from, &to
	return from, to
}

// ceil rounds up to what PostgreSQL can tell apart: rounded down, "from a nanosecond
// after noon" would include noon.
func ceil(t time.Time) time.Time {
	return t.UTC().Add(time.Microsecond - 1).Truncate(time.Microsecond)
}

// convertRows turns the rows of one query into those of another with the same columns.
func convertRows[A, B any](rows []A, convert func(A) B) []B {
	converted := make([]B, len(rows))
	for i, row := range rows {
		converted[i] = convert(row)
	}
	return converted
}
