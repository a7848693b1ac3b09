package scheduling

import (
	"context"
	"time"

	"github.com/teambition/rrule-go"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// recurring is a rule together with its first start, on the clock of a zone. The library reads
// rules and is not asked to follow them: where no day matches it goes on until the year 9999,
// whatever UNTIL and the context say.
//
// Work is counted in days that are looked at. A year has 366 of them, a day of FREQ=DAILY one.
type recurring struct {
	rule *recurrence
	// first is the first start; all starts show its time of day.
	first time.Time
	// last is the last start there may be; zero if it goes on for ever.
	last time.Time
	// uncounted reports that the rule has a COUNT that is not reached within maxRecurring.
	uncounted bool
	days      dayFilter
}

const (
	// maxRecurring is for how many years a rule with a COUNT, or a series, may go on.
	maxRecurring = 50
)

// from returns what recurs by a rule that is kept, from the first start on. One whose COUNT is
// not reached within maxRecurring goes on: rules were kept before there was that bound, and what
// is closed too long does less harm than what is open. Errors: that of ctx.
func (r *recurrence) from(ctx context.Context, first time.Time, loc *time.Location) (*recurring, error) {
	c := r.begin(first, loc)
	return c, c.count(ctx)
}

// begin is from for a rule without a COUNT.
func (r *recurrence) begin(first time.Time, loc *time.Location) *recurring {
	c := &recurring{rule: r, first: first.Truncate(time.Second), days: newDayFilter(&r.option, first)}
	if last, ok := r.last(loc); ok {
		c.last = last
	}
	return c
}

// count finds the last start of a rule with a COUNT.
func (c *recurring) count(ctx context.Context) error {
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

// newRecurring is from for a rule that somebody gives, with a start that is any instant. Errors:
// ValidationFailed for a start at which the rule does not recur, and for a COUNT that takes
// longer than maxRecurring; that of ctx.
func newRecurring(ctx context.Context, rule *recurrence, startAt time.Time, loc *time.Location) (*recurring, error) {
	c := rule.begin(onClock(startAt, loc), loc)
	starts, err := c.startsWith(ctx)
	if err != nil {
		return nil, err
	}
	if !starts {
		return nil, apperr.NewInvalid("/rrule", "The start, %s, is not a time at which the rule recurs.",
			startAt.In(loc).Format("Monday, 2006-01-02 15:04 MST"))
	}
	if err := c.count(ctx); err != nil {
		return nil, err
	}
	if c.uncounted {
		return nil, tooLong()
	}
	return c, nil
}

func tooLong() error {
	return apperr.NewInvalid("/rrule", "The last occurrence must be within %d years of the start.", maxRecurring)
}

// bound is when what may not go on for longer than maxRecurring must have ended.
func (c *recurring) bound() time.Time { return c.first.AddDate(maxRecurring, 0, 0) }

// startsWith reports whether the rule gives first as its first start.
func (c *recurring) startsWith(ctx context.Context) (bool, error) {
	starts, err := c.between(ctx, c.first, c.first)
	return len(starts) == 1, err
}

// between returns the starts from from to to, both included. Its work is that of the periods
// (days, weeks, months or years) that lie there. Errors: that of ctx.
func (c *recurring) between(ctx context.Context, from, to time.Time) ([]time.Time, error) {
	var starts []time.Time
	_, err := c.walk(ctx, from, to, func(start time.Time) bool {
		starts = append(starts, start)
		return true
	})
	return starts, err
}

// upTo returns the starts, but no more than n, and none after bound. It reports whether there
// are any after that, or may be.
func (c *recurring) upTo(ctx context.Context, n int) (starts []time.Time, more bool, err error) {
	_, err = c.walk(ctx, c.first, c.bound(), func(start time.Time) bool {
		starts = append(starts, start)
		return len(starts) < n
	})
	return starts, c.last.IsZero() || c.last.After(c.bound()), err
}

// walk yields the starts from from to to, both included, in order, until yield says that it is
// enough. It passes over what lies before from, and returns how many days it has looked at.
// Errors: that of ctx.
func (c *recurring) walk(ctx context.Context, from, to time.Time, yield func(time.Time) bool) (looked int, err error) {
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

// matching appends the days from begin until end, without it, that the rule has, in order, and
// counts those that it looks at.
func (c *recurring) matching(days []time.Time, begin, end time.Time, looked *int) []time.Time {
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

// period returns the number of the last period that begins at a time or before it; the first,
// which has the first start, is 0.
func (c *recurring) period(at time.Time) int {
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

// bounds returns the first day of a period, and the day after it. The week of the first start
// begins with that, as with the library.
func (c *recurring) bounds(n int) (begin, end time.Time) {
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

func (c *recurring) interval() int { return max(c.rule.option.Interval, 1) }

// dateOf returns the midnight before a time of UTC.
func dateOf(t time.Time) time.Time { return t.Truncate(24 * time.Hour) }

// daysBetween returns how many days one midnight is after another.
func daysBetween(from, to time.Time) int { return int((to.Unix() - from.Unix()) / (24 * 60 * 60)) }
