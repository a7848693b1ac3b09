package scheduling

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// recurrence is a rule by which something recurs, once a day at the most. Its times are
// what a clock shows, in the form of onClock.
type recurrence struct {
	option rrule.ROption
	// until is the last start, if the rule names one; with a Z it is an instant.
	until        time.Time
	untilInstant bool
}

const (
	// maxOccurrences bounds COUNT, because a rule with a count must be followed from its
	// first occurrence on.
	maxOccurrences = 1000
	// maxInterval keeps the arithmetic of dates within its bounds.
	maxInterval = 1000
	// maxListed bounds the values of a part; there are 53 weeks, and no more of anything
	// else that a rule lists for a reason.
	maxListed = 53
)

// recurrenceParts are the parts of a rule that recurs once a day at the most.
var recurrenceParts = []string{
	"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS",
}

var untilForm = regexp.MustCompile(`^(\d{8})(T\d{6})?(Z?)$`)

// normaliseRecurrence brings a rule into the form in which it is kept.
func normaliseRecurrence(text string) string {
	return strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:")
}

// newRecurrence reads the value of an RRULE (RFC 5545) that somebody gives. The text of its
// errors is for people.
func newRecurrence(text string) (*recurrence, error) {
	parts, err := splitRecurrence(text)
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
	return parseRecurrence(text)
}

// parseRecurrence reads a rule that is kept. It accepts more than newRecurrence does, because
// rules were kept before there were its bounds.
func parseRecurrence(text string) (*recurrence, error) {
	parts, err := splitRecurrence(text)
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
	r := &recurrence{}
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

// splitRecurrence returns the parts by name; the library would take the last of two.
func splitRecurrence(text string) (map[string]string, error) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		if !slices.Contains(recurrenceParts, name) {
			return nil, fmt.Errorf("it may have the parts %s, and nothing else", strings.Join(recurrenceParts, ", "))
		}
		if _, twice := parts[name]; twice || value == "" {
			return nil, fmt.Errorf("%s must be there once, with a value", name)
		}
		parts[name] = value
	}
	return parts, nil
}

// readUntil takes a date as its end, so that what recurs on that date is included.
func (r *recurrence) readUntil(value string) error {
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

// endless reports whether it goes on for ever.
func (r *recurrence) endless() bool { return r.option.Count == 0 && r.until.IsZero() }

// last returns the last start that the rule allows on the clock of loc; false if it
// does not name one.
func (r *recurrence) last(loc *time.Location) (time.Time, bool) {
	if r.untilInstant {
		return onClock(r.until, loc), true
	}
	return r.until, !r.until.IsZero()
}
