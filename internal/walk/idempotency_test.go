package walk

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/idempotency"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// withoutKey are the POSTs that accept no Idempotency-Key; adding a name here is a decision.
var withoutKey = map[string]string{
	"login":                  "the answer is a secret",
	"quickLogin":             "the answer is a secret",
	"startMasquerade":        "the answer is a secret",
	"createToken":            "the answer is a secret",
	"rotateToken":            "the answer is a secret",
	"createInvitation":       "the answer is a secret",
	"resendInvitation":       "the answer is a secret",
	"createTenantInvitation": "the answer is a secret",
	"resendTenantInvitation": "the answer is a secret",
	"verifyDomain":           "it asks the DNS, which no transaction may wait for, and changes nothing the second time",
	"createWebhook":          "the answer is a secret",
	"rotateWebhookSecret":    "the answer is a secret",
	"changePassword":         "it ends sessions, and fails the second time by itself",
	"toggleSandbox":          "it leads to the environment in which the key means another thing; with sandbox_mode it can be repeated anyway",
	"lookUpInvitation":       "it changes nothing",
	"acceptInvitation":       "an invitation is accepted once, and the answer is a secret",
	"createPasswordReset":    "its answer is a credential",
	"resetPassword":          "its token works once",
	"logout":                 "it ends the session that the key would belong to",
}

func TestEveryPostAcceptsAKey(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	for _, op := range s.App.Contract.Operations() {
		if op.Method != http.MethodPost {
			continue
		}
		_, without := withoutKey[op.ID]
		require.NotEqual(t, without, s.App.Gates[op.ID].Idempotent, "%s: idempotent, or withoutKey with a reason", op.ID)
		documented := op.Spec.Parameters.GetByInAndName("header", "Idempotency-Key") != nil
		require.Equal(t, s.App.Gates[op.ID].Idempotent, documented, op.ID)
	}
}

// count counts the rows of a query.
func count(t *testing.T, s *apitest.Server, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

const (
	everyEvent = "SELECT count(*) FROM events"
	everyKey   = "SELECT count(*) FROM idempotency_keys"
)

// Each operation that accepts a key does its work once and answers the same again; by
// session, and by token where it takes one.
func TestEveryOperationIsDoneOnceForAKey(t *testing.T) {
	t.Parallel()
	gates := apitest.New(t).App.Gates
	checked := 0
	for id, f := range fixtures {
		if !gates[id].Idempotent {
			continue
		}
		checked++
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			p := everyNoun.new(t)
			s, tenant, c, o := p.server, p.tenant, p.callers, p.objects
			if f.before != nil {
				f.before(t, c.owner, o)
			}
			caller := c.of(gates[id])
			kept := count(t, s, everyKey)
			if f.as != nil {
				caller = f.as(t, s, tenant)
			} else if gates[id].Scope != "" {
				caller = c.owner.APIToken(t, f.sandbox, append(f.scopes, string(gates[id].Scope))...)
			}
			op := s.Operation(t, id)
			path, body := f.call(op, o)
			keyed := caller.WithHeader("Idempotency-Key", uuid.NewString())
			first := keyed.Do(t, op.Method, path, body).Require(t, f.want)
			require.Empty(t, first.Header.Get("Idempotent-Replayed"))
			require.Equal(t, kept+1, count(t, s, everyKey))
			events := count(t, s, everyEvent)
			s.Clock.Advance(time.Second) // what is computed anew would show it
			again := keyed.Do(t, op.Method, path, body).Require(t, f.want)
			require.Equal(t, "true", again.Header.Get("Idempotent-Replayed"))
			require.Equal(t, string(first.Body), string(again.Body))
			for _, name := range []string{"Content-Type", "ETag", "Location", "X-Sandbox-Mode", "Cache-Control"} {
				require.Equal(t, first.Header.Values(name), again.Header.Values(name), name)
			}
			require.Equal(t, events, count(t, s, everyEvent))
			require.Equal(t, kept+1, count(t, s, everyKey))
		})
	}
	require.Greater(t, checked, 15)
}

