package walk

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/ratelimit"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

func limited(c *app.Config) { c.RateLimits = ratelimit.On }

// free puts the tenant on the plan with the smallest limits: in the sandbox, 50 reads
// and 20 writes in ten seconds.
func free(t *testing.T, s *apitest.Server, tenant *apitest.Tenant) {
	t.Helper()
	var id string
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(),
		"SELECT v.id FROM plan_versions v JOIN plans p ON p.id = v.plan_id WHERE p.code = 'free' AND v.status = 'PUBLISHED'").Scan(&id))
	tenant.Set(t, "plan_version_id", id)
}

func TestATokenIsLimited(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithConfig(limited))
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	free(t, s, tenant)
	program := owner.APIToken(t, true, "customers:write")

	// What is refused before does not count.
	for range 30 {
		program.Post(t, "/api/v1/services", m{}).RequireProblem(t, 403, "scope_required")
		program.WithToken("ss_test_made_up").Post(t, "/api/v1/customers", m{}).RequireProblem(t, 401, "unauthenticated")
		program.WithHeader("X-Sandbox-Mode", "false").Post(t, "/api/v1/customers", m{}).RequireProblem(t, 400, "mode_contradiction")
	}
	// What comes after does.
	for i := range 20 {
		response := program.Post(t, "/api/v1/customers", m{"nonsense": true})
		response.RequireProblem(t, 400, "invalid_request")
		require.Equal(t, []string{`"token-writes-sandbox";q=20;w=10`}, response.Header.Values("RateLimit-Policy"))
		require.Equal(t, fmt.Sprintf(`"token-writes-sandbox";r=%d;t=%d`, 19-i, (i+2)/2), response.Header.Get("RateLimit"))
		require.Empty(t, response.Header.Get("Retry-After"))
	}
	response := program.Post(t, "/api/v1/customers", m{"nonsense": true})
	problem := response.RequireProblem(t, 429, "rate_limited")
	require.Equal(t, "token-writes-sandbox", problem["policy"])
	require.EqualValues(t, 20, problem["limit"])
	require.EqualValues(t, 10, problem["window_seconds"])
	require.Equal(t, "1", response.Header.Get("Retry-After"))
	require.Equal(t, `"token-writes-sandbox";r=0;t=10`, response.Header.Get("RateLimit"))
	// Reading, another token, and people have limits of their own.
	require.Equal(t, `"token-reads-sandbox";r=49;t=1`, program.Get(t, "/api/v1/customers").Require(t, 200).Header.Get("RateLimit"))
	owner.APIToken(t, true, "customers:write").Post(t, "/api/v1/customers", m{"name": "Carla"}).Require(t, 201)
	require.Contains(t, owner.Sandbox().Get(t, "/api/v1/customers").Require(t, 200).Header.Get("RateLimit"), "user-reads-sandbox")

	s.Clock.Advance(time.Second)
	program.Post(t, "/api/v1/customers", m{"name": "Carla"}).Require(t, 201)
	program.Post(t, "/api/v1/customers", m{"name": "Carl"}).Require(t, 201)
	program.Post(t, "/api/v1/customers", m{"name": "Carlo"}).RequireProblem(t, 429, "rate_limited")
}

// Where nobody needs to be signed in, the address is limited, whichever operation it is.
func TestAnAddressIsLimited(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithConfig(limited))
	anonymous := s.Tenant(t, "a").Anonymous()
	for range 60 {
		anonymous.Post(t, "/api/auth/login/", apitest.Raw("nonsense")).RequireProblem(t, 400, "invalid_request")
	}
	// Every one of them, on every path.
	checked := 0
	for _, op := range s.App.Contract.Operations() {
		if s.App.Gates[op.ID].Access != gate.Public || !contract.Writes(op.Method) {
			continue
		}
		checked++
		path, _ := fixtures[op.ID].call(op, anything())
		response := anonymous.Do(t, op.Method, path, m{})
		response.RequireProblem(t, 429, "rate_limited")
		require.NotEmpty(t, response.Header.Get("Retry-After"))
	}
	require.GreaterOrEqual(t, checked, 2)
	anonymous.Get(t, s.Operation(t, "listPersonas").Path).Require(t, 200)
}

