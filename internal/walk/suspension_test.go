package walk

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// Only whoever knows a password hears that the business is suspended; sessions, programs
// and masquerades find it closed at once, the platform looks, and nothing is lost.
func TestWhatSuspensionClosesAndKeeps(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	ownerUser := tenant.User(t, tenancy.RoleOwner, false)
	owner := s.Login(t, tenant.Host, ownerUser.Email)
	o := populate(t, owner)
	token := owner.Post(t, "/api/v1/tokens", m{"name": "Website", "scopes": []string{"services:read"}}).Require(t, 201).Object(t)["token"].(string)
	program := tenant.Anonymous().WithToken(token)
	program.Get(t, "/api/v1/services").Require(t, 200)
	superuser := s.Platform(t, tenancy.RoleSuperuser)
	helper := superuser.As(t, tenant.Host, ownerUser.ID)
	business := "/api/platform/businesses/" + tenant.ID.String() + "/"
	superuser.Do(t, http.MethodPatch, business, m{"status": "SUSPENDED"}).Require(t, 200)

	login := func(email, password string) *apitest.Response {
		return tenant.Anonymous().Post(t, "/api/auth/login/", m{"email": email, "password": password})
	}
	login(ownerUser.Email, apitest.Password).RequireProblem(t, 403, "tenant_suspended")
	wrong, unknown := login(ownerUser.Email, "wrong").RequireProblem(t, 401, "invalid_credentials"), login("nobody@a.example", "wrong").RequireProblem(t, 401, "invalid_credentials")
	require.Equal(t, unknown["detail"], wrong["detail"])
	for _, c := range []*apitest.Client{owner, owner.Sandbox(), helper, program} {
		c.Get(t, "/api/v1/services").RequireProblem(t, 403, "tenant_suspended")
	}
	superuser.Post(t, "/api/auth/masquerade/", m{"user_id": ownerUser.ID}).RequireProblem(t, 403, "tenant_suspended")
	tenant.Anonymous().Post(t, acceptPath, accept(o["invitation_token"])).RequireProblem(t, 403, "tenant_suspended")
	require.Contains(t, superuser.WithHost(tenant.Host).Get(t, "/api/v1/services").Require(t, 200).IDs(t), o["service"], "the platform looks")

	superuser.Do(t, http.MethodPatch, business, m{"status": "ACTIVE"}).Require(t, 200)
	for _, c := range []*apitest.Client{owner, helper, program} {
		require.Contains(t, c.Get(t, "/api/v1/services").Require(t, 200).IDs(t), o["service"])
	}
	login(ownerUser.Email, apitest.Password).Require(t, 200)
	tenant.Anonymous().Post(t, acceptPath, accept(o["invitation_token"])).Require(t, 201)
}
