package booking_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// rivals is how many requests want the same thing at once.
const rivals = 64

// winners counts those without an error; all others must have failed with the code.
func winners(t *testing.T, code apperr.Code, errs []error) (won int) {
	t.Helper()
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			schedulingtest.RequireCode(t, code, err)
		}
	}
	return won
}

// checkLanes proves that no lane is taken twice and none lies beyond its resource's
// capacity, and that appointments, quota and events tell the same story.
func (b *bundle) checkLanes(scope *tenancy.Scope) {
	b.Helper()
	assert.Zero(b, b.Count(`SELECT count(*) FROM allocations x JOIN allocations y USING (env_id, resource_id, lane)
		WHERE x.owner_id < y.owner_id AND x.active AND y.active AND x.during && y.during`), "double bookings")
	assert.Zero(b, b.Count(`SELECT count(*) FROM allocations l JOIN resources r ON r.env_id = l.env_id AND r.id = l.resource_id
		WHERE l.active AND l.lane >= r.capacity`), "lanes beyond the capacity")
	appointments := b.Count("SELECT count(*) FROM appointments WHERE env_id = $1", scope.Env.ID)
	assert.Equal(b, appointments, b.Used(scope, entitle.MaxAppointments))
	created := 0
	for _, name := range b.EventTypes(scope) {
		if name == "appointment.created" {
			created++
		}
	}
	assert.Equal(b, appointments, created)
}

func TestParallelBookingsOfOneSlot(t *testing.T) {
	t.Parallel()
	for name, lanes := range map[string]int32{"capacity 1": 1, "capacity 3": 3, "capacity 40": 40} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			scope := b.Owner()
			room := b.Resource(scope, "ROOM", "Class", schedulingtest.Capacity(lanes))
			in := booking.AppointmentInput{
				ServiceID: b.Service(scope, "ROOM").ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: schedulingtest.Noon,
			}
			errs := schedulingtest.Parallel(rivals, func(i int) error {
				wish := in
				if i%2 == 0 {
					wish.ResourceIDs = []uuid.UUID{room.ID}
				}
				_, err := b.Appointments.Create(t.Context(), scope, wish)
				return err
			})
			assert.Equal(t, int(lanes), winners(t, apperr.SlotTaken, errs))
			for _, err := range errs {
				if taken, ok := errors.AsType[*apperr.Error](err); ok {
					assert.Equal(t, room.ID, taken.Members["conflicts"].([]booking.Conflict)[0].ResourceID)
				}
			}
			b.checkLanes(scope)
		})
	}
}

func TestParallelBookingsFillEveryResource(t *testing.T) {
	t.Parallel()
	b := setup(t)
	scope := b.Owner()
	for _, name := range []string{"Ana", "Bob", "Cleo", "Dora", "Eve", "Fred", "Gil", "Hans"} {
		b.Resource(scope, "STAFF", name, schedulingtest.Capacity(2))
	}
	in := booking.AppointmentInput{
		ServiceID: b.Service(scope, "STAFF").ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: schedulingtest.Noon,
	}
	errs := schedulingtest.Parallel(rivals, func(int) error {
		_, err := b.Appointments.Create(t.Context(), scope, in)
		return err
	})
	assert.Equal(t, 16, winners(t, apperr.SlotTaken, errs))
	b.checkLanes(scope)
}

func TestParallelBookingsOfTwoResourcesDoNotDeadlock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.deadlocksAreErrors()
	scope := b.Owner()
	ana, bob := b.Resource(scope, "STAFF", "Ana", schedulingtest.Capacity(5)), b.Resource(scope, "STAFF", "Bob", schedulingtest.Capacity(5))
	service, customer := b.Service(scope, "STAFF", "STAFF"), b.Customer(scope, "Carla")
	errs := schedulingtest.Parallel(rivals, func(i int) error {
		wish := booking.AppointmentInput{ServiceID: service.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon, ResourceIDs: ids(ana, bob)}
		if i%2 == 0 {
			wish.ResourceIDs = ids(bob, ana)
		}
		_, err := b.Appointments.Create(t.Context(), scope, wish)
		return err
	})
	assert.Equal(t, 5, winners(t, apperr.SlotTaken, errs))
	b.checkLanes(scope)
}

