package developer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

type object = map[string]any

// receiver is an endpoint that keeps what it gets.
type receiver struct {
	URL      string
	mu       sync.Mutex
	requests []received
	// answer is what it answers; nil is 204.
	answer http.HandlerFunc
}

type received struct {
	header http.Header
	body   []byte
}

func (r received) event(t *testing.T) (event object) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.body, &event))
	return event
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.requests = append(r.requests, received{request.Header, body})
		answer := r.answer
		r.mu.Unlock()
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, request)
	}))
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "as you like", code) }
}

func (r *receiver) set(answer http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// take returns what has come since it was last asked.
func (r *receiver) take() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.requests
	r.requests = nil
	return taken
}

func types(t *testing.T, list []received) (types []string) {
	t.Helper()
	for _, r := range list {
		types = append(types, r.event(t)["type"].(string))
	}
	return types
}

func addWebhook(t *testing.T, c *apitest.Client, url string, eventTypes ...string) (id, secret string) {
	t.Helper()
	created := c.Post(t, "/api/v1/webhooks", object{"url": url, "event_types": eventTypes}).Require(t, 201).Object(t)
	return created["id"].(string), created["secret"].(string)
}

func customer(t *testing.T, c *apitest.Client) string {
	t.Helper()
	return c.Post(t, "/api/v1/customers", object{"name": "Carla"}).Require(t, 201).ID(t)
}

func deliveries(t *testing.T, c *apitest.Client, id string) (list []object) {
	t.Helper()
	var page struct{ Data []object }
	c.Get(t, "/api/v1/webhooks/"+id+"/deliveries?limit=100").Require(t, 200).Decode(t, &page)
	return page.Data
}

func verify(t *testing.T, secret string, r received) {
	t.Helper()
	webhook, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	require.NoError(t, webhook.VerifyIgnoringTimestamp(r.body, r.header))
	require.Error(t, webhook.VerifyIgnoringTimestamp(append(bytes.Clone(r.body), ' '), r.header))
}

func setup(t *testing.T) (*apitest.Server, *apitest.Client) {
	t.Helper()
	s := apitest.New(t)
	return s, s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
}

func TestAWebhookGetsTheEventsItWants(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	r, other := newReceiver(t, nil), newReceiver(t, nil)
	customer(t, owner) // before it exists
	id, secret := addWebhook(t, owner, r.URL+"/hooks?x=y", "customer.*", "resource.deleted")
	_, _ = addWebhook(t, owner.Sandbox(), other.URL, "*")
	who := customer(t, owner)
	owner.Post(t, "/api/v1/resources", object{"name": "R", "type": "ROOM"}).Require(t, 201)
	owner.Do(t, http.MethodDelete, "/api/v1/customers/"+who, nil).Require(t, 204)
	s.WorkJobs(t)

	got := r.take()
	require.ElementsMatch(t, []string{"customer.created", "customer.deleted"}, types(t, got))
	var feed struct{ Data []object }
	owner.Get(t, "/api/v1/events?limit=100").Require(t, 200).Decode(t, &feed)
	for _, request := range got {
		verify(t, secret, request)
		event := request.event(t)
		require.Contains(t, feed.Data, event, "what is sent is what the feed lists")
		require.Equal(t, event["id"], request.header.Get("webhook-id"))
		require.Equal(t, strconv.FormatInt(apitest.Start.Unix(), 10), request.header.Get("webhook-timestamp"))
		require.Equal(t, "application/json", request.header.Get("Content-Type"))
	}
	list := deliveries(t, owner, id)
	require.Len(t, list, 2)
	require.Equal(t, "customer.deleted", list[0]["event_type"], "the latest first")
	require.Equal(t, "SUCCEEDED", list[0]["status"])
	require.EqualValues(t, 204, list[0]["attempts"].([]any)[0].(object)["status_code"])

	// The sandbox has webhooks of its own.
	require.Equal(t, []string{"webhook.created"}, types(t, other.take()))
	customer(t, owner.Sandbox())
	s.WorkJobs(t)
	inSandbox := other.take()
	require.Equal(t, []string{"customer.created"}, types(t, inSandbox))
	require.Equal(t, false, inSandbox[0].event(t)["livemode"])
	require.Empty(t, r.take())
}

