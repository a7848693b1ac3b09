package booking_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// tenOClock is a Monday at ten in New York.
var tenOClock = time.Date(2027, time.March, 1, 15, 0, 0, 0, time.UTC)

// course is a cut for Carla every week, three times, from tenOClock on.
func (s *salon) course(resources ...*catalog.Resource) booking.SeriesInput {
	return booking.SeriesInput{
		ServiceID: s.cut.ID, CustomerID: s.carla.ID, StartAt: tenOClock, RRule: "FREQ=WEEKLY;COUNT=3", ResourceIDs: ids(resources...),
		OnConflict: booking.ConflictFails,
	}
}

func (b *bundle) bookSeries(scope *tenancy.Scope, in booking.SeriesInput) *booking.SeriesOutcome {
	b.Helper()
	outcome, err := b.Series.Create(b.Context(), scope, in)
	require.NoError(b, err)
	return outcome
}

func starts(outcome *booking.SeriesOutcome) (list []time.Time) {
	for _, o := range outcome.Occurrences {
		list = append(list, o.StartAt)
	}
	return list
}

func verdicts(outcome *booking.SeriesOutcome) (list []booking.Verdict) {
	for _, o := range outcome.Occurrences {
		list = append(list, o.Verdict)
	}
	return list
}

const (
	free        = booking.VerdictAvailable
	substituted = booking.VerdictSubstituted
	conflict    = booking.VerdictConflict
)

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

func TestListAppointmentsOfASeries(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	mine := s.bookSeries(s.owner, s.course(s.bob))
	other := s.course(s.ana)
	other.CustomerID, other.StartAt = s.dan.ID, tenOClock.Add(2*time.Hour)
	theirs := s.bookSeries(s.owner, other)
	s.Book(s.owner, s.wish(s.ana))
	a := s.appointmentsOf(*mine.ID)
	_, err := s.Appointments.Cancel(t.Context(), s.owner, viewer.Of(s.owner), a[1].ID, nil, booking.CancelInput{})
	require.NoError(t, err)
	of := func(id *uuid.UUID, change func(f *booking.AppointmentFilter)) booking.AppointmentFilter {
		filter := booking.AppointmentFilter{SeriesID: id}
		if change != nil {
			change(&filter)
		}
		return filter
	}
	for name, test := range map[string]struct {
		scope  *tenancy.Scope
		filter booking.AppointmentFilter
		want   []uuid.UUID
	}{
		"all":                 {s.owner, of(mine.ID, nil), []uuid.UUID{a[0].ID, a[1].ID, a[2].ID}},
		"from":                {s.owner, of(mine.ID, func(f *booking.AppointmentFilter) { f.From = &a[1].StartAt }), []uuid.UUID{a[1].ID, a[2].ID}},
		"to":                  {s.owner, of(mine.ID, func(f *booking.AppointmentFilter) { f.To = &a[1].StartAt }), []uuid.UUID{a[0].ID}},
		"a status":            {s.owner, of(mine.ID, func(f *booking.AppointmentFilter) { f.Statuses = []string{"CONFIRMED"} }), []uuid.UUID{a[0].ID, a[2].ID}},
		"a resource of it":    {s.owner, of(mine.ID, func(f *booking.AppointmentFilter) { f.ResourceID = &s.bob.ID }), []uuid.UUID{a[0].ID, a[1].ID, a[2].ID}},
		"another resource":    {s.owner, of(mine.ID, func(f *booking.AppointmentFilter) { f.ResourceID = &s.ana.ID }), []uuid.UUID{}},
		"another service":     {s.owner, of(mine.ID, func(f *booking.AppointmentFilter) { f.ServiceID = new(uuid.New()) }), []uuid.UUID{}},
		"another customer":    {s.owner, of(mine.ID, func(f *booking.AppointmentFilter) { f.CustomerID = &s.dan.ID }), []uuid.UUID{}},
		"the customer's own":  {s.client, of(mine.ID, nil), []uuid.UUID{a[0].ID, a[1].ID, a[2].ID}},
		"not the customer's":  {s.client, of(theirs.ID, nil), []uuid.UUID{}},
		"of staff in it":      {s.staff, of(mine.ID, nil), []uuid.UUID{a[0].ID, a[1].ID, a[2].ID}},
		"of staff not in it":  {s.staff, of(theirs.ID, nil), []uuid.UUID{}},
		"no such series":      {s.owner, of(new(uuid.New()), nil), []uuid.UUID{}},
		"from the other mode": {s.Sandbox(), of(mine.ID, nil), []uuid.UUID{}},
	} {
		for _, limit := range []int{1, 2, 50} {
			list := []uuid.UUID{}
			for _, appointment := range schedulingtest.Collect(t, limit, func(p keyset.Page) (keyset.List[booking.Appointment], error) {
				return s.Appointments.List(t.Context(), test.scope, test.filter, p)
			}) {
				list = append(list, appointment.ID)
			}
			require.Equal(t, test.want, list, name)
		}
	}
}