// Series that want the same days at once take their lanes in one order.
func TestParallelSeriesDoNotDeadlock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.deadlocksAreErrors()
	scope := b.Owner()
	ana, bob := b.Resource(scope, "STAFF", "Ana", schedulingtest.Capacity(3)), b.Resource(scope, "STAFF", "Bob", schedulingtest.Capacity(3))
	in := booking.SeriesInput{
		ServiceID: b.Service(scope, "STAFF", "STAFF").ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: tenOClock,
		RRule: "FREQ=DAILY;COUNT=10", OnConflict: booking.ConflictFails,
	}
	errs := schedulingtest.Parallel(rivals/2, func(i int) error {
		wish := in
		wish.ResourceIDs = ids(ana, bob)
		if i%2 == 0 {
			wish.ResourceIDs = ids(bob, ana)
		}
		// All of them overlap, but begin at different times.
		wish.StartAt = tenOClock.Add(time.Duration(i) * time.Minute)
		_, err := b.Series.Create(t.Context(), scope, wish)
		return err
	})
	assert.Equal(t, 3, winners(t, apperr.SlotTaken, errs))
	b.checkLanes(scope)

	// They move at once, each to where another is, while single appointments want the same.
	list, err := b.Series.List(t.Context(), scope, booking.SeriesFilter{}, schedulingtest.Page100)
	require.NoError(t, err)
	schedulingtest.Parallel(rivals/2, func(i int) error {
		if i%3 == 0 {
			_, err := b.Appointments.Create(t.Context(), scope, booking.AppointmentInput{
				ServiceID: in.ServiceID, CustomerID: in.CustomerID, StartAt: tenOClock.Add(days(i % 12)),
			})
			if err != nil {
				schedulingtest.RequireCode(t, apperr.SlotTaken, err)
			}
			return nil
		}
		_, err := b.Series.Reschedule(t.Context(), scope, list.Data[i%3].ID, nil, booking.SeriesMove{
			SeriesSelection: booking.SeriesSelection{Scope: booking.ScopeAll}, ShiftDays: i%5 - 2, OnConflict: booking.ConflictFails,
		})
		if err != nil {
			schedulingtest.RequireCode(t, apperr.SlotTaken, err)
		}
		return nil
	})
	b.checkLanes(scope)
}

// One booking is stopped between its two resources, while the other wants them the other
// way round.
func TestBookingsTakeTheirResourcesInOneOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	ana, bob := b.Resource(scope, "STAFF", "Ana", schedulingtest.Capacity(2)), b.Resource(scope, "STAFF", "Bob", schedulingtest.Capacity(2))
	// PostgreSQL reads the resources of a small table in the order of the table, which
	// would be one order whatever the statement says; of a large one it looks up each.
	b.Exec(`INSERT INTO resources (env_id, id, name, type, created_at, updated_at)
		SELECT $1, gen_random_uuid(), 'Filler', 'EQUIPMENT', now(), now() FROM generate_series(1, 2000)`, scope.Env.ID)
	b.Exec("ANALYZE resources")
	b.set("enable_hashjoin", "off")
	b.set("enable_mergejoin", "off")
	b.deadlocksAreErrors()
	service, customer := b.Service(scope, "STAFF", "STAFF"), b.Customer(scope, "Carla")
	book := func(hour int, resources ...*catalog.Resource) chan error {
		result := make(chan error, 1)
		go func() {
			_, err := b.Appointments.Create(ctx, scope, booking.AppointmentInput{
				ServiceID: service.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon.Add(time.Duration(hour) * time.Hour),
				ResourceIDs: ids(resources...),
			})
			result <- err
		}()
		return result
	}
	// Who of the two goes on first is a matter of luck, hence the rounds.
	for hour := range 8 {
		holder, err := b.DB.OwnerPool().Begin(ctx)
		require.NoError(t, err)
		_, err = holder.Exec(ctx, "SELECT FROM resources WHERE id = $1 FOR UPDATE", bob.ID)
		require.NoError(t, err)
		first := book(hour, bob, ana)
		b.untilWaiting(1)
		second := book(hour, ana, bob)
		b.untilWaiting(2)
		require.NoError(t, holder.Rollback(ctx))
		require.NoError(t, <-first)
		require.NoError(t, <-second)
	}
	b.checkLanes(scope)
}

