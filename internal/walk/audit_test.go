package walk

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// actions are those of a page of the trail.
func actions(t *testing.T, c *apitest.Client, path, query string) []string {
	t.Helper()
	list := []string{}
	for _, entry := range c.Get(t, path+"?limit=100&"+query).Require(t, 200).Object(t)["data"].([]any) {
		list = append(list, entry.(m)["action"].(string))
	}
	return list
}

func TestTheAuditTrail(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant, other := s.Tenant(t, "a"), s.Tenant(t, "b")
	ownerUser := tenant.User(t, tenancy.RoleOwner, false)
	owner := s.Login(t, tenant.Host, ownerUser.Email)
	manager := tenant.Client(t, tenancy.RoleManager)
	stranger := other.Client(t, tenancy.RoleOwner)
	superuser := s.Platform(t, tenancy.RoleSuperuser)
	s.Clock.Advance(time.Hour)
	create := m{"email": "new@a.example", "name": "New", "role": "TENANT_STAFF", "password": "a first password"}
	live := owner.Post(t, "/api/v1/users", create).Require(t, 201).ID(t)
	sandbox := owner.Sandbox().Post(t, "/api/v1/users", create).Require(t, 201).ID(t)
	manager.Post(t, "/api/v1/users", m{"email": "o@a.example", "name": "O", "role": "TENANT_OWNER", "password": "a first password"}).Require(t, 403)
	superuser.As(t, tenant.Host, ownerUser.ID).Get(t, "/api/v1/customers").Require(t, 200)

	const path = "/api/v1/audit"
	require.Equal(t, []string{"user.created"}, actions(t, owner, path, "target="+live))
	require.Empty(t, actions(t, owner, path, "target="+sandbox), "the other mode's")
	require.Equal(t, []string{"user.created"}, actions(t, owner.Sandbox(), path, "target="+sandbox))
	require.NotContains(t, actions(t, owner.Sandbox(), path, ""), "masquerade.started", "what concerns no mode is in the live one")
	require.Empty(t, actions(t, stranger, path, "target="+live))
	require.Empty(t, actions(t, stranger, path, "actor="+ownerUser.ID.String()))
	require.Equal(t, []string{"access.denied"}, actions(t, manager, path, "outcome=DENIED"))
	require.Equal(t, []string{"user.created"}, actions(t, owner, path, "action=user.created&actor="+ownerUser.ID.String()))
	require.Equal(t, []string{"user.created"}, actions(t, owner, path, "action=user.created&target_type=user&outcome=SUCCESS"))
	require.Empty(t, actions(t, owner, path, "action=user.created&target_type=session"))
	at := url.QueryEscape(apitest.Start.Add(time.Hour).Format(time.RFC3339))
	require.NotContains(t, actions(t, owner, path, "from="+at), "session.created")
	require.NotContains(t, actions(t, owner, path, "to="+at), "user.created")
	require.Contains(t, actions(t, owner, path, "to="+at), "session.created")

	// Who really acted is there, where they came from is not.
	used := owner.Get(t, path+"?action=masquerade.used").Require(t, 200).Object(t)["data"].([]any)[0].(m)
	require.Equal(t, "SUPERUSER", used["impersonator_role"])
	require.Equal(t, ownerUser.ID.String(), used["actor_id"])
	require.Nil(t, used["address"])
	require.Equal(t, "listCustomers", used["target_id"])
	require.Contains(t, actions(t, owner, path, "actor="+used["impersonator_id"].(string)), "masquerade.used")

	// The platform sees all of it, and may look at one business.
	const everywhere = "/api/platform/audit/"
	all := actions(t, superuser, everywhere, "")
	require.Greater(t, len(all), len(actions(t, superuser, everywhere, "tenant_id="+tenant.ID.String())))
	require.Equal(t, []string{"user.created"}, actions(t, superuser, everywhere, "target="+sandbox))
	require.NotContains(t, actions(t, superuser, everywhere, "tenant_id="+other.ID.String()), "user.created")
	seen := superuser.Get(t, everywhere+"?action=masquerade.used").Require(t, 200).Object(t)["data"].([]any)[0].(m)
	require.Equal(t, "127.0.0.1", seen["address"])
	s.Platform(t, tenancy.RolePlatformSales).Get(t, everywhere).RequireProblem(t, 403, "role_not_allowed")
	s.Platform(t, tenancy.RolePlatformSupport).Get(t, everywhere).Require(t, 200)
	tenant.Client(t, tenancy.RoleStaff).Get(t, path).RequireProblem(t, 403, "role_not_allowed")

	// Page by page, each entry once.
	var ids []string
	for cursor := ""; ; {
		page := owner.Get(t, path+"?limit=2"+cursor).Require(t, 200)
		ids = append(ids, page.IDs(t)...)
		next, more := page.Object(t)["next_cursor"].(string)
		if !more {
			break
		}
		cursor = "&cursor=" + next
		owner.Get(t, path+"?limit=2&outcome=DENIED"+cursor).RequireProblem(t, 400, "invalid_cursor")
	}
	require.Len(t, ids, len(actions(t, owner, path, "")))
	slices.Sort(ids)
	require.Len(t, slices.Compact(ids), len(actions(t, owner, path, "")))
}
