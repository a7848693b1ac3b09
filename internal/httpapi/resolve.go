package httpapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// The names of cookies without the prefix that CookieName adds.
const (
	// SessionCookie contains the session token.
	SessionCookie = "smoothschedule_session"
	// DeviceCookie marks a browser in which a user has signed in before.
	DeviceCookie = "smoothschedule_device"
)

// CookieName returns the full name of a cookie. With the prefix __Host-, browsers accept it only from
// this host and over HTTPS (RFC 6265bis), so that no other host of the same site can set it. Over plain
// HTTP browsers refuse the prefix.
func CookieName(name string, https bool) string {
	if https {
		return "__Host-" + name
	}
	return name
}

type deviceKey struct{}

// maxDevice is the maximum length of the DeviceCookie; longer ones are ignored.
const maxDevice = 200

// withDevice stores the value of the request's DeviceCookie in the context.
func (s *Server) withDevice(c echo.Context) {
	cookie, err := c.Request().Cookie(CookieName(DeviceCookie, s.HTTPS))
	if err != nil || len(cookie.Value) > maxDevice {
		return
	}
	c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), deviceKey{}, cookie.Value)))
}

// DeviceFrom returns the value of the request's DeviceCookie, or an empty string.
func DeviceFrom(ctx context.Context) string {
	value, _ := ctx.Value(deviceKey{}).(string)
	return value
}

// HeaderSandboxMode selects the mode of a request and states the mode of a response.
const HeaderSandboxMode = "X-Sandbox-Mode"

// resolve authenticates a request, finds its tenant and mode, and puts the scope into the
// context.
func (s *Server) resolve(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		c.Response().Header().Set(HeaderSandboxMode, "false")
		if operational[r.URL.Path] {
			return next(c)
		}
		host, ok := tenancy.ParseHost(r.Host, s.Bases)
		if !ok {
			return s.unknownHost(c, r.Host, apperr.New(apperr.UnknownHost, "No business lives at this address."))
		}
		token, fromCookie := s.sessionToken(r)
		if fromCookie && contract.Writes(r.Method) && !s.origins.sameSite(r) {
			return apperr.New(apperr.CrossOriginRefused,
				"Browsers can make changes only from our own pages. Other clients must send the token as a bearer token.")
		}
		request := tenancy.Request{
			RequestID: c.Response().Header().Get(echo.HeaderXRequestID), Now: s.Now().UTC().Truncate(time.Microsecond),
			Address: address(c), UserAgent: userAgent(r), Host: host, ModeHeader: r.Header.Get(HeaderSandboxMode),
		}
		s.withDevice(c)
		return s.authenticate(c, &request, token, fromCookie, next)
	}
}

// authenticate runs a request with its scope, unless its client or host has failed too often.
// Operations of optimistic modules run with a cached scope if there is one, and again with the
// resolved scope if that was stale.
func (s *Server) authenticate(c echo.Context, request *tenancy.Request, token string, fromCookie bool, next echo.HandlerFunc) error {
	if err := s.limitPointless(c, token); err != nil {
		return err
	}
	if err := s.allowHost(c, request.Host.Domain); err != nil {
		return err
	}
	var hash [sha256.Size]byte
	if token != "" {
		hash = sha256.Sum256([]byte(token))
		if err := s.allowToken(c, hash[:]); err != nil {
			return err
		}
		if err := credentials(request, token, hash, fromCookie); err != nil {
			return cmp.Or(s.recordTokenResult(c, hash[:], false), err)
		}
	}
	if s.router.optimistic[routeOf(c)] {
		if done, err := s.runOptimistically(c, *request, next); done {
			return err
		}
	}
	scope, err := s.resolveScope(c, *request, hash[:])
	setScope(c, scope)
	switch {
	case errors.Is(err, apperr.New(apperr.UnknownHost, "")):
		return s.unknownHost(c, request.Host.Domain, err)
	case err != nil:
		return s.denied(c, "resolve", err)
	}
	s.Limiter.HostWorked(request.Host.Domain)
	if err := s.limitMissing(c, scope); err != nil {
		return err
	}
	return next(c)
}

