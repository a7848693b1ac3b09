package booking_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

// meanwhile lets something happen just before a server runs a query.
type meanwhile struct {
	dbtest.RoundTrips
	query   string // its name
	happens func()
}

func (m *meanwhile) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	for _, q := range data.Batch.QueuedQueries {
		if m.happens != nil && strings.Contains(q.SQL, "-- name: "+m.query+" ") {
			m.happens()
		}
	}
	return ctx
}

// once is for what happens the first time only.
func (m *meanwhile) once(query string, happens func()) {
	m.query, m.happens = query, func() {
		m.happens = nil
		happens()
	}
}

// server is another server on the database, to which something happens.
func (b *bundle) server(m *meanwhile) *booking.Services {
	b.Helper()
	pool, err := postgres.NewPool(b.Context(), postgres.PoolOptions{URL: b.DB.URL, Role: dbtest.AppRole, MaxConns: 1, Tracer: m})
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	return b.NewBooking(store.New(pool, pool), catalog.NewCache())
}

// What was booked may be deleted, with its service and its resource, after a list has read it
// and before it has read their names.
func TestWhatIsDeletedBeforeItHasItsNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	customer := b.Customer(scope, "Carla")
	stays := b.Book(scope, booking.AppointmentInput{
		ServiceID: b.Service(scope, "STAFF").ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon, ResourceIDs: []uuid.UUID{b.Resource(scope, "STAFF", "Ana").ID},
	})
	for name, read := range map[string]func(s *booking.Services, id uuid.UUID){
		"list": func(s *booking.Services, _ uuid.UUID) {
			list, err := s.Appointments.List(ctx, scope, booking.AppointmentFilter{}, schedulingtest.Page100)
			require.NoError(t, err)
			require.Equal(t, []booking.Appointment{*stays}, list.Data)
		},
		"get": func(s *booking.Services, id uuid.UUID) {
			_, err := s.Appointments.Get(ctx, scope, viewer.Of(scope), id)
			schedulingtest.RequireCode(t, apperr.NotFound, err)
		},
	} {
		happens := &meanwhile{}
		server := b.server(happens)
		_, err := server.Appointments.Get(ctx, scope, viewer.Of(scope), stays.ID) // caches a catalog that will be stale
		require.NoError(t, err)
		service, resource := b.Service(scope, "ROOM"), b.Resource(scope, "ROOM", "Room")
		goes := b.Book(scope, booking.AppointmentInput{
			ServiceID: service.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon, ResourceIDs: []uuid.UUID{resource.ID},
		})
		happened := false
		happens.once("ListCatalogServices", func() {
			require.NoError(t, b.Appointments.Delete(ctx, scope, goes.ID, nil))
			require.NoError(t, b.Services.Delete(ctx, scope, service.ID, nil))
			require.NoError(t, b.Resources.Delete(ctx, scope, resource.ID, nil))
			happened = true
		})
		read(server, goes.ID)
		require.True(t, happened, name)
	}
}

// What is known may change before it is learned that it is known: then it is learned anew.
func TestAChangeJustBeforeABooking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	service, staff := b.Service(scope, "STAFF"), b.Resource(scope, "STAFF", "Ana")
	in := booking.AppointmentInput{ServiceID: service.ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: schedulingtest.Noon}
	search := booking.AvailabilityInput{ServiceID: service.ID, From: "2026-11-23", To: "2026-11-23"}
	happens := &meanwhile{}
	server := b.server(happens)
	found, err := server.Search.Slots(ctx, scope, search)
	require.NoError(t, err)
	require.Len(t, found.Slots, 96)

	happens.once("GetBookingState", func() {
		_, err := b.Services.Update(ctx, scope, service.ID, nil, catalog.ServicePatch{Name: new("Long massage"), DurationMinutes: new(int32(90)), Price: &money.Money{Amount: 1, Currency: "EUR"}})
		require.NoError(t, err)
		_, err = b.Resources.Update(ctx, scope, staff.ID, nil, catalog.ResourcePatch{Name: new("Anna")})
		require.NoError(t, err)
	})
	booked, err := server.Appointments.Create(ctx, scope, in)
	require.NoError(t, err)
	require.Equal(t, []any{"Long massage", int64(1), schedulingtest.Noon.Add(90 * time.Minute), "Anna"},
		[]any{booked.Service.Name, booked.Price.Amount, booked.EndAt, booked.Resources[0].Name})

	happens.once("GetBookingState", func() {
		_, err := b.Schedules.Replace(ctx, scope, nil, nil, catalog.HoursInput{})
		require.NoError(t, err)
	})
	found, err = server.Search.Slots(ctx, scope, search)
	require.NoError(t, err)
	require.Empty(t, found.Slots)
	happens.once("GetBookingState", func() {
		_, err := b.Resources.Update(ctx, scope, staff.ID, nil, catalog.ResourcePatch{IsActive: new(false)})
		require.NoError(t, err)
	})
	in.StartAt = schedulingtest.Noon.Add(4 * time.Hour)
	_, err = server.Appointments.Create(ctx, scope, in)
	schedulingtest.RequireCode(t, apperr.ValidationFailed, err)
}