// The clocks of New York change on 14 March 2027, between the second and the third.
func TestASeriesKeepsItsLocalTime(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	in := s.course(s.bob)
	in.Notes = "ten o'clock"
	outcome := s.bookSeries(s.owner, in)
	require.Equal(t, []time.Time{tenOClock, tenOClock.Add(days(7)), tenOClock.Add(days(14) - time.Hour)}, starts(outcome))
	require.Equal(t, []booking.Verdict{free, free, free}, verdicts(outcome))
	require.Equal(t, "America/New_York", outcome.Timezone)

	found, err := s.Series.Get(t.Context(), s.owner, *outcome.ID)
	require.NoError(t, err)
	require.Equal(t, booking.Series{
		ID: *outcome.ID, ServiceID: s.cut.ID, CustomerID: s.carla.ID, Service: booking.Reference{ID: s.cut.ID, Name: "Cut"},
		Customer: booking.Reference{ID: s.carla.ID, Name: "Carla"}, StartAt: tenOClock, RRule: "FREQ=WEEKLY;COUNT=3",
		Timezone: "America/New_York", ResourceIDs: ids(s.bob), Notes: "ten o'clock", CreatedAt: schedulingtest.Now, UpdatedAt: schedulingtest.Now, Version: 1,
	}, found.Series)
	require.Len(t, found.Appointments, 3)
	for i, a := range found.Appointments {
		assert.Equal(t, outcome.ID, a.SeriesID)
		assert.Equal(t, outcome.Occurrences[i].AppointmentID, &a.ID)
		assert.Equal(t, ids(s.bob, s.room), a.ResourceIDs)
		assert.Equal(t, "ten o'clock", a.Notes)
		single, err := s.Appointments.Get(t.Context(), s.owner, viewer.Of(s.owner), a.ID)
		require.NoError(t, err)
		require.Equal(t, &a, single)
	}
	assert.Equal(t, 3, s.Used(s.owner, entitle.MaxAppointments))
	types := s.EventTypes(s.owner)
	assert.Equal(t, []string{"series.created", "appointment.created", "appointment.created", "appointment.created"}, types[len(types)-4:])
	// Buffers are taken along: five minutes before, and ten after.
	assert.Equal(t, 6, s.Count("SELECT count(*) FROM allocations WHERE end_at - start_at = interval '60 minutes' AND active"))
}

// At half past two there is nothing on the day on which clocks go forward, and twice
// something on the day on which they go back.
func TestASeriesInGapAndFold(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	in := s.course()
	in.StartAt, in.RRule = time.Date(2027, time.March, 13, 7, 30, 0, 0, time.UTC), "FREQ=DAILY;COUNT=3"
	require.Equal(t, []time.Time{
		in.StartAt, time.Date(2027, time.March, 14, 7, 0, 0, 0, time.UTC), time.Date(2027, time.March, 15, 6, 30, 0, 0, time.UTC),
	}, starts(s.bookSeries(s.owner, in)))
	// The second half past one is what was asked for; from then on it is the only one.
	in.StartAt, in.RRule = time.Date(2027, time.November, 7, 6, 30, 0, 0, time.UTC), "FREQ=DAILY;COUNT=2"
	require.Equal(t, []time.Time{in.StartAt, in.StartAt.Add(days(1))}, starts(s.bookSeries(s.owner, in)))
	// It begins before it, and meets the first of the two.
	in.StartAt, in.RRule = time.Date(2028, time.November, 4, 5, 30, 0, 0, time.UTC), "FREQ=DAILY;COUNT=3"
	require.Equal(t, []time.Time{in.StartAt, in.StartAt.Add(days(1)), in.StartAt.Add(days(2) + time.Hour)}, starts(s.bookSeries(s.owner, in)))
}

// blockWeek books Bob an hour into the occurrence of the second week.
func (s *salon) blockWeek(resources ...*catalog.Resource) *booking.Appointment {
	s.Helper()
	in := s.wish(resources...)
	in.StartAt = tenOClock.Add(days(7) + 30*time.Minute)
	return s.Book(s.owner, in)
}

func TestASeriesFailsAsAWhole(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	blocking := s.blockWeek(s.bob)
	err := schedulingtest.Refusal(t, apperr.SlotTaken, func() error { _, err := s.Series.Create(t.Context(), s.owner, s.course(s.bob)); return err }())
	conflicts := err.Members["occurrences"].([]booking.Occurrence)
	require.Len(t, conflicts, 1)
	assert.Equal(t, tenOClock.Add(days(7)), conflicts[0].StartAt)
	assert.Equal(t, string(availability.Booked), conflicts[0].Reasons[0].Code)
	assert.Equal(t, blocking.ID, *conflicts[0].Reasons[0].ObjectID)
	assert.Equal(t, s.bob.ID, *conflicts[0].Reasons[0].ResourceID)
	require.NotEmpty(t, conflicts[0].Alternatives)
	for _, a := range conflicts[0].Alternatives {
		assert.Equal(t, "2027-03-08", a.StartAt.In(s.Tenant.Location).Format(time.DateOnly))
	}
	assert.Equal(t, conflicts[0].Alternatives, err.Members["alternatives"])
	assert.Equal(t, "Bob", err.Members["conflicts"].([]booking.Conflict)[0].ResourceName)
	assert.Contains(t, err.Detail, "1 of 3 occurrences cannot be booked, the first of them on Monday, 2027-03-08 at 10:00")
	assert.Equal(t, 1, s.Count("SELECT count(*) FROM appointments"))
	assert.Zero(t, s.Count("SELECT count(*) FROM series"))
	assert.Equal(t, 1, s.Used(s.owner, entitle.MaxAppointments))
}

