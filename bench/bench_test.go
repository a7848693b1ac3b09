// Package bench measures the three requests that clients send most: over real HTTP, through the whole
// product, with a real PostgreSQL.
//
//	go test -run '^$' -bench . ./bench
//
// Beside time and allocations, which include those of the client, it reports the round trips to the
// database that one request takes. Comparisons with other stacks are the business of ./run.
package bench

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

const (
	rooms     = 20
	customers = 50
	booked    = 200 // appointments that are there before a benchmark begins
	page      = 50
	path      = "/api/v1/appointments"
)

func BenchmarkListAppointments(b *testing.B) {
	shop := open(b)
	query := fmt.Sprintf("%s?from=%s&to=%s&limit=%d", path,
		apitest.Start.Format(time.RFC3339), apitest.Start.AddDate(0, 1, 0).Format(time.RFC3339), page)
	require.Len(b, shop.owner.Get(b, query).Require(b, http.StatusOK).IDs(b), page)
	shop.load(b, http.StatusOK, func() *http.Request { return shop.owner.Request(b, http.MethodGet, query, nil) })
}

func BenchmarkGetAppointment(b *testing.B) {
	shop := open(b)
	shop.load(b, http.StatusOK, func() *http.Request {
		id := shop.appointments[shop.next.Add(1)%booked]
		return shop.owner.Request(b, http.MethodGet, path+"/"+id, nil)
	})
}

func BenchmarkCreateAppointment(b *testing.B) {
	shop := open(b)
	shop.load(b, http.StatusCreated, func() *http.Request {
		return shop.owner.Request(b, http.MethodPost, path, shop.booking())
	})
}

// business is a tenant with a server that counts its round trips to the database.
type business struct {
	owner        *apitest.Client
	service      string
	rooms        []string
	customers    []string
	appointments []string
	next         atomic.Int64
	trips        dbtest.RoundTrips
	// database is for what would take too long through the front door.
	database *pgxpool.Pool
}

// open makes a business that already has appointments.
func open(b *testing.B) *business {
	b.Helper()
	shop := &business{}
	db := dbtest.New(b)
	shop.database = db.OwnerPool()
	server := apitest.NewOn(b, db, apitest.WithPools(shop.pool(b, db, dbtest.AppRole), shop.pool(b, db, dbtest.PlatformRole)))
	shop.owner = server.Tenant(b, "bench").Client(b, tenancy.RoleOwner)
	for i := range rooms {
		shop.rooms = append(shop.rooms, shop.create(b, "/api/v1/resources", map[string]any{"name": fmt.Sprint("Room ", i), "type": "ROOM"}))
	}
	for i := range customers {
		shop.customers = append(shop.customers, shop.create(b, "/api/v1/customers", map[string]any{"name": fmt.Sprint("Customer ", i)}))
	}
	shop.service = shop.create(b, "/api/v1/services", map[string]any{"name": "Service", "duration_minutes": 45})
	for range booked {
		shop.appointments = append(shop.appointments, shop.create(b, path, shop.booking()))
	}
	return shop
}

func (s *business) create(b *testing.B, path string, body any) (id string) {
	b.Helper()
	return s.owner.Post(b, path, body).Require(b, http.StatusCreated).ID(b)
}

// booking is a body that books the next free hour: all rooms at nine, then at ten, and so on.
func (s *business) booking() map[string]any {
	n := int(s.next.Add(1))
	hour := n / rooms
	return map[string]any{
		"service_id": s.service, "customer_id": s.customers[n%customers], "resource_ids": []string{s.rooms[n%rooms]},
		"start_at": apitest.Start.AddDate(0, 0, 1+hour/8).Add(time.Duration(hour%8-3) * time.Hour),
		"notes":    "Please call before",
	}
}

// load sends the requests from several connections at once.
func (s *business) load(b *testing.B, want int, request func() *http.Request) {
	b.Helper()
	b.SetParallelism(8)
	b.ReportAllocs()
	before := s.trips.Count()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			switch answer, err := s.owner.Send(request()); {
			case err != nil:
				b.Error(err)
			case answer.Status != want:
				b.Errorf("%d: %s", answer.Status, answer.Body)
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(s.trips.Count()-before)/float64(b.N), "roundtrips/op")
}

func (s *business) pool(b *testing.B, db *dbtest.DB, role string) *pgxpool.Pool {
	b.Helper()
	pool, err := postgres.NewPool(b.Context(), postgres.PoolOptions{URL: db.URL, Role: role, MaxConns: 8, Tracer: &s.trips})
	require.NoError(b, err)
	b.Cleanup(pool.Close)
	return pool
}
