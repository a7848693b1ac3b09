package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/contract"
)

const (
	defaultRequestTimeout = 15 * time.Second
	defaultSlowAfter      = 5 * time.Second
)

// waitParameter is the query parameter for long polling, in seconds.
const waitParameter = "wait"

// timing is the input of the deadline of a route.
type timing struct {
	operation string
	// wait is the maximum of waitParameter, added to the deadline.
	wait time.Duration
}

// timings returns the timing of every route of the contract.
func timings(document *contract.Contract) map[route]timing {
	found := map[route]timing{}
	for _, op := range document.Operations() {
		t := timing{operation: op.ID}
		if p := op.Spec.Parameters.GetByInAndName("query", waitParameter); p != nil && p.Schema.Value.Max != nil {
			t.wait = time.Duration(*p.Schema.Value.Max) * time.Second
		}
		found[route{op.Method, echoPath(op.Path)}] = t
		if op.Method == http.MethodGet {
			found[route{http.MethodHead, echoPath(op.Path)}] = t
		}
	}
	return found
}

// deadline cancels the context of a request after RequestTimeout plus the maximum long-polling time,
// or when the client disconnects. A request that is still running after SlowAfter is logged and counted
// then, so that stuck requests are visible.
func (s *Server) deadline(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		t := s.timings[route{r.Method, c.Path()}]
		ctx, cancel := context.WithTimeout(r.Context(), s.RequestTimeout+t.wait)
		defer cancel()
		c.SetRequest(r.WithContext(ctx))
		id, path := c.Response().Header().Get(echo.HeaderXRequestID), loggedPath(c)
		slow := time.AfterFunc(s.SlowAfter+t.wait, func() {
			s.metrics.beginSlow(t.operation)
			s.Log.LogAttrs(context.WithoutCancel(ctx), slog.LevelWarn, "request is slow and still runs", slog.String("request_id", id),
				slog.String("method", r.Method), slog.String("path", path), slog.String("operation", t.operation))
		})
		defer func() {
			if !slow.Stop() {
				s.metrics.slowRunning.Dec()
			}
		}()
		return next(c)
	}
}