func TestASeriesSkipsConflicts(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	s.blockWeek(s.bob)
	in := s.course(s.bob)
	in.OnConflict = booking.ConflictSkips
	outcome := s.bookSeries(s.owner, in)
	require.Equal(t, []booking.Verdict{free, conflict, free}, verdicts(outcome))
	assert.Nil(t, outcome.Occurrences[1].AppointmentID)
	assert.Equal(t, 3, s.Used(s.owner, entitle.MaxAppointments))
	found, err := s.Series.Get(t.Context(), s.owner, *outcome.ID)
	require.NoError(t, err)
	require.Len(t, found.Appointments, 2)
	// Once more: now nothing is free, and a series of nothing is none.
	_, err = s.Series.Create(t.Context(), s.owner, in)
	assert.Len(t, schedulingtest.Refusal(t, apperr.SlotTaken, err).Members["occurrences"], 3)
	assert.Equal(t, 1, s.Count("SELECT count(*) FROM series"))
}

func TestASeriesFindsSubstitutes(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	attic2 := s.Resource(s.owner, "ROOM", "Cellar")
	s.blockWeek(s.bob, attic2)
	in := s.course(s.bob, s.room)
	in.OnConflict = booking.ConflictSubstitutes
	outcome := s.bookSeries(s.owner, in)
	require.Equal(t, []booking.Verdict{free, substituted, free}, verdicts(outcome))
	second := outcome.Occurrences[1]
	assert.Equal(t, tenOClock.Add(days(7)), second.StartAt, "at the very start")
	assert.ElementsMatch(t, ids(s.ana, s.room), second.ResourceIDs, "somebody else, in the room that was asked for")
	assert.Equal(t, string(availability.Booked), second.Reasons[0].Code)

	// With nobody else, another time of the day: the nearest, half an hour before noon or so.
	s.Exec("UPDATE resources SET is_active = false WHERE id = ANY ($1)", ids(s.ana))
	in.StartAt, in.RRule = tenOClock.Add(days(7)), "FREQ=DAILY;COUNT=2"
	outcome = s.bookSeries(s.owner, in)
	require.Equal(t, []booking.Verdict{substituted, free}, verdicts(outcome))
	assert.Equal(t, "2027-03-08T14:30:00Z", outcome.Occurrences[0].StartAt.Format(time.RFC3339), "it ends with its buffer when the other begins with its own")
	assert.Equal(t, tenOClock.Add(days(7)), outcome.Occurrences[0].WantedStartAt)

	// When the business is closed there is nothing on that day, and the series fails.
	_, err := s.TimeOffs.Create(t.Context(), s.owner, catalog.TimeOffInput{
		StartAt: time.Date(2027, time.June, 2, 4, 0, 0, 0, time.UTC), EndAt: time.Date(2027, time.June, 3, 4, 0, 0, 0, time.UTC),
	})
	require.NoError(t, err)
	in.StartAt = time.Date(2027, time.June, 1, 14, 0, 0, 0, time.UTC)
	_, err = s.Series.Create(t.Context(), s.owner, in)
	refused := schedulingtest.Refusal(t, apperr.SlotTaken, err).Members["occurrences"].([]booking.Occurrence)
	require.Len(t, refused, 1)
	assert.Equal(t, "closed", refused[0].Reasons[0].Code)
}

func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	s.blockWeek(s.bob)
	before := len(s.EventTypes(s.owner))
	in := s.course(s.bob)
	in.DryRun = true
	for mode, want := range map[booking.OnConflict]booking.Verdict{
		booking.ConflictFails: conflict, booking.ConflictSkips: conflict, booking.ConflictSubstitutes: substituted,
	} {
		in.OnConflict = mode
		outcome := s.bookSeries(s.owner, in)
		assert.Equal(t, []booking.Verdict{free, want, free}, verdicts(outcome), mode)
		assert.Nil(t, outcome.ID)
		for _, o := range outcome.Occurrences {
			assert.Nil(t, o.AppointmentID)
		}
	}
	assert.Equal(t, 1, s.Count("SELECT count(*) FROM appointments"))
	assert.Equal(t, 1, s.Used(s.owner, entitle.MaxAppointments))
	assert.Len(t, s.EventTypes(s.owner), before)
	// The dry run tells about the quota, too.
	s.Limit(entitle.MaxAppointments, 2)
	_, err := s.Series.Create(t.Context(), s.owner, in)
	schedulingtest.RequireCode(t, apperr.QuotaExceeded, err)
	in.DryRun, in.OnConflict = false, booking.ConflictSubstitutes
	_, err = s.Series.Create(t.Context(), s.owner, in)
	schedulingtest.RequireCode(t, apperr.QuotaExceeded, err)
	assert.Equal(t, 1, s.Count("SELECT count(*) FROM appointments"))
}

