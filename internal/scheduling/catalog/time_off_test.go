package catalog_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

func TestTimeOffLife(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	ana := b.Resource(scope, "STAFF", "Ana")
	_, err := b.Schedules.Replace(ctx, scope, &ana.ID, nil, catalog.HoursInput{Timezone: new("Asia/Tokyo")})
	require.NoError(t, err)

	created := b.TimeOff(scope, catalog.TimeOffInput{})
	assert.Equal(t, catalog.DefaultTimeOffTitle, created.Title)
	assert.Nil(t, created.ResourceID)
	got, err := b.TimeOffs.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, created, got)

	tokyo, err := time.LoadLocation("Asia/Tokyo")
	require.NoError(t, err)
	start := schedulingtest.Noon.Add(24 * time.Hour).In(tokyo) // a Tuesday, at 21:00
	updated, err := b.TimeOffs.Update(ctx, scope, created.ID, new(int32(1)), catalog.TimeOffPatch{
		ResourceID: patch.NewClearable(&ana.ID), Title: new("Dentist"), StartAt: &start, EndAt: new(start.Add(2 * time.Hour)),
		RRule: patch.NewClearable(new(" RRULE:freq=weekly;byday=tu;count=3")),
	})
	require.NoError(t, err)
	assert.Equal(t, &catalog.TimeOff{
		ID: created.ID, ResourceID: &ana.ID, Title: "Dentist", StartAt: start.UTC(), EndAt: start.Add(2 * time.Hour).UTC(),
		RRule: new("FREQ=WEEKLY;BYDAY=TU;COUNT=3"), Timezone: new("Asia/Tokyo"), CreatedAt: schedulingtest.Now, UpdatedAt: schedulingtest.Now, Version: 2,
	}, updated)
	got, err = b.TimeOffs.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, updated, got)

	// Another zone of the resource does not move it, nor stand in the way of another title.
	require.NoError(t, b.Schedules.Delete(ctx, scope, &ana.ID, nil))
	got, err = b.TimeOffs.Update(ctx, scope, created.ID, nil, catalog.TimeOffPatch{Title: new("Doctor")})
	require.NoError(t, err)
	assert.Equal(t, "Asia/Tokyo", *got.Timezone)
	got, err = b.TimeOffs.Update(ctx, scope, created.ID, nil, catalog.TimeOffPatch{EndAt: new(start.Add(time.Hour))})
	require.NoError(t, err)
	assert.Equal(t, "America/New_York", *got.Timezone)
	got, err = b.TimeOffs.Update(ctx, scope, created.ID, nil, catalog.TimeOffPatch{
		ResourceID: patch.NewClearable[uuid.UUID](nil), RRule: patch.NewClearable[string](nil),
	})
	require.NoError(t, err)
	assert.Nil(t, got.ResourceID)
	assert.Nil(t, got.RRule)
	assert.Nil(t, got.Timezone)

	_, err = b.TimeOffs.Update(ctx, scope, created.ID, new(int32(1)), catalog.TimeOffPatch{Title: new("late")})
	schedulingtest.RequireCode(t, apperr.VersionMismatch, err)
	schedulingtest.RequireCode(t, apperr.VersionMismatch, b.TimeOffs.Delete(ctx, scope, created.ID, new(int32(1))))
	require.NoError(t, b.TimeOffs.Delete(ctx, scope, created.ID, &got.Version))
	schedulingtest.RequireCode(t, apperr.NotFound, b.TimeOffs.Delete(ctx, scope, created.ID, nil))
	assert.Equal(t, []string{
		"resource.created", "resource_hours.updated", "time_off.created", "time_off.updated", "resource_hours.updated",
		"time_off.updated", "time_off.updated", "time_off.updated", "time_off.deleted",
	}, b.EventTypes(scope))

	b.TimeOff(scope, catalog.TimeOffInput{ResourceID: &ana.ID})
	require.NoError(t, b.Resources.Delete(ctx, scope, ana.ID, nil), "its time off goes with it")
	assert.Zero(t, b.Count("SELECT count(*) FROM time_off"))
}

