package scheduling_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
)

// intervals makes "09:00", "12:00", "13:00", "17:00" two intervals.
func intervals(times ...string) []scheduling.TimeInterval {
	list := []scheduling.TimeInterval{}
	for i := 0; i < len(times); i += 2 {
		list = append(list, scheduling.TimeInterval{Start: times[i], End: times[i+1]})
	}
	return list
}

func TestHoursOfTheBusiness(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	unset := &scheduling.Hours{Timezone: "America/New_York", Weekly: []scheduling.DayHours{}, Overrides: []scheduling.DateHours{}, Version: 1}
	got, err := b.schedules.Get(ctx, scope, nil)
	require.NoError(t, err)
	assert.Equal(t, unset, got)

	replaced, err := b.schedules.Replace(ctx, scope, nil, new(int32(1)), scheduling.HoursInput{
		Timezone: new("America/New_York"),
		Weekly: []scheduling.DayHours{
			{Day: "FRIDAY", Intervals: intervals("18:00", "02:00", "00:00", "00:30")},
			{Day: "MONDAY", Intervals: intervals("13:00", "17:00", "09:00", "12:00", "12:00", "13:00")},
			{Day: "SATURDAY", Intervals: intervals("00:00", "24:00")},
			{Day: "SUNDAY", Intervals: intervals("07:00", "07:00")},
			{Day: "TUESDAY", Intervals: intervals()},
		},
		Overrides: []scheduling.DateHours{
			{Date: "2027-01-02", Intervals: intervals("14:00", "00:00", "10:00", "12:00")},
			{Date: "2026-12-24", Name: "Christmas Eve", Intervals: nil},
		},
	})
	require.NoError(t, err)
	assert.Equal(t, &scheduling.Hours{
		IsSet: true, Timezone: "America/New_York", Version: 2,
		Weekly: []scheduling.DayHours{
			{Day: "MONDAY", Intervals: intervals("09:00", "12:00", "12:00", "13:00", "13:00", "17:00")},
			{Day: "FRIDAY", Intervals: intervals("00:00", "00:30", "18:00", "02:00")},
			{Day: "SATURDAY", Intervals: intervals("00:00", "24:00")},
			{Day: "SUNDAY", Intervals: intervals("07:00", "07:00")},
		},
		Overrides: []scheduling.DateHours{
			{Date: "2026-12-24", Name: "Christmas Eve", Intervals: intervals()},
			{Date: "2027-01-02", Intervals: intervals("10:00", "12:00", "14:00", "24:00")},
		},
	}, replaced)
	got, err = b.schedules.Get(ctx, scope, nil)
	require.NoError(t, err)
	assert.Equal(t, replaced, got)
	assert.Contains(t, b.lastEvent(scope), "Christmas Eve")

	// What is written back as it was read stays as it is, and what is left out is gone.
	same, err := b.schedules.Replace(ctx, scope, nil, nil, scheduling.HoursInput{
		Timezone: &got.Timezone, Weekly: got.Weekly, Overrides: got.Overrides,
	})
	require.NoError(t, err)
	got.Version = 3
	assert.Equal(t, got, same)
	closed, err := b.schedules.Replace(ctx, scope, nil, nil, scheduling.HoursInput{})
	require.NoError(t, err)
	assert.True(t, closed.IsSet)
	assert.Empty(t, closed.Weekly)
	assert.Empty(t, closed.Overrides)
	assert.Zero(t, b.count("SELECT count(*) FROM schedule_overrides"))

	requireCode(t, apperr.VersionMismatch, b.schedules.Delete(ctx, scope, nil, new(int32(3))))
	require.NoError(t, b.schedules.Delete(ctx, scope, nil, new(int32(4))))
	require.NoError(t, b.schedules.Delete(ctx, scope, nil, new(int32(5))), "there is nothing left to delete")
	got, err = b.schedules.Get(ctx, scope, nil)
	require.NoError(t, err)
	unset.Version = 5
	assert.Equal(t, unset, got, "the version goes on, so that an old one never fits again")
	_, err = b.schedules.Replace(ctx, scope, nil, new(int32(1)), scheduling.HoursInput{})
	requireCode(t, apperr.VersionMismatch, err)
	assert.Equal(t, []string{
		"business_hours.updated", "business_hours.updated", "business_hours.updated", "business_hours.updated",
	}, b.eventTypes(scope))

	got, err = b.schedules.Get(ctx, b.sandbox(), nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, got.Version, "the sandbox has hours of its own")
}

