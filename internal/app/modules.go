package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/events/feed"
	"github.com/smoothschedule/smoothschedule/internal/httpapi"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// module is what a domain adds to the server.
type module struct {
	httpapi.Module
	// jobs says how its background jobs are done; nil if it has none.
	jobs func(*jobs.Workers)
	// consumers react to events.
	consumers []feed.Consumer
}

// register adds the modules to the server and to the jobs, and returns their consumers.
func register(modules []module, server *httpapi.Server, workers *jobs.Workers) (consumers []feed.Consumer) {
	for _, m := range modules {
		server.Register(m.Module)
		if m.jobs != nil {
			m.jobs(workers)
		}
		consumers = append(consumers, m.consumers...)
	}
	return consumers
}

// feedSweepInterval is how long an event waits at the most whose wake-up was lost, with the server that has
// written it for instance.
const feedSweepInterval = time.Minute

// sweepFeedArgs are those of the job that looks for such events.
type sweepFeedArgs struct{}

// Kind implements jobs.Args.
func (sweepFeedArgs) Kind() string { return "feed_sweep" }

// newFeed lets the hub wake the consumers, and a job find what that misses.
func newFeed(
	db *store.Store, resolver *tenancy.Resolver, hub *events.Hub, workers *jobs.Workers, now func() time.Time, log *slog.Logger,
	consumers []feed.Consumer,
) *feed.Runner {
	runner := feed.New(db, resolver, now, log, consumers...)
	hub.OnAnnounced(runner.Wake)
	jobs.HandleGlobal(workers, func(ctx context.Context, _ sweepFeedArgs) error { return runner.Sweep(ctx) })
	workers.Every(feedSweepInterval, sweepFeedArgs{})
	return runner
}
