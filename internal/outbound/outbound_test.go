package outbound_test

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/smoothschedule/smoothschedule/internal/outbound"
)

// special has an address of every range of the IANA registries of special-purpose addresses
// (IPv4 and IPv6), and of what else is not one host for everybody.
var special = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255",
	"192.0.0.1", "192.0.0.8", "192.0.0.9", "192.0.0.10", "192.0.0.170", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1",
	"192.168.0.1", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
	"240.0.0.1", "255.255.255.255",
	"::", "::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "100:0:0:1::1", "2001::1",
	"2001:1::1", "2001:2::1", "2001:3::1", "2001:4:112::1", "2001:10::1", "2001:20::1", "2001:30::1", "2001:db8::1", "2002:a00:1::1",
	"2620:4f:8000::1", "3fff::1", "5f00::1", "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1",
}

// names is a DNS server with one answer after the other for every name; the last one stays. Without any,
// there are no names.
func names(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	var asked atomic.Int64
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if query.Unpack(buffer[:n]) != nil {
				continue
			}
			reply := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true, RecursionAvailable: true}, Questions: query.Questions}
			question := query.Questions[0]
			header := dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class}
			if len(answers) == 0 {
				reply.RCode = dnsmessage.RCodeNameError
			} else if question.Type == dnsmessage.TypeA || question.Type == dnsmessage.TypeAAAA {
				i := min(int(asked.Load()), len(answers)-1)
				address := netip.MustParseAddr(answers[i])
				switch {
				case address.Is4() && question.Type == dnsmessage.TypeA:
					asked.Add(1)
					reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: address.As4()}})
				case address.Is6() && question.Type == dnsmessage.TypeAAAA:
					asked.Add(1)
					reply.Answers = append(reply.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: address.As16()}})
				}
			}
			raw, err := reply.Pack()
			if err == nil {
				_, _ = conn.WriteTo(raw, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func literal(address string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]"
	}
	return address
}

func TestSpecialAddressesAreRefused(t *testing.T) {
	t.Parallel()
	for _, address := range special {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, outbound.New(outbound.Options{}).CheckURL("https://"+literal(address)+"/"), outbound.ErrAddress)
			_, err := outbound.New(outbound.Options{}).Post(t.Context(), "https://"+literal(address)+"/", http.Header{}, nil)
			require.ErrorContains(t, err, "no public address")
			// The same behind a name.
			_, err = outbound.New(outbound.Options{Resolver: names(t, address)}).Post(t.Context(), "https://hooks.example.com/", http.Header{}, nil)
			require.ErrorIs(t, err, outbound.ErrAddress)
		})
	}
}

// Whether our own network knows a name cannot be told from the answer.
func TestPost_NamesWithoutPublicAddress(t *testing.T) {
	t.Parallel()
	answers := map[string]bool{}
	for _, resolver := range []*net.Resolver{names(t), names(t, "10.1.2.3"), names(t, "169.254.169.254"), names(t, "fd00::7")} {
		_, err := outbound.New(outbound.Options{Resolver: resolver}).Post(t.Context(), "https://vault.corp.example/", http.Header{}, nil)
		require.Error(t, err)
		answers[err.Error()] = true
	}
	require.Len(t, answers, 1, "%v", answers)
}

func TestPublicAddressesAreAllowed(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"1.1.1.1", "8.8.8.8", "93.184.216.34", "192.0.1.1", "198.20.0.1", "2606:4700:4700::1111", "2a00:1450::1"} {
		require.NoError(t, outbound.New(outbound.Options{}).CheckURL("https://"+literal(address)+"/"), address)
	}
}

func TestURLsThatAreRefused(t *testing.T) {
	t.Parallel()
	production, dev := outbound.New(outbound.Options{}), outbound.New(outbound.Options{AllowLoopback: true})
	for _, url := range []string{
		"", "hooks", "//example.com", "ftp://example.com", "file:///etc/passwd", "https:example.com", "https://", "http://example.com/",
		"https://user:password@example.com/", "https://example.com/#x", "https://example.com:22/", "https://example.com:80/",
		"https://example.com:0/", "https://example.com:99999/", "https://intranet/", "http://10.0.0.1/", "https://[::ffff:127.0.0.2", "javascript:alert(1)",
	} {
		require.Error(t, production.CheckURL(url), url)
		require.Error(t, dev.CheckURL(url), url)
	}
	for _, url := range []string{"http://127.0.0.1:9/", "http://localhost:3000/hooks", "http://[::1]:80/", "https://demo.localhost/"} {
		require.Error(t, production.CheckURL(url), url)
		require.NoError(t, dev.CheckURL(url), url)
	}
	for _, url := range []string{"https://example.com", "https://example.com:8443/x?y=z", "HTTPS://example.com/"} {
		require.NoError(t, production.CheckURL(url), url)
	}
}