func TestTimeOffThatDoesNotExist(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	other := b.TimeOff(b.Sandbox(), catalog.TimeOffInput{})
	foreign := b.Resource(b.Sandbox(), "STAFF", "Nobody")
	mine := b.TimeOff(scope, catalog.TimeOffInput{})
	for _, id := range []uuid.UUID{uuid.New(), other.ID} {
		_, err := b.TimeOffs.Get(ctx, scope, id)
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		_, err = b.TimeOffs.Update(ctx, scope, id, nil, catalog.TimeOffPatch{Title: new("x")})
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		schedulingtest.RequireCode(t, apperr.NotFound, b.TimeOffs.Delete(ctx, scope, id, nil))
	}
	for _, id := range []uuid.UUID{uuid.New(), foreign.ID} {
		_, err := b.TimeOffs.Create(ctx, scope, catalog.TimeOffInput{ResourceID: &id, StartAt: schedulingtest.Noon, EndAt: schedulingtest.Noon.Add(time.Hour)})
		schedulingtest.RequireField(t, "/resource_id", err)
		_, err = b.TimeOffs.Update(ctx, scope, mine.ID, nil, catalog.TimeOffPatch{ResourceID: patch.NewClearable(&id)})
		schedulingtest.RequireField(t, "/resource_id", err)
	}
	assert.Equal(t, []string{"time_off.created"}, b.EventTypes(scope))
}

