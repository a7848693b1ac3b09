package catalog

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/recurrence"
)

func instant(tb testing.TB, text string) time.Time {
	tb.Helper()
	t, err := time.Parse("2006-01-02T15:04Z07:00", text)
	require.NoError(tb, err, text)
	return t.UTC()
}

func byStart(a, b availability.Span) int { return a.Start.Compare(b.Start) }

// Instants are written with the offset of the zone, to show what its clock shows.
func TestExpandTimeOff(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		zone, rule string
		first      [2]string
		window     [2]string
		spans      [][2]string
	}{
		"once": {
			first: [2]string{"2026-11-23T12:00Z", "2026-11-23T13:00Z"}, window: [2]string{"2026-11-23T12:59Z", "2026-11-24T00:00Z"},
			spans: [][2]string{{"2026-11-23T12:00Z", "2026-11-23T13:00Z"}},
		},
		"once, until the window begins": {
			first: [2]string{"2026-11-23T12:00Z", "2026-11-23T13:00Z"}, window: [2]string{"2026-11-23T13:00Z", "2026-11-24T00:00Z"},
		},
		"once, when the window ends": {
			first: [2]string{"2026-11-23T12:00Z", "2026-11-23T13:00Z"}, window: [2]string{"2026-11-23T00:00Z", "2026-11-23T12:00Z"},
		},
		"lunch stays at noon when clocks are put forward": {
			zone: "America/New_York", rule: "FREQ=WEEKLY;BYDAY=SA,SU,MO",
			first: [2]string{"2026-01-03T12:00-05:00", "2026-01-03T13:00-05:00"}, window: [2]string{"2026-03-07T00:00Z", "2026-03-10T00:00Z"},
			spans: [][2]string{
				{"2026-03-07T12:00-05:00", "2026-03-07T13:00-05:00"},
				{"2026-03-08T12:00-04:00", "2026-03-08T13:00-04:00"},
				{"2026-03-09T12:00-04:00", "2026-03-09T13:00-04:00"},
			},
		},
		"and when they are put back": {
			zone: "America/New_York", rule: "FREQ=DAILY",
			first: [2]string{"2026-10-01T12:00-04:00", "2026-10-01T13:00-04:00"}, window: [2]string{"2026-10-31T16:30Z", "2026-11-01T17:30Z"},
			spans: [][2]string{
				{"2026-10-31T12:00-04:00", "2026-10-31T13:00-04:00"}, {"2026-11-01T12:00-05:00", "2026-11-01T13:00-05:00"},
			},
		},
		"a night is an hour shorter or longer": {
			zone: "Europe/Vienna", rule: "FREQ=DAILY",
			first: [2]string{"2026-03-27T22:00+01:00", "2026-03-28T06:00+01:00"}, window: [2]string{"2026-03-28T12:00Z", "2026-03-29T12:00Z"},
			spans: [][2]string{{"2026-03-28T22:00+01:00", "2026-03-29T06:00+02:00"}},
		},
		"what a gap swallows does not take place": {
			zone: "America/New_York", rule: "FREQ=DAILY",
			first: [2]string{"2026-03-06T02:10-05:00", "2026-03-06T02:50-05:00"}, window: [2]string{"2026-03-07T00:00-05:00", "2026-03-10T00:00-04:00"},
			spans: [][2]string{{"2026-03-07T02:10-05:00", "2026-03-07T02:50-05:00"}, {"2026-03-09T02:10-04:00", "2026-03-09T02:50-04:00"}},
		},
		"a start in the gap is when the gap ends": {
			zone: "America/New_York", rule: "FREQ=DAILY",
			first: [2]string{"2026-03-06T02:10-05:00", "2026-03-06T04:00-05:00"}, window: [2]string{"2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00"},
			spans: [][2]string{{"2026-03-08T03:00-04:00", "2026-03-08T04:00-04:00"}},
		},
		"in a fold it is the first time": {
			zone: "America/New_York", rule: "FREQ=DAILY",
			first: [2]string{"2026-10-30T01:30-04:00", "2026-10-30T02:30-04:00"}, window: [2]string{"2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"},
			spans: [][2]string{{"2026-11-01T01:30-04:00", "2026-11-01T02:30-05:00"}},
		},
		"but the first occurrence is as it was given": {
			zone: "America/New_York", rule: "FREQ=DAILY",
			first: [2]string{"2026-11-01T01:30-05:00", "2026-11-01T01:45-05:00"}, window: [2]string{"2026-11-01T00:00-04:00", "2026-11-03T00:00-05:00"},
			spans: [][2]string{{"2026-11-01T01:30-05:00", "2026-11-01T01:45-05:00"}, {"2026-11-02T01:30-05:00", "2026-11-02T01:45-05:00"}},
		},
		"the end of the first may show less than its start": {
			zone: "America/New_York", rule: "FREQ=DAILY",
			first: [2]string{"2026-11-01T01:30-04:00", "2026-11-01T01:10-05:00"}, window: [2]string{"2026-11-02T00:00-05:00", "2026-11-03T00:00-05:00"},
			spans: [][2]string{{"2026-11-02T01:30-05:00", "2026-11-02T02:10-05:00"}},
		},
		"a day that a place skipped does not take place": {
			zone: "Pacific/Apia", rule: "FREQ=DAILY",
			first: [2]string{"2011-12-28T09:00-10:00", "2011-12-28T17:00-10:00"}, window: [2]string{"2011-12-29T00:00-10:00", "2012-01-01T00:00+14:00"},
			spans: [][2]string{{"2011-12-29T09:00-10:00", "2011-12-29T17:00-10:00"}, {"2011-12-31T09:00+14:00", "2011-12-31T17:00+14:00"}},
		},
		"days are those of the zone": {
			zone: "Asia/Tokyo", rule: "FREQ=WEEKLY;BYDAY=MO",
			first: [2]string{"2026-11-23T08:00+09:00", "2026-11-23T09:00+09:00"}, window: [2]string{"2026-11-29T00:00Z", "2026-12-01T00:00Z"},
			spans: [][2]string{{"2026-11-30T08:00+09:00", "2026-11-30T09:00+09:00"}},
		},
		"every other week, years later": { // 336 weeks after that of the first
			zone: "Europe/Vienna", rule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR",
			first: [2]string{"2020-01-03T08:00+01:00", "2020-01-03T09:00+01:00"}, window: [2]string{"2026-06-01T00:00Z", "2026-06-15T00:00Z"},
			spans: [][2]string{{"2026-06-08T08:00+02:00", "2026-06-08T09:00+02:00"}, {"2026-06-12T08:00+02:00", "2026-06-12T09:00+02:00"}},
		},
		"every third day, years later": {
			zone: "UTC", rule: "FREQ=DAILY;INTERVAL=3",
			first: [2]string{"2020-01-01T08:00Z", "2020-01-01T09:00Z"}, window: [2]string{"2026-01-01T00:00Z", "2026-01-06T00:00Z"},
			spans: [][2]string{{"2026-01-02T08:00Z", "2026-01-02T09:00Z"}, {"2026-01-05T08:00Z", "2026-01-05T09:00Z"}}, // 2192 = 3 × 730 + 2 days
		},
		"counted from the first": {
			zone: "UTC", rule: "FREQ=DAILY;COUNT=3",
			first: [2]string{"2026-01-01T08:00Z", "2026-01-01T09:00Z"}, window: [2]string{"2026-01-02T00:00Z", "2026-01-10T00:00Z"},
			spans: [][2]string{{"2026-01-02T08:00Z", "2026-01-02T09:00Z"}, {"2026-01-03T08:00Z", "2026-01-03T09:00Z"}},
		},
		"counted out long ago": {
			zone: "UTC", rule: "FREQ=DAILY;COUNT=20",
			first: [2]string{"2026-01-01T08:00Z", "2026-01-01T09:00Z"}, window: [2]string{"2026-03-02T00:00Z", "2026-03-10T00:00Z"},
		},
		"until a date, which is included": {
			zone: "Asia/Tokyo", rule: "FREQ=DAILY;UNTIL=20260102",
			first: [2]string{"2026-01-01T20:00+09:00", "2026-01-01T21:00+09:00"}, window: [2]string{"2026-01-02T00:00Z", "2026-01-10T00:00Z"},
			spans: [][2]string{{"2026-01-02T20:00+09:00", "2026-01-02T21:00+09:00"}},
		},
		"until an instant": {
			zone: "Asia/Tokyo", rule: "FREQ=DAILY;UNTIL=20260102T105959Z",
			first: [2]string{"2026-01-01T20:00+09:00", "2026-01-01T21:00+09:00"}, window: [2]string{"2025-12-01T00:00Z", "2026-01-10T00:00Z"},
			spans: [][2]string{{"2026-01-01T20:00+09:00", "2026-01-01T21:00+09:00"}},
		},
		"longer than the window, and than its period": {
			zone: "UTC", rule: "FREQ=DAILY;COUNT=2",
			first: [2]string{"2026-01-01T00:00Z", "2026-01-11T00:00Z"}, window: [2]string{"2026-01-05T00:00Z", "2026-01-06T00:00Z"},
			spans: [][2]string{{"2026-01-01T00:00Z", "2026-01-11T00:00Z"}, {"2026-01-02T00:00Z", "2026-01-12T00:00Z"}},
		},
		"before it begins": {
			zone: "UTC", rule: "FREQ=DAILY",
			first: [2]string{"2026-01-05T00:00Z", "2026-01-05T01:00Z"}, window: [2]string{"2026-01-01T00:00Z", "2026-01-05T00:00Z"},
		},
		"the last Friday of a month": {
			zone: "UTC", rule: "FREQ=MONTHLY;BYDAY=-1FR",
			first: [2]string{"2025-01-31T08:00Z", "2025-01-31T09:00Z"}, window: [2]string{"2026-02-01T00:00Z", "2026-04-01T00:00Z"},
			spans: [][2]string{{"2026-02-27T08:00Z", "2026-02-27T09:00Z"}, {"2026-03-27T08:00Z", "2026-03-27T09:00Z"}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := timeOffRow{id: uuid.New(), start: instant(t, tt.first[0]), end: instant(t, tt.first[1])}
			if tt.rule != "" {
				row.rrule, row.timezone = &tt.rule, &tt.zone
			}
			want := make([]availability.Span, 0, len(tt.spans))
			for _, s := range tt.spans {
				want = append(want, availability.Span{Start: instant(t, s[0]), End: instant(t, s[1]), ObjectID: row.id})
			}
			slices.SortFunc(want, byStart)
			got, err := expandTimeOff(t.Context(), &Catalog{}, []timeOffRow{row}, instant(t, tt.window[0]), instant(t, tt.window[1]))
			require.NoError(t, err)
			assert.ElementsMatch(t, want, got)
			assert.True(t, slices.IsSortedFunc(got, byStart))
		})
	}
}