// Each occurrence is decided with those before it in place.
func TestOccurrencesSeeEachOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	scope := b.Owner()
	b.Resource(scope, "STAFF", "Ana")
	long := b.ServiceOf(scope, catalog.ServiceInput{Name: "Retreat", DurationMinutes: 1440, BufferAfterMinutes: 30, IsActive: true})
	in := booking.SeriesInput{
		ServiceID: long.ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: tenOClock, RRule: "FREQ=DAILY;COUNT=3",
		OnConflict: booking.ConflictSkips,
	}
	outcome := b.bookSeries(scope, in)
	require.Equal(t, []booking.Verdict{free, conflict, free}, verdicts(outcome), "the second would begin while the first is cleaned up after")
	b.checkLanes(scope)

	limited := b.ServiceOf(scope, catalog.ServiceInput{Name: "Talk", DurationMinutes: 30, MaxPerWeek: new(int32(2)), IsActive: true})
	in.ServiceID, in.RRule, in.StartAt = limited.ID, "FREQ=DAILY;COUNT=9", tenOClock.Add(days(30)) // a Wednesday
	outcome = b.bookSeries(scope, in)
	require.Equal(t, []booking.Verdict{free, free, conflict, conflict, conflict, free, free, conflict, conflict}, verdicts(outcome), "two in each week")
	assert.Equal(t, string(availability.LimitWeek), outcome.Occurrences[2].Reasons[0].Code)

	// Two lanes: each occurrence takes the lowest that is free.
	b.Exec("UPDATE resources SET capacity = 2")
	in.ServiceID, in.RRule, in.StartAt = long.ID, "FREQ=DAILY;COUNT=4", tenOClock.Add(days(60))
	outcome = b.bookSeries(scope, in)
	require.Equal(t, []booking.Verdict{free, free, free, free}, verdicts(outcome))
	b.checkLanes(scope)
}

// A hold is in the way as long as it lasts, and not a moment longer.
func TestASeriesAndHolds(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	held, err := s.Holds.Create(t.Context(), s.owner, viewer.Of(s.owner), booking.HoldInput{
		ServiceID: s.cut.ID, StartAt: tenOClock.Add(days(7)), ResourceIDs: ids(s.bob), TTL: time.Hour,
	})
	require.NoError(t, err)
	_, err = s.Series.Create(t.Context(), s.owner, s.course(s.bob))
	reasons := schedulingtest.Refusal(t, apperr.SlotTaken, err).Members["occurrences"].([]booking.Occurrence)[0].Reasons
	assert.Equal(t, string(availability.Held), reasons[0].Code)
	assert.Equal(t, held.ID, *reasons[0].ObjectID)
	later := *s.owner
	later.Now = schedulingtest.Now.Add(time.Hour)
	require.Equal(t, []booking.Verdict{free, free, free}, verdicts(s.bookSeries(&later, s.course(s.bob))))
	assert.Contains(t, s.EventTypes(s.owner), "hold.expired")
}

// Whoever comes first stays, as long as they are free; nobody has to be named.
func TestASeriesKeepsToItsResources(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	s.Exec("UPDATE resources SET capacity = 5 WHERE type = 'ROOM'")
	in := s.course()
	in.RRule = "FREQ=DAILY;COUNT=8"
	outcome := s.bookSeries(s.owner, in)
	who := outcome.Occurrences[0].ResourceIDs
	for _, o := range outcome.Occurrences {
		assert.Equal(t, who, o.ResourceIDs)
	}
	other := s.bookSeries(s.owner, in)
	for _, o := range other.Occurrences {
		assert.NotEqual(t, who, o.ResourceIDs)
	}
}

func TestWhatIsNoSeries(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	for name, test := range map[string]struct {
		change  func(*booking.SeriesInput)
		pointer string
	}{
		"no rule":                  {func(in *booking.SeriesInput) { in.RRule = "every Monday" }, "/rrule"},
		"no end":                   {func(in *booking.SeriesInput) { in.RRule = "FREQ=WEEKLY" }, "/rrule"},
		"too many":                 {func(in *booking.SeriesInput) { in.RRule = "FREQ=DAILY;COUNT=201" }, "/rrule"},
		"too long":                 {func(in *booking.SeriesInput) { in.RRule = "FREQ=DAILY;UNTIL=29991231" }, "/rrule"},
		"too far":                  {func(in *booking.SeriesInput) { in.RRule = "FREQ=YEARLY;INTERVAL=1000;COUNT=2" }, "/rrule"},
		"more than daily":          {func(in *booking.SeriesInput) { in.RRule = "FREQ=HOURLY;COUNT=3" }, "/rrule"},
		"starts on another day":    {func(in *booking.SeriesInput) { in.RRule = "FREQ=WEEKLY;BYDAY=TU;COUNT=3" }, "/rrule"},
		"over before it starts":    {func(in *booking.SeriesInput) { in.RRule = "FREQ=WEEKLY;UNTIL=20270228" }, "/rrule"},
		"no whole minute":          {func(in *booking.SeriesInput) { in.StartAt = in.StartAt.Add(time.Second) }, "/start_at"},
		"an unknown service":       {func(in *booking.SeriesInput) { in.ServiceID = uuid.New() }, "/service_id"},
		"an unknown customer":      {func(in *booking.SeriesInput) { in.CustomerID = uuid.New() }, "/customer_id"},
		"an unknown resource":      {func(in *booking.SeriesInput) { in.ResourceIDs = []uuid.UUID{s.bob.ID, uuid.New()} }, "/resource_ids/1"},
		"a resource without place": {func(in *booking.SeriesInput) { in.ResourceIDs = ids(s.machine) }, "/resource_ids/0"},
	} {
		for _, mode := range []booking.OnConflict{booking.ConflictFails, booking.ConflictSkips, booking.ConflictSubstitutes} {
			in := s.course()
			in.OnConflict = mode
			test.change(&in)
			_, err := s.Series.Create(ctx, s.owner, in)
			require.Error(t, err, name)
			schedulingtest.RequireField(t, test.pointer, err)
		}
	}
	// What is in the past, too soon or too far ahead is a conflict of that occurrence.
	in := s.course()
	in.StartAt, in.RRule, in.OnConflict = schedulingtest.Now.Truncate(time.Hour).Add(-days(1)), "FREQ=DAILY;COUNT=3", booking.ConflictSkips
	outcome := s.bookSeries(s.owner, in)
	require.Equal(t, conflict, outcome.Occurrences[0].Verdict)
	assert.Equal(t, string(availability.InPast), outcome.Occurrences[0].Reasons[0].Code)
	s.Exec("UPDATE services SET horizon_days = 30")
	in.StartAt, in.RRule = schedulingtest.Now.Truncate(time.Hour).Add(days(29)), "FREQ=DAILY;COUNT=3"
	outcome = s.bookSeries(s.owner, in)
	require.Equal(t, []booking.Verdict{free, free, conflict}, verdicts(outcome))
	assert.Equal(t, string(availability.Horizon), outcome.Occurrences[2].Reasons[0].Code)
}