// Who floods the server with tokens that open nothing is refused before they are looked up.
// Those at the same address who are signed in do not notice, nor does who needs no token.
func TestGuessingTokensIsLimited(t *testing.T) {
	t.Parallel()
	db, counter := dbtest.New(t), &statements{}
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.URL, Role: dbtest.AppRole, Tracer: counter})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := apitest.NewOn(t, db, apitest.WithConfig(limited), apitest.WithPools(pool, db.PlatformPool()))
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	program := owner.APIToken(t, false, "customers:read")
	program.Get(t, "/api/v1/customers").Require(t, 200)
	late := owner.APIToken(t, false, "customers:read")
	for i := range 60 {
		guess := []string{"ss_live_mistyped", apitoken.New(false).Reveal(), "no session"}[i%3]
		response := tenant.Anonymous().WithToken(guess).Get(t, "/api/v1/customers")
		response.RequireProblem(t, 401, "unauthenticated")
		require.Equal(t, []string{`"address-failures";q=60;w=10`}, response.Header.Values("RateLimit-Policy"))
	}
	flood := tenant.Anonymous().WithToken(apitoken.New(false).Reveal())
	require.Equal(t, "address-failures", flood.Get(t, "/api/v1/customers").RequireProblem(t, 429, "rate_limited")["policy"])
	before := counter.n.Load()
	response := flood.Get(t, "/api/v1/customers")
	response.RequireProblem(t, 429, "rate_limited")
	require.Equal(t, "1", response.Header.Get("Retry-After"))
	require.Equal(t, before, counter.n.Load(), "nobody looks it up")

	owner.Get(t, "/api/v1/customers").Require(t, 200)
	program.Get(t, "/api/v1/customers").Require(t, 200)
	tenant.Anonymous().Get(t, "/api/v1/booking/services").Require(t, 200)
	late.Get(t, "/api/v1/customers").RequireProblem(t, 429, "rate_limited")
	s.Clock.Advance(time.Second)
	late.Get(t, "/api/v1/customers").Require(t, 200)
}

// Each request that can only be refused costs the same limit, and beyond it nobody asks the database;
// whoever is signed in, or needs not be, does not notice what a neighbour does.
func TestPointlessRequestsAreLimited(t *testing.T) {
	t.Parallel()
	db, counter := dbtest.New(t), &dbtest.RoundTrips{}
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.URL, Role: dbtest.AppRole, Tracer: counter})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := apitest.NewOn(t, db, apitest.WithConfig(limited), apitest.WithPools(pool, db.PlatformPool()))
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	anonymous := tenant.Anonymous()
	o := anything()
	type refused struct {
		name, method, path, code string
		status                   int
		body                     any
	}
	requests := []refused{
		{"no such path", http.MethodGet, "/api/v1/nothing", "not_found", 404, nil},
		{"no such method", http.MethodPut, "/api/auth/login/", "method_not_allowed", 405, nil},
		{"no such method, signed-in only", http.MethodPut, "/api/v1/customers", "unauthenticated", 401, nil},
	}
	for _, op := range s.App.Contract.Operations() {
		if s.App.Gates[op.ID].Access != gate.Public {
			path, body := fixtures[op.ID].call(op, o)
			requests = append(requests, refused{op.ID, op.Method, path, "unauthenticated", 401, body})
		}
	}
	for range 59 {
		anonymous.Get(t, "/api/v1/customers").RequireProblem(t, 401, "unauthenticated")
	}
	for _, r := range requests { // each takes the one that time has given back, and is refused without it
		anonymous.Do(t, r.method, r.path, r.body).RequireProblem(t, r.status, r.code)
		before := counter.Count()
		problem := anonymous.Do(t, r.method, r.path, r.body).RequireProblem(t, 429, "rate_limited")
		require.Equal(t, "address-refusals", problem["policy"], r.name)
		require.Equal(t, before, counter.Count(), r.name)
		s.Clock.Advance(ratelimit.Window / 60)
	}
	owner.Get(t, "/api/v1/customers").Require(t, 200)
	owner.APIToken(t, false, "customers:read").Get(t, "/api/v1/customers").Require(t, 200)
	anonymous.Get(t, "/api/v1/booking/services").Require(t, 200)
	anonymous.Post(t, "/api/auth/login/", apitest.Raw("nonsense")).RequireProblem(t, 400, "invalid_request")

	// With a token, what is not there counts like what is.
	s.Clock.Advance(ratelimit.Window)
	for range 500 {
		owner.Get(t, "/api/v1/nothing").RequireProblem(t, 404, "not_found")
	}
	require.Equal(t, "user-reads", owner.Get(t, "/api/v1/nothing").RequireProblem(t, 429, "rate_limited")["policy"])
	owner.Do(t, http.MethodPut, "/api/v1/customers", nil).RequireProblem(t, 405, "method_not_allowed")
}