// Passing over what lies long before the window changes nothing of what is in it.
func TestExpandTimeOffFromAfar(t *testing.T) {
	t.Parallel()
	loc, err := loadLocation("America/New_York")
	require.NoError(t, err)
	for _, text := range []string{
		"FREQ=DAILY", "FREQ=DAILY;INTERVAL=5", "FREQ=DAILY;BYDAY=MO,WE,FR", "FREQ=DAILY;INTERVAL=4;BYMONTH=1,6,7", "FREQ=WEEKLY",
		"FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,SU", "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,MO;WKST=SU", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
		"FREQ=WEEKLY;INTERVAL=2;BYDAY=WE,SA;WKST=TH",
	} {
		rule, err := recurrence.ParseStored(text)
		require.NoError(t, err)
		for day := range 14 {
			first := time.Date(2020, time.February, 20+day, 12, 0, 0, 0, time.UTC)
			recurs, err := rule.From(t.Context(), first, loc)
			require.NoError(t, err)
			all, err := recurs.Between(t.Context(), first, first.AddDate(8, 0, 0))
			require.NoError(t, err)
			for shift := range 30 {
				from := first.AddDate(6, 0, shift)
				to := from.AddDate(0, 0, 40)
				want := slices.DeleteFunc(slices.Clone(all), func(at time.Time) bool { return at.Before(from) || at.After(to) })
				got, err := recurs.Between(t.Context(), from, to)
				require.NoError(t, err)
				require.ElementsMatch(t, want, got, "%s from %s", text, first)
			}
		}
	}
}