// deadlocksAreErrors keeps PostgreSQL from resolving deadlocks by sacrificing one
// transaction, which is then repeated and leaves no trace: the transactions wait until
// lock_timeout, and fail.
func (b *bundle) deadlocksAreErrors() {
	b.Helper()
	b.set("deadlock_timeout", "1h")
	b.DB.AppPool().Reset()
}

// set changes a setting for new connections to the test's database.
func (b *bundle) set(name, value string) {
	b.Helper()
	var statement string
	require.NoError(b, b.DB.OwnerPool().QueryRow(b.Context(),
		"SELECT format('ALTER DATABASE %I SET %I = %L', current_database(), $1::text, $2::text)", name, value).Scan(&statement))
	b.Exec(statement)
}

func TestParallelBookingsAtTheQuota(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Limit(entitle.MaxAppointments, 10)
	scope := b.Owner()
	b.Resource(scope, "ROOM", "Hall", schedulingtest.Capacity(1000))
	in := booking.AppointmentInput{ServiceID: b.Service(scope).ID, CustomerID: b.Customer(scope, "Carla").ID}
	errs := schedulingtest.Parallel(rivals, func(i int) error {
		wish := in
		wish.StartAt = schedulingtest.Noon.Add(time.Duration(i%4) * time.Hour)
		_, err := b.Appointments.Create(t.Context(), scope, wish)
		return err
	})
	assert.Equal(t, 10, winners(t, apperr.QuotaExceeded, errs))
	b.checkLanes(scope)
	told := 0
	for _, name := range b.EventTypes(scope) {
		if name == "usage.threshold_reached" {
			told++
		}
	}
	assert.Equal(t, 2, told, "80 and 100 percent, once each")
}

// The first bookings of a month, before there is anything to count them with, all count.
func TestParallelFirstBookingsOfAMonth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.deadlocksAreErrors()
	scope := b.Owner()
	b.Resource(scope, "ROOM", "Hall", schedulingtest.Capacity(rivals))
	in := booking.AppointmentInput{ServiceID: b.Service(scope, "ROOM").ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: schedulingtest.Noon}
	errs := schedulingtest.Parallel(rivals, func(int) error {
		_, err := b.Appointments.Create(t.Context(), scope, in)
		return err
	})
	assert.Equal(t, rivals, winners(t, apperr.SlotTaken, errs))
	assert.Equal(t, rivals, b.Used(scope, entitle.MaxAppointments))
	b.checkLanes(scope)
}

func TestCapacityIsLoweredWhileItIsBooked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.deadlocksAreErrors()
	scope := b.Owner()
	room := b.Resource(scope, "ROOM", "Class", schedulingtest.Capacity(20))
	in := booking.AppointmentInput{
		ServiceID: b.Service(scope, "ROOM").ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: schedulingtest.Noon,
	}
	schedulingtest.Parallel(rivals, func(i int) error {
		if i%8 == 0 {
			_, err := b.Resources.Update(t.Context(), scope, room.ID, nil, catalog.ResourcePatch{Capacity: new(int32(2 + i/8))})
			if err != nil {
				schedulingtest.RequireCode(t, apperr.InUse, err)
			}
			return nil
		}
		if _, err := b.Appointments.Create(t.Context(), scope, in); err != nil {
			schedulingtest.RequireCode(t, apperr.SlotTaken, err)
		}
		return nil
	})
	b.checkLanes(scope)
}

