package httpapi

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

const operationKey = "operation"

// requestID assigns an ID to every request, which is part of responses, errors, logs and the audit
// trail. An ID sent by the client is kept if it is valid.
func (s *Server) requestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(echo.HeaderXRequestID)
		if !validRequestID(id) {
			generated, err := uuid.NewV7()
			if err != nil {
				return fmt.Errorf("generate a request ID: %w", err)
			}
			id = generated.String()
		}
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		return next(c)
	}
}

func validRequestID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, b := range []byte(id) {
		if (b < 'a' || b > 'z') && (b < 'A' || b > 'Z') && (b < '0' || b > '9') && b != '-' && b != '_' && b != '.' {
			return false
		}
	}
	return true
}

// secretParameter is the name of path parameters that are secrets.
const secretParameter = "token"

// CarriesSecret reports whether the path of a request contains a secret, or a part long enough to be
// one. Such a path must not be logged or stored.
func CarriesSecret(c echo.Context) bool {
	path := c.Request().URL.Path
	return slices.Contains(c.ParamNames(), secretParameter) || withoutTokens(path) != path
}

// loggedPath returns the path of a request without secrets, for logs and the audit trail.
func loggedPath(c echo.Context) string {
	if slices.Contains(c.ParamNames(), secretParameter) {
		return c.Path() // the template
	}
	return withoutTokens(c.Request().URL.Path)
}

// tokenLength is the minimum length of a part of a path that may be a secret; IDs are shorter.
const tokenLength = 40

// withoutTokens replaces the parts of a path that may be secrets. It is needed for unknown paths, too:
// the rest of the path may be mistyped.
func withoutTokens(path string) string {
	if len(path) < tokenLength {
		return path
	}
	parts := strings.Split(path, "/")
	if !slices.ContainsFunc(parts, func(part string) bool { return len(part) >= tokenLength }) {
		return path
	}
	for i := range parts {
		if len(parts[i]) >= tokenLength {
			parts[i] = ":" + secretParameter
		}
	}
	return strings.Join(parts, "/")
}

// observe measures and logs each request after its response. It writes errors itself, to log their
// status. The log contains neither query nor headers, because both may contain secrets.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		started := time.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		took := time.Since(started)
		operation, _ := c.Get(operationKey).(string)
		status := c.Response().Status
		s.metrics.observe(operation, c.Request().Method, status, took)
		if s.Answered != nil && operation != "" {
			s.Answered(s.Now())
		}
		level := slog.LevelInfo
		if operational[c.Request().URL.Path] {
			level = slog.LevelDebug // probes come every few seconds
		}
		if !s.Log.Enabled(c.Request().Context(), level) {
			return nil
		}
		scope := tenancy.ScopeFrom(c.Request().Context())
		attrs := []slog.Attr{
			slog.String("request_id", c.Response().Header().Get(echo.HeaderXRequestID)),
			slog.String("method", c.Request().Method), slog.String("path", loggedPath(c)),
			slog.String("operation", operation), slog.Int("status", status), slog.Duration("took", took),
			slog.Int64("bytes", c.Response().Size),
		}
		if scope.Env.Name != "" {
			attrs = append(attrs, slog.String("environment", scope.Env.Name))
		}
		if id := scope.ActorID(); id != nil {
			attrs = append(attrs, slog.String("user_id", id.String()))
		}
		if id := scope.ActorTokenID(); id != nil {
			attrs = append(attrs, slog.String("token_id", id.String()))
		}
		s.Log.LogAttrs(c.Request().Context(), level, "request", attrs...)
		return nil
	}
}

// recover turns a panic into an internal error. The transaction of the handler has been rolled back by
// then.
func (s *Server) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if p := recover(); p != nil {
				if cause, ok := p.(error); ok && errors.Is(cause, http.ErrAbortHandler) {
					panic(p) // net/http drops the connection
				}
				s.Log.Error("panic", "request_id", c.Response().Header().Get(echo.HeaderXRequestID),
					"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		return next(c)
	}
}

// secure sets the headers that protect browsers (ASVS 14.3.2, 14.4).
func (s *Server) secure(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		if s.HTTPS {
			h.Set("Strict-Transport-Security", s.hsts(c.Request().Host))
		}
		if strings.HasPrefix(c.Request().URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		return next(c)
	}
}

// hsts includes subdomains only for our own hosts: a business may run other servers on subdomains of
// its custom domain.
func (s *Server) hsts(host string) string {
	const policy = "max-age=31536000"
	if h, ok := tenancy.ParseHost(host, s.Bases); !ok || h.Custom {
		return policy
	}
	return policy + "; includeSubDomains"
}
