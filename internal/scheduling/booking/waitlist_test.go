package booking_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// line is a business with one room that is booked at noon and at one, and people who wait
// for it.
type line struct {
	*bundle
	scope    *tenancy.Scope
	waitlist *booking.Waitlist
	service  *catalog.Service
	room     *catalog.Resource
	booked   []*booking.Appointment
	entries  []*booking.WaitlistEntry
}

// newLine lets n customers wait for a start from noon up to two.
func newLine(t *testing.T, n int) *line {
	t.Helper()
	b := setup(t)
	l := &line{bundle: b, scope: b.Owner(), waitlist: b.Waitlist}
	l.room = b.Resource(l.scope, "ROOM", "Quiet Room")
	l.service = b.Service(l.scope, "ROOM")
	holder := b.Customer(l.scope, "Holder")
	for hour := range 2 {
		l.booked = append(l.booked, b.Book(l.scope, booking.AppointmentInput{
			ServiceID: l.service.ID, CustomerID: holder.ID, StartAt: schedulingtest.Noon.Add(time.Duration(hour) * time.Hour),
		}))
	}
	for i := range n {
		l.entries = append(l.entries, l.join(later(l.scope, time.Duration(i)*time.Second), b.Customer(l.scope, "Waiting")))
	}
	l.work(l.scope) // nothing is free
	for _, e := range l.entries {
		require.Equal(t, booking.WaitlistWaiting, l.read(l.scope, e.ID).Status)
	}
	return l
}

func (l *line) join(scope *tenancy.Scope, customer *customers.Customer) *booking.WaitlistEntry {
	l.Helper()
	e, err := l.waitlist.Join(l.Context(), scope, booking.WaitlistInput{
		ServiceID: l.service.ID, CustomerID: &customer.ID, From: schedulingtest.Noon, To: schedulingtest.Noon.Add(2 * time.Hour),
	})
	require.NoError(l, err)
	return e
}

func (l *line) read(scope *tenancy.Scope, id uuid.UUID) *booking.WaitlistEntry {
	l.Helper()
	e, err := l.waitlist.Get(l.Context(), scope, id)
	require.NoError(l, err)
	return e
}

// freed takes the jobs that offer what is free out of the queue.
func (l *line) freed() (windows [][2]time.Time) {
	l.Helper()
	rows, err := l.DB.OwnerPool().Query(l.Context(), `DELETE FROM river.river_job WHERE kind = 'waitlist_freed'
		RETURNING (args->>'from')::timestamptz, (args->>'to')::timestamptz`)
	require.NoError(l, err)
	defer rows.Close()
	for rows.Next() {
		var w [2]time.Time
		require.NoError(l, rows.Scan(&w[0], &w[1]))
		windows = append(windows, w)
	}
	require.NoError(l, rows.Err())
	return windows
}

// work does what the jobs that wait would do, as of the scope's time, which they know
// without a principal.
func (l *line) work(scope *tenancy.Scope) {
	l.Helper()
	nobody := *scope
	nobody.Principal = nil
	for _, w := range l.freed() {
		require.NoError(l, l.waitlist.OfferVacancy(l.Context(), &nobody, w[0], w[1]))
	}
}

func (l *line) statuses(scope *tenancy.Scope) (list []string) {
	l.Helper()
	for _, e := range l.entries {
		list = append(list, l.read(scope, e.ID).Status)
	}
	return list
}

func (l *line) cancel(a *booking.Appointment) {
	l.Helper()
	_, err := l.Appointments.Cancel(l.Context(), l.scope, viewer.Of(l.scope), a.ID, nil, booking.CancelInput{})
	require.NoError(l, err)
}