// The two possible orders of a booking and a lower capacity, and a booking of what is no longer
// active, each stopped half-way.
func TestCapacityAndBookingWaitForEachOther(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// held is a row that the first of the two needs at its end.
		held  string
		first string
		// code is the error of the second.
		code apperr.Code
	}{
		"booking first":  {"SELECT FROM usage_counters WHERE quota = 'max_appointments' FOR UPDATE", "book", apperr.InUse},
		"capacity first": {"SELECT FROM event_sequences FOR UPDATE", "lower", apperr.SlotTaken},
		"end first":      {"SELECT FROM event_sequences FOR UPDATE", "deactivate", apperr.ValidationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ctx, scope := t.Context(), b.Owner()
			room := b.Resource(scope, "ROOM", "Class", schedulingtest.Capacity(2))
			in := booking.AppointmentInput{
				ServiceID: b.Service(scope, "ROOM").ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: schedulingtest.Noon,
			}
			b.Book(scope, in)
			do := map[string]func() error{
				"book": func() error { _, err := b.Appointments.Create(ctx, scope, in); return err },
				"deactivate": func() error {
					_, err := b.Resources.Update(ctx, scope, room.ID, nil, catalog.ResourcePatch{IsActive: new(false)})
					return err
				},
				"lower": func() error {
					_, err := b.Resources.Update(ctx, scope, room.ID, nil, catalog.ResourcePatch{Capacity: new(int32(1))})
					return err
				},
			}
			second := map[string]string{"book": "lower", "lower": "book", "deactivate": "book"}[test.first]

			holder, err := b.DB.OwnerPool().Begin(ctx)
			require.NoError(t, err)
			_, err = holder.Exec(ctx, test.held)
			require.NoError(t, err)
			results := [2]chan error{make(chan error, 1), make(chan error, 1)}
			go func() { results[0] <- do[test.first]() }()
			b.untilWaiting(1)
			go func() { results[1] <- do[second]() }()
			b.untilWaiting(2)
			require.NoError(t, holder.Rollback(ctx))

			require.NoError(t, <-results[0])
			schedulingtest.RequireCode(t, test.code, <-results[1])
			b.checkLanes(scope)
		})
	}
}

// untilWaiting returns when n connections of the test's database wait for a lock.
func (b *bundle) untilWaiting(n int) {
	b.Helper()
	require.Eventually(b, func() bool {
		return b.Count(`SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`) >= n
	}, 10*time.Second, 5*time.Millisecond)
}

func TestParallelReschedules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.deadlocksAreErrors()
	ctx, scope := t.Context(), b.Owner()
	ana := b.Resource(scope, "STAFF", "Ana")
	service, customer := b.Service(scope, "STAFF"), b.Customer(scope, "Carla")
	at := func(hour int) time.Time { return schedulingtest.Noon.Add(time.Duration(hour) * time.Hour) }
	book := func(hour int) *booking.Appointment {
		return b.Book(scope, booking.AppointmentInput{
			ServiceID: service.ID, CustomerID: customer.ID, StartAt: at(hour), ResourceIDs: ids(ana),
		})
	}
	first, second := book(0), book(1)
	move := func(a *booking.Appointment, hour int) error {
		_, err := b.Appointments.Reschedule(ctx, scope, viewer.Of(scope), a.ID, nil, booking.RescheduleInput{StartAt: at(hour)})
		return err
	}
	// Neither can have the other's place, because it is not free until they have moved.
	errs := schedulingtest.Parallel(2, func(i int) error { return move([]*booking.Appointment{first, second}[i], 1-i) })
	assert.Zero(t, winners(t, apperr.SlotTaken, errs))

	// Many who want the same free place: one gets it.
	for hour := 2; hour < 20; hour++ {
		book(hour)
	}
	list, err := b.Appointments.List(ctx, scope, booking.AppointmentFilter{}, schedulingtest.Page100)
	require.NoError(t, err)
	errs = schedulingtest.Parallel(len(list.Data), func(i int) error { return move(&list.Data[i], 30) })
	assert.Equal(t, 1, winners(t, apperr.SlotTaken, errs))

	// Everybody moves anywhere, bookings and cancellations go on.
	schedulingtest.Parallel(rivals, func(i int) error {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		for range 5 {
			a := &list.Data[random.IntN(len(list.Data))]
			if err := move(a, random.IntN(40)); err != nil {
				schedulingtest.RequireCode(t, apperr.SlotTaken, err)
			}
		}
		return nil
	})
	b.checkLanes(scope)
	assert.Equal(t, len(list.Data), b.Count("SELECT count(*) FROM allocations WHERE active"))
}

