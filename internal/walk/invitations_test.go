package walk

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

const (
	acceptPath = "/api/auth/invitations/accept/"
	lookupPath = "/api/auth/invitations/lookup/"
)

// invite makes an invitation into the mode the client works in and returns its token.
func invite(tb testing.TB, c *apitest.Client, body m) (id, token string) {
	tb.Helper()
	created := c.Post(tb, "/api/v1/invitations", body).Require(tb, 201).Object(tb)
	require.Equal(tb, "PENDING", created["status"])
	return created["id"].(string), created["token"].(string)
}

func accept(token string) m {
	return m{"token": token, "password": "my own password", "name": "Ina Invited"}
}

// Whoever is invited looks, accepts, is signed in, and can sign in again; once.
func TestAnInvitationIsAccepted(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	id, token := invite(t, owner, m{"email": "Ina@A.example", "role": "TENANT_MANAGER"})
	anonymous := tenant.Anonymous()
	open := anonymous.Post(t, lookupPath, m{"token": token}).Require(t, 200).Object(t)
	require.Equal(t, m{
		"founds_business": false, "business_name": "Tenant a", "email": "ina@a.example", "name": "", "role": "TENANT_MANAGER",
		"is_sandbox": false, "expires_at": "2026-11-29T12:00:00Z",
	}, open)
	anonymous.Post(t, acceptPath, m{"token": token, "password": "my own password"}).RequireProblem(t, 422, "validation_failed")

	answer := anonymous.Post(t, acceptPath, accept(token)).Require(t, 201)
	require.Contains(t, answer.Header.Get("Set-Cookie"), "smoothschedule_session=")
	signedIn := answer.Object(t)
	require.Equal(t, "TENANT_MANAGER", signedIn["user"].(m)["role"])
	require.Equal(t, "Ina Invited", signedIn["user"].(m)["name"])
	require.Equal(t, false, signedIn["user"].(m)["is_sandbox"])
	anonymous.WithToken(signedIn["token"].(string)).Get(t, "/api/v1/users").Require(t, 200)
	anonymous.Post(t, "/api/auth/login/", m{"email": "ina@a.example", "password": "my own password"}).Require(t, 200)

	anonymous.Post(t, acceptPath, accept(token)).RequireProblem(t, 404, "not_found")
	anonymous.Post(t, lookupPath, m{"token": token}).RequireProblem(t, 404, "not_found")
	accepted := owner.Get(t, "/api/v1/invitations/"+id).Require(t, 200).Object(t)
	require.Equal(t, "ACCEPTED", accepted["status"])
	require.Equal(t, signedIn["user"].(m)["id"], accepted["user_id"])
	require.NotContains(t, accepted, "token")
	owner.Post(t, "/api/v1/invitations/"+id+"/resend", nil).RequireProblem(t, 409, "invalid_transition")
	owner.Do(t, http.MethodDelete, "/api/v1/invitations/"+id, nil).RequireProblem(t, 409, "invalid_transition")
	for _, table := range []string{"invitations", "audit_entries", "events", "sessions"} {
		var leaks int
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM "+table+" x WHERE strpos(x::text, $1) > 0 OR strpos(x::text, 'my own password') > 0", token).Scan(&leaks))
		require.Zero(t, leaks, table)
	}
}

// Who is invited in a mode lives in it, whatever the request says that accepts.
func TestAnInvitationKeepsItsMode(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	_, live := invite(t, owner, m{"email": "ina@a.example", "role": "TENANT_STAFF"})
	id, test := invite(t, owner.Sandbox(), m{"email": "ina@a.example", "role": "TENANT_STAFF"})
	require.Len(t, owner.Get(t, "/api/v1/invitations").Require(t, 200).IDs(t), 1)
	owner.Get(t, "/api/v1/invitations/"+id).RequireProblem(t, 404, "not_found")
	require.Equal(t, true, owner.Sandbox().Get(t, "/api/v1/invitations/"+id).Require(t, 200).Object(t)["is_sandbox"])
	for token, sandbox := range map[string]bool{live: false, test: true} {
		asking := tenant.Anonymous().WithHeader("X-Sandbox-Mode", fmt.Sprint(!sandbox))
		signedIn := asking.Post(t, acceptPath, accept(token)).Require(t, 201).Object(t)
		require.Equal(t, sandbox, signedIn["user"].(m)["is_sandbox"])
		me := tenant.Anonymous().WithToken(signedIn["token"].(string)).Get(t, "/api/auth/me/").Require(t, 200).Object(t)
		require.Equal(t, sandbox, me["sandbox_mode"])
	}
	require.Len(t, owner.Sandbox().Get(t, "/api/v1/users").Require(t, 200).IDs(t), 1)
	// The sandbox's are gone with the sandbox.
	owner.Post(t, "/api/sandbox/reset/", nil).Require(t, 200)
	require.Empty(t, owner.Sandbox().Get(t, "/api/v1/invitations").Require(t, 200).IDs(t))
	require.Len(t, owner.Get(t, "/api/v1/invitations").Require(t, 200).IDs(t), 1)
}

// Every token that opens nothing gets the same answer.
func TestTokensThatOpenNothing(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant, other := s.Tenant(t, "a"), s.Tenant(t, "b")
	owner := tenant.Client(t, tenancy.RoleOwner)
	var want m
	dead := func(c *apitest.Client, token string) {
		t.Helper()
		for _, path := range []string{lookupPath, acceptPath} {
			body := m{"token": token}
			if path == acceptPath {
				body = accept(token)
			}
			problem := c.Post(t, path, body).RequireProblem(t, 404, "not_found")
			delete(problem, "request_id")
			if want == nil {
				want = problem
			}
			require.Equal(t, want, problem)
		}
	}
	anonymous := tenant.Anonymous()
	for _, garbage := range []string{"x", "ss_invitation_", "ss_invitation_AAAA", "ss_business_invitation_AAAA", "ss_session_" + strings.Repeat("A", 64), strings.Repeat("é", 60)} {
		dead(anonymous, garbage)
	}
	id, first := invite(t, owner, m{"email": "ina@a.example", "role": "TENANT_STAFF"})
	wrong := "A"
	if strings.HasSuffix(first, wrong) {
		wrong = "B"
	}
	dead(anonymous, first[:len(first)-1]+wrong)
	// The same random part, but looked for in another environment.
	_, elsewhere := invite(t, owner.Sandbox(), m{"email": "ina@a.example", "role": "TENANT_STAFF"})
	dead(anonymous, elsewhere[:len("ss_invitation_")+20]+first[len("ss_invitation_")+20:])
	dead(other.Anonymous(), first) // another business's host

	second := owner.Post(t, "/api/v1/invitations/"+id+"/resend", nil).Require(t, 200).Object(t)["token"].(string)
	dead(anonymous, first)
	anonymous.Post(t, lookupPath, m{"token": second}).Require(t, 200)
	s.Clock.Advance(7*24*time.Hour - time.Second)
	anonymous.Post(t, lookupPath, m{"token": second}).Require(t, 200)
	s.Clock.Advance(time.Second)
	dead(anonymous, second)
	require.Equal(t, "EXPIRED", owner.Get(t, "/api/v1/invitations/"+id).Require(t, 200).Object(t)["status"])

	third := owner.Post(t, "/api/v1/invitations/"+id+"/resend", nil).Require(t, 200).Object(t)["token"].(string)
	owner.Do(t, http.MethodDelete, "/api/v1/invitations/"+id, nil).Require(t, 204)
	dead(anonymous, third)
	require.Equal(t, []string{id}, owner.Get(t, "/api/v1/invitations?status=REVOKED").Require(t, 200).IDs(t))
	require.Empty(t, owner.Get(t, "/api/v1/invitations?status=PENDING").Require(t, 200).IDs(t))
}

func TestWhoMayInviteWhom(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	boss := tenant.User(t, tenancy.RoleManager, false)
	manager := s.Login(t, tenant.Host, boss.Email)
	ownerInvitation, _ := invite(t, owner, m{"email": "o@a.example", "role": "TENANT_OWNER"})
	manager.Post(t, "/api/v1/invitations", m{"email": "p@a.example", "role": "TENANT_OWNER"}).RequireProblem(t, 403, "role_not_allowed")
	manager.Post(t, "/api/v1/invitations/"+ownerInvitation+"/resend", nil).RequireProblem(t, 403, "role_not_allowed")
	manager.Do(t, http.MethodDelete, "/api/v1/invitations/"+ownerInvitation, nil).RequireProblem(t, 403, "role_not_allowed")
	owner.Post(t, "/api/v1/invitations", m{"email": "p@a.example", "role": "SUPERUSER"}).RequireProblem(t, 400, "invalid_request")

	// An address is a user's, or invited, only once; what has expired is in nobody's way.
	owner.Post(t, "/api/v1/invitations", m{"email": boss.Email, "role": "TENANT_STAFF"}).RequireProblem(t, 409, "already_exists")
	owner.Post(t, "/api/v1/invitations", m{"email": "O@a.example", "role": "TENANT_STAFF"}).RequireProblem(t, 409, "already_exists")
	s.Clock.Advance(8 * 24 * time.Hour)
	invite(t, owner, m{"email": "o@a.example", "role": "TENANT_STAFF"})

	// Whoever is dismissed does not come back by an invitation to themselves.
	_, hers := invite(t, manager, m{"email": "again@a.example", "role": "TENANT_MANAGER"})
	_, low := invite(t, manager, m{"email": "low@a.example", "role": "TENANT_STAFF"})
	owner.Do(t, http.MethodPatch, "/api/v1/users/"+boss.ID.String(), m{"role": "TENANT_STAFF"}).Require(t, 200)
	tenant.Anonymous().Post(t, acceptPath, accept(hers)).RequireProblem(t, 404, "not_found")
	owner.Do(t, http.MethodDelete, "/api/v1/users/"+boss.ID.String(), nil).Require(t, 204)
	tenant.Anonymous().Post(t, acceptPath, accept(low)).RequireProblem(t, 404, "not_found")

	// An address that became a user's in the meantime.
	_, late := invite(t, owner, m{"email": "late@a.example", "role": "TENANT_STAFF"})
	owner.Post(t, "/api/v1/users", m{"email": "late@a.example", "name": "Late", "role": "TENANT_STAFF", "password": "a first password"}).Require(t, 201)
	tenant.Anonymous().Post(t, acceptPath, accept(late)).RequireProblem(t, 409, "already_exists")

	// The platform helps, and a suspended business takes nobody in.
	_, helped := invite(t, s.Platform(t, tenancy.RoleSuperuser).WithHost(tenant.Host), m{"email": "helped@a.example", "role": "TENANT_OWNER"})
	tenant.Set(t, "status", "SUSPENDED")
	tenant.Anonymous().Post(t, acceptPath, accept(helped)).RequireProblem(t, 403, "tenant_suspended")
	tenant.Set(t, "status", "ACTIVE")
	tenant.Anonymous().Post(t, acceptPath, accept(helped)).Require(t, 201)
}

// Customers get a login for what they have, resources for whom they are; nobody gets what
// another has.
func TestInvitationsLink(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	o, sandbox := populate(t, owner), populate(t, owner.Sandbox())
	for _, body := range []m{
		{"email": "x@a.example", "role": "CUSTOMER", "customer_id": sandbox["customer"]},
		{"email": "x@a.example", "role": "CUSTOMER", "customer_id": uuid.NewString()},
		{"email": "x@a.example", "role": "CUSTOMER", "resource_id": o["resource"]},
		{"email": "x@a.example", "role": "TENANT_STAFF", "customer_id": o["customer"]},
		{"email": "x@a.example", "role": "TENANT_STAFF", "resource_id": sandbox["resource"]},
	} {
		owner.Post(t, "/api/v1/invitations", body).RequireProblem(t, 422, "validation_failed")
	}
	join := func(token string) *apitest.Client {
		signedIn := tenant.Anonymous().Post(t, acceptPath, accept(token)).Require(t, 201).Object(t)
		return tenant.Anonymous().WithToken(signedIn["token"].(string))
	}
	_, carla := invite(t, owner, m{"email": "carla@a.example", "role": "CUSTOMER", "customer_id": o["customer"]})
	_, rival := invite(t, owner, m{"email": "rival@a.example", "role": "CUSTOMER", "customer_id": o["customer"]})
	_, fresh := invite(t, owner, m{"email": "fresh@a.example", "role": "CUSTOMER"})
	_, chair := invite(t, owner, m{"email": "chair@a.example", "role": "TENANT_STAFF", "resource_id": o["resource"]})
	used := owner.Get(t, "/api/v1/entitlements").Require(t, 200).Object(t)["quotas"].(m)["max_users"].(m)["used"].(float64)

	require.Equal(t, []string{o["customer"]}, join(carla).Get(t, "/api/v1/customers").Require(t, 200).IDs(t))
	tenant.Anonymous().Post(t, acceptPath, accept(rival)).RequireProblem(t, 409, "already_exists")
	require.Len(t, join(fresh).Get(t, "/api/v1/customers").Require(t, 200).IDs(t), 1)
	require.Equal(t, []string{o["appointment"]}, join(chair).Get(t, "/api/v1/appointments").Require(t, 200).IDs(t))
	require.InDelta(t, used+1, owner.Get(t, "/api/v1/entitlements").Require(t, 200).Object(t)["quotas"].(m)["max_users"].(m)["used"].(float64), 0, "customers do not count")
	// What they are linked to may go.
	invite(t, owner, m{"email": "gone@a.example", "role": "CUSTOMER", "customer_id": o["spare_customer"]})
	owner.Do(t, http.MethodDelete, "/api/v1/customers/"+o["spare_customer"], nil).Require(t, 204)
}