func TestTheLongestSeries(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	in := s.course(s.ana)
	in.RRule = "FREQ=DAILY;COUNT=200"
	require.Len(t, s.bookSeries(s.owner, in).Occurrences, booking.MaxSeriesLength)
	assert.Equal(t, 400, s.Count("SELECT count(*) FROM allocations"))
	s.checkLanes(s.owner)
}

func TestWhoSeesASeries(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	carlas := *s.bookSeries(s.owner, s.course(s.ana)).ID
	in := s.course(s.bob)
	in.CustomerID, in.StartAt = s.dan.ID, tenOClock.Add(2*time.Hour)
	dans := *s.bookSeries(s.owner, in).ID
	for name, test := range map[string]struct {
		scope *tenancy.Scope
		want  []uuid.UUID
	}{
		"the owner":        {s.owner, []uuid.UUID{dans, carlas}},
		"Bob":              {s.staff, []uuid.UUID{dans}},
		"Carla":            {s.client, []uuid.UUID{carlas}},
		"nobody":           {&tenancy.Scope{Now: schedulingtest.Now, Env: s.Tenant.Live, Tenant: s.Tenant}, []uuid.UUID{}},
		"the other world":  {s.Sandbox(), []uuid.UUID{}},
		"another customer": {s.As(tenancy.RoleCustomer, uuid.New()), []uuid.UUID{}},
	} {
		list := schedulingtest.Collect(t, 1, func(page keyset.Page) (keyset.List[booking.Series], error) {
			return s.Series.List(ctx, test.scope, booking.SeriesFilter{}, page)
		})
		got := []uuid.UUID{}
		for _, v := range list {
			got = append(got, v.ID)
		}
		assert.Equal(t, test.want, got, name)
		for _, id := range []uuid.UUID{carlas, dans} {
			_, err := s.Series.Get(ctx, test.scope, id)
			_, cancelErr := s.Series.Cancel(ctx, test.scope, id, new(int32(99)), booking.SeriesSelection{Scope: booking.ScopeAll}, "")
			_, moveErr := s.Series.Reschedule(ctx, test.scope, id, new(int32(99)), booking.SeriesMove{ShiftDays: 1})
			want := apperr.NotFound
			if slices.Contains(test.want, id) {
				require.NoError(t, err, name)
				want = apperr.VersionMismatch
			} else {
				schedulingtest.RequireCode(t, apperr.NotFound, err)
			}
			schedulingtest.RequireCode(t, want, cancelErr)
			schedulingtest.RequireCode(t, want, moveErr)
		}
	}
	// Staff book what they are a resource of, and substitutes keep them.
	_, err := s.Series.Create(ctx, s.staff, s.course(s.ana))
	schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	in = s.course()
	in.StartAt, in.OnConflict = tenOClock.Add(2*time.Hour), booking.ConflictSubstitutes
	for _, o := range s.bookSeries(s.staff, in).Occurrences {
		assert.Contains(t, o.ResourceIDs, s.bob.ID)
		assert.Equal(t, substituted, o.Verdict)
	}
	_, err = s.Series.Reschedule(ctx, s.staff, dans, nil, booking.SeriesMove{
		SeriesSelection: booking.SeriesSelection{Scope: booking.ScopeAll}, ShiftDays: 1,
	})
	schedulingtest.RequireCode(t, apperr.RefusedByPolicy, err)
	s.Exec("UPDATE tenants SET resources_can_reschedule = true WHERE id = $1", s.Tenant.ID)
	_, err = s.Series.Reschedule(ctx, s.staff, dans, nil, booking.SeriesMove{
		SeriesSelection: booking.SeriesSelection{Scope: booking.ScopeAll}, ShiftDays: 1,
	})
	require.NoError(t, err)
	// What is not theirs of a series does not exist for them.
	s.Exec("UPDATE appointments SET resource_ids = $1 WHERE id = (SELECT id FROM appointments WHERE series_id = $2 ORDER BY start_at LIMIT 1)",
		ids(s.ana, s.room), dans)
	found, err := s.Series.Get(ctx, s.staff, dans)
	require.NoError(t, err)
	require.Len(t, found.Appointments, 2)
}

