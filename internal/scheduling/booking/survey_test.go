package booking_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// A search takes one round trip, whatever the number of resources, and whatever hours,
// time off and limits they have, also if it lists each of them by itself. Only the first one
// after the catalogue has changed takes three.
func TestASearchIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	var counted dbtest.RoundTrips
	pool, err := postgres.NewPool(ctx, postgres.PoolOptions{URL: b.DB.URL, Role: dbtest.AppRole, MaxConns: 1, Tracer: &counted})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	server := b.NewBooking(store.New(pool, pool), catalog.NewCache())
	service := b.Service(scope, "STAFF")
	customer := b.Customer(scope, "Ada")
	monday := booking.AvailabilityInput{ServiceID: service.ID, From: "2026-11-23", To: "2026-11-23"}
	inOneTrip := func(search func() (found int, err error)) int {
		before := counted.Count()
		found, err := search()
		require.NoError(t, err)
		require.EqualValues(t, 1, counted.Count()-before)
		return found
	}
	changed := func() {
		before := counted.Count()
		_, err := server.Search.Slots(ctx, scope, monday)
		require.NoError(t, err)
		require.EqualValues(t, 3, counted.Count()-before)
	}
	search := func() int {
		return inOneTrip(func() (int, error) {
			in := monday
			in.Explain = true
			found, err := server.Search.Slots(ctx, scope, in)
			return len(found.Slots), err
		})
	}
	perResource := func(ids ...uuid.UUID) int {
		return inOneTrip(func() (n int, err error) {
			in := monday
			in.ResourceIDs = ids
			found, err := server.Search.PerResource(ctx, scope, in)
			for _, resource := range found.Resources {
				n += len(resource.Starts)
			}
			return n, err
		})
	}
	monday.Explain = true
	_, err = server.Search.Slots(ctx, scope, monday)
	monday.Explain = false
	require.NoError(t, err) // prepares the statements

	require.Zero(t, search(), "nobody is there")
	require.Zero(t, perResource())

	first := b.Resource(scope, "STAFF", "Staff", func(in *catalog.ResourceInput) { in.MaxPerDay = new(int32(1)) })
	changed()
	require.Equal(t, 24*4, search())
	require.Equal(t, 24*4, perResource())

	_, err = b.Schedules.Replace(ctx, scope, nil, nil, catalog.HoursInput{
		Timezone: new("America/New_York"), Weekly: []catalog.DayHours{{Day: "MONDAY", Intervals: schedulingtest.Intervals("09:00", "17:00")}},
	})
	require.NoError(t, err)
	_, err = b.TimeOffs.Create(ctx, scope, catalog.TimeOffInput{
		ResourceID: &first.ID, Title: "Lunch", StartAt: schedulingtest.Noon.Add(5 * time.Hour), EndAt: schedulingtest.Noon.Add(6 * time.Hour),
	})
	require.NoError(t, err)
	changed()
	require.Equal(t, 7*4+1-7, search(), "hours, but not over lunch")
	require.Equal(t, 7*4+1-7, perResource(first.ID))

	b.Book(scope, booking.AppointmentInput{ServiceID: service.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon.Add(3 * time.Hour)})
	require.Zero(t, search(), "once a day")
	var second *catalog.Resource
	for i := range 30 {
		second = b.Resource(scope, "STAFF", fmt.Sprint("Staff ", i))
	}
	changed()
	require.Equal(t, 7*4+1, search())
	require.Equal(t, 30*(7*4+1), perResource())
	require.Equal(t, 7*4+1, perResource(first.ID, second.ID), "only one of them is not booked as often as it may be")
}
