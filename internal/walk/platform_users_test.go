package walk

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// me is the user that a client is signed in as.
func me(tb testing.TB, c *apitest.Client) m {
	tb.Helper()
	return c.Get(tb, "/api/auth/me/").Require(tb, 200).Object(tb)["user"].(m)
}

// The list has everybody once in every order, with their business, and can be narrowed.
func TestTheListOfUsers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	support := s.Platform(t, tenancy.RolePlatformSupport)
	a, b := s.Tenant(t, "a"), s.Tenant(t, "b")
	owner, sandboxed, customer := a.User(t, tenancy.RoleOwner, false), a.User(t, tenancy.RoleStaff, true), a.User(t, tenancy.RoleCustomer, false)
	for range 6 {
		b.User(t, tenancy.RoleStaff, false)
	}
	path := "/api/platform/users/"
	for _, sort := range []string{"created_at", "-created_at", "name", "-name"} {
		for _, business := range []string{"", b.ID.String()} {
			query := url.Values{"sort": {sort}, "limit": {"100"}}
			want := 10
			if business != "" {
				query.Set("business", business)
				want = 6
			}
			whole := support.Get(t, path+"?"+query.Encode()).Require(t, 200).IDs(t)
			require.Len(t, whole, want)
			for _, limit := range []string{"1", "4", "5"} {
				query.Set("limit", limit)
				query.Del("cursor")
				require.Equal(t, whole, pages(t, support, path, query), "%s of %q", sort, business)
			}
		}
	}
	for query, want := range map[string][]string{
		"business=" + a.ID.String():                                        {customer.ID.String(), sandboxed.ID.String(), owner.ID.String()},
		"business=" + a.ID.String() + "&is_sandbox=true":                   {sandboxed.ID.String()},
		"business=" + a.ID.String() + "&role=CUSTOMER":                     {customer.ID.String()},
		"business=" + a.ID.String() + "&search=OWNER%40A":                  {owner.ID.String()},
		"is_sandbox=true":                                                  {sandboxed.ID.String()},
		"role=CUSTOMER":                                                    {customer.ID.String()},
		"search=owner%40a.example":                                         {owner.ID.String()},
		"role=PLATFORM_SUPPORT":                                            {me(t, support)["id"].(string)},
		"is_active=false":                                                  {},
		"business=" + a.ID.String() + "&is_active=false&role=TENANT_OWNER": {},
	} {
		require.Equal(t, want, support.Get(t, path+"?"+query).Require(t, 200).IDs(t), query)
	}
	found := support.Get(t, path+owner.ID.String()+"/").Require(t, 200).Object(t)
	require.Equal(t, m{"id": a.ID.String(), "name": "Tenant a", "schema_name": "a"}, found["business"])
	require.Equal(t, a.ID.String(), found["tenant_id"])
	require.Equal(t, false, found["is_staff"])
	own := support.Get(t, path+me(t, support)["id"].(string)+"/").Require(t, 200).Object(t)
	require.Nil(t, own["business"])
	require.Equal(t, true, own["is_staff"])
}

