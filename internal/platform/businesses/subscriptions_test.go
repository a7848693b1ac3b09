package businesses_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

func (s *setup) change(t *testing.T, tenant *apitest.Tenant, in businesses.PlanChangeInput) (businesses.PlanChange, error) {
	t.Helper()
	return s.Subscriptions.Change(t.Context(), s.scope(), tenant.ID, in)
}

func (s *setup) business(t *testing.T, tenant *apitest.Tenant) businesses.Business {
	t.Helper()
	business, err := s.Businesses.Get(t.Context(), s.scope(), tenant.ID)
	require.NoError(t, err)
	return business
}

func TestSubscriptions_Change(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant := s.Tenant(t, "a") // in New York, with the Enterprise plan
	for name, in := range map[string]struct {
		input   businesses.PlanChangeInput
		pointer string
	}{
		"an unknown plan":      {businesses.PlanChangeInput{PlanCode: "gold", When: businesses.Now}, "/plan_code"},
		"an unknown version":   {businesses.PlanChangeInput{PlanCode: "free", Version: new(int32(9)), When: businesses.Now}, "/version"},
		"the current plan":     {businesses.PlanChangeInput{PlanCode: "enterprise", When: businesses.Now}, "/plan_code"},
		"the current plan too": {businesses.PlanChangeInput{PlanCode: "enterprise", When: businesses.PeriodEnd}, "/plan_code"},
	} {
		_, err := s.change(t, tenant, in.input)
		requireCode(t, err, apperr.ValidationFailed, in.pointer)
		require.Equal(t, "enterprise", s.business(t, tenant).Plan.Code, name)
	}
	_, err := s.Subscriptions.Change(t.Context(), s.scope(), uuid.New(), businesses.PlanChangeInput{PlanCode: "free", When: businesses.Now})
	requireCode(t, err, apperr.NotFound)

	change, err := s.change(t, tenant, businesses.PlanChangeInput{PlanCode: "free", When: businesses.Now})
	require.NoError(t, err)
	require.Equal(t, apitest.Start, change.TakesEffectAt)
	require.Equal(t, "free", s.business(t, tenant).Plan.Code)
	require.Equal(t, []string{"subscription.plan_changed"}, s.events(t, tenant.ID, "subscription."))
	require.Equal(t, []string{"subscription.plan_changed"}, s.trail(t, tenant.ID))
}

func TestSubscriptions_Change_DryRun(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	for _, name := range []string{"1", "2", "3", "4", "5"} {
		owner.Post(t, "/api/v1/resources", map[string]any{"name": name, "type": "ROOM"}).Require(t, 201)
	}
	owner.Sandbox().Post(t, "/api/v1/resources", map[string]any{"name": "s", "type": "ROOM"}).Require(t, 201)
	s.exec(t, `INSERT INTO domains (id, tenant_id, kind, name, verified_at) VALUES (gen_random_uuid(), $1, 'CUSTOM', 'book.example.com', now())`, tenant.ID)

	change, err := s.change(t, tenant, businesses.PlanChangeInput{PlanCode: "free", When: businesses.Now, DryRun: true})
	require.NoError(t, err)
	require.True(t, change.Preview.LosesAnything())
	require.Empty(t, change.Preview.Gained)
	require.Len(t, change.Preview.Lost, len(entitle.Features()))
	for _, lost := range change.Preview.Lost {
		if lost.Feature == entitle.UseCustomDomain {
			require.Equal(t, []businesses.Affected{{Noun: "custom domains", Count: 1}}, lost.Affected)
		}
	}
	for _, quota := range change.Preview.Quotas {
		if quota.Quota == entitle.MaxResources {
			require.EqualValues(t, 3, *quota.After.Limit)
			require.Equal(t, []int64{5, 2}, []int64{quota.Used, quota.Excess}, "of the live environment")
		}
	}
	require.Equal(t, "enterprise", s.business(t, tenant).Plan.Code)
	require.Empty(t, s.events(t, tenant.ID, "subscription."))
	require.Empty(t, s.trail(t, tenant.ID))

	preview, err := s.Subscriptions.Preview(t.Context(), tenant.Scope(t, true), "free")
	require.NoError(t, err)
	for _, quota := range preview.Quotas {
		if quota.Quota == entitle.MaxResources {
			require.Equal(t, []int64{1, 0}, []int64{quota.Used, quota.Excess}, "of the sandbox")
		}
	}
	_, err = s.Subscriptions.Preview(t.Context(), tenant.Scope(t, false), "gold")
	requireCode(t, err, apperr.ValidationFailed, "?plan")
	_, err = s.Subscriptions.Preview(t.Context(), s.scope(), "free")
	requireCode(t, err, apperr.TenantRequired)
}

