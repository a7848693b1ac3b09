package httpapi

import (
	"cmp"
	"crypto/sha256"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// SessionCookie is the name of the cookie that carries a session's token.
const SessionCookie = "smoothschedule_session"

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
			return apperr.New(apperr.UnknownHost, "No business lives at this address.")
		}
		token, fromCookie := sessionToken(r)
		if fromCookie && contract.Writes(r.Method) && !s.origins.sameSite(r) {
			return apperr.New(apperr.CrossOriginRefused,
				"A browser may change things only from a page of ours. Other clients send the token as bearer.")
		}
		request := tenancy.Request{
			RequestID: c.Response().Header().Get(echo.HeaderXRequestID), Now: s.Now().UTC().Truncate(time.Microsecond),
			Address: address(c), UserAgent: userAgent(r), Host: host, ModeHeader: r.Header.Get(HeaderSandboxMode),
		}
		scope, err := s.authenticate(c, request, token, fromCookie)
		c.SetRequest(r.WithContext(tenancy.WithScope(r.Context(), scope)))
		if scope.SandboxMode() {
			c.Response().Header().Set(HeaderSandboxMode, "true")
		}
		if err != nil {
			return s.denied(c, "resolve", err)
		}
		return next(c)
	}
}

// authenticate resolves a request with its token, of which so many may open nothing. With an
// error the scope is still returned, as far as it is known.
func (s *Server) authenticate(c echo.Context, request tenancy.Request, token string, fromCookie bool) (*tenancy.Scope, error) {
	nobody := &tenancy.Scope{}
	if token == "" {
		return s.Resolver.Resolve(c.Request().Context(), request)
	}
	hash := sha256.Sum256([]byte(token))
	if err := s.admit(c, hash[:]); err != nil {
		return nobody, err
	}
	if err := credentials(&request, token, hash, fromCookie); err != nil {
		return nobody, cmp.Or(s.tried(c, hash[:], false), err)
	}
	scope, err := s.Resolver.Resolve(c.Request().Context(), request)
	if err != nil && scope.Principal == nil {
		return scope, err // whether the token opens anything is not known
	}
	return scope, cmp.Or(s.tried(c, hash[:], scope.Principal != nil), err)
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
func sessionToken(r *http.Request) (token string, fromCookie bool) {
	if header := r.Header.Get(echo.HeaderAuthorization); header != "" {
		scheme, value, _ := strings.Cut(header, " ")
		if strings.EqualFold(scheme, "Bearer") {
			return strings.TrimSpace(value), false
		}
		return "", false
	}
	if cookie, err := r.Cookie(SessionCookie); err == nil {
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
