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

// The names of cookies, as CookieName completes them.
const (
	// SessionCookie carries a session's token.
	SessionCookie = "smoothschedule_session"
	// DeviceCookie says that a user has signed in with the browser before.
	DeviceCookie = "smoothschedule_device"
)

// CookieName is the whole name of a cookie. With the prefix, browsers take it from this host
// over HTTPS only (RFC 6265bis), so that no other host of the same site can put one in its place;
// over plain http they refuse the prefix.
func CookieName(name string, https bool) string {
	if https {
		return "__Host-" + name
	}
	return name
}

type deviceKey struct{}

// maxDevice bounds the value of the cookie that is looked at.
const maxDevice = 200

// withDevice keeps the value of the request's DeviceCookie in the context.
func (s *Server) withDevice(c echo.Context) {
	cookie, err := c.Request().Cookie(CookieName(DeviceCookie, s.HTTPS))
	if err != nil || len(cookie.Value) > maxDevice {
		return
	}
	c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), deviceKey{}, cookie.Value)))
}

// DeviceFrom returns the value of the request's DeviceCookie, or nothing.
func DeviceFrom(ctx context.Context) string {
	value, _ := ctx.Value(deviceKey{}).(string)
	return value
}

// HeaderSandboxMode asks for a mode, and says in every answer which one it was.
const HeaderSandboxMode = "X-Sandbox-Mode"

// resolve finds out who asks, on behalf of which tenant and in which mode, and puts
// the scope into the context.
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
				"A browser may change things only from a page of ours. Other clients send the token as bearer.")
		}
		request := tenancy.Request{
			RequestID: c.Response().Header().Get(echo.HeaderXRequestID), Now: s.Now().UTC().Truncate(time.Microsecond),
			Address: address(c), UserAgent: userAgent(r), Host: host, ModeHeader: r.Header.Get(HeaderSandboxMode),
		}
		s.withDevice(c)
		return s.identified(c, &request, token, fromCookie, next)
	}
}

// identified runs a request with its scope, of whose tokens so many may open nothing. Where the
// handler asks the environment first, the scope is presumed, if it can be; when that was wrong, all
// starts anew.
func (s *Server) identified(c echo.Context, request *tenancy.Request, token string, fromCookie bool, next echo.HandlerFunc) error {
	if err := s.limitPointless(c, token); err != nil {
		return err
	}
	if err := s.admitHost(c, request.Host.Domain); err != nil {
		return err
	}
	var hash [sha256.Size]byte
	if token != "" {
		hash = sha256.Sum256([]byte(token))
		if err := s.admit(c, hash[:]); err != nil {
			return err
		}
		if err := credentials(request, token, hash, fromCookie); err != nil {
			return cmp.Or(s.tried(c, hash[:], false), err)
		}
	}
	if s.router.presuming[routeOf(c)] {
		if done, err := s.presumed(c, *request, next); done {
			return err
		}
	}
	scope, err := s.authenticate(c, *request, hash[:])
	enter(c, scope)
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

// authenticate resolves a request. With an error the scope is still returned, as far as it is
// known.
func (s *Server) authenticate(c echo.Context, request tenancy.Request, token []byte) (*tenancy.Scope, error) {
	scope, err := s.Resolver.Resolve(c.Request().Context(), request)
	if request.TokenHash == nil && request.APIToken == nil || err != nil && scope.Principal == nil {
		return scope, err // there is no token, or whether it opens anything is not known
	}
	return scope, cmp.Or(s.tried(c, token, scope.Principal != nil), err)
}

// presumed runs a request with the scope that it probably has. done is false if that is not
// known, or was wrong: then nothing has happened, and nothing has been answered. (It has been counted
// for the limit of requests, and is again.)
func (s *Server) presumed(c echo.Context, request tenancy.Request, next echo.HandlerFunc) (done bool, err error) {
	before := c.Request()
	scope, ok := s.Resolver.Presume(before.Context(), request)
	if !ok {
		return false, nil
	}
	enter(c, scope)
	err = next(c)
	doubt := scope.Confirm(before.Context()) // what was refused without asking the database, for instance
	switch {
	case doubt == nil:
		s.metrics.right.Inc()
		return true, err
	case !errors.Is(doubt, tenancy.ErrPresumedWrongly):
		return true, doubt
	}
	s.metrics.wrong.Inc()
	if c.Response().Committed {
		return true, fmt.Errorf("answered too soon: %w", doubt)
	}
	return false, again(c, before)
}

// Confirmed keeps what a handler returns from being answered before it is known that the
// request is from whom it was presumed to be. It is the strict middleware of RegisterPresuming.
func Confirmed[Handler ~func(c echo.Context, request any) (any, error)](next Handler, _ string) Handler {
	return func(c echo.Context, request any) (any, error) {
		response, err := next(c, request)
		ctx := c.Request().Context()
		return response, cmp.Or(tenancy.ScopeFrom(ctx).Confirm(ctx), err)
	}
}

// again makes a request what it was before.
func again(c echo.Context, before *http.Request) (err error) {
	if now := c.Request(); now.GetBody != nil { // it has been read
		before.Body, err = now.GetBody()
	}
	c.SetRequest(before)
	return err
}

// enter puts the scope into the context of the request, and says in which mode it is.
func enter(c echo.Context, scope *tenancy.Scope) {
	c.SetRequest(c.Request().WithContext(tenancy.WithScope(c.Request().Context(), scope)))
	c.Response().Header().Set(HeaderSandboxMode, strconv.FormatBool(scope.SandboxMode()))
}

// credentials says with which token the request was made. A bearer token that claims to
// be an API token and cannot be one is refused here, before it costs a query.
func credentials(request *tenancy.Request, token string, hash [sha256.Size]byte, fromCookie bool) error {
	if fromCookie || !apitoken.Looks(token) {
		request.TokenHash = hash[:]
		return nil
	}
	parsed, err := apitoken.Parse(token)
	if err != nil {
		return apperr.New(apperr.Unauthorized, "This is not an API token: it is incomplete or has a typing error.")
	}
	request.APIToken = &parsed
	return nil
}

// sessionToken returns the session's or API token of the request: of the Authorization header, else of the cookie.
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

// ipExtractor believes X-Forwarded-For only from proxies that are trusted by name.
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