func TestFreedTimeIsOfferedToTheFirstInLine(t *testing.T) {
	t.Parallel()
	l := newLine(t, 3)
	ctx := t.Context()
	l.cancel(l.booked[1])
	l.work(l.scope)
	assert.Equal(t, []string{"OFFERED", "WAITING", "WAITING"}, l.statuses(l.scope))
	first := l.read(l.scope, l.entries[0].ID)
	hold, err := l.Holds.Get(ctx, l.scope, viewer.Of(l.scope), *first.HoldID)
	require.NoError(t, err)
	assert.Equal(t, schedulingtest.Noon.Add(time.Hour), hold.StartAt)
	assert.Equal(t, &first.CustomerID, hold.CustomerID)
	assert.Equal(t, schedulingtest.Now.Add(time.Hour), hold.ExpiresAt, "as long as the business says")
	assert.Equal(t, &hold.ExpiresAt, first.OfferExpiresAt)
	assert.Equal(t, 1, l.Count("SELECT count(*) FROM notifications WHERE kind = 'waitlist.offered' AND customer_id = $1", first.CustomerID))
	assert.Equal(t, "waitlist.offered", l.EventTypes(l.scope)[len(l.EventTypes(l.scope))-1])

	// Accepting is booking the hold, for nobody but the one who has been offered it.
	in := booking.AppointmentInput{ServiceID: l.service.ID, CustomerID: l.entries[1].CustomerID, StartAt: hold.StartAt, HoldID: &hold.ID}
	_, err = l.Appointments.Create(ctx, l.scope, in)
	schedulingtest.RequireField(t, "/customer_id", err)
	in.CustomerID = first.CustomerID
	booked, err := l.Appointments.Create(ctx, l.scope, in)
	require.NoError(t, err)
	first = l.read(l.scope, first.ID)
	assert.Equal(t, booking.WaitlistBooked, first.Status)
	assert.Equal(t, &booked.ID, first.AppointmentID)
	assert.Contains(t, l.EventTypes(l.scope), "waitlist.booked")
	l.checkLanes(l.scope)
}

// Whatever frees a time, those who wait hear of it.
func TestWhatFreesTime(t *testing.T) {
	t.Parallel()
	for name, free := range map[string]func(ctx context.Context, l *line) error{
		"cancel": func(ctx context.Context, l *line) error {
			_, err := l.Appointments.Cancel(ctx, l.scope, viewer.Of(l.scope), l.booked[0].ID, nil, booking.CancelInput{})
			return err
		},
		"delete": func(ctx context.Context, l *line) error {
			return l.Appointments.Delete(ctx, l.scope, l.booked[0].ID, nil)
		},
		"reschedule": func(ctx context.Context, l *line) error {
			_, err := l.Appointments.Reschedule(ctx, l.scope, viewer.Of(l.scope), l.booked[0].ID, nil, booking.RescheduleInput{StartAt: schedulingtest.Noon.Add(24 * time.Hour)})
			return err
		},
		"decline": func(ctx context.Context, l *line) error {
			l.Exec("UPDATE appointments SET status = 'PENDING'")
			_, err := l.Appointments.Decline(ctx, l.scope, l.booked[0].ID, nil, "")
			return err
		},
		"no show": func(ctx context.Context, l *line) error {
			_, err := l.Appointments.MarkNoShow(ctx, l.scope, l.booked[0].ID, nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(t, 1)
			require.NoError(t, free(t.Context(), l))
			l.work(l.scope)
			assert.Equal(t, []string{"OFFERED"}, l.statuses(l.scope))
		})
	}
}

