// Package app owns the wiring: configuration, all constructors in reading order, and the lifecycle of the
// process.
//
// It is the only package that imports all others. Invariants: tests and production use the same New; the
// server does not start with a missing gate, an invalid setting or an old schema.
package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/gen/openapi"
	"github.com/smoothschedule/smoothschedule/internal/communication"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/events/feed"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/httpapi"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"

	identityapi "github.com/smoothschedule/smoothschedule/internal/identity/api"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	platformapi "github.com/smoothschedule/smoothschedule/internal/platform/api"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
	"github.com/smoothschedule/smoothschedule/internal/ratelimit"

	schedulingapi "github.com/smoothschedule/smoothschedule/internal/scheduling/api"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Dependencies are the inputs of New.
type Dependencies struct {
	Config Config
	// App and Platform are pools with the two database roles.
	App, Platform *pgxpool.Pool
	Log           *slog.Logger
	// Now is the clock.
	Now func() time.Time
	// Ready is an additional check of /readyz; optional.
	Ready func(context.Context) error
	// Middleware runs before all other middleware, for example for tracing; optional.
	Middleware []echo.MiddlewareFunc
	// SlowAfter is httpapi.Options.SlowAfter, for tests; optional.
	SlowAfter time.Duration
	// Hashing makes password hashing cheaper in tests; the zero value means the parameters of production.
	Hashing identity.HashParams
}

// App is the complete product, ready to handle requests.
type App struct {
	Handler http.Handler
	// Metrics is the handler of the separate metrics listener, if one is configured.
	Metrics  http.Handler
	Contract *contract.Contract
	Gates    gate.Gates
	Store    *store.Store
	Resolver *tenancy.Resolver
	Hasher   *identity.Hasher
	// EventHub notifies waiting requests of new events; Serve and Dev connect it to other servers.
	EventHub *events.Hub
	// Jobs are the workers of background jobs. Serve and Dev run them; tests run them explicitly.
	Jobs *jobs.Workers
	// Feed runs the consumers of events; Serve and Dev do so all the time, tests when they ask.
	Feed *feed.Runner

	Scheduling schedulingapi.Dependencies
	Tokens     *developer.Tokens
	Platform   platformapi.ConsoleServices

	config  Config
	limiter *ratelimit.Limiter
}

