package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/schema"
)

// The database roles of the pools (schema/00001_roles.sql).
const (
	appRole      = "smoothschedule_app"
	platformRole = "smoothschedule_platform"
)

// NewLogger returns a logger with the configured level and format. It writes to standard error.
func NewLogger(c Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}

// Serve runs the product in production until ctx ends, then waits for running requests. It refuses
// settings and databases for development; the error lists all of them.
func Serve(ctx context.Context, c Config) error {
	log := NewLogger(c)
	if err := errors.Join(c.checkServe(), checkDatabase(ctx, c)); err != nil {
		return err
	}
	listener, err := listen(ctx, c.Addr, "ADDR")
	if err != nil {
		return err
	}
	defer listener.Close()
	for _, risk := range c.AcceptedRisks {
		log.Warn("accepted risk", "risk", risk)
	}
	return withApp(ctx, c, c.DatabaseURL, log, func(a *App) error {
		if err := a.claimForProduction(ctx); err != nil {
			return err
		}
		log.Info("listening", "addr", listener.Addr().String())
		return a.serve(ctx, c.DatabaseURL, listener, log)
	})
}

// serve handles requests and runs jobs until ctx ends, then waits for the running ones.
func (a *App) serve(ctx context.Context, databaseURL string, listener net.Listener, log *slog.Logger) (err error) {
	pool, err := postgres.NewPool(ctx, postgres.PoolOptions{
		URL: databaseURL, Role: platformRole, MaxConns: a.config.JobConnections, ApplicationName: "smoothschedule jobs",
	})
	if err != nil {
		return err
	}
	defer pool.Close()
	runner, err := jobs.NewRunner(pool, a.Jobs, log)
	if err != nil {
		return err
	}
	connected, disconnect := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { a.EventHub.Run(connected, pool, log) })
	background.Go(func() { a.Feed.Run(connected) })
	background.Go(func() { a.flushAPICalls(connected, log) })
	defer background.Wait()
	defer disconnect()
	// Jobs stop before the hub is disconnected: the last ones may still emit events for other servers.
	if err := runner.Start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, runner.Stop(ctx, a.config.ShutdownTimeout)) }()
	// Long-polling requests would otherwise delay the shutdown.
	defer context.AfterFunc(ctx, a.EventHub.Close)()
	stopMetrics, err := a.serveMetrics(ctx, log)
	if err != nil {
		return err
	}
	defer stopMetrics()
	return serveHTTP(ctx, a.config, listener, a.Handler, log)
}

// serveMetrics serves /metrics on a separate listener, if one is configured, until stop is called.
func (a *App) serveMetrics(ctx context.Context, log *slog.Logger) (stop func(), err error) {
	if a.config.MetricsAddr == "" || a.config.MetricsAddr == none {
		return func() {}, nil
	}
	listener, err := listen(ctx, a.config.MetricsAddr, "METRICS_ADDR")
	if err != nil {
		return nil, err
	}
	server := newHTTPServer(a.Metrics, log)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("serve metrics", "error", err)
		}
	}()
	log.Info("serving metrics", "addr", listener.Addr().String())
	return func() {
		if err := server.Close(); err != nil {
			log.Warn("stop serving metrics", "error", err)
		}
		<-ended
	}, nil
}

// withApp opens the pools, builds the App, runs fn with it, and closes everything.
func withApp(ctx context.Context, c Config, databaseURL string, log *slog.Logger, fn func(*App) error) error {
	telemetry, err := NewTelemetry(ctx, log)
	if err != nil {
		return err
	}
	defer func() {
		flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := telemetry.Shutdown(flush); err != nil {
			log.Warn("OpenTelemetry", "error", err)
		}
	}()
	pools, err := openPools(ctx, c, databaseURL, telemetry.Tracer)
	if err != nil {
		return err
	}
	defer pools.close()
	a, err := New(Dependencies{
		Config: c, App: pools.app, Platform: pools.platform, Log: log, Now: time.Now, Middleware: telemetry.Middleware,
		Ready: func(ctx context.Context) error { return checkSchema(ctx, pools.app) },
	})
	if err != nil {
		return err
	}
	return errors.Join(fn(a), a.Close())
}

type pools struct{ app, platform *pgxpool.Pool }

func (p *pools) close() {
	p.app.Close()
	p.platform.Close()
}

func openPools(ctx context.Context, c Config, databaseURL string, tracer pgx.QueryTracer) (*pools, error) {
	app, err := postgres.NewPool(ctx, postgres.PoolOptions{
		URL: databaseURL, Role: appRole, MaxConns: c.MaxConnections, Tracer: tracer,
	})
	if err != nil {
		return nil, fmt.Errorf("%w\n(if the database is new, run `smoothschedule migrate up` first)", err)
	}
	platform, err := postgres.NewPool(ctx, postgres.PoolOptions{
		URL: databaseURL, Role: platformRole, MaxConns: c.PlatformConnections, Tracer: tracer,
	})
	if err != nil {
		app.Close()
		return nil, err
	}
	return &pools{app, platform}, nil
}

// checkSchema returns an error if the schema is older than this binary needs. A newer schema is allowed:
// migrations keep the running version working.
func checkSchema(ctx context.Context, pool *pgxpool.Pool) error {
	latest, err := schema.Latest()
	if err != nil {
		return err
	}
	current, err := postgres.Version(ctx, pool)
	if err != nil {
		return err
	}
	if current < latest {
		return fmt.Errorf("the database is at version %d and this server needs %d: run `smoothschedule migrate up`", current, latest)
	}
	return nil
}

// listen opens the listener before anything else, so that a second instance fails immediately if the
// address is in use. variable is the name of the variable, without prefix.
func listen(ctx context.Context, addr, variable string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w (another instance may be using it; set %s%s to use another address)", addr, err, Prefix, variable)
	}
	return l, nil
}

// serveHTTP handles requests until ctx ends, then waits up to ShutdownTimeout for running ones.
func serveHTTP(ctx context.Context, c Config, listener net.Listener, handler http.Handler, log *slog.Logger) error {
	server := newHTTPServer(handler, log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	log.Info("stopping", "timeout", c.ShutdownTimeout)
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.ShutdownTimeout)
	defer cancel()
	if err := server.Shutdown(finish); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("requests were still running after %s: %w", c.ShutdownTimeout, err)
	}
	return nil
}

func newHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