func TestFailedAttemptsAreRepeatedOnTheSchedule(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	r := newReceiver(t, status(500))
	id, secret := addWebhook(t, owner, r.URL, "customer.created")
	customer(t, owner)
	s.WorkJobs(t)
	first := r.take()
	require.Len(t, first, 1)
	for _, wait := range []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	} {
		s.Clock.Advance(wait*8/10 - time.Millisecond) // minus 20 percent
		s.WorkJobs(t)
		require.Empty(t, r.take(), wait)
		s.Clock.Advance(wait*4/10 + 2*time.Millisecond) // plus 20
		s.WorkJobs(t)
		again := r.take()
		require.Len(t, again, 1, wait)
		require.Equal(t, first[0].header.Get("webhook-id"), again[0].header.Get("webhook-id"))
		require.Equal(t, strconv.FormatInt(s.Clock.Now().Unix(), 10), again[0].header.Get("webhook-timestamp"))
		require.Equal(t, first[0].body, again[0].body)
		verify(t, secret, again[0])
	}
	s.Clock.Advance(100 * time.Hour)
	s.WorkJobs(t)
	require.Empty(t, r.take())
	delivery := deliveries(t, owner, id)[0]
	require.Equal(t, "FAILED", delivery["status"])
	require.EqualValues(t, 10, delivery["attempt_count"])
	last := delivery["attempts"].([]any)[9].(object)
	require.EqualValues(t, 500, last["status_code"])
	require.Equal(t, "as you like\n", last["response"])
	require.Contains(t, last["error"], "only 2xx")

	// Replay sends it once more, under the same id.
	r.set(nil)
	owner.Post(t, "/api/v1/webhooks/"+id+"/deliveries/"+delivery["id"].(string)+"/replay", nil).Require(t, 202)
	s.WorkJobs(t)
	require.Equal(t, first[0].header.Get("webhook-id"), r.take()[0].header.Get("webhook-id"))
	require.Equal(t, "SUCCEEDED", deliveries(t, owner, id)[0]["status"])
	require.Nil(t, owner.Get(t, "/api/v1/webhooks/"+id).Require(t, 200).Object(t)["failing_since"])
}

func TestWhatAnswersMean(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	r := newReceiver(t, nil)
	id, _ := addWebhook(t, owner, r.URL, "customer.created")
	for _, code := range []int{301, 302, 304, 400, 404, 500} {
		r.set(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", r.URL+"/elsewhere")
			w.WriteHeader(code)
		})
		customer(t, owner)
		s.WorkJobs(t)
		require.Len(t, r.take(), 1, "no redirects")
		require.Equal(t, "PENDING", deliveries(t, owner, id)[0]["status"], code)
	}
	// Retry-After waits longer than the schedule, but not for ever.
	for asked, want := range map[string]time.Duration{"3600": time.Hour, "99999999": 24 * time.Hour} {
		r.set(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", asked)
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		customer(t, owner)
		s.WorkJobs(t)
		require.Equal(t, s.Clock.Now().Add(want).Format(time.RFC3339), deliveries(t, owner, id)[0]["next_attempt_at"])
	}
}