// New builds the App, from the database up to HTTP. It returns an error if contract and handlers do not
// match.
func New(d Dependencies) (*App, error) {
	document, gates, err := LoadContract()
	if err != nil {
		return nil, err
	}
	eventGates, err := gate.LoadEvents(document, gates)
	if err != nil {
		return nil, err
	}
	store := store.New(d.App, d.Platform)
	hub := events.NewHub()
	store.OnEvents(hub.Announce)
	plans := entitle.NewPlans(d.App)
	resolver := tenancy.NewResolver(d.App, plans)
	if !d.Config.OptimisticIdentity {
		resolver = resolver.WithoutIdentityCache()
	}

	hasher := identity.NewHasher(cmp.Or(d.Hashing, identity.DefaultHashParams()))
	sessions := identity.NewSessions(store, hasher)
	scheduled := newScheduling(store, d.Config.CatalogCache, document.Version)

	platform := newPlatform(store, plans, resolver, hasher)
	workers := jobs.NewWorkers(resolver, d.Now)
	addSweeper(workers, store, d.Now, d.Log)
	addAuditMaintenance(workers, store, d.Config.AuditRetentionDays, d.Now, d.Log)
	scheduled.Booking.Waitlist.AddJobs(workers)
	addPlatformJobs(workers, platform, store, d.Now, d.Log)

	domains := identity.NewDomains(store, identity.NewTXTResolver(d.Config.DNSServer), d.Config.BaseDomains)
	addDomainChecks(workers, domains, d.Now, d.Log)

	identityServer := identityapi.New(identityapi.Dependencies{
		Sessions:       sessions,
		Users:          identity.NewUsers(store, hasher),
		Businesses:     identity.NewBusinesses(store),
		Personas:       identity.NewPersonas(store, sessions, d.Config.QuickLogin, identity.KnownPersonas()),
		Sandbox:        identity.NewSandbox(store),
		Invitations:    identity.NewInvitations(store, resolver, plans, hasher, logins{scheduled.Customers, scheduled.Resources}),
		PasswordResets: identity.NewPasswordResets(store, resolver, hasher),
		AuditTrail:     identity.NewAuditTrail(store),
		Domains:        domains,
		SecureCookies:  d.Config.HTTPS,
	})

	tokens := developer.NewTokens(store, gates.MayGive)
	developerModule, err := newDeveloper(d, store, hub, eventGates, tokens,
		seeder{scheduled.Schedules, scheduled.Resources, scheduled.Services, scheduled.Customers, scheduled.Booking.Appointments})
	if err != nil {
		return nil, err
	}

	limiter, err := ratelimit.New(ratelimit.Options{
		Mode: d.Config.RateLimits, RedisURL: d.Config.RedisURL, Log: d.Log, Now: d.Now,
	})
	if err != nil {
		return nil, err
	}
	server, err := httpapi.New(d.httpOptions(document, gates, resolver, store, limiter, platform.APICalls))
	if err != nil {
		return nil, err
	}
	consumers := register([]module{
		{Module: identityServer.Module()}, {Module: schedulingapi.New(scheduled).Module()}, {Module: platformapi.NewConsole(platform).Module()}, developerModule,
	}, server, workers)
	feedRunner := newFeed(store, resolver, hub, workers, d.Now, d.Log, consumers)
	if err := server.Check(); err != nil {
		return nil, fmt.Errorf("contract and handlers do not match: %w", err)
	}
	server.Metrics().MustRegister(limiter.Collectors()...)
	server.Metrics().MustRegister(feedRunner.Collectors()...)
	server.Metrics().MustRegister(poolCollector{"app", d.App}, poolCollector{"platform", d.Platform})
	return &App{
		Handler: server, Metrics: server.MetricsHandler(), Contract: document, Gates: gates, Store: store, Resolver: resolver, Hasher: hasher, EventHub: hub, Jobs: workers, Feed: feedRunner,
		Scheduling: scheduled, Tokens: tokens, Platform: platform, config: d.Config, limiter: limiter,
	}, nil
}

func newScheduling(store *store.Store, cached bool, version string) schedulingapi.Dependencies {
	catalogs := catalog.NewCache()
	if !cached {
		catalogs = catalog.NoCache()
	}
	d := schedulingapi.Dependencies{
		Resources: catalog.NewResources(store), Services: catalog.NewServices(store), Schedules: catalog.NewSchedules(store),
		TimeOffs: catalog.NewTimeOffs(store), Customers: customers.New(store),
		Facts: schedulingapi.Facts{APIVersion: version, PageSize: keyset.MaxLimit, BodyBytes: contract.DefaultMaxBody},
	}
	d.Booking = booking.New(booking.Dependencies{
		Store: store, Catalogs: catalogs, Services: d.Services, Customers: d.Customers, Notifier: communication.NewNotifications(),
	})
	return d
}

// httpOptions returns the options of the HTTP server.
func (d Dependencies) httpOptions(
	document *contract.Contract, gates gate.Gates, resolver *tenancy.Resolver, store *store.Store, limiter *ratelimit.Limiter,
	calls *businesses.APICalls,
) httpapi.Options {
	return httpapi.Options{
		Contract: document, ThirdParty: openapi.ThirdParty, Gates: gates, Resolver: resolver, Store: store, Limiter: limiter, Log: d.Log, Now: d.Now,
		Bases: d.Config.BaseDomains, Origins: d.Config.Origins, TrustedProxies: d.Config.TrustedProxies, HTTPS: d.Config.HTTPS,
		MetricsToken: d.Config.MetricsToken, LoopbackMetrics: d.Config.MetricsAddr == "" && d.Config.MetricsToken == "",
		MetricsElsewhere: d.Config.MetricsAddr != "", RequestTimeout: d.Config.RequestTimeout, SlowAfter: d.SlowAfter,
		Middleware: d.Middleware, Answered: calls.Count,
		Ready: func(ctx context.Context) error {
			if d.Ready != nil {
				if err := d.Ready(ctx); err != nil {
					return err
				}
			}
			return store.Ping(ctx)
		},
	}
}

// Close closes the connections to Redis. The caller closes the pools.
func (a *App) Close() error { return a.limiter.Close() }
