package httpapi

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/ratelimit"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// The headers of draft-ietf-httpapi-ratelimit-headers: the limit, and what is left of it.
const (
	HeaderRateLimitPolicy = "RateLimit-Policy"
	HeaderRateLimit       = "RateLimit"
)

// limit counts the request against its rate limit and sets the headers. Errors: RateLimited.
func (s *Server) limit(c echo.Context, scope *tenancy.Scope, public, writes bool) error {
	decision, applies := s.Limiter.Take(c.Request().Context(), scope, public, writes)
	if !applies {
		return nil
	}
	return answerLimit(c, decision)
}

// answerLimit sets the rate-limit headers. It returns RateLimited if the limit is exceeded.
func answerLimit(c echo.Context, decision ratelimit.Decision) error {
	name, quota := decision.Policy.Name, decision.Policy.Quota
	h := c.Response().Header()
	setExactly(h, HeaderRateLimitPolicy, fmt.Sprintf(`"%s";q=%d;w=%d`, name, quota, seconds(ratelimit.Window)))
	setExactly(h, HeaderRateLimit, fmt.Sprintf(`"%s";r=%d;t=%d`, name, decision.Remaining, seconds(decision.Reset)))
	if decision.Allowed {
		return nil
	}
	wait := max(decision.RetryAfter, time.Second)
	return apperr.New(apperr.RateLimited, "Too many requests: the limit is %d in %d seconds. Try again in %d seconds.",
		quota, seconds(ratelimit.Window), seconds(wait)).
		With("policy", name).With("limit", quota).With("window_seconds", seconds(ratelimit.Window)).WithRetryAfter(wait)
}

// allowToken refuses a token before it is looked up, if its address has sent too many invalid ones.
func (s *Server) allowToken(c echo.Context, token []byte) error {
	if decision, ok := s.Limiter.Admit(address(c), token); !ok {
		return answerLimit(c, decision)
	}
	return nil
}

// allowHost refuses a host before it is looked up, if its address has asked for too many unknown ones.
func (s *Server) allowHost(c echo.Context, host string) error {
	if host == "" {
		return nil // a base domain, which needs no lookup
	}
	if decision, ok := s.Limiter.AdmitHost(address(c), host); !ok {
		return answerLimit(c, decision)
	}
	return nil
}

// unknownHost counts a request for an unknown host, and returns its refusal.
func (s *Server) unknownHost(c echo.Context, host string, refusal error) error {
	if decision, applies := s.Limiter.HostFailed(c.Request().Context(), address(c), host); applies {
		return cmp.Or(answerLimit(c, decision), refusal)
	}
	return refusal
}

// limitPointless counts a request that can only be refused (no token for an operation that needs
// one, or no such path), and refuses it before the database is used if there are too many.
func (s *Server) limitPointless(c echo.Context, token string) error {
	if token != "" || s.router.public[routeOf(c)] {
		return nil
	}
	if decision, applies := s.Limiter.Pointless(c.Request().Context(), address(c)); applies {
		return answerLimit(c, decision)
	}
	return nil
}

// limitMissing counts a request of a known principal for a path that does not exist.
func (s *Server) limitMissing(c echo.Context, scope *tenancy.Scope) error {
	if scope.Principal == nil || s.router.handles(routeOf(c)) {
		return nil
	}
	return s.limit(c, scope, false, contract.Writes(c.Request().Method))
}

// recordTokenResult counts an invalid token, and refuses the request if there are too many.
func (s *Server) recordTokenResult(c echo.Context, token []byte, worked bool) error {
	if worked {
		s.Limiter.Worked(token)
		return nil
	}
	if decision, applies := s.Limiter.Failed(c.Request().Context(), address(c), token); applies {
		return answerLimit(c, decision)
	}
	return nil
}

// setExactly sets a header without changing its case; Header.Set would write Ratelimit.
func setExactly(h http.Header, name, value string) { h[name] = []string{value} }

func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