// resolveScope resolves a request and counts whether its token was valid. With an error the scope
// is returned as far as it is known.
func (s *Server) resolveScope(c echo.Context, request tenancy.Request, token []byte) (*tenancy.Scope, error) {
	scope, err := s.Resolver.Resolve(c.Request().Context(), request)
	if request.TokenHash == nil && request.APIToken == nil || err != nil && scope.Principal == nil {
		return scope, err // there is no token, or its validity is not known
	}
	return scope, cmp.Or(s.recordTokenResult(c, token, scope.Principal != nil), err)
}

// runOptimistically runs a request with a cached scope. done is false if there is none, or if it was
// stale: then nothing has been committed or answered. (A stale run counts for the rate limit as well.)
func (s *Server) runOptimistically(c echo.Context, request tenancy.Request, next echo.HandlerFunc) (done bool, err error) {
	before := c.Request()
	scope, ok := s.Resolver.CachedScope(before.Context(), request)
	if !ok {
		return false, nil
	}
	setScope(c, scope)
	err = next(c)
	checked := scope.Revalidate(before.Context()) // pending if the request was refused without a query
	switch {
	case checked == nil:
		s.metrics.identityValid.Inc()
		return true, err
	case !errors.Is(checked, tenancy.ErrStaleIdentity):
		return true, checked
	}
	s.metrics.identityStale.Inc()
	if c.Response().Committed {
		return true, fmt.Errorf("answered before the identity was checked: %w", checked)
	}
	return false, resetRequest(c, before)
}

// resetRequest restores the request and its body for another run.
func resetRequest(c echo.Context, before *http.Request) (err error) {
	if now := c.Request(); now.GetBody != nil { // it has been read
		before.Body, err = now.GetBody()
	}
	c.SetRequest(before)
	return err
}

// setScope stores the scope in the context of the request and sets the mode of the response.
func setScope(c echo.Context, scope *tenancy.Scope) {
	c.SetRequest(c.Request().WithContext(tenancy.WithScope(c.Request().Context(), scope)))
	c.Response().Header().Set(HeaderSandboxMode, strconv.FormatBool(scope.SandboxMode()))
}

// credentials sets the token of the request. A malformed API token is refused here, without a query.
// Errors: Unauthorized.
func credentials(request *tenancy.Request, token string, hash [sha256.Size]byte, fromCookie bool) error {
	if fromCookie || !apitoken.Looks(token) {
		request.TokenHash = hash[:]
		return nil
	}
	parsed, err := apitoken.Parse(token)
	if err != nil {
		return apperr.New(apperr.Unauthorized, "The API token is invalid: it is incomplete or mistyped.")
	}
	request.APIToken = &parsed
	return nil
}

// sessionToken returns the session or API token of the request, from the Authorization header or,
// without one, from the cookie.
func (s *Server) sessionToken(r *http.Request) (token string, fromCookie bool) {
	if header := r.Header.Get(echo.HeaderAuthorization); header != "" {
		scheme, value, _ := strings.Cut(header, " ")
		if strings.EqualFold(scheme, "Bearer") {
			return strings.TrimSpace(value), false
		}
		return "", false
	}
	if cookie, err := r.Cookie(CookieName(SessionCookie, s.HTTPS)); err == nil {
		return cookie.Value, true
	}
	return "", false
}

func userAgent(r *http.Request) string {
	const limit = 500
	agent := r.UserAgent()
	if len(agent) > limit {
		agent = agent[:limit]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(agent, "?"), "\x00", "")
}

func address(c echo.Context) netip.Addr {
	addr, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}

// ipExtractor uses X-Forwarded-For only from TrustedProxies.
func (s *Server) ipExtractor() echo.IPExtractor {
	if len(s.TrustedProxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, prefix := range s.TrustedProxies {
		options = append(options, echo.TrustIPRange(ipNet(prefix)))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}
