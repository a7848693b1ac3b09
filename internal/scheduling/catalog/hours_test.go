package catalog_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

func TestHoursOfTheBusiness(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	unset := &catalog.Hours{Timezone: "America/New_York", Weekly: []catalog.DayHours{}, Overrides: []catalog.DateHours{}, Version: 1}
	got, err := b.Schedules.Get(ctx, scope, nil)
	require.NoError(t, err)
	assert.Equal(t, unset, got)

	replaced, err := b.Schedules.Replace(ctx, scope, nil, new(int32(1)), catalog.HoursInput{
		Timezone: new("America/New_York"),
		Weekly: []catalog.DayHours{
			{Day: "FRIDAY", Intervals: schedulingtest.Intervals("18:00", "02:00", "00:00", "00:30")},
			{Day: "MONDAY", Intervals: schedulingtest.Intervals("13:00", "17:00", "09:00", "12:00", "12:00", "13:00")},
			{Day: "SATURDAY", Intervals: schedulingtest.Intervals("00:00", "24:00")},
			{Day: "SUNDAY", Intervals: schedulingtest.Intervals("07:00", "07:00")},
			{Day: "TUESDAY", Intervals: schedulingtest.Intervals()},
		},
		Overrides: []catalog.DateHours{
			{Date: "2027-01-02", Intervals: schedulingtest.Intervals("14:00", "00:00", "10:00", "12:00")},
			{Date: "2026-12-24", Name: "Christmas Eve", Intervals: nil},
		},
	})
	require.NoError(t, err)
	assert.Equal(t, &catalog.Hours{
		IsSet: true, Timezone: "America/New_York", Version: 2,
		Weekly: []catalog.DayHours{
			{Day: "MONDAY", Intervals: schedulingtest.Intervals("09:00", "12:00", "12:00", "13:00", "13:00", "17:00")},
			{Day: "FRIDAY", Intervals: schedulingtest.Intervals("00:00", "00:30", "18:00", "02:00")},
			{Day: "SATURDAY", Intervals: schedulingtest.Intervals("00:00", "24:00")},
			{Day: "SUNDAY", Intervals: schedulingtest.Intervals("07:00", "07:00")},
		},
		Overrides: []catalog.DateHours{
			{Date: "2026-12-24", Name: "Christmas Eve", Intervals: schedulingtest.Intervals()},
			{Date: "2027-01-02", Intervals: schedulingtest.Intervals("10:00", "12:00", "14:00", "24:00")},
		},
	}, replaced)
	got, err = b.Schedules.Get(ctx, scope, nil)
	require.NoError(t, err)
	assert.Equal(t, replaced, got)
	assert.Contains(t, b.LastEvent(scope), "Christmas Eve")

	// What is written back as it was read stays as it is, and what is left out is gone.
	same, err := b.Schedules.Replace(ctx, scope, nil, nil, catalog.HoursInput{
		Timezone: &got.Timezone, Weekly: got.Weekly, Overrides: got.Overrides,
	})
	require.NoError(t, err)
	got.Version = 3
	assert.Equal(t, got, same)
	closed, err := b.Schedules.Replace(ctx, scope, nil, nil, catalog.HoursInput{})
	require.NoError(t, err)
	assert.True(t, closed.IsSet)
	assert.Empty(t, closed.Weekly)
	assert.Empty(t, closed.Overrides)
	assert.Zero(t, b.Count("SELECT count(*) FROM schedule_overrides"))

	schedulingtest.RequireCode(t, apperr.VersionMismatch, b.Schedules.Delete(ctx, scope, nil, new(int32(3))))
	require.NoError(t, b.Schedules.Delete(ctx, scope, nil, new(int32(4))))
	require.NoError(t, b.Schedules.Delete(ctx, scope, nil, new(int32(5))), "there is nothing left to delete")
	got, err = b.Schedules.Get(ctx, scope, nil)
	require.NoError(t, err)
	unset.Version = 5
	assert.Equal(t, unset, got, "the version goes on, so that an old one never fits again")
	_, err = b.Schedules.Replace(ctx, scope, nil, new(int32(1)), catalog.HoursInput{})
	schedulingtest.RequireCode(t, apperr.VersionMismatch, err)
	assert.Equal(t, []string{
		"business_hours.updated", "business_hours.updated", "business_hours.updated", "business_hours.updated",
	}, b.EventTypes(scope))

	got, err = b.Schedules.Get(ctx, b.Sandbox(), nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, got.Version, "the sandbox has hours of its own")
}