// Where somebody changes the catalogue all the time, such as an import, others can book all
// the same, and by what they have read themselves.
func TestAChangeBeforeEveryReading(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	service := b.Service(scope, "STAFF")
	b.Resource(scope, "STAFF", "Ana")
	customer := b.Customer(scope, "Carla")
	b.Book(scope, booking.AppointmentInput{ServiceID: service.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon.Add(-time.Hour)})
	n := int64(0)
	happens := &meanwhile{query: "GetBookingState"}
	server := b.server(happens)
	happens.happens = func() {
		n++
		_, err := b.Services.Update(ctx, scope, service.ID, nil, catalog.ServicePatch{Price: &money.Money{Amount: n, Currency: "EUR"}})
		require.NoError(t, err)
	}
	booked, err := server.Appointments.Create(ctx, scope, booking.AppointmentInput{ServiceID: service.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon})
	require.NoError(t, err)
	require.Equal(t, n-1, booked.Price.Amount, "what there was when it was read for the last time")
	require.EqualValues(t, 4, n)
	found, err := server.Search.Slots(ctx, scope, booking.AvailabilityInput{ServiceID: service.ID, From: "2026-11-24", To: "2026-11-24"})
	require.NoError(t, err)
	require.Len(t, found.Slots, 96)
}

// The clock of a sandbox may be set back: what is known of hours and time off begins later than what
// is asked for then.
func TestAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Sandbox()
	service := b.Service(scope, "STAFF")
	staff := b.Resource(scope, "STAFF", "Ana")
	customer := b.Customer(scope, "Carla")
	_, err := b.Schedules.Replace(ctx, scope, &staff.ID, nil, catalog.HoursInput{
		Weekly:    []catalog.DayHours{{Day: "MONDAY", Intervals: schedulingtest.Intervals("09:00", "17:00")}, {Day: "TUESDAY", Intervals: schedulingtest.Intervals("09:00", "17:00")}},
		Overrides: []catalog.DateHours{{Date: "2026-11-24"}},
	})
	require.NoError(t, err)
	_, err = b.TimeOffs.Create(ctx, scope, catalog.TimeOffInput{
		ResourceID: &staff.ID, StartAt: schedulingtest.Noon.Add(5 * time.Hour), EndAt: schedulingtest.Noon.Add(6 * time.Hour), // at noon in New York
	})
	require.NoError(t, err)
	search := func() int {
		found, err := b.Search.Slots(ctx, scope, booking.AvailabilityInput{ServiceID: service.ID, From: "2026-11-23", To: "2026-11-24"})
		require.NoError(t, err)
		return len(found.Slots)
	}
	monday := search()
	require.Equal(t, 7*4+1-7, monday)
	for _, years := range []int{10, -20} {
		other := *scope
		other.Now = schedulingtest.Now.AddDate(years, 0, 0)
		_, err := b.Services.Update(ctx, &other, service.ID, nil, catalog.ServicePatch{Description: new(strconv.Itoa(years))})
		require.NoError(t, err) // so that what is known is read at that time
		_, err = b.Search.Slots(ctx, &other, booking.AvailabilityInput{ServiceID: service.ID, From: "2026-11-23", To: "2026-11-23"})
		require.NoError(t, err)

		require.Equal(t, monday, search(), years)
		wish := booking.AppointmentInput{ServiceID: service.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon.Add(5 * time.Hour)}
		_, err = b.Appointments.Create(ctx, scope, wish)
		schedulingtest.RequireCode(t, apperr.SlotTaken, err)
		_, err = b.Series.Create(ctx, scope, booking.SeriesInput{
			ServiceID: service.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon.Add(3 * time.Hour), RRule: "FREQ=DAILY;COUNT=2", OnConflict: booking.ConflictFails,
		})
		schedulingtest.RequireCode(t, apperr.SlotTaken, err) // the second day is closed
	}
}

// progress is how far writers have come; what they have committed nobody may miss who begins
// afterwards.
type progress struct{ service, staff, rooms, closed atomic.Int64 }