func TestExpandTimeOffThatIsBroken(t *testing.T) {
	t.Parallel()
	for _, broken := range [][2]string{{"FREQ=HOURLY", "UTC"}, {"FREQ=DAILY", "Mars/Olympus"}, {"FREQ=DAILY", "Local"}} {
		row := timeOffRow{start: time.Unix(0, 0), end: time.Unix(60, 0), rrule: &broken[0], timezone: &broken[1]}
		_, err := expandTimeOff(t.Context(), &Catalog{}, []timeOffRow{row}, time.Unix(0, 0), time.Unix(60, 0))
		require.Error(t, err)
	}
}

func TestNewSchedule(t *testing.T) {
	t.Parallel()
	type hours = availability.Hours
	midnight := func(day int) time.Time { return time.Date(2026, time.December, day, 0, 0, 0, 0, time.UTC) }
	date := func(day int) localtime.Date { return localtime.Date{Year: 2026, Month: time.December, Day: day} }

	business, err := newSchedule(time.UTC, nil, []int32{0, 0, 6}, []int32{540, 780, 1320}, []int32{720, 1020, 1800})
	require.NoError(t, err)
	assert.Equal(t, time.UTC, business.Location)
	assert.Equal(t, [7][]hours{time.Monday: {{Start: 540, End: 720}, {Start: 780, End: 1020}}, time.Sunday: {{Start: 1320, End: 1800}}}, business.Weekly)
	for _, day := range []int{24, 25} {
		addOverride(business, midnight(day), []int32{}, []int32{})
	}
	addOverride(business, midnight(31), []int32{600}, []int32{720})

	own, err := newSchedule(time.UTC, new("Asia/Tokyo"), []int32{5}, []int32{0}, []int32{1440})
	require.NoError(t, err)
	assert.Equal(t, "Asia/Tokyo", own.Location.String())
	assert.Equal(t, [7][]hours{time.Saturday: {{Start: 0, End: 1440}}}, own.Weekly)
	addOverride(own, midnight(25), []int32{480}, []int32{540})
	addHolidays(own, business)
	assert.Equal(t, map[localtime.Date][]hours{date(24): {}, date(25): {{Start: 480, End: 540}}}, own.Overrides,
		"closed on the holiday, but not on the one that it works on, and no shorter day than its own")

	_, err = newSchedule(time.UTC, new("Mars/Olympus"), nil, nil, nil)
	require.Error(t, err)
}