func TestSubscriptions_Settle(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant, other := s.Tenant(t, "a"), s.Tenant(t, "b")
	end := time.Date(2026, 12, 22, 5, 0, 0, 0, time.UTC) // a month after the creation: midnight in New York
	change, err := s.change(t, tenant, businesses.PlanChangeInput{PlanCode: "free", When: businesses.PeriodEnd})
	require.NoError(t, err)
	require.Equal(t, end, change.TakesEffectAt)
	scheduled := s.business(t, tenant)
	require.Equal(t, "enterprise", scheduled.Plan.Code)
	require.Equal(t, &businesses.ScheduledPlan{
		PlanReference: businesses.PlanReference{Code: "free", Name: "Free", Version: 1}, TakesEffectAt: end,
	}, utc(scheduled.Subscription.Scheduled))

	pinned := func() string {
		return one[string](t, s, "SELECT p.code FROM tenants t JOIN plan_versions v ON v.id = t.plan_version_id JOIN plans p ON p.id = v.plan_id WHERE t.id = $1", tenant.ID)
	}
	require.NoError(t, s.Subscriptions.Settle(t.Context(), end.Add(-time.Microsecond)))
	require.Equal(t, "enterprise", pinned())
	s.Clock.Advance(end.Sub(apitest.Start))
	require.Equal(t, "free", s.business(t, tenant).Plan.Code, "in effect before it is settled")
	require.Nil(t, s.business(t, tenant).Subscription.Scheduled)
	require.Equal(t, "enterprise", pinned())
	for range 2 { // repeatable
		require.NoError(t, s.Subscriptions.Settle(t.Context(), end))
		require.Equal(t, "free", pinned())
	}
	require.Equal(t, []string{"subscription.change_scheduled", "subscription.plan_changed"}, s.events(t, tenant.ID, "subscription."))
	require.Equal(t, 1, one[int](t, s, `SELECT count(*)::int FROM audit_entries
		WHERE tenant_id = $1 AND action = 'subscription.plan_changed' AND actor_user_id IS NULL`, tenant.ID), "settling has no actor")
	require.Equal(t, "enterprise", s.business(t, other).Plan.Code)
}

func utc(p *businesses.ScheduledPlan) *businesses.ScheduledPlan {
	p.TakesEffectAt = p.TakesEffectAt.UTC()
	return p
}

func TestSubscriptions_Cancel(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant := s.Tenant(t, "a")
	cancel := func() error { return s.Subscriptions.Cancel(t.Context(), s.scope(), tenant.ID) }
	requireCode(t, cancel(), apperr.NotFound)
	schedule := func(code string) businesses.PlanChange {
		change, err := s.change(t, tenant, businesses.PlanChangeInput{PlanCode: code, When: businesses.PeriodEnd})
		require.NoError(t, err)
		return change
	}
	schedule("free")
	require.NoError(t, cancel())
	require.Nil(t, s.business(t, tenant).Subscription.Scheduled)
	requireCode(t, cancel(), apperr.NotFound)

	schedule("free")
	due := schedule("business").TakesEffectAt
	require.Equal(t, "business", s.business(t, tenant).Subscription.Scheduled.Code, "it replaces the one before")
	s.Clock.Advance(due.Sub(s.Clock.Now()))
	requireCode(t, cancel(), apperr.NotFound) // it has taken effect
	require.Equal(t, "business", s.business(t, tenant).Plan.Code)
	require.Equal(t, []string{
		"subscription.change_scheduled", "subscription.change_cancelled", "subscription.change_scheduled", "subscription.change_scheduled",
	}, s.events(t, tenant.ID, "subscription."))
}

func TestSubscriptions_Entitlements(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	tenant := s.Tenant(t, "a")
	tenant.User(t, tenancy.RoleOwner, false)
	tenant.Override(t, string(entitle.MaxUsers), 0)
	got, err := s.Subscriptions.Entitlements(t.Context(), tenant.Scope(t, false))
	require.NoError(t, err)
	require.Equal(t, "enterprise", got.Plan.Code)
	require.Equal(t, "CURRENT", got.Subscription.BillingStatus)
	for _, quota := range got.Quotas {
		if quota.Quota == entitle.MaxUsers {
			require.Equal(t, entitle.FromOverride, quota.Source)
			require.Equal(t, []int64{1, 1}, []int64{quota.Used, quota.Excess()})
		}
	}
	_, err = s.Subscriptions.Entitlements(t.Context(), s.scope())
	requireCode(t, err, apperr.TenantRequired)
}