func TestAKeyStandsForOneRequestOfOneClient(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant, other := s.Tenant(t, "a"), s.Tenant(t, "b")
	owner, stranger := tenant.Client(t, tenancy.RoleOwner), other.Client(t, tenancy.RoleOwner)
	const path, key = "/api/v1/customers", "the same key"
	with := func(c *apitest.Client) *apitest.Client { return c.WithHeader("Idempotency-Key", "the-same-key") }
	owner.WithHeader("Idempotency-Key", key).Post(t, path, m{"name": "Carla"}).RequireProblem(t, 400, "invalid_request") // a blank
	first := with(owner).Post(t, path, apitest.Raw(`{"name": "Carla", "city": "Rome"}`)).Require(t, 201)

	// Another spelling of the same JSON is the same request; another body, path or query is not.
	again := with(owner).Post(t, path, apitest.Raw(`{"city":"Rome",  "name":"Carla"}`)).Require(t, 201)
	require.Equal(t, first.ID(t), again.ID(t))
	with(owner).Post(t, path, m{"name": "Carl", "city": "Rome"}).RequireProblem(t, 422, "idempotency_key_reused")
	with(owner).Post(t, "/api/v1/resources", m{"name": "Carla", "type": "ROOM"}).RequireProblem(t, 422, "idempotency_key_reused")
	with(owner).Post(t, path, apitest.Raw(`{"name": "Carla", "city": "Rome", "colour": "red"}`)).RequireProblem(t, 400, "invalid_request")

	// For everybody else, and in the other mode, it is another key.
	ids := []string{first.ID(t)}
	for _, c := range []*apitest.Client{
		owner.Sandbox(), stranger, tenant.Client(t, tenancy.RoleManager), owner.APIToken(t, false, "customers:write"),
		owner.APIToken(t, false, "customers:write"), owner.APIToken(t, true, "customers:write"),
	} {
		id := with(c).Post(t, path, m{"name": "Carla", "city": "Rome"}).Require(t, 201).ID(t)
		require.NotContains(t, ids, id)
		ids = append(ids, id)
	}
	// Neither the key nor the answer can be read from what is stored.
	require.Zero(t, count(t, s, `SELECT count(*) FROM idempotency_keys k WHERE strpos(k::text, 'the-same-key') > 0
		OR position('Carla'::bytea IN k.body) > 0`))

	// After a day, it is forgotten.
	s.Clock.Advance(idempotency.Lifetime - time.Second)
	require.Equal(t, first.ID(t), with(owner).Post(t, path, m{"name": "Carla", "city": "Rome"}).Require(t, 201).ID(t))
	s.Clock.Advance(time.Second)
	later := with(owner).Post(t, path, m{"name": "Carl"}).Require(t, 201)
	require.NotContains(t, ids, later.ID(t))
	require.Equal(t, later.ID(t), with(owner).Post(t, path, m{"name": "Carl"}).Require(t, 201).ID(t))
	swept, err := idempotency.DeleteExpired(t.Context(), s.App.Store, s.Clock.Now())
	require.NoError(t, err)
	require.EqualValues(t, len(ids)-1, swept)
	require.Equal(t, 1, count(t, s, everyKey))
}

// An error changes nothing, and is not kept: the same key may succeed later.
func TestErrorsAreNotKept(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, tenant, owner, o := p.server, p.tenant, p.owner, p.objects
	book := m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-02-01T09:00:00Z", "resource_ids": []string{o["resource"]}}
	keyed := owner.WithHeader("Idempotency-Key", uuid.NewString())
	keyed.Post(t, "/api/v1/appointments", book).RequireProblem(t, 409, "slot_taken")
	require.Zero(t, count(t, s, everyKey))
	owner.Post(t, "/api/v1/appointments/"+o["appointment"]+"/cancel", nil).Require(t, 200)
	first := keyed.Post(t, "/api/v1/appointments", book).Require(t, 201)
	require.Equal(t, first.ID(t), keyed.Post(t, "/api/v1/appointments", book).Require(t, 201).ID(t))
	// What has become of it meanwhile does not matter to the answer.
	owner.Do(t, http.MethodDelete, "/api/v1/appointments/"+first.ID(t), nil).Require(t, 204)
	require.Equal(t, string(first.Body), string(keyed.Post(t, "/api/v1/appointments", book).Require(t, 201).Body))
	owner.Get(t, "/api/v1/appointments/"+first.ID(t)).RequireProblem(t, 404, "not_found")
	// Who may not do it any more does not get the answer either.
	tenant.Set(t, "status", "SUSPENDED")
	require.Equal(t, 403, keyed.Post(t, "/api/v1/appointments", book).Status)
}

// Where no key is accepted, the header has no effect, and nothing is kept.
func TestSecretsAreNotKept(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner).WithHeader("Idempotency-Key", uuid.NewString())
	body := m{"name": "Website", "scopes": []string{"services:read"}}
	first := owner.Post(t, "/api/v1/tokens", body).Require(t, 201)
	second := owner.Post(t, "/api/v1/tokens", body).Require(t, 201)
	require.NotEqual(t, first.ID(t), second.ID(t))
	require.Zero(t, count(t, s, everyKey))
}

// send sends requests at once.
func send(t *testing.T, requests []*http.Request, c *apitest.Client) []*apitest.Response {
	t.Helper()
	responses := make([]*apitest.Response, len(requests))
	var group sync.WaitGroup
	for i, request := range requests {
		group.Go(func() {
			response, err := c.Send(request)
			if err == nil {
				responses[i] = response
			}
		})
	}
	group.Wait()
	require.NotContains(t, responses, (*apitest.Response)(nil))
	return responses
}

