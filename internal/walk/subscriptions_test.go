package walk

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// events are the types and data of the live events of a tenant, in their order.
func events(t *testing.T, s *apitest.Server, tenant *apitest.Tenant, types ...string) (list []m) {
	t.Helper()
	rows, err := s.DB.OwnerPool().Query(t.Context(), `SELECT e.type, e.data FROM events e JOIN environments v ON v.id = e.env_id
		WHERE v.tenant_id = $1 AND NOT v.is_sandbox AND e.type = ANY ($2) ORDER BY e.sequence`, tenant.ID, types)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var kind string
		var raw json.RawMessage
		require.NoError(t, rows.Scan(&kind, &raw))
		data := m{}
		require.NoError(t, json.Unmarshal(raw, &data))
		data["type"] = kind
		list = append(list, data)
	}
	require.NoError(t, rows.Err())
	return list
}

func (w entitlementsOf) feature(t *testing.T, name string) m {
	t.Helper()
	return w.get(t)["features"].(m)[name].(m)
}

func (w entitlementsOf) quota(t *testing.T, name string) m {
	t.Helper()
	return w.get(t)["quotas"].(m)[name].(m)
}

// entitlementsOf asks what a business is entitled to.
type entitlementsOf struct{ client *apitest.Client }

func (w entitlementsOf) get(t *testing.T) m {
	t.Helper()
	return w.client.Get(t, "/api/v1/entitlements").Require(t, 200).Object(t)
}

