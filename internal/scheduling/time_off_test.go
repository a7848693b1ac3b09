package scheduling_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func (b *bundle) timeOff(scope *tenancy.Scope, in scheduling.TimeOffInput) *scheduling.TimeOff {
	b.Helper()
	if in.StartAt.IsZero() {
		in.StartAt, in.EndAt = noon, noon.Add(time.Hour)
	}
	created, err := b.timeOffs.Create(b.Context(), scope, in)
	require.NoError(b, err)
	return created
}

func TestTimeOffLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	ana := b.resource(scope, "STAFF", "Ana")
	_, err := b.schedules.Replace(ctx, scope, &ana.ID, nil, scheduling.HoursInput{Timezone: new("Asia/Tokyo")})
	require.NoError(t, err)

	created := b.timeOff(scope, scheduling.TimeOffInput{})
	assert.Equal(t, scheduling.DefaultTimeOffTitle, created.Title)
	assert.Nil(t, created.ResourceID)
	got, err := b.timeOffs.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, created, got)

	tokyo, err := time.LoadLocation("Asia/Tokyo")
	require.NoError(t, err)
	start := noon.Add(24 * time.Hour).In(tokyo) // a Tuesday, at 21:00
	updated, err := b.timeOffs.Update(ctx, scope, created.ID, new(int32(1)), scheduling.TimeOffPatch{
		ResourceID: scheduling.NewClearable(&ana.ID), Title: new("Dentist"), StartAt: &start, EndAt: new(start.Add(2 * time.Hour)),
		RRule: scheduling.NewClearable(new(" RRULE:freq=weekly;byday=tu;count=3")),
	})
	require.NoError(t, err)
	assert.Equal(t, &scheduling.TimeOff{
		ID: created.ID, ResourceID: &ana.ID, Title: "Dentist", StartAt: start.UTC(), EndAt: start.Add(2 * time.Hour).UTC(),
		RRule: new("FREQ=WEEKLY;BYDAY=TU;COUNT=3"), Timezone: new("Asia/Tokyo"), CreatedAt: now, UpdatedAt: now, Version: 2,
	}, updated)
	got, err = b.timeOffs.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, updated, got)

	// Another zone of the resource does not move it, nor stand in the way of another title.
	require.NoError(t, b.schedules.Delete(ctx, scope, &ana.ID, nil))
	got, err = b.timeOffs.Update(ctx, scope, created.ID, nil, scheduling.TimeOffPatch{Title: new("Doctor")})
	require.NoError(t, err)
	assert.Equal(t, "Asia/Tokyo", *got.Timezone)
	got, err = b.timeOffs.Update(ctx, scope, created.ID, nil, scheduling.TimeOffPatch{EndAt: new(start.Add(time.Hour))})
	require.NoError(t, err)
	assert.Equal(t, "America/New_York", *got.Timezone)
	got, err = b.timeOffs.Update(ctx, scope, created.ID, nil, scheduling.TimeOffPatch{
		ResourceID: scheduling.NewClearable[uuid.UUID](nil), RRule: scheduling.NewClearable[string](nil),
	})
	require.NoError(t, err)
	assert.Nil(t, got.ResourceID)
	assert.Nil(t, got.RRule)
	assert.Nil(t, got.Timezone)

	_, err = b.timeOffs.Update(ctx, scope, created.ID, new(int32(1)), scheduling.TimeOffPatch{Title: new("late")})
	requireCode(t, apperr.VersionMismatch, err)
	requireCode(t, apperr.VersionMismatch, b.timeOffs.Delete(ctx, scope, created.ID, new(int32(1))))
	require.NoError(t, b.timeOffs.Delete(ctx, scope, created.ID, &got.Version))
	requireCode(t, apperr.NotFound, b.timeOffs.Delete(ctx, scope, created.ID, nil))
	assert.Equal(t, []string{
		"resource.created", "resource_hours.updated", "time_off.created", "time_off.updated", "resource_hours.updated",
		"time_off.updated", "time_off.updated", "time_off.updated", "time_off.deleted",
	}, b.eventTypes(scope))

	b.timeOff(scope, scheduling.TimeOffInput{ResourceID: &ana.ID})
	require.NoError(t, b.resources.Delete(ctx, scope, ana.ID, nil), "its time off goes with it")
	assert.Zero(t, b.count("SELECT count(*) FROM time_off"))
}