func TestHoursOfAResource(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	ana, bob := b.Resource(scope, "STAFF", "Ana"), b.Resource(scope, "STAFF", "Bob")
	weekly := []catalog.DayHours{{Day: "WEDNESDAY", Intervals: schedulingtest.Intervals("08:00", "16:00")}}
	override := []catalog.DateHours{{Date: "2026-12-24", Intervals: schedulingtest.Intervals("08:00", "10:00")}}

	_, err := b.Schedules.Replace(ctx, scope, nil, nil, catalog.HoursInput{})
	require.NoError(t, err)
	replaced, err := b.Schedules.Replace(ctx, scope, &ana.ID, new(int32(1)), catalog.HoursInput{
		Timezone: new("Asia/Kathmandu"), Weekly: weekly, Overrides: override,
	})
	require.NoError(t, err)
	assert.Equal(t, &catalog.Hours{
		ResourceID: &ana.ID, IsSet: true, Timezone: "Asia/Kathmandu", Weekly: weekly, Overrides: override, Version: 2,
	}, replaced)
	assert.Contains(t, b.LastEvent(scope), ana.ID.String())
	got, err := b.Schedules.Get(ctx, scope, &bob.ID)
	require.NoError(t, err)
	assert.Equal(t, &catalog.Hours{
		ResourceID: &bob.ID, Timezone: "America/New_York", Weekly: []catalog.DayHours{}, Overrides: []catalog.DateHours{}, Version: 1,
	}, got)

	// The zone of the business is none of its own.
	_, err = b.Schedules.Replace(ctx, scope, &bob.ID, nil, catalog.HoursInput{Timezone: new("America/New_York")})
	require.NoError(t, err)
	assert.Equal(t, 1, b.Count("SELECT count(*) FROM schedules WHERE timezone IS NOT NULL"))

	require.NoError(t, b.Schedules.Delete(ctx, scope, &ana.ID, nil))
	got, err = b.Schedules.Get(ctx, scope, &ana.ID)
	require.NoError(t, err)
	assert.False(t, got.IsSet)
	assert.Equal(t, "America/New_York", got.Timezone)

	require.NoError(t, b.Resources.Delete(ctx, scope, bob.ID, nil), "its hours go with it")
	foreign := b.Resource(b.Sandbox(), "STAFF", "Nobody")
	for _, id := range []uuid.UUID{uuid.New(), bob.ID, foreign.ID} {
		_, err = b.Schedules.Get(ctx, scope, &id)
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		_, err = b.Schedules.Replace(ctx, scope, &id, nil, catalog.HoursInput{})
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		schedulingtest.RequireCode(t, apperr.NotFound, b.Schedules.Delete(ctx, scope, &id, nil))
	}
}

