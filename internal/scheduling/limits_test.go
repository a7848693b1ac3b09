package scheduling_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// perDay limits a service that takes half an hour of a room.
func perDay(n int32) scheduling.ServiceInput {
	return scheduling.ServiceInput{
		Name: "Talk", DurationMinutes: 30, MaxPerDay: &n, IsActive: true, Requirements: []scheduling.Requirement{{ResourceType: "ROOM"}},
	}
}

// halfHour is the nth start of a day in New York, from seven on.
func halfHour(n int) time.Time { return tenOClock.Add(-3*time.Hour + time.Duration(n)*30*time.Minute) }

// counting counts what counts on the day of tenOClock.
func (b *bundle) counting() int {
	b.Helper()
	return b.count(`SELECT (SELECT count(*) FROM appointments WHERE status IN ('PENDING', 'CONFIRMED', 'COMPLETED') AND start_at BETWEEN $1 AND $2)
		+ (SELECT count(*) FROM holds WHERE status = 'ACTIVE' AND start_at BETWEEN $1 AND $2)`, halfHour(-8), halfHour(32))
}

// Everything that can take a place on a day wants one at once, at times that have nothing to
// do with each other.
func TestParallelBookingsAtTheLimitOfAService(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.deadlocksAreErrors()
	ctx, scope := t.Context(), b.owner()
	b.resource(scope, "ROOM", "Hall")
	service, customer := b.serviceOf(scope, perDay(5)), b.customer(scope, "Carla")
	book := func(start time.Time) scheduling.AppointmentInput {
		return scheduling.AppointmentInput{ServiceID: service.ID, CustomerID: customer.ID, StartAt: start}
	}
	var elsewhere []*scheduling.Appointment
	for i := range 8 {
		elsewhere = append(elsewhere, b.book(scope, book(halfHour(i).Add(days(1+i/4)))))
	}
	errs := together(32, func(i int) (err error) {
		switch i % 4 {
		case 0:
			_, err = b.appointments.Create(ctx, scope, book(halfHour(i)))
		case 1:
			_, err = b.appointments.CreateHold(ctx, scope, scheduling.HoldInput{ServiceID: service.ID, StartAt: halfHour(i)})
		case 2:
			_, err = b.appointments.Reschedule(ctx, scope, elsewhere[i/4].ID, nil, scheduling.RescheduleInput{StartAt: halfHour(i)})
		case 3:
			_, err = b.series.Create(ctx, scope, scheduling.SeriesInput{
				ServiceID: service.ID, CustomerID: customer.ID, StartAt: halfHour(i), RRule: "FREQ=DAILY;INTERVAL=7;COUNT=2", OnConflict: scheduling.ConflictFails,
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
			requireCode(t, apperr.SlotTaken, err)
		default:
			requireCode(t, apperr.LimitDay, err)
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
	scope := b.owner()
	few := func(n int32) func(*scheduling.ResourceInput) {
		return func(in *scheduling.ResourceInput) { in.MaxPerDay = &n }
	}
	ana, bob := b.resource(scope, "STAFF", "Ana", few(3)), b.resource(scope, "STAFF", "Bob", few(4))
	room := b.resource(scope, "ROOM", "Hall", capacity(3))
	one, both, customer := b.service(scope, "STAFF"), b.service(scope, "STAFF", "ROOM"), b.customer(scope, "Carla")
	errs := together(32, func(i int) error {
		in := scheduling.AppointmentInput{ServiceID: one.ID, CustomerID: customer.ID, StartAt: halfHour(2 * (i / 2))}
		switch i % 4 {
		case 1:
			in.ServiceID = both.ID
		case 2:
			in.ServiceID, in.ResourceIDs = both.ID, ids(room, ana)
		case 3:
			in.ResourceIDs = ids(bob)
		}
		_, err := b.appointments.Create(t.Context(), scope, in)
		return err
	})
	assert.Equal(t, 7, winners(t, apperr.SlotTaken, errs))
	b.checkLanes(scope)
	for _, r := range []*scheduling.Resource{ana, bob} {
		assert.LessOrEqual(t, b.count("SELECT count(*) FROM allocations WHERE resource_id = $1 AND start_at < $2", r.ID, halfHour(34)), int(*r.MaxPerDay))
	}
}

// A hold that somebody asked to book just in time counts, also for those who came when it was
// over.
func TestAHoldThatIsJustBeingBookedCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	b.resource(scope, "ROOM", "Hall")
	service, customer := b.serviceOf(scope, perDay(1)), b.customer(scope, "Carla")
	held, err := b.appointments.CreateHold(ctx, scope, scheduling.HoldInput{ServiceID: service.ID, StartAt: halfHour(0), TTL: time.Minute})
	require.NoError(t, err)

	// The booking of the hold is stopped at its end, and the other begins meanwhile.
	holder, err := b.db.OwnerPool().Begin(ctx)
	require.NoError(t, err)
	_, err = holder.Exec(ctx, "SELECT FROM event_sequences FOR UPDATE")
	require.NoError(t, err)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := b.appointments.Create(ctx, scope, scheduling.AppointmentInput{
			ServiceID: service.ID, CustomerID: customer.ID, StartAt: halfHour(0), HoldID: &held.ID,
		})
		first <- err
	}()
	b.untilWaiting(1)
	go func() {
		_, err := b.appointments.Create(ctx, later(scope, 2*time.Minute), scheduling.AppointmentInput{
			ServiceID: service.ID, CustomerID: customer.ID, StartAt: halfHour(4),
		})
		second <- err
	}()
	b.untilWaiting(2)
	require.NoError(t, holder.Rollback(ctx))
	require.NoError(t, <-first)
	requireCode(t, apperr.LimitDay, <-second)
	assert.Equal(t, 1, b.counting())
}

// Those who work there hear which limit it is, with other days; customers hear that the time
// is not free.
func TestWhoIsToldOfALimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	user := b.user(tenancy.RoleCustomer)
	b.resource(scope, "ROOM", "Hall")
	daily := b.serviceOf(scope, perDay(1))
	weekly := perDay(7)
	weekly.MaxPerWeek = new(int32(1))
	service := b.serviceOf(scope, weekly)
	customer := b.customerOf(scope, scheduling.CustomerInput{Name: "Carla", Status: "ACTIVE", UserID: &user})
	for _, id := range []uuid.UUID{daily.ID, service.ID} {
		b.book(scope, scheduling.AppointmentInput{ServiceID: id, CustomerID: customer.ID, StartAt: tenOClock})
		tenOClock := tenOClock.Add(time.Hour)
		code := apperr.LimitDay
		if id == service.ID {
			code, tenOClock = apperr.LimitWeek, tenOClock.Add(days(2))
		}
		in := scheduling.AppointmentInput{ServiceID: id, CustomerID: customer.ID, StartAt: tenOClock}
		_, err := b.appointments.Create(ctx, scope, in)
		assert.NotEmpty(t, refusal(t, code, err).Members["alternatives"])
		_, err = b.appointments.Create(ctx, b.as(tenancy.RoleCustomer, user), in)
		told := refusal(t, apperr.SlotTaken, err)
		assert.NotEmpty(t, told.Members["alternatives"])
		assert.Empty(t, told.Members["conflicts"])
		assert.NotContains(t, told.Error(), "often")
		b.exec("DELETE FROM appointments")
	}
}