// What opens times that were never booked is heard of as well.
func TestWhatOpensTime(t *testing.T) {
	t.Parallel()
	night := catalog.HoursInput{Weekly: []catalog.DayHours{{Day: "MONDAY", Intervals: []catalog.TimeInterval{{Start: "20:00", End: "22:00"}}}}}
	open := func(ctx context.Context, l *line, resourceID *uuid.UUID) error {
		in := night
		in.Weekly = append(in.Weekly, catalog.DayHours{Day: "TUESDAY", Intervals: []catalog.TimeInterval{{Start: "07:00", End: "09:00"}}})
		in.Overrides = []catalog.DateHours{{Date: "2026-11-23", Intervals: []catalog.TimeInterval{{Start: "07:00", End: "09:00"}}}}
		_, err := l.Schedules.Replace(ctx, l.scope, resourceID, nil, in)
		return err
	}
	for name, c := range map[string]struct {
		before, after func(ctx context.Context, l *line) error
	}{
		"hours of the business": {
			func(ctx context.Context, l *line) error {
				_, err := l.Schedules.Replace(ctx, l.scope, nil, nil, night)
				return err
			},
			func(ctx context.Context, l *line) error { return open(ctx, l, nil) },
		},
		"hours of the resource go": {
			func(ctx context.Context, l *line) error {
				_, err := l.Schedules.Replace(ctx, l.scope, &l.room.ID, nil, night)
				return err
			},
			func(ctx context.Context, l *line) error { return l.Schedules.Delete(ctx, l.scope, &l.room.ID, nil) },
		},
		"capacity": {
			func(_ context.Context, l *line) error { return l.rebook() },
			func(ctx context.Context, l *line) error {
				_, err := l.Resources.Update(ctx, l.scope, l.room.ID, nil, catalog.ResourcePatch{Capacity: new(int32(2))})
				return err
			},
		},
		"a new resource": {
			func(_ context.Context, l *line) error { return l.rebook() },
			func(ctx context.Context, l *line) error {
				_, err := l.Resources.Create(ctx, l.scope, catalog.ResourceInput{Name: "Annex", Type: "ROOM", Capacity: 1, IsActive: true})
				return err
			},
		},
		"a resource is active again": {
			func(ctx context.Context, l *line) error {
				_, err := l.Resources.Update(ctx, l.scope, l.room.ID, nil, catalog.ResourcePatch{IsActive: new(false)})
				return err
			},
			func(ctx context.Context, l *line) error {
				_, err := l.Resources.Update(ctx, l.scope, l.room.ID, nil, catalog.ResourcePatch{IsActive: new(true)})
				return err
			},
		},
		"notice": {
			func(ctx context.Context, l *line) error {
				_, err := l.Services.Update(ctx, l.scope, l.service.ID, nil, catalog.ServicePatch{MinNoticeMinutes: new(int32(5000))})
				return err
			},
			func(ctx context.Context, l *line) error {
				_, err := l.Services.Update(ctx, l.scope, l.service.ID, nil, catalog.ServicePatch{MinNoticeMinutes: new(int32(0))})
				return err
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(t, 1)
			l.Exec("DELETE FROM appointments")
			require.NoError(t, c.before(t.Context(), l))
			l.work(l.scope)
			require.Equal(t, []string{"WAITING"}, l.statuses(l.scope))
			require.NoError(t, c.after(t.Context(), l))
			l.work(l.scope)
			assert.Equal(t, []string{"OFFERED"}, l.statuses(l.scope))
		})
	}
}

// rebook books all of what is waited for.
func (l *line) rebook() error {
	holder := l.Customer(l.scope, "Another")
	for hour := range 3 {
		in := booking.AppointmentInput{ServiceID: l.service.ID, CustomerID: holder.ID, StartAt: schedulingtest.Noon.Add(time.Duration(hour) * time.Hour)}
		if _, err := l.Appointments.Create(l.Context(), l.scope, in); err != nil {
			return err
		}
	}
	return nil
}

// Nobody needs what an abandoned hold has held but those who wait.
func TestExpiredHoldsAreOffered(t *testing.T) {
	t.Parallel()
	l := newLine(t, 1)
	l.Exec("DELETE FROM appointments")
	for hour := range 2 {
		l.hold(l.scope, booking.HoldInput{ServiceID: l.service.ID, StartAt: schedulingtest.Noon.Add(time.Duration(hour) * time.Hour)})
	}
	sweep := func() (n int) {
		require.NoError(t, l.waitlist.SweepExpired(t.Context()))
		return l.Count("SELECT count(*) FROM river.river_job WHERE kind = 'waitlist_lapsed'")
	}
	require.Equal(t, 1, sweep())
	over := later(l.scope, booking.DefaultHoldTTL)
	require.NoError(t, l.waitlist.Expire(t.Context(), over))
	l.work(over)
	assert.Equal(t, []string{"OFFERED"}, l.statuses(over))
	assert.Contains(t, l.EventTypes(l.scope), "hold.expired")
}

