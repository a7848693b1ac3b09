package recurrence

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// Rule is the value of an RRULE that recurs at most once a day.
type Rule struct {
	option rrule.ROption
	// until is the limit UNTIL; with a Z it is an instant, else a wall clock time.
	until        time.Time
	untilInstant bool
}

const (
	// maxOccurrences limits COUNT: a rule with a count is evaluated from its first occurrence on.
	maxOccurrences = 1000
	// maxInterval keeps the arithmetic of dates within its bounds.
	maxInterval = 1000
	// maxListed limits the values of a part: no part has more useful values than there are weeks.
	maxListed = 53
)

// allowedParts are the parts that a rule may have.
var allowedParts = []string{
	"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS",
}

var untilForm = regexp.MustCompile(`^(\d{8})(T\d{6})?(Z?)$`)

// Normalize returns a rule in its stored form.
func Normalize(text string) string {
	return strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:")
}

// Parse parses a rule given by a client. The texts of its errors are for people.
func Parse(text string) (*Rule, error) {
	parts, err := splitParts(text)
	if err != nil {
		return nil, err
	}
	for name, value := range parts {
		if !strings.HasPrefix(name, "BY") {
			continue
		}
		if strings.Count(value, ",") >= maxListed {
			return nil, fmt.Errorf("%s may list at most %d values", name, maxListed)
		}
		listed := map[string]bool{}
		for item := range strings.SplitSeq(value, ",") {
			// A number may be written in several ways: 1, +1 and 01.
			digits := strings.TrimLeft(item, "+-")
			item = strings.Repeat("-", strings.Count(item, "-")) + strings.TrimLeft(digits, "0")
			if listed[item] {
				return nil, fmt.Errorf("%s must list each value once", name)
			}
			listed[item] = true
		}
	}
	return ParseStored(text)
}

// ParseStored parses a stored rule. It accepts more than Parse, whose limits are younger than
// some stored rules.
func ParseStored(text string) (*Rule, error) {
	parts, err := splitParts(text)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}, parts["FREQ"]) {
		return nil, errors.New("FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY")
	}
	for part, most := range map[string]int{"INTERVAL": maxInterval, "COUNT": maxOccurrences} {
		if value, ok := parts[part]; ok {
			if n, err := strconv.Atoi(value); err != nil || n < 1 || n > most {
				return nil, fmt.Errorf("%s must be a number from 1 to %d", part, most)
			}
		}
	}
	r := &Rule{}
	if value, ok := parts["UNTIL"]; ok {
		if parts["COUNT"] != "" {
			return nil, errors.New("COUNT and UNTIL exclude each other")
		}
		if err := r.readUntil(value); err != nil {
			return nil, err
		}
	}
	option, err := rrule.StrToROption(text)
	if err == nil {
		_, err = rrule.NewRRule(*option)
	}
	if err != nil {
		return nil, errors.New("it is not of the form FREQ=WEEKLY;BYDAY=MO,TU;COUNT=10")
	}
	r.option = *option
	return r, nil
}

// splitParts returns the parts by name. Repeated parts are errors; the library would take the last.
func splitParts(text string) (map[string]string, error) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		if !slices.Contains(allowedParts, name) {
			return nil, fmt.Errorf("it may have the parts %s, and nothing else", strings.Join(allowedParts, ", "))
		}
		if _, twice := parts[name]; twice || value == "" {
			return nil, fmt.Errorf("%s must be there once, with a value", name)
		}
		parts[name] = value
	}
	return parts, nil
}

// readUntil takes a date as the end of that day, so the date is included.
func (r *Rule) readUntil(value string) error {
	form := untilForm.FindStringSubmatch(value)
	err := errors.New("UNTIL must be a date or a time, such as 20261231, 20261231T170000 or 20261231T220000Z")
	if form == nil || form[2] == "" && form[3] != "" {
		return err
	}
	clock := form[2]
	if clock == "" {
		clock = "T235959"
	}
	until, parseErr := time.Parse(rrule.LocalDateTimeFormat, form[1]+clock)
	if parseErr != nil {
		return err
	}
	r.until, r.untilInstant = until, form[3] != ""
	return nil
}

// Endless reports whether the rule has no end.
func (r *Rule) Endless() bool { return r.option.Count == 0 && r.until.IsZero() }

// last returns the limit UNTIL as a wall clock time in loc; false if there is none.
func (r *Rule) last(loc *time.Location) (time.Time, bool) {
	if r.untilInstant {
		return localtime.WallClock(r.until, loc), true
	}
	return r.until, !r.until.IsZero()
}