// A name that meant something public when it was checked, and means this machine now.
func TestNamesThatChangeTheirMindAreRefused(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 1)
	inside := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Host }))
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	require.NoError(t, err)
	client := outbound.New(outbound.Options{Resolver: names(t, "93.184.216.34", "127.0.0.1"), Timeout: 300 * time.Millisecond})
	url := "https://rebind.example.com:" + port + "/"
	require.NoError(t, client.CheckURL(url))
	_, first := client.Post(t.Context(), url, http.Header{}, nil)
	require.Error(t, first)
	_, err = client.Post(t.Context(), url, http.Header{}, nil)
	require.ErrorIs(t, err, outbound.ErrAddress)
	require.Empty(t, asked)

	// Plain http is for this machine, whatever a name says.
	dev := outbound.New(outbound.Options{AllowLoopback: true, Resolver: names(t, "93.184.216.34")})
	_, err = dev.Post(t.Context(), "http://demo.localhost/", http.Header{}, nil)
	require.ErrorIs(t, err, outbound.ErrAddress)
}

func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	client := outbound.New(outbound.Options{AllowLoopback: true, Timeout: 500 * time.Millisecond})
	post := func(url string) (*outbound.Response, error) {
		return client.Post(t.Context(), url, http.Header{"Webhook-Id": {"x"}}, []byte("body"))
	}
	var redirected atomic.Bool
	target := serve(t, func(http.ResponseWriter, *http.Request) { redirected.Store(true) })
	response, err := post(serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	}))
	require.NoError(t, err)
	require.Equal(t, http.StatusTemporaryRedirect, response.Status)
	require.False(t, redirected.Load())

	response, err = post(serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 10_000 {
			if _, err := w.Write(make([]byte, 10_000)); err != nil {
				return
			}
		}
	}))
	require.NoError(t, err)
	require.Len(t, response.Body, 4<<10)

	_, err = post(serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Large", strings.Repeat("x", 1<<20)) }))
	require.ErrorContains(t, err, "headers of the answer are too large")

	// A drop now and then does not keep the connection for ever: nor before the headers.
	for _, headers := range []bool{true, false} {
		_, err = post(serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // until then a server does not notice that the client is gone
			if headers {
				w.WriteHeader(http.StatusOK)
			}
			ticker := time.NewTicker(20 * time.Millisecond)
			defer ticker.Stop()
			for {
				select {
				case <-r.Context().Done():
					return
				case <-ticker.C:
					if headers {
						_, _ = w.Write([]byte("."))
						_ = http.NewResponseController(w).Flush()
					}
				}
			}
		}))
		require.ErrorContains(t, err, "no complete answer within 500ms")
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	_, err := outbound.New(outbound.Options{AllowLoopback: true}).Post(t.Context(), server.URL, http.Header{}, nil)
	require.ErrorContains(t, err, "certificate")
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	response, err := outbound.New(outbound.Options{AllowLoopback: true, RootCAs: roots}).Post(t.Context(), server.URL, http.Header{}, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, response.Status)
}

func TestFailuresAreExplainedWithoutOurNetwork(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	closed, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	client := outbound.New(outbound.Options{AllowLoopback: true})
	_, err = client.Post(t.Context(), "http://"+closed.Addr().String(), http.Header{}, nil)
	require.EqualError(t, err, "the host refuses the connection")
	_, err = client.Post(t.Context(), strings.Replace(serve(t, func(http.ResponseWriter, *http.Request) {}), "http:", "https:", 1), http.Header{}, nil)
	require.EqualError(t, err, "the host does not speak TLS")
	_, err = client.Post(t.Context(), serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}), http.Header{}, nil)
	require.EqualError(t, err, "the host closed the connection before its answer was complete")
}
