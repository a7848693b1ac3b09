package walk

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

type event struct {
	Sequence   int64     `json:"sequence"`
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	Version    int       `json:"version"`
	Livemode   bool      `json:"livemode"`
	OccurredAt time.Time `json:"occurred_at"`
	Data       m         `json:"data"`
}

type feed struct {
	Data      []event `json:"data"`
	NextAfter int64   `json:"next_after"`
}

func (f feed) types() (types []string) {
	for _, e := range f.Data {
		types = append(types, e.Type)
	}
	return types
}

func readFeed(t *testing.T, c *apitest.Client, query string) (f feed) {
	t.Helper()
	c.Get(t, "/api/v1/events"+query).Require(t, 200).Decode(t, &f)
	return f
}

// requireCatalogued fails if the feed holds an event whose type, or form, openapi/events.yaml
// does not describe: a client holds every answer against the contract.
func requireCatalogued(t *testing.T, s *apitest.Server, owner *apitest.Client) {
	t.Helper()
	catalogue := []string{}
	for _, known := range s.App.Contract.EventTypes() {
		catalogue = append(catalogue, known.Name)
	}
	for _, c := range []*apitest.Client{owner, owner.Sandbox()} {
		response := c.Get(t, "/api/v1/events?limit=100")
		if response.Status != 200 { // the operation has ended the session, or the right to look
			continue
		}
		var f feed
		response.Decode(t, &f)
		for _, e := range f.Data {
			require.Contains(t, catalogue, e.Type, "openapi/events.yaml lacks the type: add its schema, and name it in Event")
		}
	}
}

func TestTheFeedTellsWhatHappened(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, owner, o := p.server, p.owner, p.objects
	populate(t, owner.Sandbox())
	owner.Post(t, "/api/v1/appointments/"+o["appointment"]+"/cancel", m{"reason": "ill"}).Require(t, 200)

	all := readFeed(t, owner, "?limit=100")
	require.Contains(t, all.types(), "appointment.created")
	for i, e := range all.Data {
		require.EqualValues(t, i+1, e.Sequence)
		require.True(t, e.Livemode)
		require.Equal(t, 1, e.Version)
		require.Equal(t, apitest.Start, e.OccurredAt)
	}
	last := all.Data[len(all.Data)-1]
	require.Equal(t, "appointment.cancelled", last.Type)
	require.Equal(t, owner.Get(t, "/api/v1/appointments/"+o["appointment"]).Require(t, 200).Object(t), last.Data, "data is what the API shows")
	require.Equal(t, last.Sequence, all.NextAfter)
	require.Equal(t, feed{Data: []event{}, NextAfter: all.NextAfter}, readFeed(t, owner, fmt.Sprintf("?after=%d", all.NextAfter)))

	// Page by page it is the same.
	var paged []event
	for after := int64(0); ; {
		page := readFeed(t, owner, fmt.Sprintf("?limit=2&after=%d", after))
		if len(page.Data) == 0 {
			break
		}
		paged, after = append(paged, page.Data...), page.NextAfter
	}
	require.Equal(t, all.Data, paged)

	// Types narrow it, and next_after passes over what is not wanted.
	narrow := readFeed(t, owner, "?types=appointment.*,resource.created")
	require.Equal(t, []string{"resource.created", "resource.created", "appointment.created", "appointment.cancelled"}, narrow.types())
	require.Equal(t, all.NextAfter, narrow.NextAfter)
	require.Equal(t, all.NextAfter, readFeed(t, owner, "?types=service.deleted").NextAfter)
	require.Equal(t, all.Data, readFeed(t, owner, "?limit=100&types=*").Data)
	for _, wrong := range []string{"appointment.create", "nothing.*"} {
		owner.Get(t, "/api/v1/events?types="+wrong).RequireProblem(t, 422, "validation_failed")
	}

	sandbox := readFeed(t, owner.Sandbox(), "?limit=100")
	require.NotEmpty(t, sandbox.Data)
	for _, e := range sandbox.Data {
		require.False(t, e.Livemode)
	}
	require.Empty(t, readFeed(t, s.Tenant(t, "b").Client(t, tenancy.RoleOwner), "?types=customer.*").Data)
}

