package contract

import (
	"errors"
	"regexp"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

//nolint:gochecknoinits // kin-openapi keeps formats in a global; set once, before any document is loaded
func init() {
	// The formats of kin-openapi are patterns, which accept 30 February.
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewCallbackValidator(checkDateTime))
	openapi3.DefineStringFormatValidator("date", openapi3.NewCallbackValidator(checkDate))
}

// time.Time also accepts 9:00, fractions after a comma, and offsets of 24 hours.
var dateTimeForm = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// checkDateTime accepts RFC 3339 in capitals and without leap seconds, in the years that time.Time can
// format: 1 to 9999 in UTC. Operations may restrict the range.
func checkDateTime(s string) error {
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); !dateTimeForm.MatchString(s) || err != nil || !formattable(t) {
		return errors.New("must be a date and time that exist, with an offset from UTC, such as 2027-03-01T09:00:00Z")
	}
	return nil
}

func checkDate(s string) error {
	if t, err := time.Parse(time.DateOnly, s); err != nil || !formattable(t) {
		return errors.New("must be a date that exists, such as 2027-03-01")
	}
	return nil
}

func formattable(t time.Time) bool { return t.UTC().Year() >= 1 && t.UTC().Year() <= 9999 }
