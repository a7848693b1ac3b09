package walk

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// The numbers are exact, before and after a roll-up and between two.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	sales := s.Platform(t, tenancy.RolePlatformSales)
	metrics := func() m { return sales.Get(t, "/api/platform/businesses/metrics/").Require(t, 200).Object(t) }
	old := s.Tenant(t, "old")
	s.Clock.Advance(31 * 24 * time.Hour)
	sales = s.Platform(t, tenancy.RolePlatformSales) // the first session has expired
	manager := s.Platform(t, tenancy.RolePlatformManager)
	yearly := manager.Post(t, "/api/platform/plans/", m{
		"code": "yearly", "name": "Yearly", "price": m{"amount": 1200, "currency": "EUR"}, "interval": "YEAR", "limits": m{"max_users": nil},
	}).Require(t, 201).ID(t)
	manager.Post(t, "/api/platform/plans/"+yearly+"/versions/1/publish/", nil).Require(t, 200)
	lost := s.Tenant(t, "lost")
	_, err := s.DB.OwnerPool().Exec(t.Context(), `UPDATE tenants SET created_at = $1 WHERE id = $2`, apitest.Start, lost.ID)
	require.NoError(t, err)
	manager.Do(t, http.MethodPatch, "/api/platform/businesses/"+lost.ID.String()+"/", m{"status": "SUSPENDED"}).Require(t, 200)
	for name, body := range map[string]m{
		"paying": {"plan_code": "yearly"}, "trying": {"plan_code": "business", "status": "TRIAL"}, "late": {"plan_code": "business"}, "free": {},
	} {
		body["name"], body["subdomain"] = name, name
		id := manager.Post(t, "/api/platform/businesses/", body).Require(t, 201).ID(t)
		if name == "late" {
			manager.Do(t, http.MethodPatch, "/api/platform/businesses/"+id+"/",
				m{"billing_status": "PAST_DUE", "grace_until": s.Clock.Now().Add(time.Minute).Format(time.RFC3339)}).Require(t, 200)
		}
	}
	got := metrics()
	require.Equal(t, []any{m{"amount": float64(100), "currency": "EUR"}, m{"amount": float64(29900 + 9900), "currency": "USD"}}, got["mrr"])
	s.Clock.Advance(time.Minute) // the grace of one is over
	got = metrics()
	require.Equal(t, []any{m{"amount": float64(100), "currency": "EUR"}, m{"amount": float64(29900), "currency": "USD"}}, got["mrr"])
	businesses := got["businesses"].(m)
	require.EqualValues(t, 6, businesses["total"])
	require.EqualValues(t, 4, businesses["created_last_30_days"])
	require.Equal(t, []any{
		m{"status": "ACTIVE", "count": 4.0}, m{"status": "TRIAL", "count": 1.0}, m{"status": "SUSPENDED", "count": 1.0},
	}, businesses["by_status"])
	require.Equal(t, []any{
		m{"code": "free", "name": "Free", "count": 1.0},
		m{"code": "business", "name": "Business", "count": 2.0},
		m{"code": "enterprise", "name": "Enterprise", "count": 2.0},
		m{"code": "yearly", "name": "Yearly", "count": 1.0},
	}, businesses["by_plan"])
	require.Equal(t, m{"days": 30.0, "at_start": 2.0, "churned": 1.0, "rate": 0.5}, got["churn"])
	require.EqualValues(t, 3, got["users"].(m)["total"])

	// Bookings: live ones, by the day on which they were made.
	owner := old.Client(t, tenancy.RoleOwner)
	book := func(c *apitest.Client, n int) {
		resource := c.Post(t, "/api/v1/resources", m{"name": "R", "type": "ROOM", "capacity": 100}).Require(t, 201).ID(t)
		service := c.Post(t, "/api/v1/services", m{"name": "S", "duration_minutes": 30}).Require(t, 201).ID(t)
		customer := c.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201).ID(t)
		for range n {
			c.Post(t, "/api/v1/appointments", m{
				"service_id": service, "customer_id": customer, "resource_ids": []string{resource}, "start_at": "2027-03-01T15:00:00Z",
			}).Require(t, 201)
		}
	}
	perDay := func() (days []m, total any) {
		appointments := metrics()["appointments"].(m)
		for _, day := range appointments["per_day"].([]any) {
			if day.(m)["count"] != 0.0 {
				days = append(days, day.(m))
			}
		}
		require.Len(t, appointments["per_day"], 90)
		return days, appointments["total"]
	}
	date := func() string { return s.Clock.Now().Format(time.DateOnly) }
	first := date()
	book(owner, 3)
	book(owner.Sandbox(), 2)
	for range 3 {
		days, total := perDay()
		require.Equal(t, []m{{"date": first, "count": 3.0}}, days)
		require.EqualValues(t, 3, total)
		require.NoError(t, s.App.Platform.Overview.RollUp(t.Context()))
	}
	s.Clock.Advance(24 * time.Hour)
	second := date()
	book(owner, 2)
	var rollups sync.WaitGroup
	for range 8 {
		rollups.Go(func() {
			if err := s.App.Platform.Overview.RollUp(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	rollups.Wait()
	book(owner, 1)
	days, total := perDay()
	require.Equal(t, []m{{"date": first, "count": 3.0}, {"date": second, "count": 3.0}}, days)
	require.EqualValues(t, 6, total)
	appointments := metrics()["appointments"].(m)["per_day"].([]any)
	require.Equal(t, second, appointments[89].(m)["date"], "the last day is today")
}

// Every answered request counts, on every server, also while others flush.
func TestAPICallsAreCounted(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	other := apitest.NewOn(t, s.DB)
	support := s.Platform(t, tenancy.RolePlatformSupport)
	elsewhere := other.Client("platform.localhost").WithToken(support.Token())
	calls := func() float64 {
		today := support.Get(t, "/api/platform/businesses/metrics/").Require(t, 200).Object(t)["api_calls"].(m)["per_day"].([]any)[89].(m)
		return today["count"].(float64)
	}
	before := calls()
	answers := atOnce(t, 20, elsewhere, http.MethodGet, "/api/auth/me/", func(int) any { return nil })
	require.Len(t, answers[200], 20)
	support.Get(t, "/healthz")
	support.Get(t, "/api/nothing").Require(t, 404)
	require.NoError(t, other.App.Platform.APICalls.Flush(t.Context()))
	require.NoError(t, other.App.Platform.APICalls.Flush(t.Context()))
	require.InDelta(t, before+21, calls(), 0, "20, and the first one that asked for the number")
}

// Counters that are wrong are found and repaired while bookings go on, by many at once.
func TestUsageIsReconciled(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	populate(t, owner)
	populate(t, owner.Sandbox())
	log := slog.New(slog.DiscardHandler)
	repairs, err := businesses.ReconcileUsage(t.Context(), s.App.Store, time.Now(), log)
	require.NoError(t, err)
	require.Empty(t, repairs, "what the product counts itself is right")

	exec := func(sql string, args ...any) {
		_, err := s.DB.OwnerPool().Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	env := tenant.Scope(t, false).Env.ID
	exec(`UPDATE usage_counters SET used = used + 5 WHERE env_id = $1 AND quota = 'max_resources'`, env)
	exec(`DELETE FROM usage_counters WHERE env_id = $1 AND quota = 'max_services'`, env)
	exec(`UPDATE usage_counters SET used = 0 WHERE env_id = $1 AND quota = 'max_appointments'`, env)
	exec(`INSERT INTO usage_counters (env_id, quota, period, used) VALUES ($1, 'max_appointments', '2020-01-01', 9)`, env)
	var work sync.WaitGroup
	found := make(chan []businesses.Repair, 4)
	for i := range 4 {
		work.Go(func() {
			repaired, err := businesses.ReconcileUsage(t.Context(), s.App.Store, time.Now(), log)
			if err != nil {
				t.Error(err)
			}
			found <- repaired
		})
		work.Go(func() {
			for n := range 5 {
				request := owner.Request(t, http.MethodPost, "/api/v1/resources", m{"name": fmt.Sprint(i, n), "type": "ROOM"})
				if _, err := owner.Send(request); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	close(found)
	seen := map[entitle.Quota]int{}
	for repaired := range found {
		for _, r := range repaired {
			require.Equal(t, "a", r.Environment)
			seen[r.Quota]++
		}
	}
	require.Equal(t, map[entitle.Quota]int{"max_resources": 1, "max_services": 1, "max_appointments": 2}, seen, "each is repaired once")
	has := entitlementsOf{owner}
	for quota, used := range map[string]float64{"max_resources": 22, "max_services": 2, "max_users": 2, "max_appointments": 1} {
		require.InDelta(t, used, has.quota(t, quota)["used"], 0, quota)
	}
	repairs, err = businesses.ReconcileUsage(t.Context(), s.App.Store, time.Now(), log)
	require.NoError(t, err)
	require.Empty(t, repairs)
}

// An environment is reconciled once a day, however many servers want to and however often they start, and
// one that cannot be keeps no other waiting.
func TestUsageIsReconciledWhenItIsDue(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	log := slog.New(slog.DiscardHandler)
	now := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	names := []string{"a", "b", "c"}
	ids := map[string]uuid.UUID{}
	exec := func(sql string, args ...any) {
		_, err := s.DB.OwnerPool().Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	for _, name := range names {
		tenant := s.Tenant(t, name)
		populate(t, tenant.Client(t, tenancy.RoleOwner))
		ids[name] = tenant.Scope(t, false).Env.ID
	}
	spoil := func() {
		exec("UPDATE usage_counters SET used = used + 5 WHERE quota = 'max_resources' AND used > 0")
	}
	set := func(name string, at time.Time) {
		exec("UPDATE environments SET usage_reconciled_at = $2 WHERE id = $1", ids[name], at)
	}
	reconciled := func(at time.Time) []string {
		var work sync.WaitGroup
		found := make(chan []businesses.Repair, 4)
		for range 4 {
			work.Go(func() {
				repaired, err := businesses.ReconcileDueUsage(t.Context(), s.App.Store, at, log)
				if err != nil {
					t.Error(err)
				}
				found <- repaired
			})
		}
		work.Wait()
		close(found)
		got := []string{}
		for repaired := range found {
			got = append(got, environmentsOf(repaired)...)
		}
		slices.Sort(got)
		return got
	}
	exec("UPDATE environments SET usage_reconciled_at = $1", now)
	set("a", now.Add(-24*time.Hour))
	set("b", now.Add(-24*time.Hour-time.Microsecond))
	set("c", now.Add(-1000*time.Hour))
	spoil()
	require.Equal(t, []string{"b", "c"}, reconciled(now), "a is due a microsecond later")
	spoil()
	require.Equal(t, []string{"a"}, reconciled(now.Add(time.Hour)))
	require.Empty(t, reconciled(now.Add(24*time.Hour)))

	// The one that has waited longest cannot be repaired.
	set("a", now.Add(-2000*time.Hour))
	spoil()
	exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$`)
	exec(`CREATE TRIGGER refuse BEFORE UPDATE ON usage_counters FOR EACH ROW WHEN (NEW.env_id = '` + ids["a"].String() + `') EXECUTE FUNCTION refuse()`)
	repairs, err := businesses.ReconcileDueUsage(t.Context(), s.App.Store, now.Add(25*time.Hour), log)
	require.ErrorContains(t, err, "reconcile usage of a:")
	require.Equal(t, []string{"b", "c"}, environmentsOf(repairs))
	exec("DROP TRIGGER refuse ON usage_counters")
	require.Equal(t, []string{"a"}, reconciled(now.Add(25*time.Hour)), "it was not written down as done")
}

func environmentsOf(repairs []businesses.Repair) []string {
	names := make([]string, len(repairs))
	for i, r := range repairs {
		names[i] = r.Environment
	}
	return names
}