// An exception counts with the next request on every server, and ends with the next one
// too; the history keeps it.
func TestExceptionsCountAtOnceOnEveryServer(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	manager := s.Platform(t, tenancy.RolePlatformManager)
	path := "/api/platform/businesses/" + tenant.ID.String()
	manager.Post(t, path+"/plan/", m{"plan_code": "free", "when": "now"}).Require(t, 200)
	other := apitest.NewOn(t, s.DB) // a second server on the same database
	owner := tenant.Client(t, tenancy.RoleOwner)
	here := entitlementsOf{owner}
	there := entitlementsOf{other.Client(tenant.Host).WithToken(owner.Token())}
	for range 2 { // whatever either server could remember, it has remembered
		require.Equal(t, false, here.feature(t, "can_use_calendar_sync")["enabled"])
		require.Equal(t, false, there.feature(t, "can_use_calendar_sync")["enabled"])
	}

	made := manager.Post(t, path+"/overrides/", m{"name": "can_use_calendar_sync", "value": true, "reason": "Pilot"}).Require(t, 201).Object(t)
	require.Equal(t, true, made["is_active"])
	require.Equal(t, "PLATFORM_MANAGER", made["actor"].(m)["name"])
	for _, server := range []entitlementsOf{there, here} {
		require.Equal(t, m{"enabled": true, "source": "override", "display_name": "Calendar Sync", "unlocked_by": nil},
			server.feature(t, "can_use_calendar_sync"))
	}
	manager.Post(t, path+"/overrides/", m{"name": "max_resources", "value": nil, "reason": "Large"}).Require(t, 201)
	require.Nil(t, there.quota(t, "max_resources")["limit"])
	manager.Post(t, path+"/overrides/", m{"name": "max_resources", "value": 1, "reason": "Small"}).Require(t, 201)
	require.EqualValues(t, 1, there.quota(t, "max_resources")["limit"], "the last one counts")

	manager.Do(t, http.MethodDelete, path+"/overrides/"+made["id"].(string)+"/", nil).Require(t, 204)
	require.Equal(t, false, there.feature(t, "can_use_calendar_sync")["enabled"])
	manager.Do(t, http.MethodDelete, path+"/overrides/"+made["id"].(string)+"/", nil).RequireProblem(t, 404, "not_found")

	list := manager.Get(t, path+"/overrides/?limit=2").Require(t, 200).Object(t)
	require.Equal(t, true, list["has_more"])
	require.Len(t, pages(t, manager, path+"/overrides/", map[string][]string{"limit": {"2"}}), 3)
	history := manager.Get(t, path+"/overrides/").Require(t, 200).Object(t)["data"].([]any)
	ended := history[2].(m)
	require.Equal(t, made["id"], ended["id"])
	require.Equal(t, false, ended["is_active"])
	require.Equal(t, "PLATFORM_MANAGER", ended["ended_by"].(m)["name"])
	require.Equal(t, []any{nil, float64(1)}, []any{history[1].(m)["value"], history[0].(m)["value"]})
	require.Len(t, events(t, s, tenant, "override.created"), 3)
	require.Len(t, events(t, s, tenant, "override.ended"), 1)
	var entries int
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT count(*) FROM audit_entries
		WHERE tenant_id = $1 AND action LIKE 'override.%' AND actor_role = 'PLATFORM_MANAGER'`, tenant.ID).Scan(&entries))
	require.Equal(t, 4, entries)
	requireCatalogued(t, s, owner)
}

// An exception may begin later and end by itself; nothing runs for that.
func TestExceptionsHaveTheirTime(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	manager := s.Platform(t, tenancy.RolePlatformManager)
	path := "/api/platform/businesses/" + tenant.ID.String() + "/overrides/"
	at := func(d time.Duration) string { return apitest.Start.Add(d).Format(time.RFC3339) }
	manager.Post(t, path, m{"name": "can_export_data", "value": false, "reason": "Abuse", "from": at(time.Hour), "to": at(2 * time.Hour)}).Require(t, 201)
	later := manager.Post(t, path, m{"name": "max_users", "value": 0, "reason": "x", "from": at(3 * time.Hour)}).Require(t, 201).Object(t)
	require.Equal(t, false, later["is_active"])
	has := entitlementsOf{tenant.Client(t, tenancy.RoleOwner)}
	require.Equal(t, true, has.feature(t, "can_export_data")["enabled"])
	s.Clock.Advance(time.Hour)
	require.Equal(t, "override", has.feature(t, "can_export_data")["source"])
	require.Equal(t, false, has.feature(t, "can_export_data")["enabled"])
	s.Clock.Advance(time.Hour)
	require.Equal(t, true, has.feature(t, "can_export_data")["enabled"])
	// One that has not begun can be ended too.
	manager.Do(t, http.MethodDelete, path+later["id"].(string)+"/", nil).Require(t, 204)
	s.Clock.Advance(2 * time.Hour)
	require.Nil(t, has.quota(t, "max_users")["limit"])

	for body, pointer := range map[string]string{
		`{"name":"can_fly","value":true,"reason":"x"}`:                                                                    "/name",
		`{"name":"can_export_data","value":3,"reason":"x"}`:                                                               "/value",
		`{"name":"max_users","value":true,"reason":"x"}`:                                                                  "/value",
		`{"name":"max_users","value":-1,"reason":"x"}`:                                                                    "/value",
		`{"name":"max_users","value":1.5,"reason":"x"}`:                                                                   "/value",
		`{"name":"can_export_data","value":null,"reason":"x"}`:                                                            "/value",
		`{"name":"max_users","value":1,"reason":" "}`:                                                                     "/reason",
		`{"name":"max_users","value":1,"reason":"x","from":"2027-01-01T00:00:00Z","to":"2027-01-01T00:00:00Z"}`:           "/to",
		`{"name":"max_users","value":1,"reason":"x","to":"` + apitest.Start.Add(-time.Second).Format(time.RFC3339) + `"}`: "/to",
	} {
		refused := manager.Post(t, path, apitest.Raw(body))
		require.Contains(t, []int{400, 422}, refused.Status, "%s", refused.Body)
		require.Equal(t, pointer, refused.Object(t)["errors"].([]any)[0].(m)["pointer"], body)
	}
	manager.Post(t, path, apitest.Raw(`{"name":"max_users","reason":"x"}`)).RequireProblem(t, 400, "invalid_request")
}

// A change at the end of the period is visible, can be cancelled, and takes effect at its
// instant without anything running; what runs later makes it last.
func TestAPlanChangesAtTheEndOfThePeriod(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a") // made on 22 November 2026, in New York, on Enterprise
	manager := s.Platform(t, tenancy.RolePlatformManager)
	owner := tenant.Client(t, tenancy.RoleOwner)
	has, path := entitlementsOf{owner}, "/api/platform/businesses/"+tenant.ID.String()
	end := time.Date(2026, 12, 22, 5, 0, 0, 0, time.UTC) // midnight in New York
	move := m{"plan_code": "free", "when": "period_end"}

	manager.Post(t, path+"/plan/", m{"plan_code": "nonsense", "when": "now"}).RequireProblem(t, 422, "validation_failed")
	manager.Post(t, path+"/plan/", m{"plan_code": "free", "version": 9, "when": "now"}).RequireProblem(t, 422, "validation_failed")
	manager.Post(t, path+"/plan/", m{"plan_code": "enterprise", "when": "now"}).RequireProblem(t, 422, "validation_failed")
	manager.Do(t, http.MethodDelete, path+"/plan/", nil).RequireProblem(t, 404, "not_found")

	change := manager.Post(t, path+"/plan/", move).Require(t, 200).Object(t)
	require.Equal(t, end.Format(time.RFC3339), change["takes_effect_at"])
	scheduled := m{"code": "free", "name": "Free", "version": float64(1), "takes_effect_at": "2026-12-22T05:00:00Z"}
	require.Equal(t, scheduled, has.get(t)["scheduled_plan"])
	business := manager.Get(t, path+"/").Require(t, 200).Object(t)
	require.Equal(t, scheduled, business["scheduled_plan"])
	require.Equal(t, "enterprise", business["plan"].(m)["code"])
	require.Equal(t, "2026-12-22T05:00:00Z", business["billing"].(m)["period_ends_at"])
	manager.Do(t, http.MethodDelete, path+"/plan/", nil).Require(t, 204)
	require.Nil(t, has.get(t)["scheduled_plan"])
	manager.Post(t, path+"/plan/", move).Require(t, 200)

	s.Clock.Advance(end.Sub(apitest.Start) - time.Second)
	owner = tenant.Client(t, tenancy.RoleOwner) // the session has expired by now
	has = entitlementsOf{owner}
	manager = s.Platform(t, tenancy.RolePlatformManager)
	require.Equal(t, true, has.feature(t, "can_use_webhooks")["enabled"])
	s.Clock.Advance(time.Second)
	for _, settled := range []bool{false, true} {
		if settled {
			require.NoError(t, s.App.Platform.Subscriptions.Settle(t.Context(), s.Clock.Now()))
			require.NoError(t, s.App.Platform.Subscriptions.Settle(t.Context(), s.Clock.Now()))
		}
		now := has.get(t)
		require.Equal(t, m{"code": "free", "name": "Free", "version": float64(1)}, now["plan"])
		require.Nil(t, now["scheduled_plan"])
		require.Equal(t, false, has.feature(t, "can_use_webhooks")["enabled"])
		require.EqualValues(t, 3, has.quota(t, "max_resources")["limit"])
		business = manager.Get(t, path+"/").Require(t, 200).Object(t)
		require.Equal(t, "free", business["plan"].(m)["code"])
		require.Nil(t, business["scheduled_plan"])
		require.Equal(t, []string{tenant.ID.String()}, manager.Get(t, "/api/platform/businesses/?plan=free").Require(t, 200).IDs(t))
		require.Empty(t, manager.Get(t, "/api/platform/businesses/?plan=enterprise").Require(t, 200).IDs(t))
	}
	told := events(t, s, tenant, "subscription.change_scheduled", "subscription.change_cancelled", "subscription.plan_changed")
	require.Len(t, told, 4)
	require.Equal(t, "subscription.plan_changed", told[3]["type"])
	require.Equal(t, "enterprise", told[3]["from"].(m)["code"])
	require.Equal(t, "free", told[3]["to"].(m)["code"])
	manager.Do(t, http.MethodDelete, path+"/plan/", nil).RequireProblem(t, 404, "not_found")
	requireCatalogued(t, s, owner)
}

// However many change the plan at once, each finds what the one before left, and one wins.
func TestManyPlanChangesAtOnce(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	manager := s.Platform(t, tenancy.RolePlatformManager)
	path := "/api/platform/businesses/" + tenant.ID.String()
	codes := []string{"free", "professional", "business"}
	answers := atOnce(t, 12, manager, http.MethodPost, path+"/plan/", func(i int) any {
		return m{"plan_code": codes[i%3], "when": []string{"now", "period_end"}[i%2]}
	})
	require.NotEmpty(t, answers[200])
	require.Len(t, answers[200], 12-len(answers[422]), "all others have the plan already: %v", answers)
	told := events(t, s, tenant, "subscription.change_scheduled", "subscription.plan_changed")
	require.Len(t, told, len(answers[200]))
	current := "enterprise"
	for _, event := range told {
		require.Equal(t, current, event["from"].(m)["code"], "nobody's change is lost")
		if event["type"] == "subscription.plan_changed" {
			current = event["to"].(m)["code"].(string)
		}
	}
	require.Equal(t, current, manager.Get(t, path+"/").Require(t, 200).Object(t)["plan"].(m)["code"])
}

// A dry run says what a smaller plan would break; after the change everything is still
// there, nothing can be added, and the list of what is too much gets shorter.
func TestADowngradeBreaksNothing(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	manager := s.Platform(t, tenancy.RolePlatformManager)
	owner := tenant.Client(t, tenancy.RoleOwner)
	_, err := s.DB.OwnerPool().Exec(t.Context(), `INSERT INTO domains (id, tenant_id, kind, name, verified_at)
		VALUES (gen_random_uuid(), $1, 'CUSTOM', 'book.a.example', now())`, tenant.ID)
	require.NoError(t, err)
	var rooms []string
	for i := range 5 {
		rooms = append(rooms, owner.Post(t, "/api/v1/resources", m{"name": fmt.Sprint("Room ", i), "type": "ROOM"}).Require(t, 201).ID(t))
	}
	path := "/api/platform/businesses/" + tenant.ID.String()

	check := func(preview m) {
		require.Equal(t, "enterprise", preview["from"].(m)["code"])
		require.Equal(t, "free", preview["to"].(m)["code"])
		require.Equal(t, true, preview["loses_anything"])
		require.Empty(t, preview["gained_features"])
		require.Len(t, preview["lost_features"], 9)
		require.Contains(t, preview["lost_features"], m{
			"name": "can_use_custom_domain", "display_name": "Custom Domains",
			"affected": []any{m{"noun": "custom domains", "count": float64(1)}},
		})
		require.Len(t, preview["quotas"], 6)
		require.Contains(t, preview["quotas"], m{
			"name": "max_resources", "display_name": "resources", "from": nil, "to": float64(3), "used": float64(5), "excess": float64(2),
		})
	}
	check(owner.Get(t, "/api/v1/entitlements/preview?plan=free").Require(t, 200).Object(t))
	problem := owner.Get(t, "/api/v1/entitlements/preview?plan=nonsense").RequireProblem(t, 422, "validation_failed")
	require.Equal(t, "?plan", problem["errors"].([]any)[0].(m)["pointer"])
	dry := manager.Post(t, path+"/plan/", m{"plan_code": "free", "when": "now", "dry_run": true}).Require(t, 200).Object(t)
	require.Equal(t, true, dry["dry_run"])
	check(dry["preview"].(m))
	has := entitlementsOf{owner}
	require.Equal(t, "enterprise", has.get(t)["plan"].(m)["code"], "a dry run changes nothing")
	require.Empty(t, has.get(t)["over_limit"])

	manager.Post(t, path+"/plan/", m{"plan_code": "free", "when": "now"}).Require(t, 200)
	require.Equal(t, []any{m{"name": "max_resources", "display_name": "resources", "limit": float64(3), "used": float64(5), "excess": float64(2)}},
		has.get(t)["over_limit"])
	require.EqualValues(t, 0, has.quota(t, "max_resources")["remaining"])
	require.Len(t, owner.Get(t, "/api/v1/resources").Require(t, 200).IDs(t), 5, "what is there stays")
	owner.Do(t, http.MethodPatch, "/api/v1/resources/"+rooms[0], m{"description": "and can be changed"}).Require(t, 200)
	for i, room := range rooms[:3] {
		denied := owner.Post(t, "/api/v1/resources", m{"name": "New", "type": "ROOM"}).RequireProblem(t, 403, "quota_exceeded")
		require.EqualValues(t, 5-i, denied["used"])
		owner.Do(t, http.MethodDelete, "/api/v1/resources/"+room, nil).Require(t, 204)
	}
	require.Empty(t, has.get(t)["over_limit"])
	owner.Post(t, "/api/v1/resources", m{"name": "New", "type": "ROOM"}).Require(t, 201)
}

// While a business that is past due has grace, everything works; then nothing does, until
// it is settled. Nothing runs for that.
func TestGrace(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	manager := s.Platform(t, tenancy.RolePlatformManager)
	owner := tenant.Client(t, tenancy.RoleOwner)
	has, path := entitlementsOf{owner}, "/api/platform/businesses/"+tenant.ID.String()+"/"
	patch := func(body m) *apitest.Response { return manager.Do(t, http.MethodPatch, path, body) }

	patch(m{"grace_until": "2026-12-01T00:00:00Z"}).RequireProblem(t, 422, "validation_failed")
	until := apitest.Start.Add(14 * 24 * time.Hour).Format(time.RFC3339)
	require.Equal(t, until, patch(m{"billing_status": "PAST_DUE"}).Require(t, 200).Object(t)["billing"].(m)["grace_until"])
	require.Equal(t, until, patch(m{"name": "Renamed"}).Require(t, 200).Object(t)["billing"].(m)["grace_until"], "stays")
	patch(m{"grace_until": apitest.Start.Add(time.Hour).Format(time.RFC3339)}).Require(t, 200)

	billing := has.get(t)["billing"].(m)
	require.Equal(t, "PAST_DUE", billing["status"])
	require.Equal(t, apitest.Start.Add(time.Hour).Format(time.RFC3339), billing["grace_until"])
	require.Equal(t, "plan", has.feature(t, "can_use_webhooks")["source"])
	room := owner.Post(t, "/api/v1/resources", m{"name": "Room", "type": "ROOM"}).Require(t, 201).ID(t)

	s.Clock.Advance(time.Hour)
	require.Equal(t, m{"enabled": false, "source": "past_due", "display_name": "Webhooks", "unlocked_by": nil}, has.feature(t, "can_use_webhooks"))
	require.EqualValues(t, 0, has.quota(t, "max_resources")["limit"])
	problem := owner.Post(t, "/api/v1/resources", m{"name": "Room", "type": "ROOM"}).RequireProblem(t, 403, "quota_exceeded")
	require.Contains(t, problem["detail"], "past due")
	require.Contains(t, problem["detail"], "upgrade")
	require.Nil(t, problem["required_plan"])
	owner.Get(t, "/api/v1/resources/"+room).Require(t, 200)
	require.Equal(t, false, manager.Get(t, path).Require(t, 200).Object(t)["features"].(m)["can_use_webhooks"])
	// What another plan would change does not depend on that.
	preview := owner.Get(t, "/api/v1/entitlements/preview?plan=free").Require(t, 200).Object(t)
	require.Len(t, preview["lost_features"], 9)

	settled := patch(m{"billing_status": "CURRENT"}).Require(t, 200).Object(t)["billing"].(m)
	require.Nil(t, settled["grace_until"])
	require.Equal(t, "plan", has.feature(t, "can_use_webhooks")["source"])
	told := events(t, s, tenant, "subscription.past_due", "subscription.settled", "business.administered")
	types := []any{}
	for _, event := range told {
		types = append(types, event["type"])
	}
	require.Equal(t, []any{"subscription.past_due", "business.administered", "subscription.past_due", "subscription.settled"}, types)
	requireCatalogued(t, s, owner)
}

// 80 % and 100 % of a limit are told once for each period and limit, by whoever reaches
// them, however many try at once.
func TestThresholdsAreToldOnce(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	reached := func() (list [][2]any) {
		for _, event := range events(t, s, tenant, "usage.threshold_reached") {
			require.Equal(t, "max_resources", event["quota"])
			list = append(list, [2]any{event["percent"], event["limit"]})
		}
		return list
	}
	room := func(i int) any { return m{"name": fmt.Sprint("Room ", i), "type": "ROOM"} }
	tenant.Override(t, "max_resources", 10)
	answers := atOnce(t, rivals, owner, http.MethodPost, "/api/v1/resources", room)
	require.Len(t, answers[201], 10)
	require.Len(t, answers[403], rivals-10)
	require.Equal(t, [][2]any{{80.0, 10.0}, {100.0, 10.0}}, reached())

	owner.Do(t, http.MethodDelete, "/api/v1/resources/"+answers[201][0].ID(t), nil).Require(t, 204)
	owner.Post(t, "/api/v1/resources", room(0)).Require(t, 201)
	require.Len(t, reached(), 2, "told before")

	tenant.Override(t, "max_resources", 20)
	for i := range 10 {
		owner.Post(t, "/api/v1/resources", room(i)).Require(t, 201)
	}
	require.Equal(t, [][2]any{{80.0, 10.0}, {100.0, 10.0}, {80.0, 20.0}, {100.0, 20.0}}, reached(), "another limit")
	tenant.Override(t, "max_resources", nil)
	owner.Post(t, "/api/v1/resources", room(0)).Require(t, 201)
	require.Len(t, reached(), 4)

	// A monthly quota tells anew each month.
	customer := owner.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201).ID(t)
	service := owner.Post(t, "/api/v1/services", m{"name": "S", "duration_minutes": 30}).Require(t, 201).ID(t)
	tenant.Override(t, "max_appointments", 1)
	for month := range 2 {
		if month > 0 {
			s.Clock.Advance(20 * 24 * time.Hour)
			owner = tenant.Client(t, tenancy.RoleOwner)
		}
		owner.Post(t, "/api/v1/appointments", m{
			"service_id": service, "customer_id": customer, "start_at": fmt.Sprintf("2027-03-0%dT15:00:00Z", month+1), "resource_ids": []string{answers[201][1].ID(t)},
		}).Require(t, 201)
	}
	monthly := events(t, s, tenant, "usage.threshold_reached")[4:]
	require.Len(t, monthly, 4, "80 and 100 at once, in two months")
	require.Equal(t, "max_appointments", monthly[0]["quota"])
	require.NotEqual(t, monthly[0]["resets_at"], monthly[2]["resets_at"])
}

// Settling is idempotent and safe in parallel: each change becomes one event.
func TestManySettleAtOnce(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	manager := s.Platform(t, tenancy.RolePlatformManager)
	var tenants []*apitest.Tenant
	for _, name := range []string{"a", "b", "c"} {
		tenant := s.Tenant(t, name)
		tenants = append(tenants, tenant)
		manager.Post(t, "/api/platform/businesses/"+tenant.ID.String()+"/plan/", m{"plan_code": "free", "when": businesses.PeriodEnd}).Require(t, 200)
	}
	s.Clock.Advance(60 * 24 * time.Hour)
	failed := make(chan error, 8)
	for range cap(failed) {
		go func() { failed <- s.App.Platform.Subscriptions.Settle(t.Context(), s.Clock.Now()) }()
	}
	for range cap(failed) {
		require.NoError(t, <-failed)
	}
	for _, tenant := range tenants {
		require.Len(t, events(t, s, tenant, "subscription.plan_changed"), 1)
	}
}

// Whoever waits for events of a business hears of what the platform does.
func TestReadersHearOfThePlatform(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	manager := s.Platform(t, tenancy.RolePlatformManager)
	heard, end := s.App.EventHub.Subscribe(tenant.Scope(t, false).Env.ID)
	defer end()
	elsewhere, endElsewhere := s.App.EventHub.Subscribe(tenant.Scope(t, true).Env.ID)
	defer endElsewhere()
	path := "/api/platform/businesses/" + tenant.ID.String() + "/overrides/"
	manager.Post(t, path, m{"name": "max_users", "value": 1, "reason": "Pilot"}).Require(t, 201)
	require.Len(t, heard, 1)
	require.Empty(t, elsewhere)
}
