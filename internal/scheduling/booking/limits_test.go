package booking_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// perDay limits a service that takes half an hour of a room.
func perDay(n int32) catalog.ServiceInput {
	return catalog.ServiceInput{
		Name: "Talk", DurationMinutes: 30, MaxPerDay: &n, IsActive: true, Requirements: []catalog.Requirement{{ResourceType: "ROOM"}},
	}
}

// halfHour is the nth start of a day in New York, from seven on.
func halfHour(n int) time.Time { return tenOClock.Add(-3*time.Hour + time.Duration(n)*30*time.Minute) }

// counting counts what counts on the day of tenOClock.
func (b *bundle) counting() int {
	b.Helper()
	return b.Count(`SELECT (SELECT count(*) FROM appointments WHERE status IN ('PENDING', 'CONFIRMED', 'COMPLETED') AND start_at BETWEEN $1 AND $2)
		+ (SELECT count(*) FROM holds WHERE status = 'ACTIVE' AND start_at BETWEEN $1 AND $2)`, halfHour(-8), halfHour(32))
}

// Everything that can take a place on a day wants one at once, at times that have nothing to
// do with each other.
func TestParallelBookingsAtTheLimitOfAService(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.deadlocksAreErrors()
	ctx, scope := t.Context(), b.Owner()
	b.Resource(scope, "ROOM", "Hall")
	service, customer := b.ServiceOf(scope, perDay(5)), b.Customer(scope, "Carla")
	book := func(start time.Time) booking.AppointmentInput {
		return booking.AppointmentInput{ServiceID: service.ID, CustomerID: customer.ID, StartAt: start}
	}
	var elsewhere []*booking.Appointment
	for i := range 8 {
		elsewhere = append(elsewhere, b.Book(scope, book(halfHour(i).Add(days(1+i/4)))))
	}
	errs := schedulingtest.Parallel(32, func(i int) (err error) {
		switch i % 4 {
		case 0:
			_, err = b.Appointments.Create(ctx, scope, book(halfHour(i)))
		case 1:
			_, err = b.Holds.Create(ctx, scope, viewer.Of(scope), booking.HoldInput{ServiceID: service.ID, StartAt: halfHour(i)})
		case 2:
			_, err = b.Appointments.Reschedule(ctx, scope, viewer.Of(scope), elsewhere[i/4].ID, nil, booking.RescheduleInput{StartAt: halfHour(i)})
		case 3:
			_, err = b.Series.Create(ctx, scope, booking.SeriesInput{
				ServiceID: service.ID, CustomerID: customer.ID, StartAt: halfHour(i), RRule: "FREQ=DAILY;INTERVAL=7;COUNT=2", OnConflict: booking.ConflictFails,
			})
		}
		return err
	})
	won := 0
	for i, err := range errs {
		switch {
		case err == nil:
			won++
		case i%4 == 3:
			schedulingtest.RequireCode(t, apperr.SlotTaken, err)
		default:
			schedulingtest.RequireCode(t, apperr.LimitDay, err)
		}
	}
	assert.Equal(t, 5, won)
	assert.Equal(t, 5, b.counting())
	b.checkLanes(scope)
}

// The limit of a resource counts whatever it is booked for, and whoever chooses it.
func TestParallelBookingsAtTheLimitOfAResource(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.deadlocksAreErrors()
	scope := b.Owner()
	few := func(n int32) func(*catalog.ResourceInput) {
		return func(in *catalog.ResourceInput) { in.MaxPerDay = &n }
	}
	ana, bob := b.Resource(scope, "STAFF", "Ana", few(3)), b.Resource(scope, "STAFF", "Bob", few(4))
	room := b.Resource(scope, "ROOM", "Hall", schedulingtest.Capacity(3))
	one, both, customer := b.Service(scope, "STAFF"), b.Service(scope, "STAFF", "ROOM"), b.Customer(scope, "Carla")
	errs := schedulingtest.Parallel(32, func(i int) error {
		in := booking.AppointmentInput{ServiceID: one.ID, CustomerID: customer.ID, StartAt: halfHour(2 * (i / 2))}
		switch i % 4 {
		case 1:
			in.ServiceID = both.ID
		case 2:
			in.ServiceID, in.ResourceIDs = both.ID, ids(room, ana)
		case 3:
			in.ResourceIDs = ids(bob)
		}
		_, err := b.Appointments.Create(t.Context(), scope, in)
		return err
	})
	assert.Equal(t, 7, winners(t, apperr.SlotTaken, errs))
	b.checkLanes(scope)
	for _, r := range []*catalog.Resource{ana, bob} {
		assert.LessOrEqual(t, b.Count("SELECT count(*) FROM allocations WHERE resource_id = $1 AND start_at < $2", r.ID, halfHour(34)), int(*r.MaxPerDay))
	}
}

