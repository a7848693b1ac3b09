package contract

import (
	"errors"
	"regexp"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

//nolint:gochecknoinits // kin-openapi keeps formats in a global; set once, before any document is loaded
func init() {
	// The library's own ones look at the form only: 30 February has it.
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewCallbackValidator(checkDateTime))
	openapi3.DefineStringFormatValidator("date", openapi3.NewCallbackValidator(checkDate))
}

// time.Time also reads 9:00, fractions after a comma, and offsets of 24 hours.
var dateTimeForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// checkDateTime accepts RFC 3339 in capitals and without leap seconds, in the years that
// time.Time can write: 1 to 9999 in UTC. What else a request may say about time is up to
// its operation.
func checkDateTime(s string) error {
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); !dateTimeForm.MatchString(s) || err != nil || !writable(t) {
		return errors.New("must be a date and time that exist, with their offset from UTC, such as 2027-03-01T09:00:00Z")
	}
	return nil
}

func checkDate(s string) error {
	if t, err := time.Parse(time.DateOnly, s); err != nil || !writable(t) {
		return errors.New("must be a date that exists, such as 2027-03-01")
	}
	return nil
}

func writable(t time.Time) bool { return t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 }