// Sixteen writers and one reader, over HTTP: the reader who goes on after next_after never
// misses an event and never sees one twice.
func TestTheFeedHasNoGapsOverHTTP(t *testing.T) {
	t.Parallel()
	const writers, each = 16, 12
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	first := readFeed(t, owner, "?limit=100").NextAfter
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				response, err := owner.Send(owner.Request(t, http.MethodPost, "/api/v1/customers", m{"name": fmt.Sprintf("%d-%d", w, i)}))
				if err != nil || response.Status != 201 {
					t.Errorf("create a customer: %v %v", err, response)
				}
			}
		})
	}
	seen := map[string]bool{}
	for after := first; len(seen) < writers*each; {
		page := readFeed(t, owner, fmt.Sprintf("?limit=7&wait=30&after=%d", after))
		require.NotEmpty(t, page.Data, "it waits until there is something")
		for _, e := range page.Data {
			require.Equal(t, after+1, e.Sequence, "a gap")
			after = e.Sequence
			require.False(t, seen[e.ID])
			seen[e.ID] = true
		}
		require.Equal(t, after, page.NextAfter)
	}
	writing.Wait()
	require.Equal(t, first+writers*each, readFeed(t, owner, "?limit=100&types=service.deleted").NextAfter)
}

// A reader that waits on one server hears what is written on another.
func TestWaitingForEvents(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	other := apitest.NewOn(t, s.DB)
	ctx, stop := context.WithCancel(t.Context())
	var connected sync.WaitGroup
	for _, server := range []*apitest.Server{s, other} {
		connected.Go(func() { server.App.EventHub.Run(ctx, s.DB.AppPool(), slog.New(slog.DiscardHandler)) })
	}
	defer connected.Wait()
	defer stop()
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	elsewhere := other.Client(tenant.Host).WithToken(owner.Token())
	after := readFeed(t, owner, "?limit=100").NextAfter
	read := func(c *apitest.Client, types string) chan feed {
		done := make(chan feed, 1)
		go func() {
			var f feed
			response, err := c.Send(c.Request(t, http.MethodGet, fmt.Sprintf("/api/v1/events?wait=30&after=%d&types=%s", after, types), nil))
			if err == nil {
				response.Decode(t, &f)
			}
			done <- f
		}()
		return done
	}
	here, there, never := read(owner, "customer.*"), read(elsewhere, "customer.*"), read(owner, "service.deleted")
	owner.Post(t, "/api/v1/resources", m{"name": "R", "type": "ROOM"}).Require(t, 201)
	owner.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201)
	for _, done := range []chan feed{here, there} {
		require.Equal(t, []string{"customer.created"}, (<-done).types())
	}
	// A server that stops lets nobody wait.
	s.App.EventHub.Close()
	require.Equal(t, feed{Data: []event{}, NextAfter: after + 2}, <-never)
	require.Empty(t, readFeed(t, owner, fmt.Sprintf("?wait=30&after=%d", after+2)).Data)
}

// So many requests of one environment can wait, and no more: each of them costs something.
func TestNotEverybodyCanWaitForEvents(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	after := readFeed(t, owner, "?limit=100").NextAfter
	path := fmt.Sprintf("/api/v1/events?wait=30&after=%d", after)
	answers := make(chan *apitest.Response, developer.MaxWaiting+1)
	for range developer.MaxWaiting + 1 {
		request := owner.Request(t, http.MethodGet, path, nil)
		go func() {
			response, err := owner.Send(request)
			assert.NoError(t, err)
			answers <- response
		}()
	}
	refused := <-answers // all others wait
	require.Equal(t, "events-waiting", refused.RequireProblem(t, 429, "rate_limited")["policy"])
	require.Equal(t, "1", refused.Header.Get("Retry-After"))
	readFeed(t, owner, fmt.Sprintf("?after=%d", after)) // who does not wait is not concerned
	owner.Sandbox().Get(t, fmt.Sprintf("/api/v1/events?wait=1&after=%d", 0)).Require(t, 200)
	owner.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201)
	for range developer.MaxWaiting {
		var heard feed
		(<-answers).Require(t, 200).Decode(t, &heard)
		require.Equal(t, []string{"customer.created"}, heard.types())
	}
	owner.Get(t, fmt.Sprintf("/api/v1/events?wait=1&after=%d", after+1)).Require(t, 200) // there is room again
}

