package businesses_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// book books n appointments for today's count of bookings.
func book(t *testing.T, c *apitest.Client, n int) {
	t.Helper()
	resource := c.Post(t, "/api/v1/resources", map[string]any{"name": "R", "type": "ROOM", "capacity": 100}).Require(t, 201).ID(t)
	service := c.Post(t, "/api/v1/services", map[string]any{"name": "S", "duration_minutes": 30}).Require(t, 201).ID(t)
	customer := c.Post(t, "/api/v1/customers", map[string]any{"name": "C"}).Require(t, 201).ID(t)
	for range n {
		c.Post(t, "/api/v1/appointments", map[string]any{
			"service_id": service, "customer_id": customer, "resource_ids": []string{resource}, "start_at": "2027-03-01T15:00:00Z",
		}).Require(t, 201)
	}
}

func TestOverview_Metrics(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	metrics := func() businesses.Metrics {
		m, err := s.Overview.Metrics(t.Context(), s.scope())
		require.NoError(t, err)
		return m
	}
	s.Tenant(t, "old")
	lost := s.Tenant(t, "lost")
	s.Clock.Advance(31 * 24 * time.Hour)
	s.Tenant(t, "new")
	lost.Set(t, "status", tenancy.StatusSuspended)
	lost.Set(t, "suspended_at", s.Clock.Now())
	got := metrics()
	require.EqualValues(t, 3, got.Businesses.Total)
	require.EqualValues(t, 1, got.Businesses.CreatedLately)
	require.Equal(t, []businesses.StatusCount{{tenancy.StatusActive, 2}, {tenancy.StatusTrial, 0}, {tenancy.StatusSuspended, 1}}, got.Businesses.ByStatus)
	require.Equal(t, []businesses.PlanCount{{"enterprise", "Enterprise", 3}}, got.Businesses.ByPlan)
	require.Equal(t, []businesses.Money{{Amount: 2 * 29900, Currency: "USD"}}, got.MRR, "suspended businesses pay nothing")
	require.Equal(t, businesses.Churn{AtStart: 2, Churned: 1}, got.Churn)
	require.InDelta(t, 0.5, got.Churn.Rate(), 0)
	require.EqualValues(t, 1, got.Users.Total)
	require.Zero(t, businesses.Churn{}.Rate())
}

func TestOverview_RollUp(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	counts := func() []int64 {
		m, err := s.Overview.Metrics(t.Context(), s.scope())
		require.NoError(t, err)
		require.Len(t, m.Bookings.Days, 90)
		require.Equal(t, s.Clock.Now().Format(time.DateOnly), m.Bookings.Days[89].Day.Format(time.DateOnly))
		return []int64{m.Bookings.Total, m.Bookings.Days[88].Count, m.Bookings.Days[89].Count}
	}
	book(t, owner, 2)
	book(t, owner.Sandbox(), 1)
	for range 3 { // the same before and after a roll-up, and after a second one
		require.Equal(t, []int64{2, 0, 2}, counts())
		require.NoError(t, s.Overview.RollUp(t.Context()))
	}
	require.Equal(t, []int64{2}, all[int64](t, s, "SELECT booked FROM daily_bookings"))
	s.Clock.Advance(24 * time.Hour)
	book(t, owner, 1)
	require.Equal(t, []int64{3, 2, 1}, counts(), "rolled up, and not yet")
	require.NoError(t, s.Overview.RollUp(t.Context()))
	require.Equal(t, []int64{3, 2, 1}, counts())
}

func TestAPICalls_Flush(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	calls := businesses.NewAPICalls(s.App.Store)
	stored := func() []int64 {
		return all[int64](t, s, "SELECT calls FROM daily_api_calls WHERE day >= '2030-01-01' ORDER BY day")
	}
	evening := time.Date(2030, 1, 1, 23, 59, 59, 0, time.UTC)
	calls.Count(evening)
	calls.Count(evening.Add(2 * time.Second))
	calls.Count(evening.In(time.FixedZone("", 5*3600))) // already the next day there
	s.exec(t, "ALTER TABLE daily_api_calls RENAME TO away")
	require.Error(t, calls.Flush(t.Context()))
	s.exec(t, "ALTER TABLE away RENAME TO daily_api_calls")
	calls.Count(evening)
	require.NoError(t, calls.Flush(t.Context()))
	require.Equal(t, []int64{3, 1}, stored(), "by day in UTC, and kept after a failure")
	require.NoError(t, calls.Flush(t.Context()))
	require.Equal(t, []int64{3, 1}, stored(), "counted once")
}
