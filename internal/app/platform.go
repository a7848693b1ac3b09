package app

import (
	"context"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/platform/admin"
	"github.com/smoothschedule/smoothschedule/internal/platform/adminapi"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// newPlatform builds the services of the platform's administration.
func newPlatform(
	store *tenancy.Store, catalogue *entitle.Catalogue, resolver *tenancy.Resolver, hasher *identity.Hasher,
) adminapi.Dependencies {
	return adminapi.Dependencies{
		Plans:         admin.NewPlans(store),
		Offers:        admin.NewOffers(store),
		Businesses:    admin.NewBusinesses(store, catalogue, tenants{hasher, catalogue}),
		Subscriptions: admin.NewSubscriptions(store, catalogue, resolver),
		Overrides:     admin.NewOverrides(store),
	}
}

// settleInterval is how often changes of plan that are due become durable. Requests do
// not wait for that; the businesses hear of the change then.
const settleInterval = 5 * time.Minute

// settlePlansArgs are those of the job that makes due changes of plan the pinned ones.
type settlePlansArgs struct{}

// Kind implements jobs.Args.
func (settlePlansArgs) Kind() string { return "settle_plans" }

// addPlatformJobs adds the work that the platform's administration leaves for later.
func addPlatformJobs(workers *jobs.Workers, platform adminapi.Dependencies, now func() time.Time) {
	jobs.HandleGlobal(workers, func(ctx context.Context, _ settlePlansArgs) error { return platform.Subscriptions.Settle(ctx, now()) })
	workers.Every(settleInterval, settlePlansArgs{})
}
