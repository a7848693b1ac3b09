package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// stallingEndpoint receives all deliveries. It stalls the response to some: it signals held and responds
// after release.
type stallingEndpoint struct {
	mu       sync.Mutex
	bodies   map[string][]byte // by event ID
	count    int
	repeated int
	invalid  []string
	// holdAt are the numbers of the deliveries that are stalled.
	holdAt  map[int]bool
	held    chan struct{}
	release chan struct{}
}

func (d *stallingEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if d.record(r.Header.Get("Webhook-Id"), body) {
		d.held <- struct{}{}
		<-d.release
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// record stores a delivery and reports whether to stall it.
func (d *stallingEndpoint) record(id string, body []byte) bool {
	var event struct{ ID string }
	err := json.Unmarshal(body, &event)
	d.mu.Lock()
	defer d.mu.Unlock()
	before, known := d.bodies[id]
	switch {
	case err != nil || event.ID != id:
		d.invalid = append(d.invalid, fmt.Sprintf("%q is not %s", body, id))
	case known && !bytes.Equal(before, body):
		d.invalid = append(d.invalid, fmt.Sprintf("%q was %q", body, before))
	case known:
		d.repeated++
	}
	d.bodies[id] = body
	d.count++
	return d.holdAt[d.count]
}

// node is a server that can be replaced by another one on the same database.
type node struct {
	mu     sync.RWMutex
	server *instance
	host   string
	token  string
}

func (n *node) addr() string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.server.addr
}

// replace kills the server and starts another. addr blocks meanwhile.
func (n *node) replace(t *testing.T, launch func() *instance) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	require.Error(t, n.server.stop(t, syscall.SIGKILL))
	n.server = launch()
}

// call returns an error if there is no response, or one with another status.
func (n *node) call(ctx context.Context, method, path, body string, want int, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://"+n.addr()+path, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	request.Host = n.host
	request.Header.Set("Authorization", "Bearer "+n.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != want {
		err = fmt.Errorf("%s %s: %d %s", method, path, response.StatusCode, text)
	}
	if err != nil || into == nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// feed returns the IDs of all customer.created events.
func (n *node) feed(t *testing.T) (ids []string) {
	t.Helper()
	for after := int64(0); ; {
		var page struct {
			Data      []struct{ ID string }
			NextAfter int64 `json:"next_after"`
		}
		require.NoError(t, n.call(t.Context(), http.MethodGet, fmt.Sprint("/api/v1/events?types=customer.created&limit=100&after=", after), "", http.StatusOK, &page))
		if len(page.Data) == 0 {
			return ids
		}
		for _, event := range page.Data {
			ids = append(ids, event.ID)
		}
		after = page.NextAfter
	}
}

// Every event is delivered at least once, always with the same ID and content, although the server is
// killed twice: while events are written, and with deliveries in flight whose response it never gets.
func TestServe_killed_delivers_all_webhooks(t *testing.T) {
	t.Parallel()
	const events, writers = 1000, 8
	endpoint := &stallingEndpoint{
		bodies: map[string][]byte{}, holdAt: map[int]bool{events / 5: true, events / 2: true},
		held: make(chan struct{}), release: make(chan struct{}),
	}
	receiver := httptest.NewServer(endpoint)
	t.Cleanup(receiver.Close)
	kit := apitest.New(t, apitest.WithConfig(func(c *app.Config) { c.QuickLogin = false })) // serve refuses a database for development
	kit.Clock.Advance(time.Since(kit.Clock.Now()))                                          // the process has a real clock
	tenant := kit.Tenant(t, "a")
	// A short timeout: deliveries of a killed server are taken over after about three times as long.
	serve := func() *instance {
		return startServer(t, kit.DB.URL, "SMOOTHSCHEDULE_ACCEPTED_RISKS=database-superuser,loopback-webhooks,no-rate-limits", "SMOOTHSCHEDULE_RATE_LIMITS=tokens",
			"SMOOTHSCHEDULE_WEBHOOK_ALLOW_LOOPBACK=true", "SMOOTHSCHEDULE_WEBHOOK_TIMEOUT=3s")
	}
	n := &node{host: tenant.Host, token: tenant.Client(t, tenancy.RoleOwner).Token(), server: serve()}
	require.NoError(t, n.call(t.Context(), http.MethodPost, "/api/v1/webhooks", `{"url":"`+receiver.URL+`","event_types":["customer.*"]}`, http.StatusCreated, nil))

	var made atomic.Int64
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for made.Add(1) <= events {
				// A repeated request may create a second customer, which has its own event.
				for done := false; !done && t.Context().Err() == nil; {
					done = n.call(t.Context(), http.MethodPost, "/api/v1/customers", `{"name":"Carla"}`, http.StatusCreated, nil) == nil
				}
			}
		})
	}
	for range len(endpoint.holdAt) {
		select {
		case <-endpoint.held:
		case <-time.After(time.Minute):
			require.Fail(t, "no more deliveries", n.server.printed(t))
		}
		n.replace(t, serve)
		endpoint.release <- struct{}{}
	}
	group.Wait()

	ids := n.feed(t)
	require.GreaterOrEqual(t, len(ids), events)
	missing := func() (missing []string) {
		endpoint.mu.Lock()
		defer endpoint.mu.Unlock()
		for _, id := range ids {
			if endpoint.bodies[id] == nil {
				missing = append(missing, id)
			}
		}
		return missing
	}
	settled := func() bool {
		var pending int
		require.NoError(t, kit.DB.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM webhook_deliveries WHERE status <> 'SUCCEEDED'").Scan(&pending))
		return pending == 0
	}
	require.Eventually(t, func() bool { return len(missing()) == 0 && settled() }, 2*time.Minute, 50*time.Millisecond, "deliveries are missing")
	endpoint.mu.Lock()
	defer endpoint.mu.Unlock()
	require.Empty(t, endpoint.invalid)
	require.Len(t, endpoint.bodies, len(ids), "all delivered events are in the feed")
	require.GreaterOrEqual(t, endpoint.repeated, len(endpoint.holdAt), "deliveries without a response are repeated")
	t.Logf("%d events, %d of them more than once", len(ids), endpoint.repeated)
}
