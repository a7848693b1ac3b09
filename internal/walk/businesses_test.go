package walk

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// A business that the platform makes is whole: both worlds, its address, its owner.
func TestABusinessIsMade(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	manager := s.Platform(t, tenancy.RolePlatformManager)
	made := manager.Post(t, "/api/platform/businesses/", m{
		"name": " Salon ", "subdomain": "my-salon", "plan_code": "professional", "status": "TRIAL", "timezone": "Europe/Vienna", "currency": "EUR",
		"owner": m{"email": "Nora@Salon.example", "name": "Nora", "password": apitest.Password},
	}).Require(t, 201)
	require.Equal(t, `"2"`, made.Header.Get("ETag"))
	business := made.Object(t)
	for field, want := range map[string]any{
		"name": "Salon", "status": "TRIAL", "schema_name": "my_salon", "sandbox_schema_name": "my_salon_sandbox", "sandbox_enabled": true,
		"domain": "my-salon", "timezone": "Europe/Vienna", "currency": "EUR", "user_count": float64(1), "suspended_at": nil,
	} {
		require.Equal(t, want, business[field], field)
	}
	require.Equal(t, "nora@salon.example", business["owner"].(m)["email"])
	require.Equal(t, true, business["features"].(m)["can_use_calendar_sync"])
	require.Equal(t, false, business["features"].(m)["can_use_webhooks"])
	require.Len(t, business["features"], 9)

	owner := s.Login(t, "my-salon.localhost", "nora@salon.example")
	owner.Post(t, "/api/v1/resources", m{"name": "Chair", "type": "STAFF"}).Require(t, 201)
	owner.Sandbox().Post(t, "/api/v1/resources", m{"name": "Chair", "type": "STAFF"}).Require(t, 201)
	require.EqualValues(t, 1, entitlementsOf{owner}.quota(t, "max_users")["used"])

	// Nothing is left of one that could not be made.
	before := len(manager.Get(t, "/api/platform/businesses/").Require(t, 200).IDs(t))
	for body, pointer := range map[string]string{
		`{"name":"X","subdomain":"my-salon"}`:                 "/subdomain",
		`{"name":"X","subdomain":"admin"}`:                    "/subdomain",
		`{"name":"X","subdomain":"x","plan_code":"nonsense"}`: "/plan_code",
	} {
		response := manager.Post(t, "/api/platform/businesses/", apitest.Raw(body))
		require.Contains(t, []int{409, 422}, response.Status, "%s", response.Body)
		require.Equal(t, pointer, response.Object(t)["errors"].([]any)[0].(m)["pointer"], body)
	}
	require.Len(t, manager.Get(t, "/api/platform/businesses/").Require(t, 200).IDs(t), before)
	answers := atOnce(t, 8, manager, http.MethodPost, "/api/platform/businesses/", func(int) any { return m{"name": "Twin", "subdomain": "twin"} })
	require.Len(t, answers[201], 1)
	require.Len(t, answers[409], 7)
}

// A suspended business is closed with the next request, keeps everything, and comes back.
func TestABusinessIsSuspendedAndComesBack(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, manager := tenant.Client(t, tenancy.RoleOwner), s.Platform(t, tenancy.RolePlatformManager)
	path := "/api/platform/businesses/" + tenant.ID.String() + "/"
	room := owner.Post(t, "/api/v1/resources", m{"name": "Room", "type": "ROOM"}).Require(t, 201).ID(t)
	suspended := manager.Do(t, http.MethodPatch, path, m{"status": "SUSPENDED"}).Require(t, 200)
	require.Equal(t, apitest.Start.Format(time.RFC3339), suspended.Object(t)["suspended_at"])
	owner.Get(t, "/api/v1/resources").RequireProblem(t, 403, "tenant_suspended")
	s.Clock.Advance(time.Minute)
	again := manager.Do(t, http.MethodPatch, path, m{"status": "SUSPENDED", "sandbox_enabled": false}).Require(t, 200).Object(t)
	require.Equal(t, apitest.Start.Format(time.RFC3339), again["suspended_at"], "since then")
	stale := manager.WithHeader("If-Match", suspended.Header.Get("ETag"))
	stale.Do(t, http.MethodPatch, path, m{"status": "ACTIVE"}).RequireProblem(t, 412, "version_mismatch")
	require.Nil(t, manager.Do(t, http.MethodPatch, path, m{"status": "ACTIVE"}).Require(t, 200).Object(t)["suspended_at"])
	owner.Get(t, "/api/v1/resources/"+room).Require(t, 200)
	owner.Sandbox().Get(t, "/api/v1/resources").RequireProblem(t, 403, "sandbox_disabled")
	require.Len(t, events(t, s, tenant, "business.suspended"), 1)
	require.Len(t, events(t, s, tenant, "business.reactivated"), 1)
	require.Len(t, events(t, s, tenant, "business.administered"), 1)
	requireCatalogued(t, s, owner)
}