// The horizon comes nearer without anybody doing anything.
func TestTimeGoesByForThoseWhoWait(t *testing.T) {
	t.Parallel()
	l := newLine(t, 1)
	l.Exec("DELETE FROM appointments")
	_, err := l.Services.Update(t.Context(), l.scope, l.service.ID, nil, catalog.ServicePatch{HorizonDays: patch.NewClearable(new(int32(1)))})
	require.NoError(t, err)
	l.work(l.scope)
	require.Equal(t, []string{"WAITING"}, l.statuses(l.scope))
	near := later(l.scope, 12*time.Hour)
	require.NoError(t, l.waitlist.SweepWaiting(t.Context()))
	require.Equal(t, 1, l.Count("SELECT count(*) FROM river.river_job WHERE kind = 'waitlist_look_again'"))
	require.NoError(t, l.waitlist.Rescan(t.Context(), near))
	assert.Equal(t, []string{"OFFERED"}, l.statuses(near))

	// What is waited for in vain ends, and is told.
	waiting := l.join(near, l.Customer(l.scope, "Late"))
	past := later(l.scope, 48*time.Hour)
	require.NoError(t, l.waitlist.Expire(t.Context(), past))
	assert.Equal(t, 0, l.Count("SELECT count(*) FROM waitlist_entries WHERE status IN ('WAITING', 'OFFERED')"))
	assert.Equal(t, 1, l.Count("SELECT count(*) FROM events WHERE type = 'waitlist.expired' AND data->>'id' = $1::text", waiting.ID))
}

// However often somebody asks to be on the waitlist at once: they are on it once.
func TestACustomerWaitsOnceAtATime(t *testing.T) {
	t.Parallel()
	l := newLine(t, 0)
	l.deadlocksAreErrors()
	ctx, customer := t.Context(), l.Customer(l.scope, "Eager")
	in := booking.WaitlistInput{ServiceID: l.service.ID, CustomerID: &customer.ID, From: schedulingtest.Noon, To: schedulingtest.Noon.Add(2 * time.Hour)}
	errs := schedulingtest.Parallel(16, func(i int) error {
		wish := in
		wish.From, wish.To = in.From.Add(time.Duration(i)*time.Minute), in.To.Add(time.Duration(i)*time.Minute)
		if i%2 == 0 {
			wish.ResourceIDs = ids(l.room)
		}
		_, err := l.waitlist.Join(ctx, l.scope, wish)
		return err
	})
	require.Equal(t, 1, winners(t, apperr.AlreadyExists, errs))

	// Another time, another service, another customer are something else.
	afterwards, other, another := in, in, in
	afterwards.From, afterwards.To = schedulingtest.Noon.Add(3*time.Hour), schedulingtest.Noon.Add(4*time.Hour)
	other.ServiceID = l.ServiceOf(l.scope, catalog.ServiceInput{Name: "Other", DurationMinutes: 60, IsActive: true}).ID
	another.CustomerID = &l.Customer(l.scope, "Another").ID
	for _, wish := range []booking.WaitlistInput{afterwards, other, another} {
		_, err := l.waitlist.Join(ctx, l.scope, wish)
		require.NoError(t, err)
	}
	// Whoever has had their turn may join again, also before anybody has cleaned up.
	l.Exec("DELETE FROM waitlist_entries WHERE customer_id <> $1 OR service_id <> $2 OR from_at >= $3", customer.ID, l.service.ID, afterwards.From)
	l.freed()
	l.cancel(l.booked[0])
	l.cancel(l.booked[1])
	l.work(l.scope)
	require.Equal(t, 1, l.Count("SELECT count(*) FROM waitlist_entries WHERE status = 'OFFERED'"))
	_, err := l.waitlist.Join(ctx, l.scope, in)
	schedulingtest.RequireCode(t, apperr.AlreadyExists, err)
	_, err = l.waitlist.Join(ctx, later(l.scope, time.Hour), in)
	require.NoError(t, err)
}

