package localtime_test

import (
	"testing"
	"time"
	_ "time/tzdata" // where the machine has no zones

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	require.NoError(tb, err)
	return loc
}

func instant(tb testing.TB, s string) time.Time {
	tb.Helper()
	at, err := time.Parse(time.RFC3339, s)
	require.NoError(tb, err)
	return at.UTC()
}

// TestAt has the places that are known for trouble, by the book.
func TestAt(t *testing.T) {
	t.Parallel()
	const midnight, one, two = 0, 60, 120
	tests := map[string]struct {
		zone, date string
		minutes    int
		want       string
	}{
		"an ordinary time":                        {"Europe/Vienna", "2024-06-01", 9 * 60, "2024-06-01T07:00:00Z"},
		"before a gap":                            {"Europe/Vienna", "2024-03-31", two - 1, "2024-03-31T00:59:00Z"},
		"in a gap":                                {"Europe/Vienna", "2024-03-31", two + 30, "2024-03-31T01:00:00Z"},
		"the end of a gap":                        {"Europe/Vienna", "2024-03-31", 3 * 60, "2024-03-31T01:00:00Z"},
		"the first of a fold":                     {"Europe/Vienna", "2024-10-27", two + 30, "2024-10-27T00:30:00Z"},
		"after a fold":                            {"Europe/Vienna", "2024-10-27", 3 * 60, "2024-10-27T02:00:00Z"},
		"over midnight to a day with a gap":       {"Europe/Vienna", "2024-03-30", 1440 + 6*60, "2024-03-31T04:00:00Z"},
		"over midnight to a day with a fold":      {"Europe/Vienna", "2024-10-26", 1440 + 6*60, "2024-10-27T05:00:00Z"},
		"two midnights over a gap":                {"Europe/Vienna", "2024-03-30", 2880, "2024-03-31T22:00:00Z"},
		"before midnight":                         {"Europe/Vienna", "2024-03-31", -30, "2024-03-30T22:30:00Z"},
		"Lord Howe, in half an hour of gap":       {"Australia/Lord_Howe", "2024-10-06", two + 15, "2024-10-05T15:30:00Z"},
		"Lord Howe, the first of half an hour":    {"Australia/Lord_Howe", "2024-04-07", one + 45, "2024-04-06T14:45:00Z"},
		"Lord Howe, after half an hour":           {"Australia/Lord_Howe", "2024-04-07", two, "2024-04-06T15:30:00Z"},
		"Apia, on the day that was not":           {"Pacific/Apia", "2011-12-30", 12 * 60, "2011-12-30T10:00:00Z"},
		"Apia, the day before it":                 {"Pacific/Apia", "2011-12-29", 23 * 60, "2011-12-30T09:00:00Z"},
		"Apia, the day after it":                  {"Pacific/Apia", "2011-12-31", 9 * 60, "2011-12-30T19:00:00Z"},
		"Kiritimati, on the day that was not":     {"Pacific/Kiritimati", "1994-12-31", 12 * 60, "1994-12-31T10:00:00Z"},
		"Enderbury, on the day that was not":      {"Pacific/Enderbury", "1994-12-31", 12 * 60, "1994-12-31T11:00:00Z"},
		"Kwajalein, on the day that was not":      {"Pacific/Kwajalein", "1993-08-21", 12 * 60, "1993-08-21T12:00:00Z"},
		"Casablanca, Ramadan puts clocks back":    {"Africa/Casablanca", "2024-03-10", two + 30, "2024-03-10T01:30:00Z"},
		"Casablanca, and forward again":           {"Africa/Casablanca", "2024-04-14", two + 30, "2024-04-14T02:00:00Z"},
		"Dublin, where winter is the exception":   {"Europe/Dublin", "2024-10-27", one + 30, "2024-10-27T00:30:00Z"},
		"Dublin, in the gap":                      {"Europe/Dublin", "2024-03-31", one + 30, "2024-03-31T01:00:00Z"},
		"Beirut, a day without midnight":          {"Asia/Beirut", "2024-03-31", midnight, "2024-03-30T22:00:00Z"},
		"Beirut, the end of a day with a fold":    {"Asia/Beirut", "2024-10-26", 1440, "2024-10-26T22:00:00Z"},
		"Beirut, the last hour of that day":       {"Asia/Beirut", "2024-10-26", 23*60 + 30, "2024-10-26T20:30:00Z"},
		"Cairo, a day without midnight":           {"Africa/Cairo", "2024-04-26", midnight + 10, "2024-04-25T22:00:00Z"},
		"Cairo, midnight after a fold":            {"Africa/Cairo", "2024-11-01", midnight, "2024-10-31T22:00:00Z"},
		"Havana, a day without midnight":          {"America/Havana", "2024-03-10", midnight, "2024-03-10T05:00:00Z"},
		"Havana, two midnights":                   {"America/Havana", "2024-11-03", midnight, "2024-11-03T04:00:00Z"},
		"Havana, the end of the day before":       {"America/Havana", "2024-11-02", 1440, "2024-11-03T04:00:00Z"},
		"Santiago, a day without midnight":        {"America/Santiago", "2024-09-08", midnight, "2024-09-08T04:00:00Z"},
		"Santiago, the last hour twice":           {"America/Santiago", "2024-04-06", 23 * 60, "2024-04-07T02:00:00Z"},
		"Chatham":                                 {"Pacific/Chatham", "2024-09-29", two + 45, "2024-09-28T14:00:00Z"},
		"Chatham, in the gap":                     {"Pacific/Chatham", "2024-09-29", 3*60 + 30, "2024-09-28T14:00:00Z"},
		"Nepal":                                   {"Asia/Kathmandu", "2024-06-01", 9 * 60, "2024-06-01T03:15:00Z"},
		"Nepal, a gap of a quarter of an hour":    {"Asia/Kathmandu", "1986-01-01", 5, "1985-12-31T18:30:00Z"},
		"St. John's, midnight just before a fold": {"America/St_Johns", "2010-11-07", midnight, "2010-11-07T02:30:00Z"},
		"after the last rule of the table":        {"America/New_York", "2087-03-09", two + 30, "2087-03-09T07:00:00Z"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := localtime.At(date(t, test.date), test.minutes, zone(t, test.zone))
			assert.Equal(t, test.want, got.Format(time.RFC3339))
			assert.Equal(t, time.UTC, got.Location())
		})
	}
}

