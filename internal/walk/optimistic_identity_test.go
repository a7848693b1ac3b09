package walk

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// A cached identity must not keep an ended session alive, for any operation.
func TestOperations_ended_session(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	c, o := everything(t, s, tenant)
	o["session"] = s.SessionID(t, c.owner)
	end := func(at time.Time) { // not revoked_at, which cannot be taken back
		_, err := s.DB.OwnerPool().Exec(t.Context(), "UPDATE sessions SET expires_at = $1", at)
		require.NoError(t, err)
	}
	before := fingerprints(t, s)
	tried := 0
	for _, op := range s.App.Contract.Operations() {
		if access := s.App.Gates[op.ID].Access; access == gate.Public || access == gate.Platform {
			continue
		}
		tried++
		f := fixtures[op.ID]
		path, body := f.call(op, o)
		end(s.Clock.Now().Add(time.Hour))
		f.in(c.owner).Get(t, "/api/v1/services").Require(t, 200)
		end(s.Clock.Now())
		f.in(c.owner).Do(t, op.Method, path, body).RequireProblem(t, 401, "unauthenticated")
	}
	require.Greater(t, tried, 80)
	require.Equal(t, before, fingerprints(t, s))
}

// After a logout every server refuses the session, with requests of it running in parallel; exactly
// what was answered with 201 is in the database.
func TestLogout_in_parallel_with_requests(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	here := tenant.Client(t, tenancy.RoleOwner)
	there := apitest.NewOn(t, s.DB).Client(tenant.Host).WithToken(here.Token())
	var over atomic.Bool
	var made atomic.Int64
	ask := func(c *apitest.Client, method string, body any) {
		for refused := 0; refused < 3; {
			after := over.Load()
			response, err := c.Send(c.Request(t, method, "/api/v1/customers", body))
			switch {
			case err != nil || response.Status == http.StatusUnauthorized && response.Header.Get("WWW-Authenticate") == "":
				t.Error("no clean answer", err)
				return
			case response.Status == http.StatusUnauthorized:
				refused++
			case after || response.Status >= 300:
				t.Error("answered with", response.Status)
				return
			case response.Status == http.StatusCreated:
				made.Add(1)
			}
		}
	}
	var group sync.WaitGroup
	for range 4 {
		for _, c := range []*apitest.Client{here, there} {
			group.Go(func() { ask(c, http.MethodPost, m{"name": "Carla"}) })
			group.Go(func() { ask(c, http.MethodGet, nil) })
		}
	}
	require.Eventually(t, func() bool { return made.Load() > 50 }, 30*time.Second, time.Millisecond)
	here.Post(t, "/api/auth/logout/", nil).Require(t, 204)
	over.Store(true)
	group.Wait()
	require.EqualValues(t, made.Load(), count(t, s, "SELECT count(*) FROM customers"))
}

// Changes of role, plan and name apply to the next request.
func TestOperations_changed_identity(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	user := tenant.User(t, tenancy.RoleManager, false)
	c := s.Login(t, tenant.Host, user.Email)
	role := func(role tenancy.Role) {
		_, err := s.DB.OwnerPool().Exec(t.Context(), "UPDATE users SET role = $1 WHERE id = $2", role, user.ID)
		require.NoError(t, err)
	}
	room := m{"name": "Room", "type": "ROOM"}
	c.Get(t, "/api/v1/resources").Require(t, 200)
	role(tenancy.RoleStaff)
	c.Post(t, "/api/v1/resources", room).RequireProblem(t, 403, "role_not_allowed")
	role(tenancy.RoleManager)
	c.Post(t, "/api/v1/resources", room).Require(t, 201) // the cached role may not

	tenant.Override(t, "max_resources", 1)
	c.Post(t, "/api/v1/resources", room).RequireProblem(t, 403, "quota_exceeded")
	tenant.Override(t, "max_resources", 2)
	c.WithHeader("Idempotency-Key", "once").Post(t, "/api/v1/resources", room).Require(t, 201)
	tenant.Set(t, "name", "Another name")
	replayed := c.WithHeader("Idempotency-Key", "once").Post(t, "/api/v1/resources", room).Require(t, 201)
	require.Equal(t, "true", replayed.Header.Get("Idempotent-Replayed"))

	var denied []string
	rows, err := s.DB.OwnerPool().Query(t.Context(),
		"SELECT actor_role || ' ' || (detail->>'code') FROM audit_entries WHERE action = 'access.denied' ORDER BY occurred_at, id")
	require.NoError(t, err)
	denied, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, []string{"TENANT_STAFF role_not_allowed"}, denied, "a stale identity leaves no audit entry")
}