func TestTimeOffThatDoesNotExist(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	other := b.timeOff(b.sandbox(), scheduling.TimeOffInput{})
	foreign := b.resource(b.sandbox(), "STAFF", "Nobody")
	mine := b.timeOff(scope, scheduling.TimeOffInput{})
	for _, id := range []uuid.UUID{uuid.New(), other.ID} {
		_, err := b.timeOffs.Get(ctx, scope, id)
		requireCode(t, apperr.NotFound, err)
		_, err = b.timeOffs.Update(ctx, scope, id, nil, scheduling.TimeOffPatch{Title: new("x")})
		requireCode(t, apperr.NotFound, err)
		requireCode(t, apperr.NotFound, b.timeOffs.Delete(ctx, scope, id, nil))
	}
	for _, id := range []uuid.UUID{uuid.New(), foreign.ID} {
		_, err := b.timeOffs.Create(ctx, scope, scheduling.TimeOffInput{ResourceID: &id, StartAt: noon, EndAt: noon.Add(time.Hour)})
		requireField(t, "/resource_id", err)
		_, err = b.timeOffs.Update(ctx, scope, mine.ID, nil, scheduling.TimeOffPatch{ResourceID: scheduling.NewClearable(&id)})
		requireField(t, "/resource_id", err)
	}
	assert.Equal(t, []string{"time_off.created"}, b.eventTypes(scope))
}

func TestTimeOffThatIsWrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	b.timeOff(scope, scheduling.TimeOffInput{StartAt: noon, EndAt: noon.Add(366 * 24 * time.Hour)})
	for name, tt := range map[string]struct {
		pointer    string
		start, end time.Time
	}{
		"no length":       {"/end_at", noon, noon},
		"wrong way round": {"/end_at", noon, noon.Add(-time.Hour)},
		"too long":        {"/end_at", noon, noon.Add(366*24*time.Hour + time.Minute)},
		"a second":        {"/start_at", noon.Add(time.Second), noon.Add(time.Hour)},
		"a nanosecond":    {"/end_at", noon, noon.Add(time.Hour + 1)},
		"too early":       {"/start_at", time.Date(1969, 12, 31, 23, 59, 0, 0, time.UTC), noon},
		"too late":        {"/end_at", time.Date(2999, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		_, err := b.timeOffs.Create(ctx, scope, scheduling.TimeOffInput{StartAt: tt.start, EndAt: tt.end})
		require.Error(t, err, name)
		requireField(t, tt.pointer, err)
	}
	monday := noon // 07:00 in New York
	for _, rule := range []string{
		"nonsense", "", "FREQ=HOURLY", "FREQ=MINUTELY;COUNT=2", "FREQ=SECONDLY", "COUNT=3", "FREQ=DAILY;BYHOUR=9", "FREQ=DAILY;BYHOUR=9,10",
		"FREQ=DAILY;BYMINUTE=1", "FREQ=DAILY;BYSECOND=1", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=-1", "FREQ=DAILY;COUNT=1001",
		"FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=1001", "FREQ=DAILY;INTERVAL=99999999999999999999", "FREQ=DAILY;FREQ=WEEKLY",
		"FREQ=DAILY;COUNT=3;UNTIL=20270101", "FREQ=DAILY;UNTIL=2027-01-01", "FREQ=DAILY;UNTIL=20270230", "FREQ=DAILY;UNTIL=20270101Z",
		"FREQ=DAILY;UNTIL=20261122", "FREQ=WEEKLY;BYDAY=TU", "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
		"FREQ=WEEKLY;BYDAY=XX", "FREQ=DAILY;BYEASTER=1", "DTSTART:20261123T070000\nRRULE:FREQ=DAILY", "FREQ=DAILY;DTSTART=20261123T070000",
		"FREQ=DAILY;", "FREQ=DAILY=WEEKLY", "FREQ=", "RRULE:RRULE:FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU,MO", "FREQ=YEARLY;COUNT=60",
		"FREQ=MONTHLY;BYDAY=53MO", "FREQ=DAILY;BYMONTH=6;BYMONTHDAY=31",
	} {
		_, err := b.timeOffs.Create(ctx, scope, scheduling.TimeOffInput{StartAt: monday, EndAt: monday.Add(time.Hour), RRule: &rule})
		require.Error(t, err, rule)
		requireField(t, "/rrule", err)
	}
	for _, rule := range []string{
		"FREQ=DAILY", "FREQ=DAILY;UNTIL=20261123", "FREQ=DAILY;UNTIL=20261123T120000Z", "FREQ=DAILY;UNTIL=20261123T070000",
		"FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE;COUNT=1000", "FREQ=MONTHLY;BYDAY=4MO", "FREQ=MONTHLY;BYDAY=-2MO", "FREQ=YEARLY",
		"FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-3", "FREQ=YEARLY;BYYEARDAY=327", "FREQ=YEARLY;BYWEEKNO=48;BYDAY=MO",
	} {
		b.timeOff(scope, scheduling.TimeOffInput{StartAt: monday, EndAt: monday.Add(time.Hour), RRule: &rule})
	}
}

func TestListTimeOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	ana := b.resource(scope, "STAFF", "Ana")
	day := 24 * time.Hour
	add := func(title string, resourceID *uuid.UUID, start time.Time, length time.Duration, rule ...string) {
		in := scheduling.TimeOffInput{ResourceID: resourceID, Title: title, StartAt: start, EndAt: start.Add(length)}
		if len(rule) > 0 {
			in.RRule = &rule[0]
		}
		b.timeOff(scope, in)
	}
	add("closure", nil, noon, day)
	add("dentist", &ana.ID, noon, time.Hour)
	add("lunch", &ana.ID, noon.Add(-day), time.Hour, "FREQ=DAILY")
	add("three", &ana.ID, noon.Add(-day), time.Hour, "FREQ=DAILY;COUNT=3")
	add("until", &ana.ID, noon.Add(-day), time.Hour, "FREQ=DAILY;UNTIL=20261124T115900Z")
	b.timeOff(b.sandbox(), scheduling.TimeOffInput{})

	titles := func(filter scheduling.TimeOffFilter) (titles []string) {
		for limit := 1; limit < 4; limit += 2 {
			titles = nil
			for _, v := range collect(t, limit, func(p keyset.Page) (keyset.List[scheduling.TimeOff], error) {
				return b.timeOffs.List(ctx, scope, filter, p)
			}) {
				titles = append(titles, v.Title)
			}
		}
		return titles
	}
	at := func(d time.Duration) *time.Time { return new(noon.Add(d)) }
	assert.Equal(t, []string{"lunch", "three", "until", "closure", "dentist"}, titles(scheduling.TimeOffFilter{}))
	assert.Equal(t, []string{"lunch", "three", "until", "dentist"}, titles(scheduling.TimeOffFilter{ResourceID: &ana.ID}))
	assert.Equal(t, []string{"lunch", "three", "until"}, titles(scheduling.TimeOffFilter{To: at(0)}))
	assert.Equal(t, []string{"lunch", "three", "until", "closure"}, titles(scheduling.TimeOffFilter{From: at(time.Hour)}))
	assert.Equal(t, []string{"lunch", "three"}, titles(scheduling.TimeOffFilter{From: at(day + time.Hour)}))
	assert.Equal(t, []string{"lunch"}, titles(scheduling.TimeOffFilter{From: at(day + time.Hour + time.Minute)}))
	assert.Equal(t, []string{"lunch"}, titles(scheduling.TimeOffFilter{From: at(3650 * day)}))
	assert.Empty(t, titles(scheduling.TimeOffFilter{To: at(-day)}))
}

