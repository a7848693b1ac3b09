// Package httpapi owns the HTTP side of a request: the order of the middleware, authentication, the gate
// and the contract validation of each operation, and the form of errors.
//
// It calls contract, gate, tenancy, idempotency and audit, and knows no domain: internal/app registers
// their modules. Invariants: only problem.go turns errors into HTTP; no handler runs without the gate and
// the validation of its operation; if an operation of the contract has no handler, the server does not
// start.
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
	// ThirdParty is the served document of the operations that accept API tokens.
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
	// Origins are the browser origins that may send credentials, such as "http://*.lvh.me:5173"; a *
	// stands for one label.
	Origins []string
	// TrustedProxies are the networks whose X-Forwarded-For is used; none by default.
	TrustedProxies []netip.Prefix
	// HTTPS makes browsers use only HTTPS (HSTS), and adds the prefix __Host- to cookie names.
	HTTPS bool
	// Ready returns an error if the server cannot process requests; /readyz reports it.
	Ready func(context.Context) error
	// MetricsToken, if not empty, is the bearer token required to read /metrics. Without it, /metrics is
	// only available with LoopbackMetrics.
	MetricsToken string
	// LoopbackMetrics allows reading /metrics from this machine without a token. Only for development: a
	// proxy on this machine would make it public.
	LoopbackMetrics bool
	// MetricsElsewhere disables /metrics here, because MetricsHandler has its own listener.
	MetricsElsewhere bool
	// RequestTimeout is the maximum duration of a request, without long polling; 15 s by default.
	RequestTimeout time.Duration
	// SlowAfter is the duration after which a running request is reported as slow; 5 s by default.
	SlowAfter time.Duration
	// Answered is called after every request for an operation, whatever its status; optional.
	Answered func(at time.Time)
	// Middleware runs before all other middleware, for example for tracing; optional.
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
	// warned is the time of the last warning of untrusted forwarding, in Unix nanoseconds.
	warned atomic.Int64
}

// New builds the server without operations. Add them with Register, then call Check.
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

// Check returns an error if an operation of the contract has no handler or no gate, or if a handler has
// no operation: it would run without a gate. It must be called before the first request.
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