func TestOldEventsExpire(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	populate(t, owner)
	before := readFeed(t, owner, "?limit=100")
	now := time.Now() // the ids of events have the real time in them
	_, err := developer.SweepEvents(t.Context(), s.App.Store, now.Add(developer.EventsKept-time.Hour))
	require.NoError(t, err)
	require.Equal(t, before, readFeed(t, owner, "?limit=100"), "nothing is old yet")

	removed, err := developer.SweepEvents(t.Context(), s.App.Store, now.Add(developer.EventsKept+time.Hour))
	require.NoError(t, err)
	require.Equal(t, before.NextAfter, removed)
	owner.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201)
	problem := owner.Get(t, "/api/v1/events?after=2").RequireProblem(t, 410, "events_expired")
	require.EqualValues(t, before.NextAfter, problem["oldest_after"])
	for _, query := range []string{"", fmt.Sprintf("?after=%d", before.NextAfter)} {
		f := readFeed(t, owner, query)
		require.Equal(t, []string{"customer.created"}, f.types())
		require.Equal(t, before.NextAfter+1, f.Data[0].Sequence)
	}
	// However many there are, all of them go.
	const many = 12_000
	_, err = s.DB.OwnerPool().Exec(t.Context(), `WITH grown AS (UPDATE event_sequences q SET last_sequence = last_sequence + $1 FROM environments v
			WHERE v.id = q.env_id AND v.name = 'a_sandbox' RETURNING q.env_id, q.last_sequence - $1 AS base)
		INSERT INTO events (env_id, id, sequence, type, version, occurred_at, data)
		SELECT env_id, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, base + n, 'customer.created', 1, $2, '{}'
		FROM grown, generate_series(1, $1::int) n`, many, s.Clock.Now())
	require.NoError(t, err)
	removed, err = developer.SweepEvents(t.Context(), s.App.Store, now)
	require.NoError(t, err)
	require.EqualValues(t, many, removed)

	// An empty sandbox goes on where it was, and has lost nothing that a reader must know of.
	populate(t, owner.Sandbox())
	owner.Post(t, "/api/sandbox/reset/", nil).Require(t, 200)
	require.Equal(t, []string{"sandbox.reset"}, readFeed(t, owner.Sandbox(), fmt.Sprint("?after=", many)).types())
}

// Whoever asks for what comes after an event that does not exist would wait for ever, and miss what
// comes meanwhile.
func TestListEvents_BeyondTheEnd(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	populate(t, owner)
	program := owner.APIToken(t, true, "events:read")
	refused := func(c *apitest.Client, after, last int64) {
		t.Helper()
		for _, more := range []string{"", "&wait=30", "&types=service.*"} {
			if c == program && more == "&types=service.*" {
				continue // which it may not read
			}
			problem := c.Get(t, fmt.Sprintf("/api/v1/events?after=%d%s", after, more)).RequireProblem(t, 422, "position_beyond_end")
			require.EqualValues(t, last, problem["last_sequence"])
			require.Equal(t, "?after", problem["errors"].([]any)[0].(m)["pointer"])
		}
	}
	live := readFeed(t, owner, "?limit=100").NextAfter
	refused(owner, live+1, live)
	refused(owner, math.MaxInt64, live)
	refused(owner.Sandbox(), live, 0) // the position is of the other mode
	refused(program, 1, 0)
	require.Equal(t, feed{Data: []event{}, NextAfter: live}, readFeed(t, owner, fmt.Sprintf("?after=%d", live)))
	require.Equal(t, feed{Data: []event{}}, readFeed(t, program, "?after=0"))

	// Emptying the sandbox and its test clock move no position.
	owner.Sandbox().Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201)
	owner.Sandbox().Post(t, "/api/v1/sandbox/clock", m{"advance_seconds": 86400}).Require(t, 200)
	last := readFeed(t, owner.Sandbox(), "").NextAfter
	owner.Post(t, "/api/sandbox/reset/", nil).Require(t, 200)
	require.Equal(t, []string{"sandbox.reset"}, readFeed(t, owner.Sandbox(), fmt.Sprintf("?after=%d", last)).types())
	require.Equal(t, last+1, readFeed(t, program, fmt.Sprintf("?after=%d", last)).NextAfter, "it may not read that, but passes over it")
	refused(owner.Sandbox(), last+2, last+1)
}