func TestTimeOffThatIsWrong(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	b.TimeOff(scope, catalog.TimeOffInput{StartAt: schedulingtest.Noon, EndAt: schedulingtest.Noon.Add(366 * 24 * time.Hour)})
	for name, tt := range map[string]struct {
		pointer    string
		start, end time.Time
	}{
		"no length":       {"/end_at", schedulingtest.Noon, schedulingtest.Noon},
		"wrong way round": {"/end_at", schedulingtest.Noon, schedulingtest.Noon.Add(-time.Hour)},
		"too long":        {"/end_at", schedulingtest.Noon, schedulingtest.Noon.Add(366*24*time.Hour + time.Minute)},
		"a second":        {"/start_at", schedulingtest.Noon.Add(time.Second), schedulingtest.Noon.Add(time.Hour)},
		"a nanosecond":    {"/end_at", schedulingtest.Noon, schedulingtest.Noon.Add(time.Hour + 1)},
		"too early":       {"/start_at", time.Date(1969, 12, 31, 23, 59, 0, 0, time.UTC), schedulingtest.Noon},
		"too late":        {"/end_at", time.Date(2999, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		_, err := b.TimeOffs.Create(ctx, scope, catalog.TimeOffInput{StartAt: tt.start, EndAt: tt.end})
		require.Error(t, err, name)
		schedulingtest.RequireField(t, tt.pointer, err)
	}
	monday := schedulingtest.Noon // 07:00 in New York
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
		_, err := b.TimeOffs.Create(ctx, scope, catalog.TimeOffInput{StartAt: monday, EndAt: monday.Add(time.Hour), RRule: &rule})
		require.Error(t, err, rule)
		schedulingtest.RequireField(t, "/rrule", err)
	}
	for _, rule := range []string{
		"FREQ=DAILY", "FREQ=DAILY;UNTIL=20261123", "FREQ=DAILY;UNTIL=20261123T120000Z", "FREQ=DAILY;UNTIL=20261123T070000",
		"FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE;COUNT=1000", "FREQ=MONTHLY;BYDAY=4MO", "FREQ=MONTHLY;BYDAY=-2MO", "FREQ=YEARLY",
		"FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-3", "FREQ=YEARLY;BYYEARDAY=327", "FREQ=YEARLY;BYWEEKNO=48;BYDAY=MO",
	} {
		b.TimeOff(scope, catalog.TimeOffInput{StartAt: monday, EndAt: monday.Add(time.Hour), RRule: &rule})
	}
}

func TestListTimeOff(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	ana := b.Resource(scope, "STAFF", "Ana")
	day := 24 * time.Hour
	add := func(title string, resourceID *uuid.UUID, start time.Time, length time.Duration, rule ...string) {
		in := catalog.TimeOffInput{ResourceID: resourceID, Title: title, StartAt: start, EndAt: start.Add(length)}
		if len(rule) > 0 {
			in.RRule = &rule[0]
		}
		b.TimeOff(scope, in)
	}
	add("closure", nil, schedulingtest.Noon, day)
	add("dentist", &ana.ID, schedulingtest.Noon, time.Hour)
	add("lunch", &ana.ID, schedulingtest.Noon.Add(-day), time.Hour, "FREQ=DAILY")
	add("three", &ana.ID, schedulingtest.Noon.Add(-day), time.Hour, "FREQ=DAILY;COUNT=3")
	add("until", &ana.ID, schedulingtest.Noon.Add(-day), time.Hour, "FREQ=DAILY;UNTIL=20261124T115900Z")
	b.TimeOff(b.Sandbox(), catalog.TimeOffInput{})

	titles := func(filter catalog.TimeOffFilter) (titles []string) {
		for limit := 1; limit < 4; limit += 2 {
			titles = nil
			for _, v := range schedulingtest.Collect(t, limit, func(p keyset.Page) (keyset.List[catalog.TimeOff], error) {
				return b.TimeOffs.List(ctx, scope, filter, p)
			}) {
				titles = append(titles, v.Title)
			}
		}
		return titles
	}
	at := func(d time.Duration) *time.Time { return new(schedulingtest.Noon.Add(d)) }
	assert.Equal(t, []string{"lunch", "three", "until", "closure", "dentist"}, titles(catalog.TimeOffFilter{}))
	assert.Equal(t, []string{"lunch", "three", "until", "dentist"}, titles(catalog.TimeOffFilter{ResourceID: &ana.ID}))
	assert.Equal(t, []string{"lunch", "three", "until"}, titles(catalog.TimeOffFilter{To: at(0)}))
	assert.Equal(t, []string{"lunch", "three", "until", "closure"}, titles(catalog.TimeOffFilter{From: at(time.Hour)}))
	assert.Equal(t, []string{"lunch", "three"}, titles(catalog.TimeOffFilter{From: at(day + time.Hour)}))
	assert.Equal(t, []string{"lunch"}, titles(catalog.TimeOffFilter{From: at(day + time.Hour + time.Minute)}))
	assert.Equal(t, []string{"lunch"}, titles(catalog.TimeOffFilter{From: at(3650 * day)}))
	assert.Empty(t, titles(catalog.TimeOffFilter{To: at(-day)}))
}

// Staff see everything, and change what is about themselves.
func TestStaffAndTimeOff(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, owner := t.Context(), b.Owner()
	userID := b.User(tenancy.RoleStaff)
	staff := b.As(tenancy.RoleStaff, userID)
	mine, other := b.Resource(owner, "STAFF", "Me", schedulingtest.Login(userID)), b.Resource(owner, "STAFF", "Ana")
	theirs, closure := b.TimeOff(owner, catalog.TimeOffInput{ResourceID: &other.ID}), b.TimeOff(owner, catalog.TimeOffInput{})

	own := b.TimeOff(staff, catalog.TimeOffInput{ResourceID: &mine.ID})
	_, err := b.TimeOffs.Update(ctx, staff, own.ID, nil, catalog.TimeOffPatch{Title: new("Holidays")})
	require.NoError(t, err)
	for _, id := range []*uuid.UUID{nil, &other.ID, new(uuid.New())} {
		_, err := b.TimeOffs.Create(ctx, staff, catalog.TimeOffInput{ResourceID: id, StartAt: schedulingtest.Noon, EndAt: schedulingtest.Noon.Add(time.Hour)})
		schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
		_, err = b.TimeOffs.Update(ctx, staff, own.ID, nil, catalog.TimeOffPatch{ResourceID: patch.NewClearable(id)})
		schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	}
	for _, v := range []*catalog.TimeOff{theirs, closure} {
		_, err := b.TimeOffs.Get(ctx, staff, v.ID)
		require.NoError(t, err)
		_, err = b.TimeOffs.Update(ctx, staff, v.ID, nil, catalog.TimeOffPatch{ResourceID: patch.NewClearable(&mine.ID)})
		schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
		schedulingtest.RequireCode(t, apperr.RoleNotAllowed, b.TimeOffs.Delete(ctx, staff, v.ID, nil))
	}
	list, err := b.TimeOffs.List(ctx, staff, catalog.TimeOffFilter{}, schedulingtest.Page100)
	require.NoError(t, err)
	assert.Len(t, list.Data, 3)
	require.NoError(t, b.TimeOffs.Delete(ctx, staff, own.ID, nil))

	for _, scope := range []*tenancy.Scope{b.As(tenancy.RoleCustomer, b.User(tenancy.RoleCustomer)), {Tenant: b.Tenant, Env: b.Tenant.Live}} {
		_, err := b.TimeOffs.Get(ctx, scope, closure.ID)
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		list, err := b.TimeOffs.List(ctx, scope, catalog.TimeOffFilter{}, schedulingtest.Page100)
		require.NoError(t, err)
		assert.Empty(t, list.Data)
		schedulingtest.RequireCode(t, apperr.RoleNotAllowed, b.TimeOffs.Delete(ctx, scope, closure.ID, nil))
	}
}