// Nobody keeps a day from others by waiting for every piece of it.
func TestOffersCountAsHolds(t *testing.T) {
	t.Parallel()
	l := newLine(t, 0)
	l.SetPolicy("max_holds_per_customer", 2)
	l.Exec("DELETE FROM appointments")
	greedy, modest := l.Customer(l.scope, "Greedy"), l.Customer(l.scope, "Modest")
	wait := func(scope *tenancy.Scope, customer *customers.Customer, hour int) {
		start := schedulingtest.Noon.Add(time.Duration(hour) * time.Hour)
		e, err := l.waitlist.Join(t.Context(), scope, booking.WaitlistInput{
			ServiceID: l.service.ID, CustomerID: &customer.ID, From: start, To: start.Add(time.Minute),
		})
		require.NoError(t, err)
		l.entries = append(l.entries, e)
	}
	for hour := range 3 {
		wait(l.scope, greedy, hour)
	}
	wait(later(l.scope, time.Second), modest, 2)
	for range 2 {
		require.NoError(t, l.waitlist.Rescan(t.Context(), l.scope))
	}
	assert.Equal(t, []string{"OFFERED", "OFFERED", "WAITING", "OFFERED"}, l.statuses(l.scope))
}

func TestTimeOffAndHoldsFreeTimeToo(t *testing.T) {
	t.Parallel()
	l := newLine(t, 1)
	ctx := t.Context()
	l.Exec("DELETE FROM appointments")
	off, err := l.TimeOffs.Create(ctx, l.scope, catalog.TimeOffInput{StartAt: schedulingtest.Noon, EndAt: schedulingtest.Noon.Add(2 * time.Hour)})
	require.NoError(t, err)
	require.NoError(t, l.waitlist.OfferVacancy(ctx, l.scope, schedulingtest.Noon, schedulingtest.Noon.Add(2*time.Hour)))
	assert.Equal(t, []string{"WAITING"}, l.statuses(l.scope))
	require.NoError(t, l.TimeOffs.Delete(ctx, l.scope, off.ID, nil))
	l.work(l.scope)
	assert.Equal(t, []string{"OFFERED"}, l.statuses(l.scope))

	// Somebody who gives the offer back has had their turn; then the next one has theirs.
	l.Exec("UPDATE resources SET capacity = 1")
	l.entries = append(l.entries, l.join(later(l.scope, time.Minute), l.Customer(l.scope, "Next")))
	full := booking.AppointmentInput{ServiceID: l.service.ID, CustomerID: l.entries[1].CustomerID, StartAt: schedulingtest.Noon.Add(time.Hour)}
	l.Book(l.scope, full)
	l.work(l.scope)
	assert.Equal(t, []string{"OFFERED", "WAITING"}, l.statuses(l.scope))
	require.NoError(t, l.Holds.Release(ctx, l.scope, viewer.Of(l.scope), *l.read(l.scope, l.entries[0].ID).HoldID))
	l.work(l.scope)
	assert.Equal(t, []string{"EXPIRED", "OFFERED"}, l.statuses(l.scope))
}

