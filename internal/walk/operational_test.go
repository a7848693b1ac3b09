package walk_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

func status(t *testing.T, c *apitest.Client, path string) int {
	t.Helper()
	response, err := c.Send(c.Request(t, http.MethodGet, path, nil))
	require.NoError(t, err)
	return response.Status
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	t.Run("are closed to what came through a proxy on the same machine", func(t *testing.T) {
		t.Parallel()
		c := apitest.New(t).Client("127.0.0.1")
		require.Equal(t, 200, status(t, c, "/metrics"))
		for name, value := range map[string]string{
			"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Real-IP": "203.0.113.9", "X-Forwarded-Proto": "https",
			"X-Forwarded-Host": "demo.example.com", "Via": "1.1 edge",
		} {
			require.Equal(t, 404, status(t, c.WithHeader(name, value), "/metrics"), name)
		}
		require.Equal(t, 404, status(t, c.WithHeader("X-Forwarded-For", "127.0.0.1"), "/metrics"))
	})
	t.Run("are closed to loopback addresses that a trusted proxy tells of", func(t *testing.T) {
		t.Parallel()
		c := apitest.New(t, apitest.WithConfig(func(c *app.Config) {
			c.TrustedProxies = app.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
		})).Client("127.0.0.1")
		require.Equal(t, 404, status(t, c.WithHeader("X-Forwarded-For", "127.0.0.1"), "/metrics"))
	})
	t.Run("want the token if there is one", func(t *testing.T) {
		t.Parallel()
		c := apitest.New(t, apitest.WithConfig(func(c *app.Config) { c.MetricsToken = "a metrics token" })).Client("127.0.0.1")
		require.Equal(t, 404, status(t, c, "/metrics"))
		require.Equal(t, 404, status(t, c.WithToken("another"), "/metrics"))
		require.Equal(t, 200, status(t, c.WithToken("a metrics token").WithHeader("X-Forwarded-For", "203.0.113.9"), "/metrics"))
	})
	t.Run("are not here if they are elsewhere", func(t *testing.T) {
		t.Parallel()
		for _, addr := range []string{"none", "127.0.0.1:9100"} {
			s := apitest.New(t, apitest.WithConfig(func(c *app.Config) { c.MetricsAddr, c.MetricsToken = addr, "a metrics token" }))
			require.Equal(t, 404, status(t, s.Client("127.0.0.1").WithToken("a metrics token"), "/metrics"), addr)
		}
	})
}

func TestUntrustedForwarding(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := apitest.New(t, func(d *app.Dependencies) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	c := s.Client("127.0.0.1")
	warnings := func() int { return strings.Count(log.String(), "SMOOTHSCHEDULE_TRUSTED_PROXIES") }
	status(t, c, "/healthz")
	require.Zero(t, warnings())
	for range 3 {
		status(t, c.WithHeader("X-Forwarded-For", "203.0.113.9"), "/healthz")
	}
	require.Equal(t, 1, warnings(), "one in a minute")
	require.Contains(t, log.String(), "peer=127.0.0.1")
	s.Clock.Advance(time.Minute)
	status(t, c.WithHeader("Forwarded", "for=203.0.113.9"), "/api/nothing")
	require.Equal(t, 2, warnings())
	metrics, err := c.Send(c.Request(t, http.MethodGet, "/metrics", nil))
	require.NoError(t, err)
	require.Contains(t, string(metrics.Body), "smoothschedule_untrusted_forwarding_total 4\n")

	trusting := apitest.New(t, apitest.WithConfig(func(c *app.Config) {
		c.TrustedProxies = app.Proxies{netip.MustParsePrefix("127.0.0.1/32")}
	}), func(d *app.Dependencies) { d.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	status(t, trusting.Client("127.0.0.1").WithHeader("X-Forwarded-For", "203.0.113.9"), "/healthz")
	require.Equal(t, 2, warnings())
}

// What else a business runs beneath its domain is not ours to decide.
func TestStrictTransportSecurity(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithConfig(func(c *app.Config) { c.HTTPS, c.BaseDomains = true, []string{"localhost", "book.example"} }))
	for host, want := range map[string]string{
		"demo.localhost": "max-age=31536000; includeSubDomains", "book.example:8443": "max-age=31536000; includeSubDomains",
		"platform.book.example": "max-age=31536000; includeSubDomains",
		"salon.example":         "max-age=31536000", "BOOK.Salon.example.": "max-age=31536000", "notbook.example": "max-age=31536000",
		"unknown": "max-age=31536000",
	} {
		c := s.Client(host)
		response, err := c.Send(c.Request(t, http.MethodGet, "/api/auth/me/", nil))
		require.NoError(t, err)
		require.Equal(t, want, response.Header.Get("Strict-Transport-Security"), host)
	}
}
