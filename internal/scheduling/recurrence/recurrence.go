package recurrence

import (
	"context"
	"fmt"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// Recurrence is a rule with its first start in a time zone. The library only parses rules: if no
// day matches, its iterator runs to the year 9999, whatever UNTIL and the context say.
//
// The cost of an evaluation is the number of days examined.
type Recurrence struct {
	rule *Rule
	// first is the first start; all starts have its time of day.
	first time.Time
	// last is the last possible start; zero without an end.
	last time.Time
	// uncounted says that the rule has a COUNT that is not reached within MaxYears.
	uncounted bool
	days      dayFilter
}

// MaxYears is for how many years a rule with a COUNT, or a series, may go on.
const MaxYears = 50

// From returns the recurrence of a stored rule. If its COUNT is not reached within MaxYears it has no
// end: some stored rules are older than that limit, and time blocked for too long does less harm than
// time offered by mistake. Errors: that of ctx.
func (r *Rule) From(ctx context.Context, first time.Time, loc *time.Location) (*Recurrence, error) {
	c := r.begin(first, loc)
	return c, c.count(ctx)
}

// begin is From without COUNT.
func (r *Rule) begin(first time.Time, loc *time.Location) *Recurrence {
	c := &Recurrence{rule: r, first: first.Truncate(time.Second), days: newDayFilter(&r.option, first)}
	if last, ok := r.last(loc); ok {
		c.last = last
	}
	return c
}

// count finds the last start of a rule with a COUNT.
func (c *Recurrence) count(ctx context.Context) error {
	left := c.rule.option.Count
	if left == 0 {
		return nil
	}
	last := c.first
	_, err := c.walk(ctx, c.first, c.bound(), func(start time.Time) bool {
		last = start
		left--
		return left > 0
	})
	if c.uncounted = left > 0; !c.uncounted {
		c.last = last
	}
	return err
}

// Start returns the recurrence of a rule given by a client, from an instant. Errors: InvalidError for a
// start at which the rule does not recur, and for a COUNT that takes longer than MaxYears; that of ctx.
func Start(ctx context.Context, rule *Rule, startAt time.Time, loc *time.Location) (*Recurrence, error) {
	c := rule.begin(localtime.WallClock(startAt, loc), loc)
	starts, err := c.startsWith(ctx)
	if err != nil {
		return nil, err
	}
	if !starts {
		return nil, &InvalidError{fmt.Sprintf("The start, %s, is not a time at which the rule recurs.",
			startAt.In(loc).Format("Monday, 2006-01-02 15:04 MST"))}
	}
	if err := c.count(ctx); err != nil {
		return nil, err
	}
	if c.uncounted {
		return nil, ErrTooLong
	}
	return c, nil
}

// InvalidError says what is wrong with a rule that a client has given.
type InvalidError struct{ Detail string }

func (e *InvalidError) Error() string { return e.Detail }

// ErrTooLong is the InvalidError of a rule that goes on for more than MaxYears.
var ErrTooLong = &InvalidError{fmt.Sprintf("The last occurrence must be within %d years of the start.", MaxYears)}

// Last returns the last start that is possible; zero if there is no end.
func (c *Recurrence) Last() time.Time { return c.last }

// bound is MaxYears after the first start.
func (c *Recurrence) bound() time.Time { return c.first.AddDate(MaxYears, 0, 0) }

// startsWith reports whether the rule recurs at its first start.
func (c *Recurrence) startsWith(ctx context.Context) (bool, error) {
	starts, err := c.Between(ctx, c.first, c.first)
	return len(starts) == 1, err
}

// Between returns the starts from from to to, both inclusive. Its cost is proportional to the periods
// (days, weeks, months or years) in between. Errors: that of ctx.
func (c *Recurrence) Between(ctx context.Context, from, to time.Time) ([]time.Time, error) {
	var starts []time.Time
	_, err := c.walk(ctx, from, to, func(start time.Time) bool {
		starts = append(starts, start)
		return true
	})
	return starts, err
}

// UpTo returns the first n starts within MaxYears, and reports whether there may be starts after MaxYears.
func (c *Recurrence) UpTo(ctx context.Context, n int) (starts []time.Time, more bool, err error) {
	_, err = c.walk(ctx, c.first, c.bound(), func(start time.Time) bool {
		starts = append(starts, start)
		return len(starts) < n
	})
	return starts, c.last.IsZero() || c.last.After(c.bound()), err
}

// walk yields the starts from from to to, both inclusive, in order, until yield returns false. It
// skips the periods before from, and returns how many days it has examined. Errors: that of ctx.
func (c *Recurrence) walk(ctx context.Context, from, to time.Time, yield func(time.Time) bool) (looked int, err error) {
	if !c.last.IsZero() && c.last.Before(to) {
		to = c.last
	}
	var days []time.Time
	for n := c.period(from); ; n++ {
		if err := ctx.Err(); err != nil {
			return looked, err
		}
		begin, end := c.bounds(n)
		if begin.After(to) {
			return looked, nil
		}
		days = c.matching(days[:0], begin, end, &looked)
		for _, day := range days {
			start := day.Add(c.first.Sub(dateOf(c.first)))
			switch {
			case start.After(to):
				return looked, nil
			case start.Before(from) || start.Before(c.first):
			case !yield(start):
				return looked, nil
			}
		}
	}
}

// matching appends the days of the rule from begin (inclusive) to end (exclusive), in order, and counts
// the days examined.
func (c *Recurrence) matching(days []time.Time, begin, end time.Time, looked *int) []time.Time {
	for day := begin; day.Before(end); {
		*looked++
		year, month, _ := day.Date()
		if !c.days.hasMonth(month) {
			day = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if c.days.has(day) {
			days = append(days, day)
		}
		day = day.Add(24 * time.Hour) // it is one of UTC
	}
	return c.days.atPositions(days)
}

// period returns the number of the last period that begins at or before a time; the period of the
// first start is 0.
func (c *Recurrence) period(at time.Time) int {
	if !at.After(c.first) {
		return 0
	}
	begin, day := dateOf(c.first), dateOf(at)
	var passed int
	switch c.rule.option.Freq {
	case rrule.YEARLY:
		passed = day.Year() - begin.Year()
	case rrule.MONTHLY:
		passed = (day.Year()-begin.Year())*12 + int(day.Month()) - int(begin.Month())
	case rrule.WEEKLY:
		passed = daysBetween(c.days.week(begin), day) / 7
	default:
		passed = daysBetween(begin, day)
	}
	return passed / c.interval()
}

// bounds returns the first day of a period, and the day after its last. The week of the first start
// begins with that start, as in the library.
func (c *Recurrence) bounds(n int) (begin, end time.Time) {
	first := dateOf(c.first)
	passed := n * c.interval()
	switch c.rule.option.Freq {
	case rrule.YEARLY:
		begin = time.Date(first.Year()+passed, time.January, 1, 0, 0, 0, 0, time.UTC)
		return begin, begin.AddDate(1, 0, 0)
	case rrule.MONTHLY:
		begin = time.Date(first.Year(), first.Month()+time.Month(passed), 1, 0, 0, 0, 0, time.UTC)
		return begin, begin.AddDate(0, 1, 0)
	case rrule.WEEKLY:
		begin = c.days.week(first).AddDate(0, 0, 7*passed)
		end = begin.AddDate(0, 0, 7)
		if n == 0 {
			begin = first
		}
		return begin, end
	default:
		begin = first.AddDate(0, 0, passed)
		return begin, begin.AddDate(0, 0, 1)
	}
}

func (c *Recurrence) interval() int { return max(c.rule.option.Interval, 1) }

// dateOf returns the midnight before a time in UTC.
func dateOf(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }

// daysBetween returns the days from one midnight to another.
func daysBetween(from, to time.Time) int { return int((to.Unix() - from.Unix()) / (24 * 60 * 60)) }