func (s *salon) appointmentsOf(id uuid.UUID) []booking.Appointment {
	s.Helper()
	found, err := s.Series.Get(s.Context(), s.owner, id)
	require.NoError(s, err)
	return found.Appointments
}

func TestCancelASeries(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		selection func(list []booking.Appointment) booking.SeriesSelection
		want      []string
	}{
		"this": {func(list []booking.Appointment) booking.SeriesSelection {
			return booking.SeriesSelection{Scope: booking.ScopeThis, AppointmentID: &list[1].ID}
		}, []string{"CONFIRMED", "CANCELLED", "CONFIRMED", "COMPLETED"}},
		"following": {func(list []booking.Appointment) booking.SeriesSelection {
			return booking.SeriesSelection{Scope: booking.ScopeFollowing, AppointmentID: &list[1].ID}
		}, []string{"CONFIRMED", "CANCELLED", "CANCELLED", "COMPLETED"}},
		"all": {func([]booking.Appointment) booking.SeriesSelection {
			return booking.SeriesSelection{Scope: booking.ScopeAll}
		}, []string{"CANCELLED", "CANCELLED", "CANCELLED", "COMPLETED"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSalon(t)
			ctx := t.Context()
			in := s.course(s.bob)
			in.RRule = "FREQ=WEEKLY;COUNT=4"
			id := *s.bookSeries(s.owner, in).ID
			list := s.appointmentsOf(id)
			_, err := s.Appointments.Complete(ctx, s.owner, list[3].ID, nil)
			require.NoError(t, err)
			before := len(s.EventTypes(s.owner))
			cancelled, err := s.Series.Cancel(ctx, s.owner, id, new(int32(1)), test.selection(list), "moves away")
			require.NoError(t, err)
			require.EqualValues(t, 2, cancelled.Version)
			require.Equal(t, s.appointmentsOf(id), cancelled.Appointments)
			events := []string{}
			for i, a := range cancelled.Appointments {
				assert.Equal(t, test.want[i], a.Status)
				assert.Equal(t, list[i].ID, a.ID)
				if a.Status == "CANCELLED" {
					events = append(events, "appointment.cancelled")
					assert.Equal(t, "moves away", a.CancellationReason)
					assert.EqualValues(t, 2, a.Version)
					assert.Equal(t, 1, s.Count("SELECT count(*) FROM appointment_changes WHERE appointment_id = $1 AND action = 'CANCELLED'", a.ID))
					assert.Zero(t, s.Count("SELECT count(*) FROM allocations WHERE appointment_id = $1 AND active", a.ID))
				}
			}
			assert.Equal(t, append(events, "series.cancelled"), s.EventTypes(s.owner)[before:])
			// Again: nothing changes.
			again, err := s.Series.Cancel(ctx, s.owner, id, nil, test.selection(list), "twice")
			require.NoError(t, err)
			require.Equal(t, cancelled, again)
			_, err = s.Series.Cancel(ctx, s.owner, id, new(int32(1)), test.selection(list), "")
			schedulingtest.RequireCode(t, apperr.VersionMismatch, err)
		})
	}
}

func TestWhatCannotBeSelected(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	id := *s.bookSeries(s.owner, s.course(s.bob)).ID
	list := s.appointmentsOf(id)
	single := s.Book(s.owner, s.wish(s.ana))
	for _, selection := range []booking.SeriesSelection{
		{Scope: booking.ScopeThis}, {Scope: booking.ScopeFollowing}, {Scope: booking.ScopeThis, AppointmentID: &single.ID},
	} {
		_, err := s.Series.Cancel(ctx, s.owner, id, nil, selection, "")
		schedulingtest.RequireField(t, "/appointment_id", err)
		_, err = s.Series.Reschedule(ctx, s.owner, id, nil, booking.SeriesMove{SeriesSelection: selection, ShiftDays: 1})
		schedulingtest.RequireField(t, "/appointment_id", err)
	}
	_, err := s.Appointments.Complete(ctx, s.owner, list[0].ID, nil)
	require.NoError(t, err)
	this := booking.SeriesSelection{Scope: booking.ScopeThis, AppointmentID: &list[0].ID}
	_, err = s.Series.Cancel(ctx, s.owner, id, nil, this, "")
	schedulingtest.RequireCode(t, apperr.InvalidTransition, err)
	_, err = s.Series.Reschedule(ctx, s.owner, id, nil, booking.SeriesMove{SeriesSelection: this, ShiftDays: 1})
	schedulingtest.RequireCode(t, apperr.InvalidTransition, err)
	// What has started stays: two of three are over.
	later := *s.owner
	later.Now = list[1].StartAt
	cancelled, err := s.Series.Cancel(ctx, &later, id, nil, booking.SeriesSelection{Scope: booking.ScopeAll}, "")
	require.NoError(t, err)
	assert.Equal(t, "CONFIRMED", cancelled.Appointments[1].Status)
	assert.Equal(t, "CANCELLED", cancelled.Appointments[2].Status)
}