func TestHoursThatAreWrong(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	ana := b.Resource(scope, "STAFF", "Ana")
	monday := func(times ...string) catalog.HoursInput {
		return catalog.HoursInput{Weekly: []catalog.DayHours{{Day: "MONDAY", Intervals: schedulingtest.Intervals(times...)}}}
	}
	dates := func(dates ...string) (in catalog.HoursInput) {
		for _, date := range dates {
			in.Overrides = append(in.Overrides, catalog.DateHours{Date: date, Intervals: schedulingtest.Intervals("10:00", "11:00")})
		}
		return in
	}
	days := func(days ...string) (in catalog.HoursInput) {
		for _, day := range days {
			in.Weekly = append(in.Weekly, catalog.DayHours{Day: day})
		}
		return in
	}
	inOverride := dates("2026-12-24")
	inOverride.Overrides[0].Intervals = schedulingtest.Intervals("09:00", "12:00", "11:59", "13:00")
	tests := []struct {
		pointer string
		in      catalog.HoursInput
	}{
		{"/weekly/0/intervals/1", monday("09:00", "12:00", "11:59", "13:00")},
		{"/weekly/0/intervals/1", monday("09:00", "12:00", "09:00", "12:00")},
		{"/weekly/0/intervals/2", monday("13:00", "14:00", "10:00", "11:00", "10:30", "10:31")},
		{"/weekly/0/intervals/1", monday("22:00", "06:00", "23:00", "23:30")},
		{"/weekly/0/intervals/1", monday("08:00", "08:00", "20:00", "21:00")},
		{"/weekly/0/intervals/0/start", monday("24:00", "01:00")},
		{"/weekly/0/intervals/0/start", monday("9:00", "10:00")},
		{"/weekly/0/intervals/0/end", monday("09:00", "24:01")},
		{"/weekly/1/day", days("MONDAY", "MONDAY")},
		{"/weekly/0/day", days("Monday")},
		{"/overrides/0/intervals/1", inOverride},
		{"/overrides/2/date", dates("2026-12-24", "2026-12-25", "2026-12-24")},
		{"/overrides/0/date", dates("2026-02-29")},
		{"/overrides/0/date", dates("1969-12-31")},
		{"/overrides/0/date", dates("3000-01-01")},
		{"/timezone", catalog.HoursInput{Timezone: new("Mars/Olympus")}},
		{"/timezone", catalog.HoursInput{Timezone: new("")}},
		{"/timezone", catalog.HoursInput{Timezone: new("Local")}},
		{"/timezone", catalog.HoursInput{Timezone: new("../../etc/passwd")}},
		{"/timezone", catalog.HoursInput{Timezone: new("right/UTC")}},
	}
	for _, tt := range tests {
		for _, id := range []*uuid.UUID{nil, &ana.ID} {
			_, err := b.Schedules.Replace(ctx, scope, id, nil, tt.in)
			schedulingtest.RequireField(t, tt.pointer, err)
		}
	}
	_, err := b.Schedules.Replace(ctx, scope, nil, nil, catalog.HoursInput{Timezone: new("Europe/Vienna")})
	schedulingtest.RequireField(t, "/timezone", err)
	assert.Empty(t, b.EventTypes(scope)[1:])

	_, err = b.Schedules.Replace(ctx, scope, nil, nil, catalog.HoursInput{
		Weekly: []catalog.DayHours{{Day: "MONDAY", Intervals: schedulingtest.Intervals("09:00", "12:00", "10:00", "11:00", "11:00", "11:30")}},
	})
	assert.Len(t, schedulingtest.Refusal(t, apperr.ValidationFailed, err).Fields, 2, "everything that is wrong is named at once")
}

// Of many who replace one version, one does, also when there is nothing yet to lock.
func TestRivalsForHours(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	scope := b.Owner()
	ana := b.Resource(scope, "STAFF", "Ana")
	for _, id := range []*uuid.UUID{nil, &ana.ID} {
		for version := int32(1); version <= 2; version++ {
			errs := schedulingtest.Parallel(12, func(int) error {
				_, err := b.Schedules.Replace(t.Context(), scope, id, &version, catalog.HoursInput{
					Overrides: []catalog.DateHours{{Date: "2026-12-24"}},
				})
				return err
			})
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
					continue
				}
				schedulingtest.RequireCode(t, apperr.VersionMismatch, err)
			}
			assert.Equal(t, 1, won)
		}
	}
	assert.Equal(t, 2, b.Count("SELECT count(*) FROM schedules WHERE version = 3"))
	assert.Len(t, b.EventTypes(scope), 5)
}
