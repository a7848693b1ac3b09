package httpapi

import (
	"crypto/subtle"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// operational are the paths for operators. They work at every host and are not part of the contract.
var operational = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true, "/api/openapi.json": true}

func (s *Server) registerOperational() {
	metrics := echo.WrapHandler(s.metrics.handler())
	for path, handler := range map[string]echo.HandlerFunc{
		"/healthz": func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "ok"}) },
		"/readyz":  s.readyz,
		"/metrics": func(c echo.Context) error {
			if s.MetricsElsewhere || !s.mayReadMetrics(c.Request()) {
				return apperr.New(apperr.NotFound, "No such path.")
			}
			return metrics(c)
		},
		"/api/openapi.json": s.openAPI,
	} {
		s.echo.GET(path, handler)
		s.echo.HEAD(path, handler)
	}
}

// readyz reports whether the server accepts requests: the database is reachable and has the schema
// version that this binary was built for.
func (s *Server) readyz(c echo.Context) error {
	if err := s.Ready(c.Request().Context()); err != nil {
		s.Log.LogAttrs(c.Request().Context(), slog.LevelWarn, "not ready", slog.String("error", err.Error()))
		return apperr.New(apperr.ServiceUnavailable, "The server is not ready yet.")
	}
	return c.JSON(http.StatusOK, map[string]string{"status": "ready"})
}

// openAPI serves the contract, or the part of it for third parties. It is public, and readable from
// every origin.
func (s *Server) openAPI(c echo.Context) error {
	document := s.Contract.JSON
	switch c.QueryParam("audience") {
	case "":
	case "third-party":
		document = s.ThirdParty
	default:
		return apperr.New(apperr.InvalidRequest, "The only audience is third-party.").
			WithFields(apperr.Field{Pointer: "?audience", Detail: "must be third-party or absent."})
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=300")
	c.Response().Header().Set(echo.HeaderAccessControlAllowOrigin, "*")
	return c.JSONBlob(http.StatusOK, document)
}

// MetricsHandler serves /metrics for a separate listener. If there is a MetricsToken, it is required.
func (s *Server) MetricsHandler() http.Handler {
	metrics := s.metrics.handler()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if s.MetricsToken != "" && !s.mayReadMetrics(r) {
			http.NotFound(w, r)
			return
		}
		metrics.ServeHTTP(w, r)
	})
	return mux
}

func (s *Server) mayReadMetrics(r *http.Request) bool {
	if s.MetricsToken == "" {
		return s.LoopbackMetrics && peer(r).IsLoopback() && !forwarded(r)
	}
	token, _ := s.sessionToken(r)
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.MetricsToken)) == 1
}