// 32 equal requests at once have one effect and one answer.
func TestEqualRequestsAtOnceAreDoneOnce(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, owner, o := p.server, p.owner, p.objects
	for path, body := range map[string]m{
		"/api/v1/appointments": {"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-03-01T09:00:00Z"},
		"/api/v1/customers":    {"name": "Carla"},
	} {
		events, keys := count(t, s, everyEvent), count(t, s, everyKey)
		keyed := owner.WithHeader("Idempotency-Key", uuid.NewString())
		requests := make([]*http.Request, 32)
		for i := range requests {
			requests[i] = keyed.Request(t, http.MethodPost, path, body)
		}
		done, bodies := 0, []string{}
		for _, response := range send(t, requests, keyed) {
			switch {
			case response.Status == http.StatusConflict:
				response.RequireProblem(t, 409, "idempotency_in_progress")
				require.Equal(t, "1", response.Header.Get("Retry-After"))
				continue
			case response.Header.Get("Idempotent-Replayed") == "":
				done++
			}
			response.Require(t, 201)
			bodies = append(bodies, string(response.Body))
		}
		require.Equal(t, 1, done)
		require.Len(t, slices.Compact(slices.Sorted(slices.Values(bodies))), 1)
		require.Equal(t, events+1, count(t, s, everyEvent))
		require.Equal(t, keys+1, count(t, s, everyKey))
		require.Equal(t, bodies[0], string(keyed.Post(t, path, body).Require(t, 201).Body))
	}
}

// Different keys that want the same slot contend as ever: one wins, and only the winner's
// answer is kept.
func TestKeysDoNotHelpToBookTwice(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, owner, o := p.server, p.owner, p.objects
	body := m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-03-01T09:00:00Z"}
	requests := make([]*http.Request, 32)
	for i := range requests {
		requests[i] = owner.WithHeader("Idempotency-Key", uuid.NewString()).Request(t, http.MethodPost, "/api/v1/appointments", body)
	}
	won := 0
	for _, response := range send(t, requests, owner) {
		if response.Status == http.StatusCreated {
			won++
			continue
		}
		require.Equal(t, http.StatusConflict, response.Status, "%s", response.Body)
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, count(t, s, everyKey))
	require.Equal(t, 2, count(t, s, "SELECT count(*) FROM appointments"))
}

// narrow is a server whose pool has two connections.
func narrow(t *testing.T) *apitest.Server {
	t.Helper()
	db := dbtest.New(t)
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.URL, Role: dbtest.AppRole, MaxConns: 2})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return apitest.NewOn(t, db, apitest.WithPools(pool, db.PlatformPool()))
}

// A request whose key is taken hears that at once, instead of waiting with a connection.
func TestARequestThatRunsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := narrow(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	keyed := owner.WithHeader("Idempotency-Key", uuid.NewString())
	holdUp := func(pool *pgxpool.Pool) func() {
		tx, err := pool.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "LOCK TABLE customers IN EXCLUSIVE MODE")
		require.NoError(t, err)
		return func() { require.NoError(t, tx.Rollback(t.Context())) }
	}
	release := holdUp(s.DB.OwnerPool())
	first := make(chan *apitest.Response, 1)
	request := keyed.Request(t, http.MethodPost, "/api/v1/customers", m{"name": "Carla"})
	go func() {
		response, err := keyed.Send(request)
		if err != nil {
			response = &apitest.Response{}
		}
		first <- response
	}()
	require.Eventually(t, func() bool {
		return count(t, s, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())") > 0
	}, 20*time.Second, 5*time.Millisecond)
	keyed.Post(t, "/api/v1/customers", m{"name": "Carla"}).RequireProblem(t, 409, "idempotency_in_progress")
	require.Empty(t, first)
	release()
	created := (<-first).Require(t, 201)
	require.Equal(t, created.ID(t), keyed.Post(t, "/api/v1/customers", m{"name": "Carla"}).Require(t, 201).ID(t))
}

// Whatever comes of requests with keys, they give their connections back.
func TestKeysLoseNoConnections(t *testing.T) {
	t.Parallel()
	s := narrow(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	o := populate(t, owner)
	walk(t, s, func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture) {
		t.Helper()
		if !g.Idempotent || g.Access != gate.Tenant || op.ID == "resetSandbox" {
			return
		}
		path, body := f.call(op, o)
		for range 3 { // some succeed, and some meet what the others have left
			keyed := owner.WithHeader("Idempotency-Key", uuid.NewString())
			require.Less(t, keyed.Do(t, op.Method, path, body).Status, 500)
			require.Less(t, keyed.Do(t, op.Method, path, body).Status, 500)
		}
	})
}