func TestAnEndpointThatIsGoneIsDisabled(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	r, watcher := newReceiver(t, status(410)), newReceiver(t, nil)
	id, _ := addWebhook(t, owner, r.URL, "customer.created")
	addWebhook(t, owner, watcher.URL, "webhook.disabled")
	customer(t, owner)
	s.WorkJobs(t)
	require.Len(t, r.take(), 1)
	webhook := owner.Get(t, "/api/v1/webhooks/"+id).Require(t, 200).Object(t)
	require.Equal(t, false, webhook["is_enabled"])
	require.Equal(t, "GONE", webhook["disabled_reason"])
	require.Equal(t, "CANCELLED", deliveries(t, owner, id)[0]["status"])
	told := watcher.take()
	require.Equal(t, []string{"webhook.disabled"}, types(t, told))
	require.Equal(t, 1, notifications(t, s, webhook["id"], "GONE"))
	require.Equal(t, id, told[0].event(t)["data"].(object)["id"])
	for _, path := range []string{"/ping", "/deliveries/" + deliveries(t, owner, id)[0]["id"].(string) + "/replay"} {
		owner.Post(t, "/api/v1/webhooks/"+id+path, nil).RequireProblem(t, 409, "invalid_transition")
	}
	// Enabled again, it can have what it missed.
	customer(t, owner)
	r.set(nil)
	owner.Do(t, http.MethodPatch, "/api/v1/webhooks/"+id, object{"is_enabled": true}).Require(t, 200)
	s.WorkJobs(t)
	require.Empty(t, r.take())
	replayed := owner.Post(t, "/api/v1/webhooks/"+id+"/replay", object{"since": apitest.Start}).Require(t, 202).Object(t)
	require.EqualValues(t, 2, replayed["replayed"])
	s.WorkJobs(t)
	require.Len(t, r.take(), 2)
}

func TestFiveDaysOfFailuresDisable(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	r := newReceiver(t, status(503))
	id, _ := addWebhook(t, owner, r.URL, "customer.created")
	for day := range 5 {
		customer(t, owner)
		s.WorkJobs(t)
		require.Equal(t, true, owner.Get(t, "/api/v1/webhooks/"+id).Require(t, 200).Object(t)["is_enabled"], "day %d", day)
		s.Clock.Advance(24 * time.Hour)
	}
	customer(t, owner)
	s.WorkJobs(t)
	webhook := owner.Get(t, "/api/v1/webhooks/"+id).Require(t, 200).Object(t)
	require.Equal(t, "FAILING", webhook["disabled_reason"])
	require.Equal(t, 1, notifications(t, s, webhook["id"], "FAILING"))
	require.Equal(t, apitest.Start.Format(time.RFC3339), webhook["failing_since"])
	for _, d := range deliveries(t, owner, id) {
		require.NotEqual(t, "PENDING", d["status"])
	}
}

func TestSecretsRotateAndStaySecret(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	r := newReceiver(t, nil)
	id, old := addWebhook(t, owner, r.URL, "customer.created")
	require.True(t, strings.HasPrefix(old, "whsec_"))
	fresh := owner.Post(t, "/api/v1/webhooks/"+id+"/rotate-secret", nil).Require(t, 200).Object(t)["secret"].(string)
	require.NotEqual(t, old, fresh)
	customer(t, owner)
	s.WorkJobs(t)
	both := r.take()[0]
	verify(t, old, both)
	verify(t, fresh, both)
	s.Clock.Advance(24 * time.Hour)
	customer(t, owner)
	s.WorkJobs(t)
	later := r.take()[0]
	verify(t, fresh, later)
	before, err := standardwebhooks.NewWebhook(old)
	require.NoError(t, err)
	require.Error(t, before.VerifyIgnoringTimestamp(later.body, later.header))

	// Nobody reads it again: not through the API, not in the database, not in the trail.
	for _, path := range []string{"/api/v1/webhooks", "/api/v1/webhooks/" + id, "/api/v1/events?limit=100"} {
		require.NotContains(t, string(owner.Get(t, path).Require(t, 200).Body), "whsec_")
	}
	key := strings.TrimPrefix(fresh, "whsec_")
	for _, table := range []string{"webhook_endpoints", "events", "audit_entries", "river.river_job"} {
		var found int
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(),
			"SELECT count(*) FROM "+table+" x WHERE x::text LIKE '%' || $1 || '%' OR x::text LIKE '%' || encode(decode($1, 'base64'), 'hex') || '%'", key).Scan(&found))
		require.Zero(t, found, table)
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	r, other := newReceiver(t, nil), newReceiver(t, nil)
	id, secret := addWebhook(t, owner, r.URL, "customer.created")
	addWebhook(t, owner, other.URL, "*")
	s.WorkJobs(t)
	other.take()
	ping := owner.Post(t, "/api/v1/webhooks/"+id+"/ping", nil).Require(t, 202).Object(t)
	require.Equal(t, "PENDING", ping["status"])
	s.WorkJobs(t)
	got := r.take()
	require.Equal(t, []string{"webhook.ping"}, types(t, got))
	require.Equal(t, ping["id"], got[0].header.Get("webhook-id"))
	verify(t, secret, got[0])
	require.Empty(t, other.take(), "a ping is for one endpoint")
}

