package walk

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

func instant(t *testing.T, text any) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text.(string))
	require.NoError(t, err)
	return at
}

func TestTheClockOfASandbox(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	sandbox := owner.Sandbox()
	o := populate(t, sandbox)
	move := func(body m) m {
		return owner.Post(t, "/api/v1/sandbox/clock", body).Require(t, 200).Object(t)
	}
	require.Equal(t, apitest.Start, instant(t, sandbox.Get(t, "/api/v1/sandbox/clock").Require(t, 200).Object(t)["now"]))

	// A day later the hold is over, and what is made is made then; in the live world nothing is.
	clock := move(m{"advance_seconds": 86400})
	require.Equal(t, apitest.Start.Add(24*time.Hour), instant(t, clock["now"]))
	require.Equal(t, apitest.Start, instant(t, clock["real_now"]))
	require.EqualValues(t, 86400, clock["offset_seconds"])
	require.Equal(t, "EXPIRED", sandbox.Get(t, "/api/v1/holds/"+o["hold"]).Require(t, 200).Object(t)["status"])
	made := sandbox.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201).Object(t)
	require.Equal(t, apitest.Start.Add(24*time.Hour), instant(t, made["created_at"]))
	live := owner.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201).Object(t)
	require.Equal(t, apitest.Start, instant(t, live["created_at"]))

	// What was in the future is in the past for bookings and availability.
	move(m{"now": "2027-02-02T00:00:00Z"})
	booking := m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-02-01T15:00:00Z", "resource_ids": []string{o["resource"]}}
	sandbox.Post(t, "/api/v1/appointments", booking).RequireProblem(t, 422, "validation_failed")
	s.Clock.Advance(time.Hour)
	require.Equal(t, "2027-02-02T01:00:00Z", owner.Get(t, "/api/v1/sandbox/clock").Require(t, 200).Object(t)["now"], "it goes on")

	// Sessions keep the real time: one that begins now has not expired, and lasts as long as any.
	owner.Get(t, "/api/auth/me/").Require(t, 200)
	sandbox.Get(t, "/api/auth/me/").Require(t, 200)
	var audited time.Time
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(),
		"SELECT max(occurred_at) FROM audit_entries WHERE action = 'sandbox.clock_changed'").Scan(&audited))
	require.Equal(t, apitest.Start, audited.UTC())

	require.EqualValues(t, 0, move(m{"reset": true})["offset_seconds"])
	move(m{"advance_seconds": 60})
	owner.Post(t, "/api/sandbox/reset/", nil).Require(t, 200)
	require.EqualValues(t, 0, owner.Get(t, "/api/v1/sandbox/clock").Require(t, 200).Object(t)["offset_seconds"], "an empty sandbox begins anew")

	for _, body := range []m{{}, {"reset": false}, {"advance_seconds": 0}, {"advance_seconds": 1, "reset": true}} {
		owner.Post(t, "/api/v1/sandbox/clock", body).RequireProblem(t, 400, "invalid_request")
	}
	for _, body := range []m{{"now": "1999-12-31T23:59:59Z"}, {"now": "2100-01-01T00:00:00Z"}} {
		owner.Post(t, "/api/v1/sandbox/clock", body).RequireProblem(t, 422, "validation_failed")
	}
	move(m{"now": "2099-12-31T00:00:00Z"})
	owner.Post(t, "/api/v1/sandbox/clock", m{"advance_seconds": 2 * 86400}).RequireProblem(t, 422, "validation_failed")
	tenant.Set(t, "sandbox_enabled", false)
	owner.Get(t, "/api/v1/sandbox/clock").RequireProblem(t, 403, "sandbox_disabled")
	owner.Get(t, "/api/v1/sandbox/outbox").RequireProblem(t, 403, "sandbox_disabled")
}

