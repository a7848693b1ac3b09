package walk

import (
	"testing"

	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// adminFixtures are those of openapi/admin.yaml.
var adminFixtures = map[string]fixture{
	"listPlans":         {want: 200, everyones: "the plans of the platform"},
	"listPlatformPlans": {want: 200},
	"createPlan": {body: static(m{
		"code": "solo", "name": "Solo", "features": m{"can_use_analytics": true}, "limits": m{"max_users": 1, "max_resources": nil},
		"price": m{"amount": 900, "currency": "USD"}, "interval": "MONTH",
	}), want: 201},
	"getPlatformPlan":    {id: "plan", want: 200},
	"createPlanDraft":    {id: "published_plan", want: 201},
	"updatePlanDraft":    {id: "plan", more: []string{"second"}, body: static(m{"limits": m{"max_users": 2}}), want: 200},
	"deletePlanDraft":    {id: "plan", more: []string{"second"}, want: 204},
	"publishPlanVersion": {id: "plan", more: []string{"second"}, want: 200},
	"archivePlanVersion": {id: "published_plan", more: []string{"first"}, want: 200},

	"getEntitlements":        {want: 200},
	"previewPlan":            {query: func(objects) string { return "plan=free" }, want: 200},
	"listPlatformBusinesses": {want: 200},
	"createPlatformBusiness": {body: static(m{
		"name": "New", "subdomain": "new", "plan_code": "business", "timezone": "Europe/Vienna", "currency": "EUR",
		"owner": m{"email": "owner@new.example", "name": "Nora", "password": "a first password"},
	}), want: 201},
	"getPlatformBusiness":    {id: "business", want: 200},
	"updatePlatformBusiness": {id: "business", body: static(m{"status": "TRIAL"}), want: 200},
	"changePlan":             {id: "business", body: static(m{"plan_code": "professional", "when": "period_end"}), want: 200},
	"cancelPlanChange":       {id: "moving_business", want: 204},
	"listOverrides":          {id: "business", want: 200},
	"getPlatformMetrics":     {want: 200},
	"listPlatformUsers":      {want: 200},
	"getPlatformUser":        {id: "platform_user", want: 200},
	"updatePlatformUser":     {id: "platform_user", body: static(m{"name": "Renamed"}), want: 200},
	"createOverride":         {id: "business", body: static(m{"name": "max_users", "value": 7, "reason": "Asked nicely"}), want: 201},
	"endOverride":            {id: "business", more: []string{"override"}, want: 204},
}

// populatePlatform makes one object of each noun of the platform's administration.
func populatePlatform(tb testing.TB, superuser *apitest.Client) objects {
	tb.Helper()
	o := objects{"first": "1", "second": "2"}
	plan := func(noun string, rank int) {
		o[noun] = superuser.Post(tb, "/api/platform/plans/", m{
			"code": noun, "name": noun, "rank": rank, "price": m{"amount": 100, "currency": "USD"}, "interval": "MONTH",
		}).Require(tb, 201).ID(tb)
		superuser.Post(tb, "/api/platform/plans/"+o[noun]+"/versions/1/publish/", nil).Require(tb, 200)
	}
	plan("published_plan", 101)
	plan("plan", 102)
	superuser.Post(tb, "/api/platform/plans/"+o["plan"]+"/versions/", nil).Require(tb, 201)
	o["tenant_invitation"] = superuser.Post(tb, "/api/platform/invitations/", m{
		"email": "fred@new.example", "business_name": "Fred's", "subdomain": "freds", "plan_code": "free",
	}).Require(tb, 201).ID(tb)
	for noun, subdomain := range map[string]string{"business": "some", "moving_business": "moving"} {
		o[noun] = superuser.Post(tb, "/api/platform/businesses/", m{"name": noun, "subdomain": subdomain}).Require(tb, 201).ID(tb)
	}
	superuser.Post(tb, "/api/platform/businesses/"+o["moving_business"]+"/plan/", m{"plan_code": "business", "when": "period_end"}).Require(tb, 200)
	o["platform_user"] = me(tb, superuser)["id"].(string)
	o["override"] = superuser.Post(tb, "/api/platform/businesses/"+o["business"]+"/overrides/",
		m{"name": "can_use_webhooks", "value": true, "reason": "Pilot"}).Require(tb, 201).ID(tb)
	return o
}