func TestRange(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		zone, date string
		start, end int
		want       time.Duration
	}{
		"a shift":                         {"Europe/Vienna", "2024-06-01", 9 * 60, 17 * 60, 8 * time.Hour},
		"a night with a gap":              {"Europe/Vienna", "2024-03-30", 22 * 60, 30 * 60, 7 * time.Hour},
		"a night with a fold":             {"Europe/Vienna", "2024-10-26", 22 * 60, 30 * 60, 9 * time.Hour},
		"lost in a gap":                   {"Europe/Vienna", "2024-03-31", 120, 180, 0},
		"half lost in a gap":              {"Europe/Vienna", "2024-03-31", 150, 210, 30 * time.Minute},
		"a shift on a skipped day":        {"Pacific/Apia", "2011-12-30", 9 * 60, 17 * 60, 0},
		"a night that a skipped day eats": {"Pacific/Apia", "2011-12-30", 22 * 60, 30 * 60, 6 * time.Hour},
		"a day of 25 hours":               {"Europe/Vienna", "2024-10-27", 0, 1440, 25 * time.Hour},
		"a day of 23.5 hours":             {"Australia/Lord_Howe", "2024-10-06", 0, 1440, 23*time.Hour + 30*time.Minute},
		"nothing":                         {"UTC", "2024-06-01", 60, 60, 0},
		"backwards":                       {"UTC", "2024-06-01", 60, 30, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start, end, ok := localtime.Range(date(t, test.date), test.start, test.end, zone(t, test.zone))
			assert.Equal(t, test.want > 0, ok)
			if ok {
				assert.Equal(t, test.want, end.Sub(start))
			}
		})
	}
}

func TestDateOf(t *testing.T) {
	t.Parallel()
	at := instant(t, "2024-01-01T10:30:00Z")
	assert.Equal(t, date(t, "2024-01-02"), localtime.DateOf(at, zone(t, "Pacific/Kiritimati")))
	assert.Equal(t, date(t, "2023-12-31"), localtime.DateOf(at, zone(t, "Etc/GMT+12")))
	clock := localtime.NewClock(zone(t, "America/St_Johns"))
	assert.Equal(t, date(t, "2010-11-07"), clock.DateOf(instant(t, "2010-11-07T02:30:30Z")))
	assert.Equal(t, date(t, "2010-11-06"), clock.DateOf(instant(t, "2010-11-07T02:31:00Z")), "it is yesterday again")
}

func BenchmarkClockAt(b *testing.B) {
	clock := localtime.NewClock(zone(b, "America/New_York"))
	day := date(b, "2026-11-23")
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		clock.At(day, i%1440)
	}
}
