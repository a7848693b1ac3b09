package walk

import (
	"testing"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// identityFixtures are those of openapi/identity.yaml.
var identityFixtures = map[string]fixture{
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

	"getBookingBusiness": {want: 200},
}

// populateIdentity adds the nouns of identity.
func populateIdentity(tb testing.TB, c *apitest.Client, o objects) {
	tb.Helper()
	o["domain"] = ownDomain(tb, c, uuid.NewString()[:8]+".salon.example")
	o["invitation"], o["invitation_token"] = invite(tb, c, m{"email": "ivo@a.example", "role": "TENANT_STAFF"})
	o.create(tb, c, "user", "/api/v1/users", m{"email": "uma@a.example", "name": "Uma", "role": "TENANT_STAFF", "password": "a first password"})
	o["password_reset_token"] = c.Post(tb, "/api/v1/users/"+o["user"]+"/password-reset", nil).Require(tb, 201).Object(tb)["token"].(string)
}

// masquerading returns a client of somebody who works as an owner of the business.
func masquerading(t *testing.T, s *apitest.Server, tenant *apitest.Tenant) *apitest.Client {
	t.Helper()
	return s.Platform(t, tenancy.RoleSuperuser).As(t, tenant.Host, tenant.User(t, tenancy.RoleOwner, false).ID)
}