func TestExpandTimeOff_reads_a_rule_once(t *testing.T) {
	t.Parallel()
	known, zone, text := &Catalog{}, "Europe/Vienna", "FREQ=WEEKLY;COUNT=900"
	start := instant(t, "2026-01-05T08:00Z")
	row := timeOffRow{start: start, end: start.Add(time.Hour), rrule: &text, timezone: &zone}
	expand := func() int {
		spans, err := expandTimeOff(t.Context(), known, []timeOffRow{row}, start.AddDate(2, 0, 0), start.AddDate(2, 0, 21))
		require.NoError(t, err)
		return len(spans)
	}
	require.Equal(t, 3, expand())
	loc, err := loadLocation(zone)
	require.NoError(t, err)
	first, _ := row.onClock(loc)
	key := recurringKey{rrule: text, timezone: zone, first: first}
	_, err = Derive(known, key, func() (*recurrence.Recurrence, error) {
		require.Fail(t, "it is cached")
		return nil, nil
	})
	require.NoError(t, err)
	rule, err := recurrence.ParseStored("FREQ=WEEKLY;COUNT=1")
	require.NoError(t, err)
	once, err := rule.From(t.Context(), first, loc)
	require.NoError(t, err)
	known.derived.Store(key, once)
	require.Zero(t, expand())
	known = &Catalog{}
	require.Equal(t, 3, expand())
}
