package scheduling_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// trips counts statements and batches: each waits once for the database.
type trips struct{ n atomic.Int64 }

func (t *trips) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	t.n.Add(1)
	return ctx
}

func (t *trips) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	t.n.Add(1)
	return ctx
}

func (*trips) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData)     {}
func (*trips) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (*trips) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// A search takes one round trip, whatever the number of resources, and whatever hours,
// time off and limits they have.
func TestASearchIsOneRoundTrip(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	var counted trips
	pool, err := postgres.NewPool(ctx, postgres.PoolOptions{URL: b.db.URL, Role: dbtest.AppRole, MaxConns: 1, Tracer: &counted})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	appointments := scheduling.NewAppointments(tenancy.NewStore(pool, pool))
	service := b.service(scope, "STAFF")
	customer := b.customer(scope, "Ada")
	search := func() int {
		found, err := appointments.Search(ctx, scope, scheduling.AvailabilityInput{
			ServiceID: service.ID, From: "2026-11-23", To: "2026-11-23", Explain: true,
		})
		require.NoError(t, err)
		return len(found.Slots)
	}
	search() // prepares the statements

	before := counted.n.Load()
	require.Zero(t, search(), "nobody is there")
	require.EqualValues(t, 1, counted.n.Load()-before)

	first := b.resource(scope, "STAFF", "Staff", func(in *scheduling.ResourceInput) { in.MaxPerDay = new(int32(1)) })
	before = counted.n.Load()
	require.Equal(t, 24*4, search())
	require.EqualValues(t, 1, counted.n.Load()-before)

	_, err = b.schedules.Replace(ctx, scope, nil, nil, scheduling.HoursInput{
		Timezone: new("America/New_York"), Weekly: []scheduling.DayHours{{Day: "MONDAY", Intervals: intervals("09:00", "17:00")}},
	})
	require.NoError(t, err)
	_, err = b.timeOffs.Create(ctx, scope, scheduling.TimeOffInput{
		ResourceID: &first.ID, Title: "Lunch", StartAt: noon.Add(5 * time.Hour), EndAt: noon.Add(6 * time.Hour),
	})
	require.NoError(t, err)
	before = counted.n.Load()
	require.Equal(t, 7*4+1-7, search(), "hours, but not over lunch")
	require.EqualValues(t, 1, counted.n.Load()-before)

	b.book(scope, scheduling.AppointmentInput{ServiceID: service.ID, CustomerID: customer.ID, StartAt: noon.Add(3 * time.Hour)})
	require.Zero(t, search(), "once a day")
	for i := range 30 {
		b.resource(scope, "STAFF", fmt.Sprint("Staff ", i))
	}
	before = counted.n.Load()
	require.Equal(t, 7*4+1, search())
	require.EqualValues(t, 1, counted.n.Load()-before)
}
