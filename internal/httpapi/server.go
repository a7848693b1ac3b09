// Package httpapi owns the HTTP side of a request: the order of the middleware,
// authentication, the gate and the contract's validation before each operation, and the form of
// every error.
//
// It calls contract, gate, tenancy, idempotency and audit, and knows no domain: internal/app
// registers their modules. Invariants: problem.go is the single place
// where an error becomes HTTP; no handler is reached without its operation's gate
// and validation; every operation of the contract has a handler, or the server does
// not start.
package httpapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/ratelimit"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Options are what a Server needs. All fields are required unless they say otherwise.
type Options struct {
	Contract *contract.Contract
	// ThirdParty is the document of what API tokens can call, as it is served.
	ThirdParty []byte
	Gates      gate.Gates
	Resolver   *tenancy.Resolver
	Store      *store.Store
	Limiter    *ratelimit.Limiter
	Log        *slog.Logger
	// Now is the clock. The server reads it once per request.
	Now func() time.Time
	// Bases are the host names of the installation, such as "localhost".
	Bases []string
	// Origins are the origins of browsers that may call with credentials, such as
	// "http://*.lvh.me:5173"; a * stands for one label.
	Origins []string
	// TrustedProxies may say in X-Forwarded-For whom they speak for; none by default.
	TrustedProxies []netip.Prefix
	// HTTPS makes browsers come back over HTTPS only (HSTS).
	HTTPS bool
	// Ready reports whether the server can do its work; /readyz answers with it.
	Ready func(context.Context) error
	// MetricsToken, if not empty, must be sent as bearer token to read /metrics. Without
	// it, only LoopbackMetrics lets anybody read it.
	MetricsToken string
	// LoopbackMetrics lets programs on this machine read /metrics without a token: for
	// development, since a proxy on this machine is one of them.
	LoopbackMetrics bool
	// MetricsElsewhere closes /metrics here, because MetricsHandler has an address of its own.
	MetricsElsewhere bool
	// RequestTimeout ends the work of a request that takes longer, beyond the time for which
	// it asks to wait; 15 s by default.
	RequestTimeout time.Duration
	// SlowAfter is when a request that still runs is reported as slow; 5 s by default.
	SlowAfter time.Duration
	// Answered is told of every request for an operation, whatever the answer; optional.
	Answered func(at time.Time)
	// Middleware runs before everything else, such as tracing; optional.
	Middleware []echo.MiddlewareFunc
}

// Server is the HTTP side of the product: an http.Handler.
type Server struct {
	Options
	echo    *echo.Echo
	router  *router
	origins *origins
	metrics *metrics
	timings map[route]timing
	// warned is when a warning of untrusted forwarding was last logged, in Unix nanoseconds.
	warned atomic.Int64
}

// New builds the server without any operation; add them with Register and finish
// with Check.
func New(o Options) (*Server, error) {
	allowed, err := newOrigins(o.Origins)
	if err != nil {
		return nil, err
	}
	s := &Server{Options: o, echo: echo.New(), origins: allowed, metrics: newMetrics()}
	s.RequestTimeout = cmp.Or(s.RequestTimeout, defaultRequestTimeout)
	s.SlowAfter = cmp.Or(s.SlowAfter, defaultSlowAfter)
	s.timings = timings(o.Contract)
	s.router = &router{echo: s.echo, seen: map[route]bool{}, optimistic: map[route]bool{}, public: map[route]bool{}}
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = s.writeError
	s.echo.IPExtractor = s.ipExtractor()
	s.echo.Pre(stripSlash)
	s.echo.Use(o.Middleware...)
	s.echo.Use(s.requestID, s.warnOfForwarding, s.observe, s.deadline, s.recover, s.secure, s.cors, s.resolve)
	s.registerOperational()
	return s, nil
}

// Check fails if an operation of the contract has no handler or no gate, or a
// handler has no operation: then it would run without any gate at all.
func (s *Server) Check() error {
	var mistakes []error
	wanted := map[route]bool{}
	for _, op := range s.Contract.Operations() {
		key := route{op.Method, echoPath(op.Path)}
		wanted[key] = true
		g, ok := s.Gates[op.ID]
		if !ok {
			mistakes = append(mistakes, fmt.Errorf("operation %s has no gate", op.ID))
		}
		if g.Access == gate.Public {
			s.router.public[key] = true
			if op.Method == http.MethodGet {
				s.router.public[route{http.MethodHead, key.path}] = true
			}
		}
		if !s.router.seen[key] {
			mistakes = append(mistakes, fmt.Errorf("operation %s (%s) has no handler", op.ID, key))
		}
	}
	for key := range s.router.seen {
		if !wanted[key] {
			mistakes = append(mistakes, fmt.Errorf("handler %s has no operation in the contract", key))
		}
	}
	for path, operations := range s.Contract.ByPath() {
		s.echo.RouteNotFound(echoPath(path), s.refuseMethod(operations))
	}
	return errors.Join(mistakes...)
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }
