package walk

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// A user of the platform works as the owner of a business, at its host, and then as
// staff; the way back is one step at a time.
func TestWorkingAsSomebodyElse(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, staff := tenant.User(t, tenancy.RoleOwner, false), tenant.User(t, tenancy.RoleStaff, false)
	platform := s.Platform(t, tenancy.RolePlatformManager)
	answer := platform.Post(t, "/api/auth/masquerade/", m{"user_id": owner.ID}).Require(t, 200)
	require.Empty(t, answer.Header.Get("Set-Cookie"), "the browser's own session stays beneath")
	started := answer.Object(t)
	require.Equal(t, "a", started["tenant"].(m)["domain"])
	asOwner := platform.WithToken(started["token"].(string)).WithHost(tenant.Host)

	asOwner.Post(t, "/api/v1/resources", m{"name": "Room", "type": "ROOM"}).Require(t, 201)
	me := asOwner.Get(t, "/api/auth/me/").Require(t, 200).Object(t)
	require.Equal(t, "TENANT_OWNER", me["user"].(m)["role"])
	stack := me["masquerade"].(m)["stack"].([]any)
	require.Len(t, stack, 1)
	require.Equal(t, "PLATFORM_MANAGER", stack[0].(m)["role"])
	asOwner.Get(t, "/api/platform/nothing").RequireProblem(t, 404, "not_found")
	asOwner.WithHost("platform.localhost").Get(t, "/api/auth/me/").RequireProblem(t, 403, "tenant_mismatch")

	asStaff := asOwner.As(t, tenant.Host, staff.ID)
	asStaff.Post(t, "/api/v1/resources", m{"name": "Room", "type": "ROOM"}).RequireProblem(t, 403, "role_not_allowed")
	asStaff.Post(t, "/api/auth/masquerade/", m{"user_id": owner.ID}).RequireProblem(t, 403, "role_not_allowed")
	require.Len(t, asStaff.Get(t, "/api/auth/me/").Require(t, 200).Object(t)["masquerade"].(m)["stack"], 2)

	ended := asStaff.Do(t, http.MethodDelete, "/api/auth/masquerade/", nil).Require(t, 200).Object(t)
	require.Equal(t, owner.ID.String(), ended["user"].(m)["id"])
	require.Len(t, ended["masquerade"].(m)["stack"], 1)
	asStaff.Get(t, "/api/auth/me/").RequireProblem(t, 401, "unauthenticated")
	ended = asOwner.Do(t, http.MethodDelete, "/api/auth/masquerade/", nil).Require(t, 200).Object(t)
	require.Equal(t, "PLATFORM_MANAGER", ended["user"].(m)["role"])
	require.NotContains(t, ended, "masquerade")
	require.NotContains(t, platform.Get(t, "/api/auth/me/").Require(t, 200).Object(t), "masquerade")
	platform.Do(t, http.MethodDelete, "/api/auth/masquerade/", nil).RequireProblem(t, 409, "invalid_transition")

	// Half an hour, and never longer than the session beneath.
	again := platform.As(t, tenant.Host, owner.ID)
	s.Clock.Advance(30*time.Minute - time.Second)
	again.Get(t, "/api/v1/resources").Require(t, 200)
	s.Clock.Advance(time.Second)
	again.Get(t, "/api/v1/resources").RequireProblem(t, 401, "unauthenticated")
	last := platform.As(t, tenant.Host, owner.ID)
	platform.Post(t, "/api/auth/logout/", nil).Require(t, 204)
	last.Get(t, "/api/v1/resources").RequireProblem(t, 401, "unauthenticated")
}

// What only the users themselves may do is out of reach, and the only things that a
// masquerade of support may write are those that change nothing of the business.
func TestWhatAMasqueradeMayNotDo(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, tenant, o := p.server, p.tenant, p.objects
	target := tenant.User(t, tenancy.RoleOwner, false)
	o["session"] = s.SessionID(t, s.Login(t, tenant.Host, target.Email))
	support := s.Platform(t, tenancy.RolePlatformSupport).As(t, tenant.Host, target.ID)
	superuser := s.Platform(t, tenancy.RoleSuperuser).As(t, tenant.Host, target.ID)
	require.Equal(t, true, support.Get(t, "/api/auth/me/").Require(t, 200).Object(t)["masquerade"].(m)["read_only"])
	// Nor is there a way around by one more masquerade.
	deeper := support.As(t, tenant.Host, tenant.User(t, tenancy.RoleManager, false).ID)
	deeper.Post(t, "/api/v1/resources", m{"name": "Room", "type": "ROOM"}).RequireProblem(t, 403, "masquerade_refused")

	refused := 0
	for _, op := range s.App.Contract.Operations() {
		g, f := s.App.Gates[op.ID], fixtures[op.ID]
		if g.Access == gate.Public || g.Access == gate.Platform || g.Masquerade == gate.MasqueradeAlways {
			continue
		}
		path, body := f.call(op, o)
		switch {
		case g.Masquerade == gate.MasqueradeNever:
			superuser.Do(t, op.Method, path, body).RequireProblem(t, 403, "masquerade_refused")
			support.Do(t, op.Method, path, body).RequireProblem(t, 403, "masquerade_refused")
		case contract.Writes(op.Method):
			refused++
			support.Do(t, op.Method, path, body).RequireProblem(t, 403, "masquerade_refused")
		default:
			support.Do(t, op.Method, path, body).Require(t, f.want)
		}
	}
	require.Greater(t, refused, 20)
	s.Login(t, tenant.Host, target.Email) // the password is what it was
}

// Each request under a masquerade, reading too, is in the trail with both users.
func TestAMasqueradeIsRecorded(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.User(t, tenancy.RoleOwner, false)
	support := s.Platform(t, tenancy.RolePlatformSupport).As(t, tenant.Host, owner.ID)
	for want, response := range map[string]*apitest.Response{
		"masquerade.used SUCCESS listCustomers": support.Get(t, "/api/v1/customers").Require(t, 200),
		"access.denied DENIED createCustomer":   support.Post(t, "/api/v1/customers", m{"name": "X"}).Require(t, 403),
	} {
		var got string
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT action || ' ' || outcome || ' ' || target_id FROM audit_entries
			WHERE request_id = $1 AND tenant_id = $2 AND actor_user_id = $3 AND actor_role = 'TENANT_OWNER' AND impersonator_role = 'PLATFORM_SUPPORT'`,
			response.Header.Get("X-Request-ID"), tenant.ID, owner.ID).Scan(&got))
		require.Equal(t, want, got)
	}
}
