package recurrence

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/teambition/rrule-go"
)

func TestNewRecurrence(t *testing.T) {
	t.Parallel()
	list := func(from, to int) string {
		values := make([]string, 0, to-from+1)
		for n := from; n <= to; n++ {
			values = append(values, fmt.Sprint(n))
		}
		return strings.Join(values, ",")
	}
	for _, text := range []string{
		"FREQ=YEARLY;BYYEARDAY=5,5", "FREQ=MONTHLY;BYMONTHDAY=1,+1", "FREQ=MONTHLY;BYMONTHDAY=-3,-03", "FREQ=WEEKLY;BYDAY=MO,TU,MO",
		"FREQ=MONTHLY;BYDAY=1MO,+1MO", "FREQ=YEARLY;BYWEEKNO=7,8,07", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,1", "FREQ=YEARLY;BYMONTH=4,4",
		"FREQ=YEARLY;BYYEARDAY=" + list(1, 54), "FREQ=YEARLY;BYMONTHDAY=1;BYSETPOS=" + list(1, 60),
	} {
		_, err := Parse(text)
		require.Error(t, err, text)
		assert.Regexp(t, "BY.* (once|at most 53 values)$", err.Error(), text)
		_, err = ParseStored(text)
		require.NoError(t, err, "what is kept is read: %s", text)
	}
	for _, text := range []string{
		"FREQ=YEARLY;BYYEARDAY=" + list(1, 53), "FREQ=YEARLY;BYWEEKNO=" + list(1, 53), "FREQ=MONTHLY;BYMONTHDAY=1,-1,10",
		"FREQ=MONTHLY;BYDAY=1MO,-1MO,MO",
	} {
		_, err := Parse(text)
		require.NoError(t, err, text)
	}
}

// randomRule has parts that match often, so that rules are compared and not only ended.
func randomRule(random *rand.Rand) string {
	text := "FREQ=" + []string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}[random.IntN(4)]
	add := func(chance int, part func() string) {
		if random.IntN(chance) == 0 {
			text += ";" + part()
		}
	}
	some := func(most int, negative bool) string {
		values := make([]string, 1+random.IntN(4))
		for i := range values {
			n := 1 + random.IntN(most)
			if negative && random.IntN(3) == 0 {
				n = -n
			}
			values[i] = fmt.Sprint(n)
		}
		return strings.Join(values, ",")
	}
	days := []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
	add(2, func() string { return fmt.Sprint("INTERVAL=", 1+random.IntN(5)) })
	add(3, func() string { return fmt.Sprint("COUNT=", 1+random.IntN(30)) })
	add(3, func() string { return "WKST=" + days[random.IntN(7)] })
	add(3, func() string { return "BYMONTH=" + some(12, false) })
	add(3, func() string { return "BYMONTHDAY=" + some(31, true) })
	add(6, func() string { return "BYYEARDAY=" + some(366, true) })
	add(3, func() string {
		values := make([]string, 1+random.IntN(5))
		for i := range values {
			values[i] = days[random.IntN(7)]
			if random.IntN(4) == 0 {
				values[i] = fmt.Sprint(random.IntN(9)-4) + values[i]
			}
		}
		return "BYDAY=" + strings.Join(values, ",")
	})
	add(5, func() string { return "BYSETPOS=" + some(5, true) })
	return text
}

// What recurs is what the library says, wherever one begins to look.
func TestRecurring_IsThatOfTheLibrary(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 11))
	compared := 0
	for range 150 {
		text := randomRule(random)
		rule, err := ParseStored(text)
		require.NoError(t, err, text)
		first := time.Date(2019, time.January, 1+random.IntN(800), random.IntN(24), random.IntN(60), 0, 0, time.UTC)
		to := first.AddDate(12, 0, 0)
		option := rule.option
		option.Dtstart, option.Until = first, to
		if option.Count == 0 {
			option.Count = 10_000
		}
		oracle, err := rrule.NewRRule(option)
		require.NoError(t, err)
		want := slices.DeleteFunc(oracle.All(), func(at time.Time) bool { return at.After(to) })

		recurs, err := rule.From(t.Context(), first, time.UTC)
		require.NoError(t, err)
		got, err := recurs.Between(t.Context(), first, to)
		require.NoError(t, err)
		require.Len(t, got, len(want), "%s from %s", text, first)
		for i := range want {
			require.True(t, want[i].Equal(got[i]), "%s from %s: %s, not %s", text, first, got[i], want[i])
		}
		compared += len(want)
		from := first.AddDate(0, 0, random.IntN(3000))
		some, err := recurs.Between(t.Context(), from, from.AddDate(0, 3, 0))
		require.NoError(t, err)
		later := slices.DeleteFunc(got, func(at time.Time) bool { return at.Before(from) || at.After(from.AddDate(0, 3, 0)) })
		require.ElementsMatch(t, later, some, "%s from %s, seen from %s", text, first, from)
	}
	require.Greater(t, compared, 2_000)
}