// However many accept one invitation at once, one gets in; and of many invitations, as
// many are accepted as the plan has room for.
func TestManyAcceptAtOnce(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	_, token := invite(t, owner, m{"email": "one@a.example", "role": "TENANT_STAFF"})
	answers := atOnce(t, 16, tenant.Anonymous(), http.MethodPost, acceptPath, func(int) any { return accept(token) })
	require.Len(t, answers[201], 1)
	require.Len(t, answers[404], 15)

	const limit = 10
	tokens := make([]string, rivals)
	for i := range tokens {
		_, tokens[i] = invite(t, owner, m{"email": fmt.Sprintf("u%d@a.example", i), "role": "TENANT_STAFF"})
	}
	tenant.Override(t, "max_users", limit+2) // the owner and the one above are there already
	answers = atOnce(t, rivals, tenant.Anonymous(), http.MethodPost, acceptPath, func(i int) any { return accept(tokens[i]) })
	require.Len(t, answers[201], limit)
	require.Len(t, answers[403], rivals-limit)
	answers[403][0].RequireProblem(t, 403, "quota_exceeded")
	require.Len(t, owner.Get(t, "/api/v1/users?limit=100").Require(t, 200).IDs(t), limit+2)
	// Who found no room can come back when there is some.
	require.Len(t, owner.Get(t, "/api/v1/invitations?status=PENDING&limit=100").Require(t, 200).IDs(t), rivals-limit)

	// Of those who invite one address at once, one succeeds.
	answers = atOnce(t, 16, owner, http.MethodPost, "/api/v1/invitations", func(int) any { return m{"email": "same@a.example", "role": "TENANT_STAFF"} })
	require.Len(t, answers[201], 1)
	require.Len(t, answers[409], 15)
}

