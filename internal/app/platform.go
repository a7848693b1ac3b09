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
	"github.com/smoothschedule/smoothschedule/internal/platform/adminapi"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// newPlatform builds the services of the platform's administration.
func newPlatform(
	store *store.Store, catalogue *entitle.Catalogue, resolver *tenancy.Resolver, hasher *identity.Hasher,
) adminapi.Dependencies {
	calls := businesses.NewAPICalls(store)
	return adminapi.Dependencies{
		Plans:         businesses.NewPlans(store),
		Offers:        businesses.NewOffers(store),
		Businesses:    businesses.NewBusinesses(store, catalogue, tenants{hasher, catalogue}),
		Subscriptions: businesses.NewSubscriptions(store, catalogue, resolver),
		Overrides:     businesses.NewOverrides(store),
		Users:         businesses.NewUsers(store, directory{identity.NewUsers(store, hasher), resolver}),
		Overview:      businesses.NewOverview(store, calls),
		APICalls:      calls,
	}
}

const (
	// settleInterval is how often changes of plan that are due become durable. Requests do
	// not wait for that; the businesses hear of the change then.
	settleInterval = 5 * time.Minute
	// rollUpInterval bounds how many events the platform's numbers are counted from.
	rollUpInterval = 5 * time.Minute
	// reconcileInterval is how often some of the environments are taken whose counters have not
	// been compared with what they count for a day.
	reconcileInterval = time.Minute
	// flushInterval is how often a server writes how many requests it has answered.
	flushInterval = 30 * time.Second
)

// The arguments of the jobs of the platform's administration.
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

// addPlatformJobs adds the work that the platform's administration leaves for later. All
// of it may be done twice, and at the same time.
func addPlatformJobs(
	workers *jobs.Workers, platform adminapi.Dependencies, store *store.Store, now func() time.Time, log *slog.Logger,
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

// flushAPICalls writes what was counted, from time to time and when ctx ends.
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

// ReconcileUsage compares the counters of quotas in the configured database with what
// they count, repairs those that are wrong, and says which.
func ReconcileUsage(ctx context.Context, c Config, out io.Writer) error {
	if c.DatabaseURL == "" {
		return fmt.Errorf("%sDATABASE_URL is missing: usage reconcile works on the database that it names", Prefix)
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