// A test clock reaches nothing beyond its sandbox: no domain, no session, no answer that is kept.
func TestATestClockStaysInTheSandbox(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	owner.Do(t, http.MethodPut, "/api/v1/business/subdomain", m{"subdomain": "given-up"}).Require(t, 200)
	owner.WithHost("given-up.localhost").Do(t, http.MethodPut, "/api/v1/business/subdomain", m{"subdomain": "kept"}).Require(t, 200)
	tenant := s.Tenant(t, "b")
	other := tenant.Client(t, tenancy.RoleOwner)
	other.Post(t, "/api/v1/sandbox/clock", m{"now": "2099-01-01T00:00:00Z"}).Require(t, 200)
	sandbox := other.Sandbox()
	change := func(name string) *apitest.Response {
		return sandbox.Do(t, http.MethodPut, "/api/v1/business/subdomain", m{"subdomain": name})
	}

	change("given-up").RequireProblem(t, 409, "already_exists") // reserved for 90 days, which are not over
	change("elsewhere").Require(t, 200)
	there := sandbox.WithHost("elsewhere.localhost")
	var reserved time.Time
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT reserved_until FROM domains WHERE name = 'b'").Scan(&reserved))
	require.Equal(t, apitest.Start.Add(90*24*time.Hour), reserved.UTC())
	there.Do(t, http.MethodPut, "/api/v1/business/subdomain", m{"subdomain": "b"}).Require(t, 200)

	invited := sandbox.Post(t, "/api/v1/invitations", m{"email": "ina@b.example", "role": "TENANT_STAFF"}).Require(t, 201).Object(t)
	require.Equal(t, apitest.Start.Add(7*24*time.Hour), instant(t, invited["expires_at"]))
	accepted := tenant.Anonymous().Sandbox().Post(t, "/api/auth/invitations/accept/", accept(invited["token"].(string))).Require(t, 201).Object(t)
	require.Equal(t, apitest.Start.Add(identity.SessionLifetime), instant(t, accepted["expires_at"]))
	tenant.Anonymous().WithToken(accepted["token"].(string)).Get(t, "/api/auth/me/").Require(t, 200)

	// An answer that is kept for a day on the real clock is kept, wherever the test clock goes.
	again := sandbox.WithHeader("Idempotency-Key", "once")
	made := again.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201).ID(t)
	other.Post(t, "/api/v1/sandbox/clock", m{"advance_seconds": 2 * 86400}).Require(t, 200)
	require.Equal(t, made, again.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201).ID(t))
	other.Post(t, "/api/v1/sandbox/clock", m{"now": "2001-01-01T00:00:00Z"}).Require(t, 200)
	require.Equal(t, made, again.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201).ID(t))

	// What the live world hears of happens when it happens: otherwise its webhooks would wait.
	sandbox.Do(t, http.MethodPatch, "/api/v1/business", m{"name": "Another name"}).Require(t, 200)
	sandbox.Post(t, "/api/auth/password/", m{"current_password": apitest.Password, "new_password": "another good password"}).Require(t, 204)
	visitor := s.Platform(t, tenancy.RoleSuperuser).WithHost(tenant.Host).Sandbox()
	override := m{"name": "max_users", "value": 7, "reason": "asked for"}
	visitor.Post(t, "/api/platform/businesses/"+tenant.ID.String()+"/overrides/", override).Require(t, 201)
	var told []string
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT array_agg(e.type ORDER BY e.sequence) FROM events e
		JOIN environments v ON v.id = e.env_id WHERE v.name = 'b' AND e.occurred_at = $1`, apitest.Start).Scan(&told))
	require.Contains(t, told, "business.updated")
	require.Contains(t, told, "override.created")
	var elsewhen int
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT count(*) FROM events e
		JOIN environments v ON v.id = e.env_id WHERE NOT v.is_sandbox AND e.occurred_at <> $1`, apitest.Start).Scan(&elsewhen))
	require.Zero(t, elsewhen)
}

func TestClocksMoveOnInParallel(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			response, err := owner.Send(owner.Request(t, http.MethodPost, "/api/v1/sandbox/clock", m{"advance_seconds": 10}))
			if err != nil || response.Status != 200 {
				t.Errorf("advance: %v %v", err, response)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 160, owner.Get(t, "/api/v1/sandbox/clock").Require(t, 200).Object(t)["offset_seconds"])
}