// An owner who is invited founds the business with both modes and what was granted.
func TestABusinessIsFounded(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	sales := s.Platform(t, tenancy.RolePlatformSales)
	body := m{
		"email": "Nora@new.example", "business_name": "Nora's Nails", "subdomain": "noras-nails", "plan_code": "free",
		"timezone": "Europe/Berlin", "currency": "EUR", "features": m{"can_use_webhooks": true}, "limits": m{"max_users": 9, "max_resources": nil},
		"can_use_calendar_sync": true,
	}
	created := sales.Post(t, "/api/platform/invitations/", body).Require(t, 201).Object(t)
	require.Equal(t, m{"can_use_webhooks": true, "can_use_calendar_sync": true}, created["features"])
	require.Equal(t, m{"max_users": 9.0, "max_resources": nil}, created["limits"])
	require.Equal(t, true, created["can_use_calendar_sync"])
	token := created["token"].(string)
	require.NotContains(t, sales.Get(t, "/api/platform/invitations/"+created["id"].(string)+"/").Require(t, 200).Object(t), "token")
	sales.Post(t, "/api/platform/invitations/", body).RequireProblem(t, 409, "already_exists")

	platform := s.Client("platform.localhost")
	open := platform.Post(t, lookupPath, m{"token": token}).Require(t, 200).Object(t)
	require.Equal(t, "Nora's Nails", open["business_name"])
	require.Equal(t, true, open["founds_business"])
	s.Tenant(t, "a").Anonymous().Post(t, acceptPath, accept(token)).RequireProblem(t, 404, "not_found")

	answer := platform.Post(t, acceptPath, accept(token)).Require(t, 201)
	require.Empty(t, answer.Header.Get("Set-Cookie"))
	signedIn := answer.Object(t)
	require.Equal(t, "noras_nails", signedIn["tenant"].(m)["schema_name"])
	require.Equal(t, "noras_nails_sandbox", signedIn["tenant"].(m)["sandbox_schema_name"])
	owner := s.Client("noras-nails.localhost").WithToken(signedIn["token"].(string))
	me := owner.Get(t, "/api/auth/me/").Require(t, 200).Object(t)
	require.Equal(t, "TENANT_OWNER", me["user"].(m)["role"])
	require.Equal(t, "Europe/Berlin", me["tenant"].(m)["timezone"])
	entitlements := owner.Get(t, "/api/v1/entitlements").Require(t, 200).Object(t)
	require.Equal(t, "free", entitlements["plan"].(m)["code"])
	features, quotas := entitlements["features"].(m), entitlements["quotas"].(m)
	require.Equal(t, true, features["can_use_calendar_sync"].(m)["enabled"])
	require.Equal(t, "override", features["can_use_calendar_sync"].(m)["source"])
	require.Equal(t, true, features["can_use_webhooks"].(m)["enabled"])
	require.Equal(t, false, features["can_use_analytics"].(m)["enabled"])
	require.InDelta(t, 9, quotas["max_users"].(m)["limit"], 0)
	require.InDelta(t, 1, quotas["max_users"].(m)["used"], 0)
	require.Nil(t, quotas["max_resources"].(m)["limit"])
	owner.Sandbox().Post(t, "/api/v1/resources", m{"name": "Chair", "type": "STAFF"}).Require(t, 201)
	owner.Post(t, "/api/v1/resources", m{"name": "Chair", "type": "STAFF"}).Require(t, 201)
	s.Client("noras-nails.localhost").Post(t, "/api/auth/login/", m{"email": "nora@new.example", "password": "my own password"}).Require(t, 200)

	accepted := sales.Get(t, "/api/platform/invitations/"+created["id"].(string)+"/").Require(t, 200).Object(t)
	require.Equal(t, "ACCEPTED", accepted["status"])
	require.Equal(t, signedIn["tenant"].(m)["id"], accepted["tenant_id"])
	body["email"] = "other@new.example"
	sales.Post(t, "/api/platform/invitations/", body).RequireProblem(t, 409, "already_exists")
	for _, table := range []string{"tenant_invitations", "audit_entries", "events", "sessions"} {
		var leaks int
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM "+table+" x WHERE strpos(x::text, $1) > 0", token).Scan(&leaks))
		require.Zero(t, leaks, table)
	}
}