// The library counts some weeks at the turn of the year otherwise, so they are compared with
// those of Go.
func TestRecurring_WeekNumbers(t *testing.T) {
	t.Parallel()
	first := time.Date(1971, time.January, 4, 9, 0, 0, 0, time.UTC)
	for _, n := range []int{1, 2, 26, 52, 53, -1, -2, -52} {
		rule, err := ParseStored(fmt.Sprintf("FREQ=DAILY;BYWEEKNO=%d", n))
		require.NoError(t, err)
		recurs, err := rule.From(t.Context(), first, time.UTC)
		require.NoError(t, err)
		got, err := recurs.Between(t.Context(), first, first.AddDate(120, 0, 0))
		require.NoError(t, err)
		var want []time.Time
		for at := first; !at.After(first.AddDate(120, 0, 0)); at = at.AddDate(0, 0, 1) {
			year, week := at.ISOWeek()
			_, weeks := time.Date(year, time.December, 28, 0, 0, 0, 0, time.UTC).ISOWeek()
			if week == n || week-weeks-1 == n {
				want = append(want, at)
			}
		}
		require.Equal(t, want, got, n)
	}
}

// requireBounded says that a rule costs no more than so many days, each of which costs the same
// for all rules: those of maxRecurring years, and then those of the years of the month in question.
func requireBounded(tb testing.TB, text string, first, from time.Time) {
	tb.Helper()
	rule, err := ParseStored(text)
	if err != nil {
		return
	}
	all := func(time.Time) bool { return true }
	recurs := rule.begin(first, time.UTC)
	looked, err := recurs.walk(tb.Context(), first, recurs.bound(), all)
	require.NoError(tb, err)
	require.LessOrEqual(tb, looked, (MaxYears+1)*366, text)
	require.NoError(tb, recurs.count(tb.Context()))
	require.False(tb, recurs.last.After(recurs.bound()) && rule.option.Count > 0, text)
	looked, err = recurs.walk(tb.Context(), from, from.AddDate(0, 1, 0), all)
	require.NoError(tb, err)
	require.LessOrEqual(tb, looked, 2*366, text)
}

// oddRules never recur, or seldom, or are long ways away, or list much.
var oddRules = []string{
	"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=6;BYMONTHDAY=31", "FREQ=WEEKLY;BYMONTH=4;BYMONTHDAY=31;BYDAY=TU",
	"FREQ=MONTHLY;BYMONTH=9;BYMONTHDAY=31", "FREQ=YEARLY;INTERVAL=1000;COUNT=1000", "FREQ=DAILY;INTERVAL=1000;COUNT=200",
	"FREQ=YEARLY;COUNT=1;BYMONTHDAY=1;BYYEARDAY=2;BYSETPOS=1" + strings.Repeat(",1", 400), "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=1000",
	"FREQ=MONTHLY;BYDAY=53MO,-53TU", "FREQ=YEARLY;BYMONTH=12;BYDAY=50FR", "FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=100;COUNT=1000",
	"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;INTERVAL=7", "FREQ=DAILY;INTERVAL=999;BYDAY=MO;BYMONTH=1;COUNT=1000",
}

func TestRecurring_IsBounded(t *testing.T) {
	t.Parallel()
	for _, text := range oddRules {
		for _, year := range []int{1970, 2024, 2999} {
			first := time.Date(year, time.January, 1, 9, 0, 0, 0, time.UTC)
			requireBounded(t, text, first, first)
			requireBounded(t, text, first, first.AddDate(400, 5, 3))
		}
	}
}

func TestNewRecurring(t *testing.T) {
	t.Parallel()
	first := time.Date(2024, time.February, 29, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30": "is not a time at which the rule recurs",
		"FREQ=DAILY;INTERVAL=100;COUNT=190":   "within 50 years",
		"FREQ=YEARLY;COUNT=14":                "within 50 years", // 28 February is none
		"FREQ=YEARLY;COUNT=13":                "",
		"FREQ=DAILY;COUNT=1000":               "",
		"FREQ=DAILY;INTERVAL=100;COUNT=180":   "",
		"FREQ=YEARLY;UNTIL=29990101":          "",
	} {
		rule, err := Parse(text)
		require.NoError(t, err, text)
		_, err = Start(t.Context(), rule, first, time.UTC)
		if want == "" {
			assert.NoError(t, err, text)
		} else {
			assert.ErrorContains(t, err, want, text)
		}
	}
}

// Whoever waits for it no longer ends the work.
func TestRecurring_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	rule, err := ParseStored("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30")
	require.NoError(t, err)
	first := time.Date(2024, time.February, 29, 9, 0, 0, 0, time.UTC)
	recurs, err := rule.From(t.Context(), first, time.UTC)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = recurs.Between(ctx, first, first.AddDate(900, 0, 0))
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = recurs.UpTo(ctx, 10)
	require.ErrorIs(t, err, context.Canceled)
	counted, err := ParseStored("FREQ=DAILY;COUNT=3")
	require.NoError(t, err)
	_, err = counted.From(ctx, first, time.UTC)
	require.ErrorIs(t, err, context.Canceled)
}

func FuzzRecurring(f *testing.F) {
	for _, text := range oddRules {
		f.Add(text, int64(0), int64(20_000))
		f.Add(text, int64(375_000), int64(1))
	}
	random := rand.New(rand.NewPCG(3, 5))
	for range 50 {
		f.Add(randomRule(random), random.Int64N(30_000), random.Int64N(30_000))
	}
	f.Fuzz(func(t *testing.T, text string, firstDay, later int64) {
		if firstDay < 0 || firstDay > 376_000 || later < 0 || later > 376_000 {
			return
		}
		first := time.Unix(9*60*60, 0).UTC().AddDate(0, 0, int(firstDay))
		requireBounded(t, text, first, first.AddDate(0, 0, int(later)))
	})
}