// A daily series is moved by a day: each takes the place of the next.
func TestRescheduleASeries(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	in := s.course(s.bob)
	in.StartAt, in.RRule = tenOClock.Add(days(10)), "FREQ=DAILY;COUNT=4" // over the change of the clocks on the fourteenth
	id := *s.bookSeries(s.owner, in).ID
	list := s.appointmentsOf(id)
	before := len(s.EventTypes(s.owner))
	all := booking.SeriesSelection{Scope: booking.ScopeAll}
	move := booking.SeriesMove{SeriesSelection: all, ShiftDays: 1, OnConflict: booking.ConflictFails, DryRun: true}
	outcome, err := s.Series.Reschedule(ctx, s.owner, id, nil, move)
	require.NoError(t, err)
	require.Equal(t, []booking.Verdict{free, free, free, free}, verdicts(outcome))
	require.Equal(t, list, s.appointmentsOf(id), "it was a dry run")

	move.DryRun = false
	outcome, err = s.Series.Reschedule(ctx, s.owner, id, new(int32(1)), move)
	require.NoError(t, err)
	moved := s.appointmentsOf(id)
	local := []string{}
	for i, a := range moved {
		assert.Equal(t, list[i].ID, a.ID)
		assert.EqualValues(t, 2, a.Version)
		assert.Equal(t, list[i].ResourceIDs, a.ResourceIDs)
		assert.Equal(t, &a.ID, outcome.Occurrences[i].AppointmentID)
		assert.Equal(t, a.StartAt, outcome.Occurrences[i].StartAt)
		local = append(local, a.StartAt.In(s.Tenant.Location).Format("02 15:04"))
		var changes map[string]any
		var raw []byte
		require.NoError(t, s.DB.OwnerPool().QueryRow(ctx, "SELECT changes FROM appointment_changes WHERE appointment_id = $1", a.ID).Scan(&raw))
		require.NoError(t, json.Unmarshal(raw, &changes))
		assert.Contains(t, changes, "start_at")
	}
	assert.Equal(t, []string{"12 10:00", "13 10:00", "14 10:00", "15 10:00"}, local)
	rescheduled := "appointment.rescheduled"
	assert.Equal(t, []string{rescheduled, rescheduled, rescheduled, rescheduled, "series.updated"}, s.EventTypes(s.owner)[before:])
	s.checkLanes(s.owner)

	// The following at another time of day, and by somebody else.
	move = booking.SeriesMove{
		SeriesSelection: booking.SeriesSelection{Scope: booking.ScopeFollowing, AppointmentID: &moved[2].ID},
		StartTime:       new("16:30"), ResourceIDs: ids(s.ana), OnConflict: booking.ConflictFails,
	}
	_, err = s.Series.Reschedule(ctx, s.owner, id, nil, move)
	require.NoError(t, err)
	local = nil
	for i, a := range s.appointmentsOf(id) {
		local = append(local, a.StartAt.In(s.Tenant.Location).Format("02 15:04"))
		assert.Contains(t, a.ResourceIDs, map[bool]uuid.UUID{true: s.bob.ID, false: s.ana.ID}[i < 2])
	}
	assert.Equal(t, []string{"12 10:00", "13 10:00", "14 16:30", "15 16:30"}, local)
	// Where they are already they stay, with their version.
	outcome, err = s.Series.Reschedule(ctx, s.owner, id, nil, move)
	require.NoError(t, err)
	require.Empty(t, outcome.Occurrences)
	assert.EqualValues(t, 3, s.appointmentsOf(id)[3].Version)
}

func TestASeriesMovesAsAWhole(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	id := *s.bookSeries(s.owner, s.course(s.bob)).ID
	list := s.appointmentsOf(id)
	in := s.wish(s.bob)
	in.StartAt = list[1].StartAt.Add(4 * time.Hour)
	blocking := s.Book(s.owner, in)
	move := booking.SeriesMove{
		SeriesSelection: booking.SeriesSelection{Scope: booking.ScopeAll}, StartTime: new("14:15"), OnConflict: booking.ConflictFails,
	}
	_, err := s.Series.Reschedule(ctx, s.owner, id, nil, move)
	conflicts := schedulingtest.Refusal(t, apperr.SlotTaken, err).Members["occurrences"].([]booking.Occurrence)
	require.Len(t, conflicts, 1)
	assert.Equal(t, &list[1].ID, conflicts[0].AppointmentID)
	assert.Equal(t, blocking.ID, *conflicts[0].Reasons[0].ObjectID)
	assert.NotEmpty(t, conflicts[0].Alternatives)
	require.Equal(t, list, s.appointmentsOf(id))

	move.OnConflict = booking.ConflictSubstitutes
	outcome, err := s.Series.Reschedule(ctx, s.owner, id, nil, move)
	require.NoError(t, err)
	require.Equal(t, []booking.Verdict{free, substituted, free}, verdicts(outcome))
	moved := s.appointmentsOf(id)
	assert.Equal(t, "15:00", moved[1].StartAt.In(s.Tenant.Location).Format("15:04"), "the only room is taken until 14:55")
	assert.Contains(t, moved[1].ResourceIDs, s.bob.ID)
	s.checkLanes(s.owner)
}