func TestHoursOfAResource(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	ana, bob := b.resource(scope, "STAFF", "Ana"), b.resource(scope, "STAFF", "Bob")
	weekly := []scheduling.DayHours{{Day: "WEDNESDAY", Intervals: intervals("08:00", "16:00")}}
	override := []scheduling.DateHours{{Date: "2026-12-24", Intervals: intervals("08:00", "10:00")}}

	_, err := b.schedules.Replace(ctx, scope, nil, nil, scheduling.HoursInput{})
	require.NoError(t, err)
	replaced, err := b.schedules.Replace(ctx, scope, &ana.ID, new(int32(1)), scheduling.HoursInput{
		Timezone: new("Asia/Kathmandu"), Weekly: weekly, Overrides: override,
	})
	require.NoError(t, err)
	assert.Equal(t, &scheduling.Hours{
		ResourceID: &ana.ID, IsSet: true, Timezone: "Asia/Kathmandu", Weekly: weekly, Overrides: override, Version: 2,
	}, replaced)
	assert.Contains(t, b.lastEvent(scope), ana.ID.String())
	got, err := b.schedules.Get(ctx, scope, &bob.ID)
	require.NoError(t, err)
	assert.Equal(t, &scheduling.Hours{
		ResourceID: &bob.ID, Timezone: "America/New_York", Weekly: []scheduling.DayHours{}, Overrides: []scheduling.DateHours{}, Version: 1,
	}, got)

	// The zone of the business is none of its own.
	_, err = b.schedules.Replace(ctx, scope, &bob.ID, nil, scheduling.HoursInput{Timezone: new("America/New_York")})
	require.NoError(t, err)
	assert.Equal(t, 1, b.count("SELECT count(*) FROM schedules WHERE timezone IS NOT NULL"))

	require.NoError(t, b.schedules.Delete(ctx, scope, &ana.ID, nil))
	got, err = b.schedules.Get(ctx, scope, &ana.ID)
	require.NoError(t, err)
	assert.False(t, got.IsSet)
	assert.Equal(t, "America/New_York", got.Timezone)

	require.NoError(t, b.resources.Delete(ctx, scope, bob.ID, nil), "its hours go with it")
	foreign := b.resource(b.sandbox(), "STAFF", "Nobody")
	for _, id := range []uuid.UUID{uuid.New(), bob.ID, foreign.ID} {
		_, err = b.schedules.Get(ctx, scope, &id)
		requireCode(t, apperr.NotFound, err)
		_, err = b.schedules.Replace(ctx, scope, &id, nil, scheduling.HoursInput{})
		requireCode(t, apperr.NotFound, err)
		requireCode(t, apperr.NotFound, b.schedules.Delete(ctx, scope, &id, nil))
	}
}

func TestHoursThatAreWrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	ana := b.resource(scope, "STAFF", "Ana")
	monday := func(times ...string) scheduling.HoursInput {
		return scheduling.HoursInput{Weekly: []scheduling.DayHours{{Day: "MONDAY", Intervals: intervals(times...)}}}
	}
	dates := func(dates ...string) (in scheduling.HoursInput) {
		for _, date := range dates {
			in.Overrides = append(in.Overrides, scheduling.DateHours{Date: date, Intervals: intervals("10:00", "11:00")})
		}
		return in
	}
	days := func(days ...string) (in scheduling.HoursInput) {
		for _, day := range days {
			in.Weekly = append(in.Weekly, scheduling.DayHours{Day: day})
		}
		return in
	}
	inOverride := dates("2026-12-24")
	inOverride.Overrides[0].Intervals = intervals("09:00", "12:00", "11:59", "13:00")
	tests := []struct {
		pointer string
		in      scheduling.HoursInput
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
		{"/timezone", scheduling.HoursInput{Timezone: new("Mars/Olympus")}},
		{"/timezone", scheduling.HoursInput{Timezone: new("")}},
		{"/timezone", scheduling.HoursInput{Timezone: new("Local")}},
		{"/timezone", scheduling.HoursInput{Timezone: new("../../etc/passwd")}},
		{"/timezone", scheduling.HoursInput{Timezone: new("right/UTC")}},
	}
	for _, tt := range tests {
		for _, id := range []*uuid.UUID{nil, &ana.ID} {
			_, err := b.schedules.Replace(ctx, scope, id, nil, tt.in)
			requireField(t, tt.pointer, err)
		}
	}
	_, err := b.schedules.Replace(ctx, scope, nil, nil, scheduling.HoursInput{Timezone: new("Europe/Vienna")})
	requireField(t, "/timezone", err)
	assert.Empty(t, b.eventTypes(scope)[1:])

	_, err = b.schedules.Replace(ctx, scope, nil, nil, scheduling.HoursInput{
		Weekly: []scheduling.DayHours{{Day: "MONDAY", Intervals: intervals("09:00", "12:00", "10:00", "11:00", "11:00", "11:30")}},
	})
	assert.Len(t, refusal(t, apperr.ValidationFailed, err).Fields, 2, "everything that is wrong is named at once")
}

// Of many who replace one version, one does, also when there is nothing yet to lock.
func TestRivalsForHours(t *testing.T) {
	t.Parallel()
	b := setup(t)
	scope := b.owner()
	ana := b.resource(scope, "STAFF", "Ana")
	for _, id := range []*uuid.UUID{nil, &ana.ID} {
		for version := int32(1); version <= 2; version++ {
			errs := together(12, func(int) error {
				_, err := b.schedules.Replace(t.Context(), scope, id, &version, scheduling.HoursInput{
					Overrides: []scheduling.DateHours{{Date: "2026-12-24"}},
				})
				return err
			})
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
					continue
				}
				requireCode(t, apperr.VersionMismatch, err)
			}
			assert.Equal(t, 1, won)
		}
	}
	assert.Equal(t, 2, b.count("SELECT count(*) FROM schedules WHERE version = 3"))
	assert.Len(t, b.eventTypes(scope), 5)
}