// A hold that somebody asked to book just in time counts, also for those who came when it was
// over.
func TestAHoldThatIsJustBeingBookedCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	b.Resource(scope, "ROOM", "Hall")
	service, customer := b.ServiceOf(scope, perDay(1)), b.Customer(scope, "Carla")
	held, err := b.Holds.Create(ctx, scope, viewer.Of(scope), booking.HoldInput{ServiceID: service.ID, StartAt: halfHour(0), TTL: time.Minute})
	require.NoError(t, err)

	// The booking of the hold is stopped at its end, and the other begins meanwhile.
	holder, err := b.DB.OwnerPool().Begin(ctx)
	require.NoError(t, err)
	_, err = holder.Exec(ctx, "SELECT FROM event_sequences FOR UPDATE")
	require.NoError(t, err)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := b.Appointments.Create(ctx, scope, booking.AppointmentInput{
			ServiceID: service.ID, CustomerID: customer.ID, StartAt: halfHour(0), HoldID: &held.ID,
		})
		first <- err
	}()
	b.untilWaiting(1)
	go func() {
		_, err := b.Appointments.Create(ctx, later(scope, 2*time.Minute), booking.AppointmentInput{
			ServiceID: service.ID, CustomerID: customer.ID, StartAt: halfHour(4),
		})
		second <- err
	}()
	b.untilWaiting(2)
	require.NoError(t, holder.Rollback(ctx))
	require.NoError(t, <-first)
	schedulingtest.RequireCode(t, apperr.LimitDay, <-second)
	assert.Equal(t, 1, b.counting())
}

// Those who work there hear which limit it is, with other days; customers hear that the time
// is not free.
func TestWhoIsToldOfALimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	user := b.User(tenancy.RoleCustomer)
	b.Resource(scope, "ROOM", "Hall")
	daily := b.ServiceOf(scope, perDay(1))
	weekly := perDay(7)
	weekly.MaxPerWeek = new(int32(1))
	service := b.ServiceOf(scope, weekly)
	customer := b.CustomerOf(scope, customers.Input{Name: "Carla", Status: "ACTIVE", UserID: &user})
	for _, id := range []uuid.UUID{daily.ID, service.ID} {
		b.Book(scope, booking.AppointmentInput{ServiceID: id, CustomerID: customer.ID, StartAt: tenOClock})
		tenOClock := tenOClock.Add(time.Hour)
		code := apperr.LimitDay
		if id == service.ID {
			code, tenOClock = apperr.LimitWeek, tenOClock.Add(days(2))
		}
		in := booking.AppointmentInput{ServiceID: id, CustomerID: customer.ID, StartAt: tenOClock}
		_, err := b.Appointments.Create(ctx, scope, in)
		assert.NotEmpty(t, schedulingtest.Refusal(t, code, err).Members["alternatives"])
		_, err = b.Appointments.Create(ctx, b.As(tenancy.RoleCustomer, user), in)
		told := schedulingtest.Refusal(t, apperr.SlotTaken, err)
		assert.NotEmpty(t, told.Members["alternatives"])
		assert.Empty(t, told.Members["conflicts"])
		assert.NotContains(t, told.Error(), "often")
		b.Exec("DELETE FROM appointments")
	}
}