// A series of which nothing is to come can be asked to move; nothing does.
func TestNothingOfASeriesIsLeftToMove(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	id := *s.bookSeries(s.owner, s.course(s.bob)).ID
	list := s.appointmentsOf(id)
	over := later(s.owner, list[2].StartAt.Sub(schedulingtest.Now))
	move := booking.SeriesMove{SeriesSelection: booking.SeriesSelection{Scope: booking.ScopeAll}, ShiftDays: 1, OnConflict: booking.ConflictFails}
	following := move
	following.SeriesSelection = booking.SeriesSelection{Scope: booking.ScopeFollowing, AppointmentID: &list[1].ID}
	for _, m := range []booking.SeriesMove{move, following} {
		outcome, err := s.Series.Reschedule(ctx, over, id, nil, m)
		require.NoError(t, err)
		assert.Empty(t, outcome.Occurrences)
		_, err = s.Series.Cancel(ctx, over, id, nil, m.SeriesSelection, "")
		require.NoError(t, err)
	}
	assert.Equal(t, list, s.appointmentsOf(id))
}

// What has been moved by hand moves from where it is, and keeps what it has got of its own.
func TestASeriesMovesWithItsExceptions(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	in := s.course(s.bob) // the clocks change between the second and the third
	in.RRule = "FREQ=WEEKLY;COUNT=4"
	id := *s.bookSeries(s.owner, in).ID
	list := s.appointmentsOf(id)
	_, err := s.Appointments.Reschedule(ctx, s.owner, viewer.Of(s.owner), list[1].ID, nil, booking.RescheduleInput{
		StartAt: list[1].StartAt.Add(days(1) + 2*time.Hour), ResourceIDs: ids(s.ana, s.room),
	})
	require.NoError(t, err)
	_, err = s.Appointments.Cancel(ctx, s.owner, viewer.Of(s.owner), list[2].ID, nil, booking.CancelInput{})
	require.NoError(t, err)
	local := func() (shown []string) {
		for _, a := range s.appointmentsOf(id) {
			shown = append(shown, a.StartAt.In(s.Tenant.Location).Format("Mon 02 15:04 ")+a.Status)
		}
		return shown
	}
	require.Equal(t, []string{"Mon 01 10:00 CONFIRMED", "Tue 09 12:00 CONFIRMED", "Mon 15 10:00 CANCELLED", "Mon 22 10:00 CONFIRMED"}, local())
	_, err = s.Series.Reschedule(ctx, s.owner, id, nil, booking.SeriesMove{
		SeriesSelection: booking.SeriesSelection{Scope: booking.ScopeFollowing, AppointmentID: &list[1].ID}, ShiftDays: 6,
		OnConflict: booking.ConflictFails,
	})
	require.NoError(t, err)
	require.Equal(t, []string{"Mon 01 10:00 CONFIRMED", "Mon 15 10:00 CANCELLED", "Mon 15 12:00 CONFIRMED", "Sun 28 10:00 CONFIRMED"}, local())
	assert.Contains(t, s.appointmentsOf(id)[2].ResourceIDs, s.ana.ID)
	s.checkLanes(s.owner)
}

// A series moves within the limits of its service: what moves does not count against itself,
// and nobody else's count goes down.
func TestASeriesMovesWithinLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	b.Resource(scope, "ROOM", "Hall", schedulingtest.Capacity(9))
	service, customer := b.ServiceOf(scope, perDay(2)), b.Customer(scope, "Carla")
	book := func(day int) {
		b.Book(scope, booking.AppointmentInput{ServiceID: service.ID, CustomerID: customer.ID, StartAt: tenOClock.Add(days(day))})
	}
	id := *b.bookSeries(scope, booking.SeriesInput{
		ServiceID: service.ID, CustomerID: customer.ID, StartAt: tenOClock, RRule: "FREQ=DAILY;COUNT=3", OnConflict: booking.ConflictFails,
	}).ID
	for day := range 3 {
		book(day)
	}
	shift := func(days int) error {
		_, err := b.Series.Reschedule(ctx, scope, id, nil, booking.SeriesMove{
			SeriesSelection: booking.SeriesSelection{Scope: booking.ScopeAll}, ShiftDays: days, OnConflict: booking.ConflictFails,
		})
		return err
	}
	require.NoError(t, shift(1))
	book(0)
	book(3)
	refused := schedulingtest.Refusal(t, apperr.SlotTaken, shift(-1)).Members["occurrences"].([]booking.Occurrence)
	require.Len(t, refused, 1)
	assert.Equal(t, string(availability.LimitDay), refused[0].Reasons[0].Code)
	require.NoError(t, shift(30))
}

// What is left of a series keeps nobody from being deleted.
func TestAnEmptySeriesGoesWithItsCustomer(t *testing.T) {
	t.Parallel()
	s := newSalon(t)
	ctx := t.Context()
	id := *s.bookSeries(s.owner, s.course()).ID
	schedulingtest.RequireCode(t, apperr.InUse, s.Customers.Delete(ctx, s.owner, s.carla.ID, nil))
	for _, a := range s.appointmentsOf(id) {
		require.NoError(t, s.Appointments.Delete(ctx, s.owner, a.ID, nil))
	}
	assert.Zero(t, s.Used(s.owner, entitle.MaxAppointments))
	require.NoError(t, s.Customers.Delete(ctx, s.owner, s.carla.ID, nil))
	assert.Zero(t, s.Count("SELECT count(*) FROM series"))
}