// Staff see everything, and change what is about themselves.
func TestStaffAndTimeOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, owner := t.Context(), b.owner()
	userID := b.user(tenancy.RoleStaff)
	staff := b.as(tenancy.RoleStaff, userID)
	mine, other := b.resource(owner, "STAFF", "Me", login(userID)), b.resource(owner, "STAFF", "Ana")
	theirs, closure := b.timeOff(owner, scheduling.TimeOffInput{ResourceID: &other.ID}), b.timeOff(owner, scheduling.TimeOffInput{})

	own := b.timeOff(staff, scheduling.TimeOffInput{ResourceID: &mine.ID})
	_, err := b.timeOffs.Update(ctx, staff, own.ID, nil, scheduling.TimeOffPatch{Title: new("Holidays")})
	require.NoError(t, err)
	for _, id := range []*uuid.UUID{nil, &other.ID, new(uuid.New())} {
		_, err := b.timeOffs.Create(ctx, staff, scheduling.TimeOffInput{ResourceID: id, StartAt: noon, EndAt: noon.Add(time.Hour)})
		requireCode(t, apperr.RoleNotAllowed, err)
		_, err = b.timeOffs.Update(ctx, staff, own.ID, nil, scheduling.TimeOffPatch{ResourceID: scheduling.NewClearable(id)})
		requireCode(t, apperr.RoleNotAllowed, err)
	}
	for _, v := range []*scheduling.TimeOff{theirs, closure} {
		_, err := b.timeOffs.Get(ctx, staff, v.ID)
		require.NoError(t, err)
		_, err = b.timeOffs.Update(ctx, staff, v.ID, nil, scheduling.TimeOffPatch{ResourceID: scheduling.NewClearable(&mine.ID)})
		requireCode(t, apperr.RoleNotAllowed, err)
		requireCode(t, apperr.RoleNotAllowed, b.timeOffs.Delete(ctx, staff, v.ID, nil))
	}
	list, err := b.timeOffs.List(ctx, staff, scheduling.TimeOffFilter{}, page100)
	require.NoError(t, err)
	assert.Len(t, list.Data, 3)
	require.NoError(t, b.timeOffs.Delete(ctx, staff, own.ID, nil))

	for _, scope := range []*tenancy.Scope{b.as(tenancy.RoleCustomer, b.user(tenancy.RoleCustomer)), {Tenant: b.tenant, Env: b.tenant.Live}} {
		_, err := b.timeOffs.Get(ctx, scope, closure.ID)
		requireCode(t, apperr.NotFound, err)
		list, err := b.timeOffs.List(ctx, scope, scheduling.TimeOffFilter{}, page100)
		require.NoError(t, err)
		assert.Empty(t, list.Data)
		requireCode(t, apperr.RoleNotAllowed, b.timeOffs.Delete(ctx, scope, closure.ID, nil))
	}
}