func TestALargeEventIsSentWithoutItsData(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	r := newReceiver(t, nil)
	addWebhook(t, owner, r.URL, "business_hours.updated")
	overrides := []object{}
	for day := range 300 {
		overrides = append(overrides, object{
			"date": apitest.Start.AddDate(0, 0, day).Format(time.DateOnly), "name": strings.Repeat("x", 100), "intervals": []object{},
		})
	}
	owner.Do(t, http.MethodPut, "/api/v1/business/hours", object{"weekly": []object{}, "overrides": overrides}).Require(t, 200)
	s.WorkJobs(t)
	got := r.take()
	require.Len(t, got, 1)
	require.Less(t, len(got[0].body), 20_000)
	require.Equal(t, true, got[0].event(t)["data_omitted"])
}

// Without a webhook an event costs no job, and an endpoint that is disabled gets none.
func TestWhoWantsNothingCausesNothing(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	jobCount := func() (n int) {
		s.WorkFeed(t)
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM river.river_job").Scan(&n))
		return n
	}
	customer(t, owner)
	require.Zero(t, jobCount())
	id, _ := addWebhook(t, owner, "https://example.com/hooks", "customer.created")
	owner.Do(t, http.MethodPatch, "/api/v1/webhooks/"+id, object{"is_enabled": false}).Require(t, 200)
	customer(t, owner)
	require.Zero(t, jobCount())
	require.Empty(t, deliveries(t, owner, id))
}

// What was being appended while an endpoint was disabled does not come when it is enabled, maybe
// days later.
func TestAnEndpointBeginsAnew(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	r := newReceiver(t, nil)
	id, _ := addWebhook(t, owner, r.URL, "customer.created")
	customer(t, owner)
	owner.Do(t, http.MethodPatch, "/api/v1/webhooks/"+id, object{"is_enabled": false}).Require(t, 200)
	require.Equal(t, "CANCELLED", deliveries(t, owner, id)[0]["status"])
	_, err := s.DB.OwnerPool().Exec(t.Context(), "UPDATE webhook_deliveries SET status = 'PENDING', next_attempt_at = created_at, finished_at = NULL")
	require.NoError(t, err)
	s.WorkJobs(t)
	owner.Do(t, http.MethodPatch, "/api/v1/webhooks/"+id, object{"is_enabled": true}).Require(t, 200)
	customer(t, owner)
	s.WorkJobs(t)
	require.Len(t, r.take(), 1)
	require.Equal(t, "CANCELLED", deliveries(t, owner, id)[1]["status"])
}

func TestEndpointsThatAreRefused(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	for _, url := range []string{"http://example.com/", "https://10.0.0.1/", "https://169.254.169.254/latest", "https://user:pw@example.com/"} {
		problem := owner.Post(t, "/api/v1/webhooks", object{"url": url, "event_types": []string{"*"}}).RequireProblem(t, 422, "validation_failed")
		require.Equal(t, "/url", problem["errors"].([]any)[0].(object)["pointer"])
	}
	owner.Post(t, "/api/v1/webhooks", object{"url": "https://example.com/", "event_types": []string{"appointment.create"}}).
		RequireProblem(t, 422, "validation_failed")

	// As many as there can be, and not one more, also in parallel.
	var made atomic.Int64
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 15 {
				response, err := owner.Send(owner.Request(t, http.MethodPost, "/api/v1/webhooks", object{"url": "https://example.com/", "event_types": []string{"*"}}))
				if err == nil && response.Status == 201 {
					made.Add(1)
				}
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 50, made.Load())
	_ = s
}

