package walk

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

var nouns = []string{"resources", "services", "customers", "appointments", "series", "time-off"}

func requireEmpty(t *testing.T, c *apitest.Client) {
	t.Helper()
	for _, noun := range nouns {
		require.Empty(t, c.Get(t, "/api/v1/"+noun).Require(t, 200).IDs(t), noun)
	}
	require.Equal(t, false, c.Get(t, "/api/v1/business/hours").Require(t, 200).Object(t)["is_set"])
}

func TestTheSessionRemembersTheMode(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	populate(t, owner)
	requireEmpty(t, owner.Sandbox()) // a new sandbox is empty

	status := owner.Get(t, "/api/sandbox/status/").Require(t, 200).Object(t)
	require.Equal(t, m{
		"sandbox_mode": false, "session_sandbox_mode": false, "sandbox_enabled": true, "schema_name": "a",
		"sandbox_schema_name": "a_sandbox", "active_schema_name": "a",
	}, status)
	owner.Post(t, "/api/sandbox/toggle/", nil).Require(t, 200)
	response := owner.Get(t, "/api/sandbox/status/").Require(t, 200)
	require.Equal(t, "true", response.Header.Get("X-Sandbox-Mode"))
	require.Equal(t, "a_sandbox", response.Object(t)["active_schema_name"])
	requireEmpty(t, owner)
	require.NotEmpty(t, owner.WithHeader("X-Sandbox-Mode", "false").Get(t, "/api/v1/resources").Require(t, 200).IDs(t))
	// Other sessions are not affected.
	require.NotEmpty(t, s.Login(t, tenant.Host, "owner@a.example").Get(t, "/api/v1/resources").Require(t, 200).IDs(t))

	owner.Post(t, "/api/sandbox/toggle/", m{"sandbox_mode": false}).Require(t, 200)
	require.NotEmpty(t, owner.Get(t, "/api/v1/resources").Require(t, 200).IDs(t))
}

func TestASandboxThatIsSwitchedOff(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	owner.Post(t, "/api/sandbox/toggle/", m{"sandbox_mode": true}).Require(t, 200)
	tenant.Set(t, "sandbox_enabled", false)
	require.Equal(t, "false", owner.Get(t, "/api/v1/resources").Require(t, 200).Header.Get("X-Sandbox-Mode"))
	owner.Sandbox().Get(t, "/api/v1/resources").RequireProblem(t, 403, "sandbox_disabled")
	owner.Post(t, "/api/sandbox/toggle/", m{"sandbox_mode": true}).RequireProblem(t, 403, "sandbox_disabled")
	owner.Post(t, "/api/sandbox/reset/", nil).RequireProblem(t, 403, "sandbox_disabled")
	require.Equal(t, false, owner.Get(t, "/api/sandbox/status/").Require(t, 200).Object(t)["sandbox_enabled"])
}

func TestSandboxUsersStayInTheSandbox(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	live := populate(t, tenant.Client(t, tenancy.RoleOwner))
	tester := tenant.SandboxClient(t, tenancy.RoleOwner)
	for _, c := range []*apitest.Client{tester, tester.WithHeader("X-Sandbox-Mode", "false")} {
		response := c.Get(t, "/api/v1/resources").Require(t, 200)
		require.Empty(t, response.IDs(t))
		require.Equal(t, "true", response.Header.Get("X-Sandbox-Mode"))
		c.Get(t, "/api/v1/resources/"+live["resource"]).RequireProblem(t, 404, "not_found")
	}
	tester.Post(t, "/api/sandbox/toggle/", m{"sandbox_mode": false}).RequireProblem(t, 409, "invalid_transition")
	// Whom they create is like them.
	created := tester.Post(t, "/api/v1/users", m{"email": "x@a.example", "name": "X", "role": "TENANT_STAFF", "password": "a first password"}).Require(t, 201)
	require.Equal(t, true, created.Object(t)["is_sandbox"])
}

func TestResetEmptiesTheSandboxAndNothingElse(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, stranger := tenant.Client(t, tenancy.RoleOwner), s.Tenant(t, "b").Client(t, tenancy.RoleOwner)
	populateAll(t, owner)
	populateAll(t, owner.Sandbox())
	populateAll(t, stranger.Sandbox())
	for _, c := range []*apitest.Client{owner, owner.Sandbox(), stranger.Sandbox()} {
		c.Do(t, http.MethodPut, "/api/v1/business/hours", hours).Require(t, 200)
	}
	snapshot := func(c *apitest.Client) (all []string) {
		for _, noun := range append(nouns, "users", "entitlements", "business/hours") {
			all = append(all, string(c.Get(t, "/api/v1/"+noun).Require(t, 200).Body))
		}
		return all
	}
	live, other := snapshot(owner), snapshot(stranger.Sandbox())
	hook := m{"url": "https://example.com/hooks", "event_types": []string{"*"}}
	owner.Sandbox().Post(t, "/api/v1/webhooks", hook).Require(t, 201)
	kept := owner.Post(t, "/api/v1/webhooks", hook).Require(t, 201).ID(t)
	program := owner.APIToken(t, true, "customers:read")

	owner.Post(t, "/api/sandbox/reset/", nil).Require(t, 200)
	requireEmpty(t, owner.Sandbox())
	require.Empty(t, owner.Sandbox().Get(t, "/api/v1/webhooks").Require(t, 200).IDs(t))
	require.Contains(t, owner.Get(t, "/api/v1/webhooks").Require(t, 200).IDs(t), kept)
	program.Get(t, "/api/v1/customers").Require(t, 200) // tokens are administered for both modes together
	require.Empty(t, owner.Sandbox().Get(t, "/api/v1/users").Require(t, 200).IDs(t))
	quotas := owner.Sandbox().Get(t, "/api/v1/entitlements").Require(t, 200).Object(t)["quotas"].(m)
	for name, quota := range quotas {
		require.Zero(t, quota.(m)["used"], name)
	}
	require.Equal(t, live, snapshot(owner))
	require.Equal(t, other, snapshot(stranger.Sandbox()))
	populate(t, owner.Sandbox()) // it works like new

	// The feed goes on where it was: a reader of it misses nothing.
	var first int64
	var kind string
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT sequence, type FROM events e JOIN environments v ON v.id = e.env_id
		WHERE v.name = 'a_sandbox' ORDER BY sequence LIMIT 1`).Scan(&first, &kind))
	require.Equal(t, "sandbox.reset", kind)
	require.Greater(t, first, int64(5))
}
