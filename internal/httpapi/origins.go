package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// origins decides which browser origins may send credentials.
type origins struct {
	patterns   []*regexp.Regexp
	protection *http.CrossOriginProtection
}

func newOrigins(allowed []string) (*origins, error) {
	o := &origins{protection: http.NewCrossOriginProtection()}
	for _, origin := range allowed {
		u, err := url.Parse(strings.ReplaceAll(origin, "*", "x"))
		if err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" {
			return nil, fmt.Errorf("origin %q must look like https://app.example.com or http://*.lvh.me:5173", origin)
		}
		pattern := strings.ReplaceAll(regexp.QuoteMeta(origin), `\*`, `[a-z0-9-]+`)
		o.patterns = append(o.patterns, regexp.MustCompile("^"+pattern+"$"))
	}
	return o, nil
}

func (o *origins) allowed(origin string) bool {
	for _, p := range o.patterns {
		if p.MatchString(origin) {
			return true
		}
	}
	return false
}

// sameSite reports whether a write authenticated by a cookie is allowed: it comes from our own origin,
// from an allowed origin, or not from a browser.
func (o *origins) sameSite(r *http.Request) bool {
	return o.allowed(r.Header.Get("Origin")) || o.protection.Check(r) == nil
}

// cors answers preflight requests and lets allowed origins read responses.
func (s *Server) cors(next echo.HandlerFunc) echo.HandlerFunc {
	return middleware.CORSWithConfig(middleware.CORSConfig{
		AllowOriginFunc:  func(origin string) (bool, error) { return s.origins.allowed(origin), nil },
		AllowMethods:     []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowHeaders:     []string{"Authorization", "Content-Type", "If-Match", HeaderIdempotencyKey, "X-Request-ID", HeaderSandboxMode},
		ExposeHeaders:    []string{"ETag", "Retry-After", "X-Request-ID", HeaderSandboxMode, HeaderRateLimitPolicy, HeaderRateLimit, HeaderIdempotentReplayed},
		AllowCredentials: true,
		MaxAge:           600,
	})(next)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