// run handles events and does jobs as a server does.
func run(t *testing.T, s *apitest.Server) {
	t.Helper()
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: s.DB.URL, Role: dbtest.PlatformRole, MaxConns: 4})
	require.NoError(t, err)
	runner, err := jobs.NewRunner(pool, s.App.Jobs, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	require.NoError(t, runner.Start(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	var feed sync.WaitGroup
	feed.Go(func() { s.App.Feed.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		feed.Wait()
		if err := runner.Stop(context.WithoutCancel(t.Context()), time.Minute); err != nil {
			t.Error(err)
		}
		pool.Close()
	})
}

// One endpoint does not answer, and keeps nobody waiting but itself.
func TestASlowEndpointStarvesNobody(t *testing.T) {
	t.Parallel()
	const events = 40
	s, owner := setup(t)
	release := make(chan struct{})
	var busy, most atomic.Int64
	slow := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		now := busy.Add(1)
		for before := most.Load(); now > before; before = most.Load() {
			most.CompareAndSwap(before, now)
		}
		<-release
		busy.Add(-1)
		w.WriteHeader(http.StatusNoContent)
	})
	came := make(chan string, 10*events)
	quick := newReceiver(t, func(w http.ResponseWriter, r *http.Request) {
		came <- r.Header.Get("webhook-id")
		w.WriteHeader(http.StatusNoContent)
	})
	addWebhook(t, owner, slow.URL, "customer.created")
	addWebhook(t, owner, quick.URL, "customer.created")
	run(t, s)
	for range events {
		customer(t, owner)
	}
	for range events {
		select {
		case <-came:
		case <-time.After(14 * time.Second): // less than the slow one's time is up
			require.Fail(t, "the slow endpoint holds the other one up")
		}
	}
	require.Eventually(t, func() bool { return most.Load() > 0 }, 14*time.Second, time.Millisecond, "the slow one has been asked")
	close(release)
	require.LessOrEqual(t, most.Load(), int64(8))
}

// However much comes meanwhile, a job ends before its time is up, and leaves the rest to another:
// one that is stopped would leave attempts of which nobody knows what came of them.
func TestAJobLeavesWhatKeepsComing(t *testing.T) {
	t.Parallel()
	const events = 60
	s, owner := setup(t)
	var job json.RawMessage
	var requests atomic.Int64
	busy := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) < events {
			_, err := owner.Send(owner.Request(t, http.MethodPost, "/api/v1/customers", object{"name": "Carla"}))
			assert.NoError(t, err)
			_, err = s.App.Feed.Work(context.WithoutCancel(t.Context()))
			assert.NoError(t, err)
			assert.NoError(t, s.App.Jobs.Work(context.WithoutCancel(t.Context()), "webhook_delivery", job))
			s.Clock.Advance(2 * time.Second)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	id, _ := addWebhook(t, owner, busy.URL, "customer.created")
	var env string
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT env_id FROM webhook_endpoints").Scan(&env))
	job = json.RawMessage(`{"env_id": "` + env + `", "endpoint_id": "` + id + `"}`)
	customer(t, owner)
	s.WorkFeed(t)
	require.NoError(t, s.App.Jobs.Work(t.Context(), "webhook_delivery", job))
	require.Positive(t, requests.Load())
	require.Less(t, requests.Load(), int64(events/2))
	s.WorkJobs(t)
	require.Equal(t, int64(events), requests.Load())
}

