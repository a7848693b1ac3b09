package localtime_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// date reads a date that the test knows to be one.
func date(tb testing.TB, s string) localtime.Date {
	tb.Helper()
	d, err := localtime.Parse(s)
	require.NoError(tb, err)
	return d
}

func TestParseDate(t *testing.T) {
	t.Parallel()
	assert.Equal(t, localtime.Date{Year: 2024, Month: time.February, Day: 29}, date(t, "2024-02-29"))
	assert.Equal(t, "0033-04-03", localtime.Date{Year: 33, Month: time.April, Day: 3}.String())
	for _, wrong := range []string{"", "2023-02-29", "2024-13-01", "2024-1-1", "2024-01-01T00:00:00Z", "20240101"} {
		_, err := localtime.Parse(wrong)
		assert.Error(t, err, wrong)
	}
}

func TestDateArithmetic(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 0, date(t, "1970-01-01").Ordinal())
	assert.Equal(t, -1, date(t, "1969-12-31").Ordinal())
	assert.Equal(t, date(t, "2024-03-01"), date(t, "2024-02-28").AddDays(2))
	assert.Equal(t, date(t, "1969-12-30"), date(t, "1970-01-02").AddDays(-3))
	for n := -800_000; n < 800_000; n += 97 {
		d := localtime.OfOrdinal(n)
		require.Equal(t, n, d.Ordinal())
		require.Equal(t, 1, localtime.OfOrdinal(n+1).Compare(d))
		require.Equal(t, -1, d.Compare(localtime.OfOrdinal(n+1)))
		require.Equal(t, 0, d.Compare(d))
		require.Equal(t, time.Monday, d.Monday().Weekday())
		require.LessOrEqual(t, d.Monday().Ordinal(), n)
		require.Greater(t, d.Monday().Ordinal(), n-7)
	}
	assert.Equal(t, time.Monday, date(t, "2025-11-24").Weekday())
	assert.Equal(t, date(t, "2025-12-29"), date(t, "2026-01-04").Monday(), "ISO week 1 of 2026 begins in 2025")
}

func TestDays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		zone, from, to string
		want           []string
	}{
		"no instants":               {"UTC", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z", nil},
		"backwards":                 {"UTC", "2024-01-02T00:00:00Z", "2024-01-01T00:00:00Z", nil},
		"up to midnight":            {"UTC", "2024-01-01T23:59:00Z", "2024-01-02T00:00:00Z", []string{"2024-01-01"}},
		"past midnight":             {"UTC", "2024-01-01T23:59:00Z", "2024-01-02T00:00:01Z", []string{"2024-01-01", "2024-01-02"}},
		"the day of the place":      {"Asia/Kathmandu", "2024-01-01T18:14:00Z", "2024-01-01T18:16:00Z", []string{"2024-01-01", "2024-01-02"}},
		"a skipped day is yielded":  {"Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-30T11:00:00Z", []string{"2011-12-29", "2011-12-30", "2011-12-31"}},
		"no midnight on that day":   {"America/Havana", "2024-03-10T04:59:00Z", "2024-03-10T05:01:00Z", []string{"2024-03-09", "2024-03-10"}},
		"yesterday again":           {"America/St_Johns", "2010-11-07T02:31:30Z", "2010-11-07T03:00:00Z", []string{"2010-11-07"}},
		"a minute before yesterday": {"America/St_Johns", "2010-11-07T02:29:00Z", "2010-11-07T02:31:30Z", []string{"2010-11-06", "2010-11-07"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for d := range localtime.Days(instant(t, test.from), instant(t, test.to), zone(t, test.zone)) {
				got = append(got, d.String())
			}
			assert.Equal(t, test.want, got)
		})
	}
	for d := range localtime.Days(instant(t, "2024-01-01T00:00:00Z"), instant(t, "2034-01-01T00:00:00Z"), time.UTC) {
		assert.Equal(t, "2024-01-01", d.String())
		break
	}
}

func TestGrid(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		zone, date string
		step       time.Duration
		want       int
	}{
		"a day of hours":              {"Europe/Vienna", "2024-06-01", time.Hour, 24},
		"a day of 23 hours":           {"Europe/Vienna", "2024-03-31", time.Hour, 23},
		"a day of 25 hours":           {"Europe/Vienna", "2024-10-27", time.Hour, 25},
		"a day of 23.5 hours":         {"Australia/Lord_Howe", "2024-10-06", 30 * time.Minute, 47},
		"a day of 24.5 hours":         {"Australia/Lord_Howe", "2024-04-07", 30 * time.Minute, 49},
		"2:30 is no hour":             {"Australia/Lord_Howe", "2024-10-06", time.Hour, 23},
		"a skipped day":               {"Pacific/Apia", "2011-12-30", time.Minute, 0},
		"steps begin anew every day":  {"UTC", "2024-06-01", 7 * time.Hour, 4},
		"a step longer than the day":  {"UTC", "2024-06-01", 36 * time.Hour, 1},
		"an offset of three quarters": {"Pacific/Chatham", "2024-06-01", time.Hour, 24},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			loc, day := zone(t, test.zone), date(t, test.date)
			from, to := localtime.At(day, 0, loc), localtime.At(day.AddDays(1), 0, loc)
			got := slices.Collect(localtime.Grid(from, to, test.step, loc))
			assert.Len(t, got, test.want)
			for at := from; at.Before(to); at = at.Add(time.Second) {
				h, m, s := at.In(loc).Clock()
				on := (time.Duration(h)*time.Hour+time.Duration(m)*time.Minute+time.Duration(s)*time.Second)%test.step == 0
				if on {
					require.NotEmpty(t, got, "%s is missing", at)
					require.Equal(t, at, got[0])
					got = got[1:]
				}
			}
			require.Empty(t, got)
		})
	}
}

func TestGridOfAnyRange(t *testing.T) {
	t.Parallel()
	from := time.Date(1969, time.December, 31, 23, 50, 0, 1, time.UTC)
	got := slices.Collect(localtime.Grid(from, from.Add(20*time.Minute), 10*time.Minute, time.UTC))
	assert.Equal(t, []time.Time{time.Unix(0, 0).UTC(), time.Unix(600, 0).UTC()}, got)
	assert.Empty(t, slices.Collect(localtime.Grid(from, from, time.Minute, time.UTC)))

	vienna, fold := zone(t, "Europe/Vienna"), instant(t, "2024-10-27T01:00:00Z")
	got = slices.Collect(localtime.Grid(fold.Add(-30*time.Minute), fold.Add(3*time.Hour), 2*time.Hour, vienna))
	assert.Equal(t, []time.Time{fold, fold.Add(2 * time.Hour)}, got, "it is two o'clock again before it is four")
	for at := range localtime.Grid(from, from.Add(time.Hour), time.Minute, time.UTC) {
		assert.Equal(t, from.Add(time.Minute-1), at)
		break
	}
}
