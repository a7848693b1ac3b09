package entitle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func day(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// Periods end at local midnights counted from the anchor, so a month that lacks the day
// does not move the ones after it.
func TestPeriodEnd(t *testing.T) {
	t.Parallel()
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	auckland, err := time.LoadLocation("Pacific/Auckland")
	require.NoError(t, err)
	tests := map[string]struct {
		anchor   time.Time
		interval Interval
		location *time.Location
		now      time.Time
		want     time.Time
	}{
		"monthly":                        {day(2026, 11, 5), Monthly, time.UTC, noon, day(2026, 12, 5)},
		"later this month":               {day(2026, 9, 25), Monthly, time.UTC, noon, day(2026, 11, 25)},
		"on the day itself":              {day(2026, 10, 22), Monthly, time.UTC, noon, day(2026, 12, 22)},
		"at the instant it ends":         {day(2026, 10, 22), Monthly, time.UTC, day(2026, 11, 22), day(2026, 12, 22)},
		"just before it ends":            {day(2026, 10, 22), Monthly, time.UTC, day(2026, 11, 22).Add(-1), day(2026, 11, 22)},
		"the 31st in a short month":      {day(2026, 1, 31), Monthly, time.UTC, day(2027, 2, 10), day(2027, 2, 28)},
		"the 31st after a short month":   {day(2026, 1, 31), Monthly, time.UTC, day(2027, 2, 28), day(2027, 3, 31)},
		"29 February, yearly":            {day(2024, 2, 29), Yearly, time.UTC, noon, day(2027, 2, 28)},
		"29 February, in a leap year":    {day(2024, 2, 29), Yearly, time.UTC, day(2027, 6, 1), day(2028, 2, 29)},
		"yearly":                         {day(2025, 12, 1), Yearly, time.UTC, noon, day(2026, 12, 1)},
		"midnight where the business is": {day(2026, 11, 1), Monthly, newYork, noon, time.Date(2026, 12, 1, 5, 0, 0, 0, time.UTC)},
		"in daylight time":               {day(2026, 7, 1), Monthly, newYork, day(2026, 7, 10), time.Date(2026, 8, 1, 4, 0, 0, 0, time.UTC)},
		// It is the 23rd in Auckland already.
		"the day is the local one":    {day(2026, 10, 23), Monthly, auckland, noon, time.Date(2026, 12, 22, 11, 0, 0, 0, time.UTC)},
		"begins in the future":        {day(2026, 12, 24), Monthly, time.UTC, noon, day(2026, 12, 24)},
		"began a very long time ago":  {day(1999, 1, 1), Monthly, time.UTC, noon, day(2026, 12, 1)},
		"yearly, began long ago, due": {day(1999, 11, 23), Yearly, time.UTC, noon, day(2026, 11, 23)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, PeriodEnd(tt.anchor, tt.interval, tt.location, tt.now))
		})
	}
}

// For every day of some years and every anchor, the end is after now and not more than
// one interval away.
func TestPeriodEndIsNear(t *testing.T) {
	t.Parallel()
	location, err := time.LoadLocation("America/St_Johns")
	require.NoError(t, err)
	for interval, longest := range map[Interval]time.Duration{Monthly: 31*24*time.Hour + 2*time.Hour, Yearly: 366*24*time.Hour + 2*time.Hour} {
		for anchor := day(2023, 12, 25); anchor.Before(day(2024, 3, 5)); anchor = anchor.AddDate(0, 0, 1) {
			for now := day(2026, 1, 1); now.Before(day(2029, 1, 1)); now = now.AddDate(0, 0, 5) {
				end := PeriodEnd(anchor, interval, location, now)
				require.True(t, end.After(now), "%s %s %s", anchor, now, end)
				require.LessOrEqual(t, end.Sub(now), longest, "%s %s %s", anchor, now, end)
			}
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	before := Grants{Plan: &PlanVersion{
		Features: map[Feature]bool{UseWebhooks: true, ExportData: true}, Limits: map[Quota]*int64{MaxUsers: nil, MaxResources: limit(20)},
	}, Overrides: []Override{override("can_export_data", "true", -time.Hour)}}
	after := before
	after.Plan = &PlanVersion{Features: map[Feature]bool{UseAnalytics: true}, Limits: map[Quota]*int64{MaxUsers: limit(3), MaxResources: nil}}
	features, quotas := Compare(before, after, noon)
	require.Equal(t, []FeatureChange{
		{UseWebhooks, FeatureValue{true, FromPlan}, FeatureValue{false, FromDefault}},
		{UseAnalytics, FeatureValue{false, FromDefault}, FeatureValue{true, FromPlan}},
	}, features, "the exception keeps the export")
	require.Len(t, quotas, len(Quotas()))
	raised := map[Quota]bool{}
	for _, q := range quotas {
		raised[q.Quota] = q.Raised()
	}
	require.Equal(t, map[Quota]bool{
		MaxResources: true, MaxUsers: false, MaxServices: false, MaxEmailTemplates: false, MaxAutomatedTasks: false, MaxAppointments: false,
	}, raised)
	require.EqualValues(t, 2, Excess(limit(3), 5))
	require.Zero(t, Excess(limit(5), 5))
	require.Zero(t, Excess(nil, 5))
}

func TestShare(t *testing.T) {
	t.Parallel()
	for _, tt := range [][3]int64{{1, 80, 1}, {3, 80, 3}, {4, 80, 4}, {5, 80, 4}, {10, 80, 8}, {100, 80, 80}, {101, 80, 81}, {7, 100, 7}} {
		require.Equal(t, tt[2], share(tt[0], tt[1]), tt)
	}
	require.Positive(t, share(1<<62, 80))
}
