package httpapi

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// forwardingWarningInterval is the minimum time between two warnings of untrusted forwarding.
const forwardingWarningInterval = time.Minute

// peer returns the address at the other end of the connection: a client or a proxy.
func peer(r *http.Request) netip.Addr {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap().WithZone("")
}

// forwarded reports whether a request has headers of a proxy. Without them it may have come through a
// proxy too.
func forwarded(r *http.Request) bool {
	for name := range r.Header {
		switch {
		case strings.HasPrefix(name, "X-Forwarded-"), name == "Forwarded", name == "X-Real-Ip", name == "Via":
			return true
		}
	}
	return false
}

// warnOfForwarding counts and logs requests whose X-Forwarded-For is ignored. Behind a proxy that is
// not in TrustedProxies all clients share its address, and with it the rate limits and sign-in
// throttles of one client.
func (s *Server) warnOfForwarding(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Header.Get(echo.HeaderXForwardedFor) == "" && r.Header.Get("Forwarded") == "" {
			return next(c)
		}
		from := peer(r)
		if slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(from) }) {
			return next(c)
		}
		s.metrics.untrusted.Inc()
		now, last := s.Now().UnixNano(), s.warned.Load()
		if (last == 0 || now-last >= int64(forwardingWarningInterval)) && s.warned.CompareAndSwap(last, now) {
			s.Log.Warn("X-Forwarded-For ignored, because the peer is not a trusted proxy: if it is a proxy, add its network to SMOOTHSCHEDULE_TRUSTED_PROXIES",
				"peer", from.String())
		}
		return next(c)
	}
}
