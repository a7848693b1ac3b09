package walk

import (
	"testing"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// objects are the ids of one object of each noun, in one environment.
type objects map[string]string

// fixture says how to call an operation so that it succeeds.
type fixture struct {
	// id is the noun of the object that {id} names, or empty.
	id string
	// more are the nouns of the further parts of the path, such as {version}.
	more []string
	// body builds a body that is right; nil for none.
	body func(o objects) any
	// query is what the path needs behind it, or nil.
	query func(o objects) string
	// want is the status of success.
	want int
	// before makes what only this operation needs, or is nil.
	before func(t *testing.T, c *apitest.Client, o objects)
	// as returns the client that may call it; nil is an owner of the business.
	as func(t *testing.T, s *apitest.Server, tenant *apitest.Tenant) *apitest.Client
	// scopes are what API tokens need beside the scope of the gate, for the events that it sends.
	scopes []string
	// sandbox marks what works in the sandbox only.
	sandbox bool
	// lists is the noun of the object that a list shows; each list has it, or everyones.
	lists string
	// everyones says why a list has no rows of a business: everybody sees the same.
	everyones string
	// bothModes marks what shows objects of the live world in the sandbox, or the other way round.
	bothModes bool
}

// in is the client in the mode in which the operation works.
func (f fixture) in(c *apitest.Client) *apitest.Client {
	if f.sandbox {
		return c.Sandbox()
	}
	return c
}

type m = map[string]any

func static(body any) func(objects) any { return func(objects) any { return body } }

// fixtures has one entry for every operation of the contract.
var fixtures = map[string]fixture{
	"login":           {body: static(m{"email": "owner@a.example", "password": apitest.Password}), want: 200},
	"logout":          {want: 204},
	"getMe":           {want: 200},
	"changePassword":  {body: static(m{"current_password": apitest.Password, "new_password": "another good password"}), want: 204},
	"listSessions":    {want: 200, lists: "session", bothModes: true},
	"revokeSession":   {id: "session", want: 204},
	"startMasquerade": {body: func(o objects) any { return m{"user_id": o["user"]} }, want: 200},
	"endMasquerade":   {as: masquerading, want: 200},
	"listPersonas":    {want: 200, everyones: "the people of the demo"},
	"quickLogin":      {body: static(m{"persona": "owner"}), want: 200},
	"listUsers":       {want: 200, lists: "user"},
	"createUser":      {body: static(m{"email": "new@a.example", "name": "New", "role": "TENANT_STAFF", "password": "a first password"}), want: 201},
	"getUser":         {id: "user", want: 200},
	"updateUser":      {id: "user", body: static(m{"name": "Renamed"}), want: 200},
	"deleteUser":      {id: "user", want: 204},

	"createPasswordReset": {id: "user", want: 201},
	"resetPassword": {body: func(o objects) any {
		return m{"token": o["password_reset_token"], "new_password": "another good password"}
	}, want: 204},

	"getBusiness":    {want: 200},
	"updateBusiness": {body: static(m{"primary_color": "#aabbcc", "late_cancellation_fee_percent": 50}), want: 200},

	"listDomains":       {want: 200, lists: "domain", bothModes: true},
	"createDomain":      {body: static(m{"name": "book.salon.example"}), want: 201},
	"getDomain":         {id: "domain", want: 200},
	"deleteDomain":      {id: "domain", want: 204},
	"verifyDomain":      {id: "domain", want: 200},
	"makeDomainPrimary": {id: "domain", want: 200},
	"changeSubdomain":   {body: static(m{"subdomain": "another"}), want: 200},

	"listAudit":         {want: 200, lists: "webhook"},
	"listPlatformAudit": {want: 200},

	"listInvitations":  {want: 200, lists: "invitation"},
	"createInvitation": {body: static(m{"email": "ina@a.example", "role": "TENANT_STAFF"}), want: 201},
	"getInvitation":    {id: "invitation", want: 200},
	"resendInvitation": {id: "invitation", want: 200},
	"revokeInvitation": {id: "invitation", want: 204},
	"lookUpInvitation": {body: func(o objects) any { return m{"token": o["invitation_token"]} }, want: 200},
	"acceptInvitation": {body: func(o objects) any { return accept(o["invitation_token"]) }, want: 201},

	"listTenantInvitations": {want: 200},
	"createTenantInvitation": {body: static(m{
		"email": "nora@new.example", "business_name": "Nora's Nails", "subdomain": "noras-nails", "plan_code": "free",
		"timezone": "Europe/Berlin", "currency": "EUR", "features": m{"can_use_webhooks": true}, "limits": m{"max_users": 9}, "can_use_calendar_sync": true,
	}), want: 201},
	"getTenantInvitation":    {id: "tenant_invitation", want: 200},
	"resendTenantInvitation": {id: "tenant_invitation", want: 200},
	"revokeTenantInvitation": {id: "tenant_invitation", want: 204},

	"getSandboxStatus": {want: 200},
	"toggleSandbox":    {body: static(m{"sandbox_mode": true}), want: 200},
	"resetSandbox":     {want: 200},

	"getMeta": {want: 200},

	"getBookingBusiness":  {want: 200},
	"listBookingServices": {want: 200, lists: "service"},
	"getBookingAvailability": {query: func(o objects) string {
		return "service_id=" + o["service"] + "&from=2027-03-01&to=2027-03-02"
	}, want: 200, everyones: "instants, of a service that others cannot name"},
	"createBookingHold": {body: func(o objects) any {
		return m{"service_id": o["service"], "start_at": "2027-03-08T20:00:00Z"}
	}, want: 201},
	"deleteBookingHold": {id: "booking_hold", want: 204},
	"createBookingAppointment": {body: func(o objects) any {
		return m{
			"service_id": o["service"], "start_at": "2027-03-09T20:00:00Z", "customer": m{"name": "Paula Public", "email": "paula@example.com"},
		}
	}, want: 201},
	"getBookingAppointment":        {id: "booking", want: 200},
	"rescheduleBookingAppointment": {id: "booking", body: static(m{"start_at": "2027-03-10T20:00:00Z"}), want: 200},
	"cancelBookingAppointment":     {id: "booking", body: static(m{"reason": "ill"}), want: 200},

	"listResources":  {want: 200, lists: "resource"},
	"createResource": {body: static(m{"name": "Room 2", "type": "ROOM"}), want: 201},
	"getResource":    {id: "resource", want: 200},
	"updateResource": {id: "resource", body: static(m{"description": "with a view"}), want: 200},
	"deleteResource": {id: "spare_resource", want: 204},

	"listTokens":  {want: 200, lists: "token", bothModes: true},
	"createToken": {body: static(m{"name": "Website", "scopes": []string{"appointments:write", "customers:read"}}), want: 201},
	"getToken":    {id: "token", want: 200},
	"updateToken": {id: "token", body: static(m{"name": "Old website"}), want: 200},
	"rotateToken": {id: "token", body: static(m{"overlap_seconds": 60}), want: 200},
	"revokeToken": {id: "token", want: 204},

	"listServices":  {want: 200, lists: "service"},
	"createService": {body: static(m{"name": "Beard trim", "duration_minutes": 20, "price": m{"amount": 1500, "currency": "USD"}}), want: 201},
	"getService":    {id: "service", want: 200},
	"updateService": {id: "service", body: static(m{"buffer_after_minutes": 10}), want: 200},
	"deleteService": {id: "spare_service", want: 204},

	"getBusinessHours":     {want: 200},
	"replaceBusinessHours": {body: static(hours), want: 200},
	"deleteBusinessHours":  {want: 204},
	"getResourceHours":     {id: "resource", want: 200},
	"replaceResourceHours": {id: "resource", body: static(hours), want: 200},
	"deleteResourceHours":  {id: "resource", want: 204},

	"listTimeOff": {want: 200, lists: "time_off"},
	"createTimeOff": {body: func(o objects) any {
		return m{
			"resource_id": o["resource"], "title": "Lunch", "start_at": "2027-03-01T12:00:00Z", "end_at": "2027-03-01T13:00:00Z",
			"rrule": "FREQ=DAILY;COUNT=5",
		}
	}, want: 201},
	"getTimeOff":    {id: "time_off", want: 200},
	"updateTimeOff": {id: "time_off", body: static(m{"title": "Holidays"}), want: 200},
	"deleteTimeOff": {id: "time_off", want: 204},

	"listEvents": {want: 200, lists: "resource"},

	"getSandboxClock":   {want: 200},
	"setSandboxClock":   {body: static(m{"advance_seconds": 60}), want: 200},
	"listSandboxOutbox": {want: 200, lists: "customer", bothModes: true},
	"createSampleData":  {sandbox: true, want: 201},

	"listWebhooks":          {want: 200, lists: "webhook"},
	"createWebhook":         {body: static(m{"url": "https://example.com/other", "event_types": []string{"appointment.*", "customer.created"}, "description": "CRM"}), want: 201, scopes: []string{"appointments:read", "customers:read"}},
	"getWebhook":            {id: "webhook", want: 200},
	"updateWebhook":         {id: "webhook", body: static(m{"is_enabled": false}), want: 200},
	"deleteWebhook":         {id: "webhook", want: 204},
	"rotateWebhookSecret":   {id: "webhook", want: 200, scopes: []string{"customers:read"}},
	"pingWebhook":           {id: "webhook", want: 202},
	"replayWebhook":         {id: "webhook", body: static(m{"since": "2026-11-01T00:00:00Z"}), want: 202, scopes: []string{"customers:read"}},
	"listWebhookDeliveries": {id: "webhook", want: 200, lists: "delivery"},
	"replayWebhookDelivery": {id: "webhook", more: []string{"delivery"}, want: 202},

	"listCustomers":  {want: 200, lists: "customer"},
	"createCustomer": {body: static(m{"name": "Nina New", "email": "nina@example.com", "phone": "+1 555 0100"}), want: 201},
	"getCustomer":    {id: "customer", want: 200},
	"updateCustomer": {id: "customer", body: static(m{"tags": []string{"vip"}}), want: 200},
	"deleteCustomer": {id: "spare_customer", want: 204},

	"getAvailability": {query: func(o objects) string {
		return "service_id=" + o["service"] + "&from=2027-03-01&to=2027-03-02"
	}, want: 200, lists: "resource"},
	"listResourceAvailability": {query: func(o objects) string {
		return "service_id=" + o["service"] + "&from=2027-03-01&to=2027-03-02&resource_ids=" + o["resource"]
	}, want: 200, lists: "resource"},

	"listWaitlist": {want: 200, lists: "waitlist"},
	"joinWaitlist": {body: func(o objects) any {
		return m{"service_id": o["service"], "customer_id": o["customer"], "from": "2027-03-01T09:00:00Z", "to": "2027-03-02T09:00:00Z"}
	}, want: 201},
	"getWaitlistEntry": {id: "waitlist", want: 200},
	"leaveWaitlist":    {id: "waitlist", want: 204},

	"listHolds": {want: 200, lists: "hold"},
	"createHold": {body: func(o objects) any {
		return m{"service_id": o["service"], "start_at": "2027-03-03T09:00:00Z", "resource_ids": []string{o["resource"]}, "ttl_seconds": 60}
	}, want: 201},
	"getHold":    {id: "hold", want: 200},
	"deleteHold": {id: "hold", want: 204},

	"listAppointments": {want: 200, lists: "appointment"},
	"createAppointment": {body: func(o objects) any {
		return m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-03-01T09:00:00Z", "resource_ids": []string{o["resource"]}}
	}, want: 201},
	"getAppointment":        {id: "appointment", want: 200},
	"updateAppointment":     {id: "appointment", body: static(m{"notes": "window seat"}), want: 200},
	"deleteAppointment":     {id: "appointment", want: 204},
	"rescheduleAppointment": {id: "appointment", body: static(m{"start_at": "2027-03-02T09:00:00Z"}), want: 200},
	"cancelAppointment":     {id: "appointment", body: static(m{"reason": "ill"}), want: 200},
	"confirmAppointment":    {id: "appointment", body: static(m{"force": false}), want: 200},
	"declineAppointment": {id: "appointment", body: static(m{"reason": "full"}), want: 200, before: func(t *testing.T, c *apitest.Client, o objects) {
		t.Helper()
		service := c.Post(t, "/api/v1/services", m{"name": "Consultation", "duration_minutes": 30, "requires_approval": true}).Require(t, 201).ID(t)
		o["appointment"] = c.Post(t, "/api/v1/appointments", m{
			"service_id": service, "customer_id": o["customer"], "start_at": "2027-02-01T11:00:00Z",
		}).Require(t, 201).ID(t)
	}},
	"getAppointmentCancellation": {id: "appointment", want: 200},
	"completeAppointment":        {id: "appointment", want: 200},
	"markAppointmentNoShow":      {id: "appointment", want: 200},
	"listAppointmentChanges":     {id: "appointment", want: 200, lists: "change"},

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

	"listSeries": {want: 200, lists: "series"},
	"createSeries": {body: func(o objects) any {
		return m{
			"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-03-01T14:00:00Z",
			"rrule": "FREQ=WEEKLY;COUNT=3", "resource_ids": []string{o["resource"]},
		}
	}, want: 201},
	"getSeries":        {id: "series", want: 200},
	"rescheduleSeries": {id: "series", body: static(m{"scope": "all", "start_time": "16:00"}), want: 200},
	"cancelSeries":     {id: "series", body: static(m{"scope": "all", "reason": "moves away"}), want: 200},

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

// masquerading returns a client of somebody who works as an owner of the business.
func masquerading(t *testing.T, s *apitest.Server, tenant *apitest.Tenant) *apitest.Client {
	t.Helper()
	return s.Platform(t, tenancy.RoleSuperuser).As(t, tenant.Host, tenant.User(t, tenancy.RoleOwner, false).ID)
}

// hours leave the time open at which the fixtures book.
var hours = m{
	"weekly": []m{
		{"day": "MONDAY", "intervals": []m{{"start": "00:00", "end": "24:00"}}},
		{"day": "TUESDAY", "intervals": []m{{"start": "04:00", "end": "12:00"}, {"start": "22:00", "end": "06:00"}}},
	},
	"overrides": []m{{"date": "2026-12-24", "name": "Christmas Eve", "intervals": []m{}}},
}

// populate makes one object of each noun in the environment the client works in.
func populate(t *testing.T, c *apitest.Client) objects {
	t.Helper()
	o := objects{}
	create := func(noun, path string, body any) {
		o[noun] = c.Post(t, path, body).Require(t, 201).ID(t)
	}
	create("resource", "/api/v1/resources", m{"name": "Chair", "type": "STAFF"})
	create("spare_resource", "/api/v1/resources", m{"name": "Spare", "type": "ROOM"})
	create("service", "/api/v1/services", m{
		"name": "Haircut", "duration_minutes": 30, "price": m{"amount": 3000, "currency": "USD"},
		"requirements": []m{{"resource_type": "STAFF", "resource_ids": []string{}}},
	})
	create("spare_service", "/api/v1/services", m{"name": "Spare", "duration_minutes": 30})
	create("customer", "/api/v1/customers", m{"name": "Carla", "email": "carla@example.com"})
	create("spare_customer", "/api/v1/customers", m{"name": "Spare"})
	create("appointment", "/api/v1/appointments", m{
		"service_id": o["service"], "customer_id": o["customer"],
		"start_at": "2027-02-01T09:00:00Z", "resource_ids": []string{o["resource"]},
	})
	create("waitlist", "/api/v1/waitlist", m{
		"service_id": o["service"], "customer_id": o["customer"], "from": "2027-02-04T09:00:00Z", "to": "2027-02-05T09:00:00Z",
	})
	create("hold", "/api/v1/holds", m{"service_id": o["service"], "start_at": "2027-02-03T09:00:00Z", "ttl_seconds": 3600})
	create("time_off", "/api/v1/time-off", m{
		"resource_id": o["resource"], "start_at": "2027-02-02T09:00:00Z", "end_at": "2027-02-02T10:00:00Z",
	})
	create("token", "/api/v1/tokens", m{"name": "Website", "scopes": []string{"services:read"}})
	o["domain"] = ownDomain(t, c, uuid.NewString()[:8]+".salon.example")
	o["invitation"], o["invitation_token"] = invite(t, c, m{"email": "ivo@a.example", "role": "TENANT_STAFF"})
	create("webhook", "/api/v1/webhooks", m{"url": "https://example.com/hooks", "event_types": []string{"customer.deleted"}})
	o["delivery"] = c.Post(t, "/api/v1/webhooks/"+o["webhook"]+"/ping", nil).Require(t, 202).ID(t)
	create("user", "/api/v1/users", m{"email": "uma@a.example", "name": "Uma", "role": "TENANT_STAFF", "password": "a first password"})
	o["password_reset_token"] = c.Post(t, "/api/v1/users/"+o["user"]+"/password-reset", nil).Require(t, 201).Object(t)["token"].(string)
	return o
}

// populatePlatform makes one object of each noun of the platform.
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

// anything has an id for every noun, of objects that do not exist.
func anything() objects {
	o := objects{"session": uuid.NewString(), "user": uuid.NewString(), "resource": uuid.NewString(), "service": uuid.NewString(), "customer": uuid.NewString()}
	for _, f := range fixtures {
		o[f.id] = uuid.NewString()
		for _, noun := range f.more {
			o[noun] = uuid.NewString()
		}
	}
	o["first"], o["second"], o["override"] = "1", "2", uuid.NewString()
	return o
}

// populateAll also makes what takes others along, such as a series with its appointments.
func populateAll(t *testing.T, c *apitest.Client) objects {
	t.Helper()
	o := populate(t, c)
	o["series"] = c.Post(t, "/api/v1/series", m{
		"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-04-01T09:00:00Z", "rrule": "FREQ=DAILY;COUNT=2",
		"resource_ids": []string{o["resource"]},
	}).Require(t, 201).ID(t)
	o["booking_hold"] = c.Post(t, "/api/v1/booking/holds", m{"service_id": o["service"], "start_at": "2027-05-03T20:00:00Z"}).Require(t, 201).ID(t)
	var booking struct{ Token string }
	c.Post(t, "/api/v1/booking/appointments", m{
		"service_id": o["service"], "start_at": "2027-05-04T20:00:00Z", "customer": m{"name": "Petra Public", "email": "petra@example.com"},
	}).Require(t, 201).Decode(t, &booking)
	o["booking"] = booking.Token
	return o
}