// Attempts at webhooks are due on the clock of the sandbox, and its outbox shows them.
func TestWebhooksObeyTheClockOfTheSandbox(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	sandbox := owner.Sandbox()
	var came atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		came.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer endpoint.Close()
	sandbox.Post(t, "/api/v1/webhooks", m{"url": endpoint.URL, "event_types": []string{"customer.created"}}).Require(t, 201)
	sandbox.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201)
	for want, advance := range []int{0, 7, 400, 3000, 10000} {
		if advance > 0 {
			owner.Post(t, "/api/v1/sandbox/clock", m{"advance_seconds": advance}).Require(t, 200)
		}
		s.WorkJobs(t)
		require.EqualValues(t, want+1, came.Load())
	}
	owner.Post(t, "/api/v1/sandbox/clock", m{"advance_seconds": 60}).Require(t, 200)
	s.WorkJobs(t)
	require.EqualValues(t, 5, came.Load(), "not yet")

	var outbox struct {
		Data []struct {
			Kind, To, Subject, Error string
			StatusCode               int `json:"status_code"`
			Payload                  m
		}
		NextCursor *string `json:"next_cursor"`
	}
	owner.Get(t, "/api/v1/sandbox/outbox?limit=3").Require(t, 200).Decode(t, &outbox)
	require.Len(t, outbox.Data, 3)
	require.Equal(t, "webhook", outbox.Data[0].Kind)
	require.Equal(t, endpoint.URL, outbox.Data[0].To)
	require.Equal(t, "customer.created", outbox.Data[0].Subject)
	require.Equal(t, 500, outbox.Data[0].StatusCode)
	require.Equal(t, "C", outbox.Data[0].Payload["name"])
	cursor := *outbox.NextCursor
	outbox.NextCursor = nil
	owner.Get(t, "/api/v1/sandbox/outbox?limit=3&cursor="+cursor).Require(t, 200).Decode(t, &outbox)
	require.Len(t, outbox.Data, 2)
	require.Nil(t, outbox.NextCursor)
}

// Setting the clock back makes nobody wait for the old time to come again: not the event that
// tells of it, and not what was to be attempted soon.
func TestWebhooksSurviveAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	var mu sync.Mutex
	came := []string{}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct{ Type string }
		err := json.NewDecoder(r.Body).Decode(&event)
		mu.Lock()
		defer mu.Unlock()
		if came = append(came, event.Type); err != nil || len(came) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer endpoint.Close()
	owner.Post(t, "/api/v1/sandbox/clock", m{"now": "2099-01-01T00:00:00Z"}).Require(t, 200)
	owner.Sandbox().Post(t, "/api/v1/webhooks", m{"url": endpoint.URL, "event_types": []string{"customer.created", "sandbox.*"}}).Require(t, 201)
	owner.Sandbox().Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201)
	s.WorkJobs(t)
	owner.Sandbox().Post(t, "/api/v1/sandbox/clock", m{"reset": true}).Require(t, 200)
	s.WorkJobs(t)
	require.Equal(t, []string{"customer.created", "sandbox.clock_changed"}, came)
	s.Clock.Advance(10 * time.Second) // the first wait, and its jitter
	s.WorkJobs(t)
	require.Equal(t, []string{"customer.created", "sandbox.clock_changed", "customer.created"}, came)
}

// Notifications and requests to webhooks are in one order, that of the real clock, whatever
// the one of the sandbox shows, and pages lose none of them.
func TestTheOutboxShowsNotifications(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	sandbox := owner.Sandbox()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	defer endpoint.Close()
	for range 3 {
		sandbox.Post(t, "/api/v1/webhooks", m{"url": endpoint.URL, "event_types": []string{"customer.created"}}).Require(t, 201)
	}
	owner.Post(t, "/api/v1/sandbox/clock", m{"advance_seconds": 86400}).Require(t, 200)
	sandbox.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201)
	s.WorkJobs(t)

	kinds, last, path := map[any]int{}, s.Clock.Now(), "/api/v1/sandbox/outbox?limit=1"
	for cursor := ""; ; {
		page := owner.Get(t, path+cursor).Require(t, 200).Object(t)
		require.Len(t, page["data"], 1)
		effect := page["data"].([]any)[0].(m)
		at := instant(t, effect["occurred_at"])
		require.False(t, at.After(last), "the latest first, on the real clock")
		last = at
		kinds[effect["kind"]]++
		if effect["kind"] == "notification" {
			require.Equal(t, "webhook.disabled", effect["subject"])
			require.Equal(t, "owner@a.example", effect["to"])
			require.Equal(t, "GONE", effect["payload"].(m)["reason"])
			require.Nil(t, effect["status_code"])
		}
		if page["next_cursor"] == nil {
			break
		}
		cursor = "&cursor=" + page["next_cursor"].(string)
	}
	require.Equal(t, map[any]int{"webhook": 3, "notification": 3}, kinds)
}
