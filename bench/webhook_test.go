package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

const (
	endpoints = 10
	happened  = 1000
)

// BenchmarkWebhookFanOut sends 1,000 events to 10 endpoints, by the jobs of a running server and its
// deliverer: 10,000 signed requests to a program on this machine. Either all events are there before the
// jobs begin, or the jobs run while eight clients make them. Beside deliveries per second it reports how old
// events were when they came.
//
//	go test -run '^$' -bench WebhookFanOut -benchtime 1x ./bench
func BenchmarkWebhookFanOut(b *testing.B) {
	b.Run("backlog", func(b *testing.B) {
		for b.Loop() {
			fan(b, func(f *fanOut) time.Time {
				f.makeEvents(b)
				began := time.Now()
				f.start(b)
				return began
			})
		}
	})
	b.Run("as they come", func(b *testing.B) {
		for b.Loop() {
			fan(b, func(f *fanOut) time.Time {
				f.start(b)
				began := time.Now()
				f.makeEvents(b)
				return began
			})
		}
	})
}

// fanOut is a business with endpoints that all want the same.
type fanOut struct {
	owner  *apitest.Client
	app    *app.App
	runner *jobs.Runner
	// stop ends the consumers of events.
	stop func()
}

// fan measures from the time that deliver returns until everything has come.
func fan(b *testing.B, deliver func(*fanOut) time.Time) {
	b.Helper()
	heard := &listener{want: endpoints * happened, all: make(chan struct{})}
	receiver := httptest.NewServer(heard)
	defer receiver.Close()
	server := apitest.New(b, func(d *app.Dependencies) { d.Now = time.Now })
	f := &fanOut{app: server.App, owner: server.Tenant(b, "fan").Client(b, tenancy.RoleOwner)}
	for i := range endpoints {
		hook := map[string]any{"url": fmt.Sprint(receiver.URL, "/", i), "event_types": []string{"customer.created"}}
		f.owner.Post(b, "/api/v1/webhooks", hook).Require(b, http.StatusCreated)
	}
	pool, err := postgres.NewPool(b.Context(), postgres.PoolOptions{URL: server.DB.URL, Role: dbtest.PlatformRole, MaxConns: 5})
	require.NoError(b, err)
	defer pool.Close()
	f.runner, err = jobs.NewRunner(pool, server.App.Jobs, slog.New(slog.DiscardHandler))
	require.NoError(b, err)
	began := deliver(f)
	<-heard.all
	took := time.Since(began)
	f.stop()
	require.NoError(b, f.runner.Stop(b.Context(), time.Minute))
	slices.Sort(heard.ages)
	b.ReportMetric(endpoints*happened/took.Seconds(), "deliveries/s")
	b.ReportMetric(float64(heard.ages[len(heard.ages)/2].Milliseconds()), "p50-age-ms")
	b.ReportMetric(float64(heard.ages[len(heard.ages)*99/100].Milliseconds()), "p99-age-ms")
}

func (f *fanOut) start(b *testing.B) {
	b.Helper()
	require.NoError(b, f.runner.Start(b.Context()))
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { f.app.Feed.Run(ctx) })
	f.stop = func() { cancel(); running.Wait() }
	require.NoError(b, f.app.Feed.Sweep(ctx))
}

func (f *fanOut) makeEvents(b *testing.B) {
	b.Helper()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range happened / 8 {
				answer, err := f.owner.Send(f.owner.Request(b, http.MethodPost, "/api/v1/customers", map[string]any{"name": "Carla"}))
				if err != nil || answer.Status != http.StatusCreated {
					b.Error(answer, err)
				}
			}
		})
	}
	group.Wait()
}

// listener is a program that answers at once, and notes how old each event is.
type listener struct {
	mu   sync.Mutex
	ages []time.Duration
	want int
	all  chan struct{}
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var event struct {
		OccurredAt time.Time `json:"occurred_at"`
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &event)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ages = append(l.ages, time.Since(event.OccurredAt))
	if len(l.ages) == l.want {
		close(l.all)
	}
	w.WriteHeader(http.StatusNoContent)
}
