package httpapi

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// forwardingWarnings is the least time between two warnings of untrusted forwarding.
const forwardingWarnings = time.Minute

// peer is the other end of the connection: a client, or the proxy in front of it.
func peer(r *http.Request) netip.Addr {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Addr().Unmap().WithZone("")
}

// forwarded reports whether a request shows that it came through a proxy. One that shows
// nothing may have come through one too.
func forwarded(r *http.Request) bool {
	for name := range r.Header {
		switch {
		case strings.HasPrefix(name, "X-Forwarded-"), name == "Forwarded", name == "X-Real-Ip", name == "Via":
			return true
		}
	}
	return false
}

// warnOfForwarding counts and logs requests whose X-Forwarded-For is not believed. Behind a
// proxy that nobody has named, all clients share its address: limits and sign-in throttles
// that are meant for one then stop everybody.
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
		if (last == 0 || now-last >= int64(forwardingWarnings)) && s.warned.CompareAndSwap(last, now) {
			s.Log.Warn("X-Forwarded-For from a peer that is not a trusted proxy is ignored: if it is a proxy, name its network in SMOOTHSCHEDULE_TRUSTED_PROXIES",
				"peer", from.String())
		}
		return next(c)
	}
}