// An offer that nobody takes goes to the next in line, and in the end the time is free.
func TestLapsedOffersMoveOn(t *testing.T) {
	t.Parallel()
	l := newLine(t, 2)
	ctx := t.Context()
	l.cancel(l.booked[0])
	l.work(l.scope)
	assert.Equal(t, []string{"OFFERED", "WAITING"}, l.statuses(l.scope))

	early := later(l.scope, time.Hour-time.Microsecond)
	require.NoError(t, l.waitlist.Expire(ctx, early))
	assert.Equal(t, []string{"OFFERED", "WAITING"}, l.statuses(early))
	over := later(l.scope, time.Hour)
	assert.Equal(t, []string{"EXPIRED", "WAITING"}, l.statuses(over), "whatever has run by then")
	require.NoError(t, l.waitlist.Expire(ctx, over))
	l.work(over)
	assert.Equal(t, []string{"EXPIRED", "OFFERED"}, l.statuses(over))
	assert.Contains(t, l.EventTypes(l.scope), "waitlist.expired")

	second := later(l.scope, 2*time.Hour)
	require.NoError(t, l.waitlist.Expire(ctx, second))
	l.work(second)
	assert.Equal(t, []string{"EXPIRED", "EXPIRED"}, l.statuses(second))
	l.Book(second, booking.AppointmentInput{ServiceID: l.service.ID, CustomerID: l.entries[0].CustomerID, StartAt: schedulingtest.Noon})
	require.NoError(t, l.waitlist.Expire(ctx, second), "nothing is left to end")
}

// However many jobs offer at once: as many offers as times, to the first in line.
func TestParallelOffers(t *testing.T) {
	t.Parallel()
	for name, slots := range map[string]int{"one time": 1, "two times": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(t, 8)
			for i := range slots {
				l.cancel(l.booked[i])
			}
			for _, err := range schedulingtest.Parallel(8, func(int) error {
				return l.waitlist.OfferVacancy(t.Context(), l.scope, schedulingtest.Noon, schedulingtest.Noon.Add(2*time.Hour))
			}) {
				require.NoError(t, err)
			}
			assert.Equal(t, slots, l.Count("SELECT count(*) FROM waitlist_entries WHERE status = 'OFFERED'"))
			assert.Equal(t, slots, l.Count("SELECT count(*) FROM holds WHERE status = 'ACTIVE'"))
			assert.Equal(t, slots, l.Count("SELECT count(*) FROM notifications"))
			for i, status := range l.statuses(l.scope) {
				if i < slots {
					assert.Equal(t, "OFFERED", status)
				} else {
					assert.Equal(t, "WAITING", status)
				}
			}
			l.checkLanes(l.scope)
		})
	}
}

// The end of an offer and its acceptance exclude each other.
func TestAcceptingALapsingOffer(t *testing.T) {
	t.Parallel()
	for range 4 {
		l := newLine(t, 1)
		l.cancel(l.booked[0])
		l.work(l.scope)
		e := l.read(l.scope, l.entries[0].ID)
		errs := schedulingtest.Parallel(2, func(i int) error {
			if i == 0 {
				return l.waitlist.Expire(t.Context(), later(l.scope, time.Hour))
			}
			_, err := l.Appointments.Create(t.Context(), l.scope, booking.AppointmentInput{
				ServiceID: l.service.ID, CustomerID: e.CustomerID, StartAt: schedulingtest.Noon, HoldID: e.HoldID,
			})
			return err
		})
		require.NoError(t, errs[0])
		status := l.read(l.scope, e.ID).Status
		if errs[1] == nil {
			assert.Equal(t, booking.WaitlistBooked, status)
		} else {
			schedulingtest.RequireCode(t, apperr.HoldExpired, errs[1])
			assert.Equal(t, booking.WaitlistExpired, status)
		}
	}
}