// The platform changes users by the rules of whoever they belong to.
func TestThePlatformChangesUsers(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	superuser, manager := s.Platform(t, tenancy.RoleSuperuser), s.Platform(t, tenancy.RolePlatformManager)
	patch := func(c *apitest.Client, id any, body m) *apitest.Response {
		return c.Do(t, http.MethodPatch, fmt.Sprintf("/api/platform/users/%s/", id), body)
	}

	// A business keeps an owner; staff become managers; deactivation ends sessions.
	owner := tenant.User(t, tenancy.RoleOwner, false)
	patch(manager, owner.ID, m{"is_active": false}).RequireProblem(t, 409, "last_owner")
	patch(manager, owner.ID, m{"role": "TENANT_STAFF"}).RequireProblem(t, 409, "last_owner")
	patch(manager, owner.ID, m{"role": "PLATFORM_SUPPORT"}).RequireProblem(t, 422, "validation_failed")
	staff := tenant.User(t, tenancy.RoleStaff, false)
	working := s.Login(t, tenant.Host, staff.Email)
	changed := patch(manager, staff.ID, m{"role": "TENANT_MANAGER", "name": "Promoted"}).Require(t, 200)
	require.Equal(t, "TENANT_MANAGER", changed.Object(t)["role"])
	require.Equal(t, `"2"`, changed.Header.Get("ETag"))
	working.Get(t, "/api/auth/me/").RequireProblem(t, 401, "unauthenticated")
	manager.WithHeader("If-Match", `"1"`).Do(t, http.MethodPatch, "/api/platform/users/"+staff.ID.String()+"/", m{"name": "X"}).
		RequireProblem(t, 412, "version_mismatch")
	require.Len(t, events(t, s, tenant, "user.updated"), 1)
	patch(manager, staff.ID, m{"email": owner.Email}).RequireProblem(t, 409, "already_exists")

	// Customers and users of the sandbox too.
	customer, sandboxed := tenant.User(t, tenancy.RoleCustomer, false), tenant.User(t, tenancy.RoleStaff, true)
	shopping := s.Login(t, tenant.Host, customer.Email)
	require.Equal(t, false, patch(manager, customer.ID, m{"is_active": false}).Require(t, 200).Object(t)["is_active"])
	shopping.Get(t, "/api/auth/me/").RequireProblem(t, 401, "unauthenticated")
	patch(manager, customer.ID, m{"role": "TENANT_STAFF"}).RequireProblem(t, 422, "validation_failed")
	patch(manager, sandboxed.ID, m{"name": "Tester"}).Require(t, 200)

	// Nobody reaches above themselves.
	high, equal := s.Platform(t, tenancy.RoleSuperuser), s.Platform(t, tenancy.RolePlatformManager)
	helper := s.Platform(t, tenancy.RolePlatformSupport)
	patch(manager, me(t, high)["id"], m{"is_active": false}).RequireProblem(t, 403, "role_not_allowed")
	patch(manager, me(t, high)["id"], m{"name": "Fool"}).RequireProblem(t, 403, "role_not_allowed")
	patch(manager, me(t, helper)["id"], m{"role": "SUPERUSER"}).RequireProblem(t, 403, "role_not_allowed")
	patch(manager, me(t, manager)["id"], m{"role": "SUPERUSER"}).RequireProblem(t, 403, "role_not_allowed")
	patch(manager, me(t, helper)["id"], m{"role": "TENANT_OWNER"}).RequireProblem(t, 422, "validation_failed")
	for _, change := range []m{{"name": "Colleague"}, {"email": "mine@platform.example"}, {"is_active": false}} {
		patch(manager, me(t, equal)["id"], change).RequireProblem(t, 403, "role_not_allowed")
	}
	patch(superuser, me(t, high)["id"], m{"email": "mine@platform.example"}).RequireProblem(t, 403, "role_not_allowed")
	patch(manager, me(t, manager)["id"], m{"name": "Myself"}).Require(t, 200)
	patch(manager, me(t, helper)["id"], m{"role": "PLATFORM_SALES"}).Require(t, 200)
	helper.Get(t, "/api/auth/me/").RequireProblem(t, 401, "unauthenticated")
	var denied int
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT count(*) FROM audit_entries
		WHERE action = 'access.denied' AND target_type = 'user' AND actor_role = 'PLATFORM_MANAGER'`).Scan(&denied))
	require.Equal(t, 7, denied)

	// Of two superusers who remove each other at once, one stays.
	ids := []uuid.UUID{uuid.MustParse(me(t, high)["id"].(string)), uuid.MustParse(me(t, superuser)["id"].(string))}
	failures := make(chan error, 2)
	for i := range ids {
		go func() {
			scope := &tenancy.Scope{Now: s.Clock.Now(), Principal: &tenancy.Principal{UserID: ids[1-i], Role: tenancy.RoleSuperuser}}
			_, err := s.App.Platform.Users.Update(t.Context(), scope, ids[i], nil, businesses.UserPatch{IsActive: new(false)})
			failures <- err
		}()
	}
	outcomes := []error{<-failures, <-failures}
	slices.SortFunc(outcomes, func(a, b error) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	require.NoError(t, outcomes[0])
	require.ErrorIs(t, outcomes[1], apperr.New(apperr.LastOwner, ""))
}

// PLATFORM_SUPPORT reads, and changes nothing at all: not on the platform, not in a
// business, whatever it tries.
func TestSupportChangesNothing(t *testing.T) {
	t.Parallel()
	p := everyNoun.new(t)
	s, tenant, _, o := p.server, p.tenant, p.callers, p.objects
	o["session"] = "019aa4b2-5a34-7d06-9c5e-000000000000"
	support := s.Platform(t, tenancy.RolePlatformSupport).WithHost(tenant.Host)
	before := fingerprints(t, s)
	writes, allowed := 0, []string{}
	for _, op := range s.App.Contract.Operations() {
		if !writesSomething(op.Method) || s.App.Gates[op.ID].Access != "tenant" && s.App.Gates[op.ID].Access != "platform" {
			continue // what everybody may do with their own session
		}
		writes++
		path, body := fixtures[op.ID].call(op, o)
		if response := support.Do(t, op.Method, path, body); response.Status != 403 {
			allowed = append(allowed, fmt.Sprint(op.ID, " ", response.Status))
		}
	}
	require.Greater(t, writes, 40)
	require.Empty(t, allowed)
	require.Equal(t, before, fingerprints(t, s))
}

func writesSomething(method string) bool {
	return method != http.MethodGet && method != http.MethodHead
}

// fingerprints are the contents of every table but those that record attempts.
func fingerprints(t *testing.T, s *apitest.Server) map[string]string {
	t.Helper()
	rows, err := s.DB.OwnerPool().Query(t.Context(), `SELECT relname::text FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT IN ('audit_entries', 'sessions', 'daily_api_calls')`)
	require.NoError(t, err)
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var table string
		require.NoError(t, rows.Scan(&table))
		tables = append(tables, table)
	}
	require.NoError(t, rows.Err())
	prints := map[string]string{}
	for _, table := range tables {
		var content string
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(),
			`SELECT count(*) || ' ' || COALESCE(md5(string_agg(x::text, ' ' ORDER BY x::text)), '') FROM `+table+` AS x`).Scan(&content))
		prints[table] = content
	}
	return prints
}