func TestParallelTransitionsOfOneAppointment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	b.Resource(scope, "STAFF", "Ana")
	a := b.Book(scope, booking.AppointmentInput{
		ServiceID: b.Service(scope).ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: schedulingtest.Noon,
	})
	errs := schedulingtest.Parallel(rivals, func(i int) (err error) {
		if i%2 == 0 {
			_, err = b.Appointments.Complete(ctx, scope, a.ID, nil)
		} else {
			_, err = b.Appointments.Cancel(ctx, scope, viewer.Of(scope), a.ID, nil, booking.CancelInput{})
		}
		return err
	})
	assert.Equal(t, rivals/2, winners(t, apperr.InvalidTransition, errs), "the first decides, its like change nothing")
	assert.Equal(t, 1, b.Count("SELECT count(*) FROM appointment_changes"))

	errs = schedulingtest.Parallel(rivals, func(int) error {
		_, err := b.Appointments.Update(ctx, scope, a.ID, new(int32(2)), booking.AppointmentPatch{Notes: new("mine")})
		return err
	})
	assert.Equal(t, 1, winners(t, apperr.VersionMismatch, errs))
}

// What changes while a search looks is shown, or the search does not name it: who compares names
// would take what is old for what is new.
func TestASearchShowsWhatItNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	b.Resource(scope, "ROOM", "Class")
	in := booking.AppointmentInput{
		ServiceID: b.Service(scope, "ROOM").ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: schedulingtest.Noon,
	}
	b.Book(scope, in)
	day := schedulingtest.Noon.Format(time.DateOnly)
	search := func() *booking.Availability {
		found, err := b.Search.Slots(ctx, scope, booking.AvailabilityInput{ServiceID: in.ServiceID, From: day, To: day})
		assert.NoError(t, err)
		return found
	}
	before := search()
	for range 20 { // whichever connection it gets, the statements are prepared
		require.Equal(t, before, search())
	}

	holder, err := b.DB.OwnerPool().Begin(ctx)
	require.NoError(t, err)
	_, err = holder.Exec(ctx, "LOCK TABLE event_sequences IN ACCESS EXCLUSIVE MODE")
	require.NoError(t, err)
	found := make(chan *booking.Availability, 1)
	go func() { found <- search() }()
	b.untilWaiting(1)
	for _, change := range []string{"DELETE FROM allocations WHERE env_id = $1", "UPDATE event_sequences SET last_sequence = last_sequence + 1 WHERE env_id = $1"} {
		_, err = holder.Exec(ctx, change, scope.Env.ID)
		require.NoError(t, err)
	}
	require.NoError(t, holder.Commit(ctx))
	meanwhile := <-found
	require.NotEqual(t, before.Snapshot, meanwhile.Snapshot)
	require.Greater(t, len(meanwhile.Slots), len(before.Slots))
	require.Equal(t, search(), meanwhile)
}