// An answer that needs no query is checked too.
func TestGetMeta_changed_identity(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	c := tenant.Client(t, tenancy.RoleOwner).Sandbox()
	now := func() any { return c.Get(t, "/api/v1/meta").Require(t, 200).Object(t)["server_time"] }
	before := now()
	require.Equal(t, before, now())
	c.Post(t, "/api/v1/sandbox/clock", m{"advance_seconds": 60}).Require(t, 200)
	require.NotEqual(t, before, now())
	tenant.Set(t, "sandbox_enabled", false)
	c.Get(t, "/api/v1/meta").RequireProblem(t, 403, "sandbox_disabled")
}

func TestMetrics_cached_identities(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithConfig(func(c *app.Config) { c.OptimisticIdentity = true }))
	tenant := s.Tenant(t, "a")
	c := tenant.Client(t, tenancy.RoleOwner)
	for _, name := range []string{"a", "a", "b", "c"} {
		tenant.Set(t, "name", name)
		c.Get(t, "/api/v1/meta").Require(t, 200)
	}
	metrics, err := c.Send(c.Request(t, http.MethodGet, "/metrics", nil))
	require.NoError(t, err)
	require.Contains(t, string(metrics.Body), `smoothschedule_cached_identities_total{outcome="valid"} 1`)
	require.Contains(t, string(metrics.Body), `smoothschedule_cached_identities_total{outcome="stale"} 2`)
}

// A request that runs again is validated like the first time, body included.
func TestOperations_invalid_with_stale_identity(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	c := tenant.Client(t, tenancy.RoleOwner)
	room := `{"name": "Room", "type": "ROOM"}`
	for i, request := range []struct {
		query, contentType string
		body               io.Reader
		status             int
		code, detail       string
	}{
		{"?no=1", "application/json", strings.NewReader(room), 400, "invalid_request", "?no: This operation has no such parameter."},
		{"", "text/plain", strings.NewReader(room), 415, "unsupported_media_type", "Send the body as application/json."},
		{"", "application/json", strings.NewReader(room + "{}"), 400, "invalid_request", "The body is not valid JSON, at byte 33."},
		{"", "application/json", strings.NewReader(`{"type": "ROOM"}`), 400, "invalid_request", `name: property "name" is missing`},
		{"", "application/json", http.NoBody, 400, "invalid_request", "A JSON body is required."},
		{
			"", "application/json", io.MultiReader(strings.NewReader(room), strings.NewReader(strings.Repeat(" ", contract.DefaultMaxBody))),
			413, "body_too_large", "The body of this request must not exceed 64 KiB.",
		},
	} {
		c.Get(t, "/api/v1/resources").Require(t, 200)
		tenant.Set(t, "name", fmt.Sprint("Name ", i))
		wrong := c.Request(t, http.MethodPost, "/api/v1/resources"+request.query, nil)
		wrong.Body, wrong.ContentLength = io.NopCloser(request.body), -1
		wrong.Header.Set("Content-Type", request.contentType)
		response, err := c.Send(wrong)
		require.NoError(t, err)
		require.Equal(t, request.detail, response.RequireProblem(t, request.status, request.code)["detail"])
	}
}

// The most frequent requests take the fewest round trips, authentication included.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	db, counted := dbtest.New(t), &dbtest.RoundTrips{}
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.URL, Role: dbtest.AppRole, Tracer: counted})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	s := apitest.NewOn(t, db, apitest.WithPools(pool, db.PlatformPool()))
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	o := populateAll(t, owner)
	book := func(start string) m {
		return m{"service_id": o["service"], "customer_id": o["customer"], "resource_ids": []string{o["resource"]}, "start_at": start}
	}
	owner.Post(t, "/api/v1/appointments", book("2027-03-01T09:00:00Z")).Require(t, 201) // what is read once for all is read
	token := owner.APIToken(t, false, "appointments:read", "appointments:write", "availability:read")
	token.Get(t, "/api/v1/appointments").Require(t, 200)
	trips := func(want int64, response func() *apitest.Response) {
		before := counted.Count()
		got := response()
		require.Less(t, got.Status, 300)
		require.Equal(t, want, counted.Count()-before)
	}
	for i, c := range []*apitest.Client{owner, token} {
		for _, path := range []string{
			"/api/v1/appointments/" + o["appointment"], "/api/v1/appointments?limit=50",
			"/api/v1/availability?from=2026-11-23&to=2026-11-29&service_id=" + o["service"],
		} {
			trips(1, func() *apitest.Response { return c.Get(t, path) })
		}
		trips(3, func() *apitest.Response { // the result is looked at before the commit
			return c.Post(t, "/api/v1/appointments", book(fmt.Sprintf("2027-03-02T1%d:00:00Z", i)))
		})
	}
}