// The list has every business once in every order, and finds them by all that names them.
func TestTheListOfBusinesses(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	support := s.Platform(t, tenancy.RolePlatformSupport)
	var made []string
	for i := range 11 {
		tenant := s.Tenant(t, fmt.Sprintf("t%02d", i))
		tenant.Set(t, "name", fmt.Sprintf("Name %d", i%3))
		made = append(made, tenant.ID.String())
		if i == 7 {
			tenant.User(t, tenancy.RoleOwner, false)
			tenant.User(t, tenancy.RoleOwner, false)
			tenant.Set(t, "status", "TRIAL")
			_, err := s.DB.OwnerPool().Exec(t.Context(), `INSERT INTO domains (id, tenant_id, kind, name, verified_at)
				VALUES (gen_random_uuid(), $1, 'CUSTOM', 'book.100%.example', now())`, tenant.ID)
			require.NoError(t, err)
		}
		s.Clock.Advance(time.Duration(i%2) * time.Minute)
	}
	newest := slices.Clone(made)
	slices.Reverse(newest)
	path := "/api/platform/businesses/"
	orders := map[string][]string{}
	for _, sort := range []string{"created_at", "-created_at", "name", "-name"} {
		orders[sort] = support.Get(t, path+"?limit=100&sort="+sort).Require(t, 200).IDs(t)
		require.ElementsMatch(t, made, orders[sort])
		for _, limit := range []string{"1", "4", "11"} {
			require.Equal(t, orders[sort], pages(t, support, path, url.Values{"sort": {sort}, "limit": {limit}}), sort)
		}
	}
	require.Equal(t, newest, support.Get(t, path).Require(t, 200).IDs(t), "the default")
	for _, sort := range []string{"created_at", "name"} {
		turned := slices.Clone(orders["-"+sort])
		slices.Reverse(turned)
		require.Equal(t, orders[sort], turned)
	}
	for query, want := range map[string][]string{
		"search=T07":                             {made[7]},
		"search=owner%40T07.":                    {made[7]},
		"search=100%25":                          {made[7]},
		"search=%5C":                             {},
		"search=name%201":                        {made[10], made[7], made[4], made[1]},
		"search=name%201&sort=name":              {made[1], made[4], made[7], made[10]},
		"status=TRIAL":                           {made[7]},
		"status=SUSPENDED":                       {},
		"plan=enterprise&status=TRIAL&search=t0": {made[7]},
		"plan=free":                              {},
	} {
		require.Equal(t, want, support.Get(t, path+"?"+query).Require(t, 200).IDs(t), query)
	}
	found := support.Get(t, path+"?search=t07").Require(t, 200).Object(t)["data"].([]any)[0].(m)
	require.Equal(t, "owner@t07.example", found["owner"].(m)["email"], "the first owner")
	require.EqualValues(t, 2, found["user_count"])
	require.Nil(t, support.Get(t, path+"?search=t01").Require(t, 200).Object(t)["data"].([]any)[0].(m)["owner"])
	cursor := support.Get(t, path+"?limit=2").Require(t, 200).Object(t)["next_cursor"].(string)
	support.Get(t, path+"?sort=name&cursor="+cursor).RequireProblem(t, 400, "invalid_cursor")
}

// statements counts what is sent to the database, but for the frame of transactions.
type statements struct{ n atomic.Int64 }

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if sql := strings.ToLower(data.SQL); sql != "begin" && sql != "commit" && !strings.HasPrefix(sql, "-- ping") {
		s.n.Add(1)
	}
	return ctx
}

func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// counted starts a server whose statements as the platform are counted.
func counted(t *testing.T) (*apitest.Server, *statements) {
	t.Helper()
	db, counter := dbtest.New(t), &statements{}
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.URL, Role: dbtest.PlatformRole, Tracer: counter})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return apitest.NewOn(t, db, apitest.WithPools(db.AppPool(), pool)), counter
}

// Whatever the length of the page, a list of the platform is one statement.
func TestListsOfThePlatformAreOneStatement(t *testing.T) {
	t.Parallel()
	s, counter := counted(t)
	support := s.Platform(t, tenancy.RolePlatformSupport)
	for i := range 12 {
		tenant := s.Tenant(t, fmt.Sprintf("t%02d", i))
		tenant.User(t, tenancy.RoleOwner, false)
		tenant.Override(t, "max_users", i)
	}
	for _, list := range []string{"businesses", "plans", "users"} {
		for _, limit := range []string{"1", "12"} {
			path := "/api/platform/" + list + "/"
			if list != "plans" {
				path += "?limit=" + limit
			}
			support.Get(t, path).Require(t, 200) // what is read once for all is read
			before := counter.n.Load()
			support.Get(t, path).Require(t, 200)
			require.EqualValues(t, 1, counter.n.Load()-before, path)
		}
	}
}