// Hosts where nobody lives are not looked up for ever; those where somebody does are not in the way.
func TestUnknownHostsAreLimited(t *testing.T) {
	t.Parallel()
	db, counter := dbtest.New(t), &dbtest.RoundTrips{}
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.URL, Role: dbtest.AppRole, Tracer: counter})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := apitest.NewOn(t, db, apitest.WithConfig(limited), apitest.WithPools(pool, db.PlatformPool()))
	tenant, late := s.Tenant(t, "a"), s.Tenant(t, "b")
	owner := tenant.Client(t, tenancy.RoleOwner)
	for i := range 60 {
		host := []string{fmt.Sprint("nobody", i, ".localhost"), fmt.Sprint("shop", i, ".example"), "not..a..host"}[i%3]
		c := []*apitest.Client{tenant.Anonymous(), owner}[i%2].WithHost(host)
		c.Get(t, []string{"/api/v1/booking/services", "/api/v1/customers", "/nothing"}[i/2%3]).RequireProblem(t, 404, "unknown_host")
	}
	another := tenant.Anonymous().WithHost("another.localhost")
	require.Equal(t, "address-hosts", another.Get(t, "/api/v1/booking/services").RequireProblem(t, 429, "rate_limited")["policy"])
	before := counter.Count()
	tenant.Anonymous().WithHost("more.localhost").Get(t, "/api/v1/booking/services").RequireProblem(t, 429, "rate_limited")
	owner.WithHost("more.example").Get(t, "/api/v1/booking/services").RequireProblem(t, 429, "rate_limited")
	require.Equal(t, before, counter.Count())

	owner.Get(t, "/api/v1/customers").Require(t, 200)
	tenant.Anonymous().Get(t, "/api/v1/booking/services").Require(t, 200)
	s.Clock.Advance(time.Second)
	late.Anonymous().Get(t, "/api/v1/booking/services").Require(t, 200)
}

// Who asks for what they may not do, again and again, does not fill the trail.
func TestDenialsAreLimited(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithConfig(limited))
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	program := owner.APIToken(t, false, "customers:read")
	for range 60 {
		program.Post(t, "/api/v1/services", m{}).RequireProblem(t, 403, "scope_required")
	}
	for range 3 {
		require.Equal(t, "denials", program.Post(t, "/api/v1/services", m{}).RequireProblem(t, 429, "rate_limited")["policy"])
	}
	var recorded int
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM audit_entries WHERE action = 'access.denied'").Scan(&recorded))
	require.Equal(t, 60, recorded)
	program.Get(t, "/api/v1/customers").Require(t, 200)
	s.Clock.Advance(time.Second)
	program.Post(t, "/api/v1/services", m{}).RequireProblem(t, 403, "scope_required")
}

// By default, and in development, people are not in the way of limits.
func TestLimitsCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]bool{ratelimit.Off: false, ratelimit.TokensOnly: true} {
		s := apitest.New(t, apitest.WithConfig(func(c *app.Config) { c.RateLimits = mode }))
		owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
		require.Empty(t, owner.Get(t, "/api/v1/customers").Require(t, 200).Header.Get("RateLimit"))
		program := owner.APIToken(t, false, "customers:read")
		require.Equal(t, want, program.Get(t, "/api/v1/customers").Require(t, 200).Header.Get("RateLimit") != "")
	}
}

// Two servers with one Redis count together.