func TestJoinAndLeave(t *testing.T) {
	t.Parallel()
	l := newLine(t, 2)
	ctx := t.Context()
	in := booking.WaitlistInput{ServiceID: l.service.ID, CustomerID: &l.entries[0].CustomerID, From: schedulingtest.Noon, To: schedulingtest.Noon.Add(time.Hour)}
	for pointer, change := range map[string]func(in *booking.WaitlistInput){
		"/service_id":     func(in *booking.WaitlistInput) { in.ServiceID = uuid.New() },
		"/customer_id":    func(in *booking.WaitlistInput) { in.CustomerID = nil },
		"/resource_ids/0": func(in *booking.WaitlistInput) { in.ResourceIDs = []uuid.UUID{uuid.New()} },
		"/to":             func(in *booking.WaitlistInput) { in.To = in.From },
		"/from":           func(in *booking.WaitlistInput) { in.From = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		wrong := in
		change(&wrong)
		_, err := l.waitlist.Join(ctx, l.scope, wrong)
		schedulingtest.RequireField(t, pointer, err)
	}
	_, err := l.waitlist.Join(ctx, later(l.scope, 48*time.Hour), in)
	schedulingtest.RequireField(t, "/to", err)

	// What is free already is offered at once, and leaving gives it back.
	free := in
	free.From, free.To = schedulingtest.Noon.Add(48*time.Hour), schedulingtest.Noon.Add(50*time.Hour)
	e, err := l.waitlist.Join(ctx, l.scope, free)
	require.NoError(t, err)
	l.work(l.scope)
	e = l.read(l.scope, e.ID)
	assert.Equal(t, booking.WaitlistOffered, e.Status)
	require.NoError(t, l.waitlist.Leave(ctx, l.scope, e.ID))
	_, err = l.Holds.Get(ctx, l.scope, viewer.Of(l.scope), *e.HoldID)
	schedulingtest.RequireCode(t, apperr.NotFound, err)
	schedulingtest.RequireCode(t, apperr.NotFound, l.waitlist.Leave(ctx, l.scope, e.ID))
	require.NoError(t, l.waitlist.Leave(ctx, l.scope, l.entries[0].ID))
	l.cancel(l.booked[0])
	l.work(l.scope)
	assert.Equal(t, booking.WaitlistOffered, l.read(l.scope, l.entries[1].ID).Status)
}

func TestCustomersWaitForThemselves(t *testing.T) {
	t.Parallel()
	l := newLine(t, 1)
	ctx := t.Context()
	user := l.User(tenancy.RoleCustomer)
	customer := l.As(tenancy.RoleCustomer, user)
	in := booking.WaitlistInput{ServiceID: l.service.ID, From: schedulingtest.Noon, To: schedulingtest.Noon.Add(time.Hour)}
	_, err := l.waitlist.Join(ctx, customer, in)
	schedulingtest.RequireCode(t, apperr.RoleNotAllowed, err)
	me := l.CustomerOf(l.scope, customers.Input{Name: "Me", Status: customers.Active, UserID: &user})
	in.CustomerID = &l.entries[0].CustomerID
	_, err = l.waitlist.Join(ctx, customer, in)
	schedulingtest.RequireField(t, "/customer_id", err)
	in.CustomerID = nil
	own, err := l.waitlist.Join(ctx, customer, in)
	require.NoError(t, err)
	assert.Equal(t, me.ID, own.CustomerID)
	_, err = l.waitlist.Get(ctx, customer, l.entries[0].ID)
	schedulingtest.RequireCode(t, apperr.NotFound, err)
	schedulingtest.RequireCode(t, apperr.NotFound, l.waitlist.Leave(ctx, customer, l.entries[0].ID))
	list := schedulingtest.Collect(t, 1, func(p keyset.Page) (keyset.List[booking.WaitlistEntry], error) {
		return l.waitlist.List(ctx, customer, booking.WaitlistFilter{}, p)
	})
	require.Len(t, list, 1)
	assert.Equal(t, *l.read(customer, own.ID), list[0])
	all := schedulingtest.Collect(t, 1, func(p keyset.Page) (keyset.List[booking.WaitlistEntry], error) {
		return l.waitlist.List(ctx, l.scope, booking.WaitlistFilter{Status: new("WAITING")}, p)
	})
	require.Len(t, all, 2)
}