// Names, prices, who is active, and when it is closed: whatever is read, by whichever server,
// is never older than what was committed when the reading began.
func TestNobodyGoesByWhatHasChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.Owner()
	massage, class := b.Service(scope, "STAFF"), b.Service(scope, "ROOM")
	staff := b.Resource(scope, "STAFF", "0")
	const changes = 25
	rooms := make([]uuid.UUID, changes)
	for i := range rooms {
		rooms[i] = b.Resource(scope, "ROOM", fmt.Sprint("Room ", i)).ID
	}
	customer := b.Customer(scope, "Carla")
	first := b.Book(scope, booking.AppointmentInput{ServiceID: massage.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon})
	var committed progress
	closedFrom := time.Date(2027, time.January, 1, 5, 0, 0, 0, time.UTC)
	writers := []func(i int) error{
		func(i int) error {
			_, err := b.Services.Update(ctx, scope, massage.ID, nil, catalog.ServicePatch{
				Name: new(strconv.Itoa(i)), Price: &money.Money{Amount: int64(i), Currency: "EUR"},
			})
			committed.service.Store(int64(i))
			return err
		},
		func(i int) error {
			_, err := b.Resources.Update(ctx, scope, staff.ID, nil, catalog.ResourcePatch{Name: new(strconv.Itoa(i))})
			committed.staff.Store(int64(i))
			return err
		},
		func(i int) error {
			_, err := b.Resources.Update(ctx, scope, rooms[i-1], nil, catalog.ResourcePatch{IsActive: new(false)})
			committed.rooms.Store(int64(i))
			return err
		},
		func(i int) error {
			_, err := b.TimeOffs.Create(ctx, scope, catalog.TimeOffInput{
				Title: "Closed", StartAt: closedFrom.AddDate(0, 0, i-1), EndAt: closedFrom.AddDate(0, 0, i),
			})
			committed.closed.Store(int64(i))
			return err
		},
	}
	number := func(text string) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0 // the name at first
		}
		return n
	}
	check := func(a *booking.Appointment, service, staff int64) {
		assert.GreaterOrEqual(t, number(a.Service.Name), service)
		assert.GreaterOrEqual(t, number(a.Resources[0].Name), staff)
	}
	readers := []func(s *booking.Services, i int) error{
		func(s *booking.Services, _ int) error {
			service, staff := committed.service.Load(), committed.staff.Load()
			list, err := s.Appointments.List(ctx, scope, booking.AppointmentFilter{}, schedulingtest.Page100)
			for i := range list.Data {
				check(&list.Data[i], service, staff)
			}
			return err
		},
		func(s *booking.Services, _ int) error {
			service, staff := committed.service.Load(), committed.staff.Load()
			got, err := s.Appointments.Get(ctx, scope, viewer.Of(scope), first.ID)
			if err == nil {
				check(got, service, staff)
			}
			return err
		},
		func(s *booking.Services, _ int) error {
			left := committed.rooms.Load()
			found, err := s.Search.PerResource(ctx, scope, booking.AvailabilityInput{ServiceID: class.ID, From: "2026-11-23", To: "2026-11-23"})
			if err == nil {
				assert.LessOrEqual(t, int64(len(found.Resources)), changes-left)
			}
			return err
		},
		func(s *booking.Services, _ int) error {
			open := closedFrom.AddDate(0, 0, int(committed.closed.Load()))
			found, err := s.Search.Slots(ctx, scope, booking.AvailabilityInput{ServiceID: massage.ID, From: "2027-01-01", To: "2027-02-15"})
			if err == nil {
				assert.False(t, found.Slots[0].Start.Before(open), "%s is before %s", found.Slots[0].Start, open)
			}
			return err
		},
		func(s *booking.Services, i int) error {
			service, staff := committed.service.Load(), committed.staff.Load()
			booked, err := s.Appointments.Create(ctx, scope, booking.AppointmentInput{
				ServiceID: massage.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon.AddDate(0, 5, i),
			})
			if err != nil {
				return err
			}
			check(booked, service, staff)
			assert.GreaterOrEqual(t, booked.Price.Amount, service)
			return s.Appointments.Delete(ctx, scope, booked.ID, nil)
		},
	}
	var writing, reading sync.WaitGroup
	var written atomic.Bool
	for _, write := range writers {
		writing.Go(func() {
			for i := range changes {
				assert.NoError(t, write(i+1))
			}
		})
	}
	mine := b.NewBooking(store.New(b.DB.AppPool(), b.DB.PlatformPool()), catalog.NewCache())
	other := b.NewBooking(store.New(b.DB.AppPool(), b.DB.PlatformPool()), catalog.NewCache())
	for place, server := range []*booking.Services{mine, other} {
		for n, read := range readers {
			reading.Go(func() {
				for last := false; !last; { // and once after the last change
					last = written.Load()
					assert.NoError(t, read(server, 2*n+place))
				}
			})
		}
	}
	writing.Wait()
	written.Store(true)
	reading.Wait()
}
