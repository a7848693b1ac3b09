package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	platformapi "github.com/smoothschedule/smoothschedule/internal/platform/api"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// newPlatform builds the services of platform administration.
func newPlatform(
	store *store.Store, plans *entitle.Plans, resolver *tenancy.Resolver, hasher *identity.Hasher,
) platformapi.ConsoleServices {
	calls := businesses.NewAPICalls(store)
	return platformapi.ConsoleServices{
		Plans:         businesses.NewPlans(store),
		Offers:        businesses.NewOffers(store),
		Businesses:    businesses.NewBusinesses(store, plans, tenants{hasher, plans}),
		Subscriptions: businesses.NewSubscriptions(store, plans, resolver),
		Overrides:     businesses.NewOverrides(store),
		Users:         businesses.NewUsers(store, directory{identity.NewUsers(store, hasher), resolver}),
		Overview:      businesses.NewOverview(store, calls),
		APICalls:      calls,
	}
}

const (
	// settleInterval is how often due changes of plan are stored and their events emitted. Requests use
	// the new plan from its due time on, without waiting for the job.
	settleInterval = 5 * time.Minute
	// rollUpInterval is how often events are rolled up into the platform metrics.
	rollUpInterval = 5 * time.Minute
	// reconcileInterval is how often a batch of environments is reconciled whose quota counters were last
	// compared with the data more than a day ago.
	reconcileInterval = time.Minute
	// flushInterval is how often a server stores its number of handled requests.
	flushInterval = 30 * time.Second
)

// The arguments of the jobs of platform administration.
type (
	settlePlansArgs    struct{}
	rollUpActivityArgs struct{}
	reconcileUsageArgs struct{}
)

// Kind implements jobs.Args.
func (settlePlansArgs) Kind() string { return "settle_plans" }

// Kind implements jobs.Args.
func (rollUpActivityArgs) Kind() string { return "roll_up_activity" }

// Kind implements jobs.Args.
func (reconcileUsageArgs) Kind() string { return "reconcile_usage" }

// addPlatformJobs adds the jobs of platform administration. They are idempotent and may run
// concurrently.
func addPlatformJobs(
	workers *jobs.Workers, platform platformapi.ConsoleServices, store *store.Store, now func() time.Time, log *slog.Logger,
) {
	jobs.HandleGlobal(workers, func(ctx context.Context, _ settlePlansArgs) error { return platform.Subscriptions.Settle(ctx, now()) })
	workers.Every(settleInterval, settlePlansArgs{})
	jobs.HandleGlobal(workers, func(ctx context.Context, _ rollUpActivityArgs) error { return platform.Overview.RollUp(ctx) })
	workers.Every(rollUpInterval, rollUpActivityArgs{})
	jobs.HandleGlobal(workers, func(ctx context.Context, _ reconcileUsageArgs) error {
		_, err := businesses.ReconcileDueUsage(ctx, store, now(), log)
		return err
	})
	workers.Every(reconcileInterval, reconcileUsageArgs{})
}

// flushAPICalls stores the number of handled requests periodically and when ctx ends.
func (a *App) flushAPICalls(ctx context.Context, log *slog.Logger) {
	flush := func(ctx context.Context) {
		if err := a.Platform.APICalls.Flush(ctx); err != nil {
			log.Error("flush API calls", "error", err)
		}
	}
	ticker := time.NewTicker(flushInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			flush(last)
			return
		}
	}
}

// ReconcileUsage compares the quota counters in the configured database with the data, and repairs and
// prints those that differ.
func ReconcileUsage(ctx context.Context, c Config, out io.Writer) error {
	if c.DatabaseURL == "" {
		return fmt.Errorf("%sDATABASE_URL is missing: usage reconcile needs a database", Prefix)
	}
	log := NewLogger(c)
	return withApp(ctx, c, c.DatabaseURL, log, func(a *App) error {
		repairs, failed := businesses.ReconcileUsage(ctx, a.Store, time.Now(), log)
		for _, r := range repairs {
			if _, err := fmt.Fprintf(out, "%s %s: %d, now %d\n", r.Environment, r.Quota, r.Counter, r.Counted); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(out, "%d counters repaired.\n", len(repairs)); err != nil {
			return err
		}
		return failed
	})
}