// What a server that died had taken is attempted by another one, and what no job looks after
// any more is found.
func TestForgottenDeliveriesAreFound(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	r := newReceiver(t, nil)
	addWebhook(t, owner, r.URL, "customer.created")
	customer(t, owner)
	s.WorkFeed(t)
	_, err := s.DB.OwnerPool().Exec(t.Context(), "DELETE FROM river.river_job")
	require.NoError(t, err)
	_, err = s.DB.OwnerPool().Exec(t.Context(), "UPDATE webhook_deliveries SET claimed_until = $1", apitest.Start.Add(25*time.Second))
	require.NoError(t, err)
	sweep := func() {
		require.NoError(t, s.App.Jobs.Work(t.Context(), "webhook_sweep", []byte("{}")))
		s.WorkJobs(t)
	}
	s.Clock.Advance(24 * time.Second)
	sweep()
	require.Empty(t, r.take(), "another server is at it")
	s.Clock.Advance(12 * time.Second)
	sweep()
	require.Len(t, r.take(), 1)
	sweep()
	require.Empty(t, r.take())
}

func TestWebhooksEndWithThePlan(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	r := newReceiver(t, nil)
	addWebhook(t, owner, r.URL, "customer.created")
	customer(t, owner)
	tenant.Override(t, "can_use_webhooks", false)
	s.WorkJobs(t)
	require.Empty(t, r.take())
}

// notifications counts those that tell an owner why the webhook was disabled.
func notifications(t *testing.T, s *apitest.Server, id any, reason string) (n int) {
	t.Helper()
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT count(*) FROM notifications n JOIN users u ON u.email = n.address
		WHERE n.kind = 'webhook.disabled' AND u.role = 'TENANT_OWNER' AND n.data->>'webhook_id' = $1 AND n.data->>'reason' = $2`, id, reason).Scan(&n))
	return n
}

// The events of a transaction, one or several, go in their order to the endpoints of their
// environment that want them, and to no others; one job looks after all of them.
func TestEventsOfATransactionAreHandedOutTogether(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant, stranger := s.Tenant(t, "a"), s.Tenant(t, "b").Client(t, tenancy.RoleOwner)
	owner := tenant.Client(t, tenancy.RoleOwner)
	clients := map[string]*apitest.Client{"all": owner, "some": owner, "disabled": owner, "sandbox": owner.Sandbox(), "stranger": stranger}
	endpoints := map[string]string{}
	for name, c := range clients {
		wants := []string{"*"}
		if name == "some" {
			wants = []string{"customer.*", "service.deleted"}
		}
		endpoints[name], _ = addWebhook(t, c, "https://example.com/"+name, wants...)
	}
	owner.Do(t, http.MethodPatch, "/api/v1/webhooks/"+endpoints["disabled"], object{"is_enabled": false}).Require(t, 200)
	jobCount := func() (n int) {
		s.WorkFeed(t)
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM river.river_job WHERE kind = 'webhook_fan_out'").Scan(&n))
		return n
	}
	before, jobsBefore := map[string]int{}, jobCount()
	for name, c := range clients {
		before[name] = len(deliveries(t, c, endpoints[name]))
	}
	// got is what has come since, the latest first.
	got := func(name string) (list []string) {
		all := deliveries(t, clients[name], endpoints[name])
		for _, delivery := range all[:len(all)-before[name]] {
			list = append(list, delivery["event_type"].(string))
		}
		return list
	}
	emit := func(list ...string) {
		require.NoError(t, s.App.Store.InEnv(t.Context(), tenant.Scope(t, false), func(tx *store.Tx) error {
			for _, eventType := range list {
				tx.Emit(eventType, object{})
			}
			return nil
		}))
	}
	emit("customer.created", "customer.deleted", "resource.created")
	require.Equal(t, jobsBefore+1, jobCount())
	emit("service.deleted")
	require.Equal(t, jobsBefore+2, jobCount())
	emit("resource.deleted")
	require.Equal(t, jobsBefore+3, jobCount())
	require.Equal(t, []string{"resource.deleted", "service.deleted", "resource.created", "customer.deleted", "customer.created"}, got("all"))
	require.Equal(t, []string{"service.deleted", "customer.deleted", "customer.created"}, got("some"))
	for _, name := range []string{"disabled", "sandbox", "stranger"} {
		require.Empty(t, got(name), name)
	}

	// The platform sees every environment, but tells only the one it means.
	require.NoError(t, s.App.Store.Administer(t.Context(), tenant.Scope(t, false), func(tx *store.PlatformTx) error {
		tx.EmitIn(tenant.Scope(t, false).Env.ID, "service.created", object{})
		tx.EmitIn(tenant.Scope(t, true).Env.ID, "customer.created", object{})
		tx.EmitIn(tenant.Scope(t, true).Env.ID, "customer.deleted", object{})
		return nil
	}))
	require.Equal(t, jobsBefore+5, jobCount())
	require.Equal(t, "service.created", got("all")[0])
	require.Len(t, got("all"), 6)
	require.Len(t, got("some"), 3)
	require.Equal(t, []string{"customer.deleted", "customer.created"}, got("sandbox"))
	require.Empty(t, got("disabled"))
	require.Empty(t, got("stranger"))
	var mixed int
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT count(*) FROM webhook_deliveries d
		JOIN events e ON e.env_id = d.env_id AND e.id = d.event_id WHERE e.sequence <> d.sequence`).Scan(&mixed))
	require.Zero(t, mixed)
}

