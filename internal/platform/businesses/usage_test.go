package businesses_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestReconcileUsage(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	log, now := slog.New(slog.DiscardHandler), time.Now().Add(48*time.Hour)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	book(t, owner, 2)
	book(t, owner.Sandbox(), 1)
	reconcile := func() []businesses.Repair {
		repairs, err := businesses.ReconcileUsage(t.Context(), s.App.Store, now, log)
		require.NoError(t, err)
		return repairs
	}
	require.Empty(t, reconcile(), "the counters are right")

	env := tenant.Scope(t, false).Env.ID
	s.exec(t, "UPDATE usage_counters SET used = 7 WHERE env_id = $1 AND quota = 'max_resources'", env)
	s.exec(t, "DELETE FROM usage_counters WHERE env_id = $1 AND quota = 'max_services'", env)
	s.exec(t, "INSERT INTO usage_counters (env_id, quota, period, used) VALUES ($1, 'max_appointments', '2020-01-01', 9)", env)
	require.Equal(t, []businesses.Repair{
		{Environment: "a", Quota: entitle.MaxAppointments, Period: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Counter: 9, Counted: 0},
		{Environment: "a", Quota: entitle.MaxResources, Period: entitle.StockPeriod, Counter: 7, Counted: 1},
		{Environment: "a", Quota: entitle.MaxServices, Period: entitle.StockPeriod, Counter: 0, Counted: 1},
	}, reconcile())
	require.Empty(t, reconcile())
	require.Equal(t, []int64{1, 1}, all[int64](t, s, `SELECT used FROM usage_counters
		WHERE env_id = $1 AND quota IN ('max_resources', 'max_services') ORDER BY quota`, env))
}

func TestReconcileDueUsage(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	log, now := slog.New(slog.DiscardHandler), time.Now().Add(48*time.Hour)
	tenant := s.Tenant(t, "a")
	tenant.Client(t, tenancy.RoleOwner)
	spoil := func() { s.exec(t, "UPDATE usage_counters SET used = 5 WHERE quota = 'max_users'") }
	due := func(at time.Time) int {
		repairs, err := businesses.ReconcileDueUsage(t.Context(), s.App.Store, at, log)
		require.NoError(t, err)
		return len(repairs)
	}
	spoil()
	require.Equal(t, 1, due(now))
	spoil()
	require.Zero(t, due(now.Add(24*time.Hour)), "once a day")
	require.Equal(t, 1, due(now.Add(24*time.Hour+time.Second)))
}