func TestBusinessesThatCannotBeFounded(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.Tenant(t, "taken")
	manager := s.Platform(t, tenancy.RolePlatformManager)
	body := func(changes m) m {
		b := m{"email": "nora@new.example", "business_name": "Nora's Nails", "subdomain": "noras-nails", "plan_code": "free"}
		maps.Copy(b, changes)
		return b
	}
	for pointer, changes := range map[string]m{
		"/email": {"email": "a..b@new.example"}, "/subdomain": {"subdomain": "platform"}, "/plan_code": {"plan_code": "platinum"},
		"/limits/max_users":      {"limits": m{"max_users": 0}},
		"/can_use_calendar_sync": {"can_use_calendar_sync": true, "features": m{"can_use_calendar_sync": false}},
	} {
		response := manager.Post(t, "/api/platform/invitations/", body(changes))
		if pointer == "/email" && response.Status == 400 {
			continue // the contract saw it first
		}
		problem := response.RequireProblem(t, 422, "validation_failed")
		require.Equal(t, pointer, problem["errors"].([]any)[0].(m)["pointer"])
	}
	manager.Post(t, "/api/platform/invitations/", body(m{"features": m{"can_fly": true}})).RequireProblem(t, 400, "invalid_request")
	manager.Post(t, "/api/platform/invitations/", body(m{"subdomain": "taken"})).RequireProblem(t, 409, "already_exists")

	// The subdomain went to somebody else in the meantime: nothing is left of the attempt.
	created := manager.Post(t, "/api/platform/invitations/", body(nil)).Require(t, 201).Object(t)
	s.Tenant(t, "noras-nails")
	platform := s.Client("platform.localhost")
	platform.Post(t, acceptPath, accept(created["token"].(string))).RequireProblem(t, 409, "already_exists")
	require.Equal(t, "PENDING", manager.Get(t, "/api/platform/invitations/"+created["id"].(string)+"/").Require(t, 200).Object(t)["status"])
	resent := manager.Post(t, "/api/platform/invitations/"+created["id"].(string)+"/resend/", nil).Require(t, 200).Object(t)
	platform.Post(t, lookupPath, m{"token": created["token"]}).RequireProblem(t, 404, "not_found")
	platform.Post(t, lookupPath, m{"token": resent["token"]}).Require(t, 200)
	manager.Do(t, http.MethodDelete, "/api/platform/invitations/"+created["id"].(string)+"/", nil).Require(t, 204)
	manager.Do(t, http.MethodDelete, "/api/platform/invitations/"+created["id"].(string)+"/", nil).RequireProblem(t, 409, "invalid_transition")
	platform.Post(t, lookupPath, m{"token": resent["token"]}).RequireProblem(t, 404, "not_found")
	manager.Do(t, http.MethodDelete, "/api/platform/invitations/"+uuid.NewString()+"/", nil).RequireProblem(t, 404, "not_found")

	// Somebody who has left the platform invites nobody.
	email := "leaving@platform.example"
	leaving := s.Platform(t, tenancy.RolePlatformSales)
	last := leaving.Post(t, "/api/platform/invitations/", body(m{"subdomain": "last", "email": email})).Require(t, 201).Object(t)
	_, err := s.DB.OwnerPool().Exec(t.Context(), "UPDATE users SET is_active = false WHERE role = 'PLATFORM_SALES'")
	require.NoError(t, err)
	platform.Post(t, acceptPath, accept(last["token"].(string))).RequireProblem(t, 404, "not_found")
	s.Platform(t, tenancy.RolePlatformSupport).Post(t, "/api/platform/invitations/", body(nil)).RequireProblem(t, 403, "role_not_allowed")
}

// One invitation founds one business, however many accept it at once.
func TestManyFoundAtOnce(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	superuser := s.Platform(t, tenancy.RoleSuperuser)
	created := superuser.Post(t, "/api/platform/invitations/", m{
		"email": "nora@new.example", "business_name": "Nora's Nails", "subdomain": "noras-nails", "plan_code": "business",
	}).Require(t, 201).Object(t)
	answers := atOnce(t, 16, s.Client("platform.localhost"), http.MethodPost, acceptPath, func(int) any { return accept(created["token"].(string)) })
	require.Len(t, answers[201], 1)
	require.Len(t, answers[404], 15)
	for table, want := range map[string]int{"tenants": 1, "environments": 2, "domains": 1, "users WHERE tenant_id IS NOT NULL": 1} {
		var n int
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
		require.Equal(t, want, n, table)
	}

	// Accepting and revoking at once: one of the two.
	for i := range 8 {
		created := superuser.Post(t, "/api/platform/invitations/", m{
			"email": "nora@new.example", "business_name": "Nora's Nails", "subdomain": fmt.Sprintf("nails-%d", i), "plan_code": "business",
		}).Require(t, 201).Object(t)
		var accepted, revoked *apitest.Response
		var done sync.WaitGroup
		send := func(c *apitest.Client, request *http.Request, into **apitest.Response) {
			done.Go(func() {
				response, err := c.Send(request)
				if err != nil {
					t.Error(err)
					return
				}
				*into = response
			})
		}
		platform := s.Client("platform.localhost")
		send(platform, platform.Request(t, http.MethodPost, acceptPath, accept(created["token"].(string))), &accepted)
		send(superuser, superuser.Request(t, http.MethodDelete, "/api/platform/invitations/"+created["id"].(string), nil), &revoked)
		done.Wait()
		require.Contains(t, [][2]int{{201, 409}, {404, 204}}, [2]int{accepted.Status, revoked.Status})
	}
}