// An endpoint gets the events that it wanted when they happened, however late they are handed out.
func TestWebhooks_Consumer(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	patch := func(id string, change object) {
		owner.Do(t, http.MethodPatch, "/api/v1/webhooks/"+id, change).Require(t, 200)
	}
	customer(t, owner) // before there is an endpoint
	early, _ := addWebhook(t, owner, "https://example.com/early", "customer.created")
	first := customer(t, owner)
	late, _ := addWebhook(t, owner, "https://example.com/late", "customer.created")
	gone, _ := addWebhook(t, owner, "https://example.com/gone", "customer.created")
	second := customer(t, owner)
	patch(early, object{"event_types": []string{"customer.deleted"}})
	owner.Do(t, http.MethodDelete, "/api/v1/webhooks/"+gone, nil).Require(t, 204)
	third := customer(t, owner)
	patch(late, object{"is_enabled": false})
	customer(t, owner)
	patch(late, object{"is_enabled": true})
	fourth := customer(t, owner)
	s.WorkFeed(t)
	customers := func(id string) (list []string) {
		for _, d := range deliveries(t, owner, id) {
			var customerID string
			require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT data->>'id' FROM events WHERE id = $1", d["id"]).Scan(&customerID))
			list = append(list, customerID)
		}
		return list
	}
	require.Equal(t, []string{second, first}, customers(early))
	require.Equal(t, []string{fourth, third, second}, customers(late))
	require.Equal(t, "PENDING", deliveries(t, owner, late)[0]["status"])
	require.Equal(t, "CANCELLED", deliveries(t, owner, late)[1]["status"])
}

// What was replayed before it was handed out comes once.
func TestWebhooks_Consumer_AfterReplay(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	r := newReceiver(t, nil)
	id, _ := addWebhook(t, owner, r.URL, "customer.created")
	customer(t, owner)
	replayed := owner.Post(t, "/api/v1/webhooks/"+id+"/replay", object{"since": apitest.Start}).Require(t, 202).Object(t)
	require.EqualValues(t, 1, replayed["replayed"])
	s.WorkJobs(t)
	require.Len(t, r.take(), 1)
	require.Len(t, deliveries(t, owner, id), 1)
}

// The clock of a sandbox may be set back between an event and its delivery.
func TestWebhooks_Consumer_ClockSetBack(t *testing.T) {
	t.Parallel()
	s, owner := setup(t)
	sandbox := owner.Sandbox()
	r := newReceiver(t, nil)
	addWebhook(t, sandbox, r.URL, "customer.created")
	owner.Post(t, "/api/v1/sandbox/clock", object{"advance_seconds": 3600}).Require(t, 200)
	customer(t, sandbox)
	owner.Post(t, "/api/v1/sandbox/clock", object{"reset": true}).Require(t, 200)
	s.WorkJobs(t)
	require.Equal(t, []string{"customer.created"}, types(t, r.take()))
}
