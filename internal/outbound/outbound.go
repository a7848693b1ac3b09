// Package outbound owns requests to addresses that users of the product have chosen, such as
// webhooks: a server of ours must not become a way into its own network.
//
// It calls code.dny.dev/ssrf for the addresses that are not for the public (the IANA
// registries of special-purpose addresses). Invariants: https only; the address that is
// connected to is the one that was checked, whatever a name meant before (DNS rebinding); no
// proxy, no redirects; bounded time, headers and body.
package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

const (
	// Timeout bounds a request from the look-up of the name to the end of the answer.
	Timeout = 15 * time.Second
	// maxHeaders and maxBody bound what is read of an answer.
	maxHeaders = 16 << 10
	maxBody    = 4 << 10
	// smallestFreePort is the first port that needs no privileges: below it, only 443 is
	// for HTTPS.
	smallestFreePort = 1024
)

// Options change what a Client may do; the zero value is for production.
type Options struct {
	// AllowLoopback also lets requests go to this machine, and those over plain http: for
	// the programs of a developer.
	AllowLoopback bool
	// Timeout is Timeout if it is 0.
	Timeout time.Duration
	// RootCAs and Resolver are the system's if they are nil.
	RootCAs  *x509.CertPool
	Resolver *net.Resolver
}

// Client makes requests. It is safe for concurrent use.
type Client struct {
	options Options
	public  *ssrf.Guardian
	http    *http.Client
}

// Response is an answer, whatever its status.
type Response struct {
	Status int
	Header http.Header
	// Body is the beginning of the body.
	Body []byte
}

// ErrAddress is returned for a host whose address is not a public one, and for one that has
// none: with different answers, users could ask for the names that our own network knows.
var ErrAddress = errors.New("the name of the host leads to no public address")

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// New returns a client.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = Timeout
	}
	allowed := []ssrf.Option{ssrf.WithAnyPort()} // CheckURL has seen the port
	if o.AllowLoopback {
		allowed = append(allowed, ssrf.WithAllowedV4Prefixes(loopback[0]), ssrf.WithAllowedV6Prefixes(loopback[1]))
	}
	c := &Client{options: o, public: ssrf.New(allowed...)}
	dialer := &net.Dialer{Timeout: o.Timeout, Resolver: o.Resolver, ControlContext: c.control}
	c.http = &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
			TLSHandshakeTimeout:    o.Timeout,
			MaxResponseHeaderBytes: maxHeaders,
			// Many businesses have endpoints at one host: to connect anew costs more than to send.
			MaxIdleConns:        500,
			MaxIdleConnsPerHost: 100,
			IdleConnTimeout:     30 * time.Second,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

type plainKey struct{}

// control sees the address that is about to be connected to.
func (c *Client) control(ctx context.Context, network, address string, conn syscall.RawConn) error {
	if err := c.public.Safe(network, address, conn); err != nil {
		return fmt.Errorf("%w: %w", ErrAddress, err)
	}
	if plain, _ := ctx.Value(plainKey{}).(bool); plain {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !to.Addr().IsLoopback() {
			return fmt.Errorf("%w for plain http: %s", ErrAddress, address)
		}
	}
	return nil
}

// CheckURL returns an error, in words for people, if requests to the URL would be refused
// whatever its host's address.
func (c *Client) CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return errors.New("it must be a URL, such as https://example.com/hooks")
	}
	host := u.Hostname()
	local := c.options.AllowLoopback && isLocal(host)
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !local):
		return errors.New("it must begin with https://")
	case u.User != nil:
		return errors.New("it must not have a user name or password")
	case u.Fragment != "" || strings.HasSuffix(raw, "#"):
		return errors.New("it must not have a fragment")
	case local:
		return nil
	case !allowedPort(u.Port()):
		return errors.New("its port must be 443, or 1024 or higher")
	}
	return c.checkHost(host)
}

// checkHost refuses hosts that are known not to be public without a look-up.
func (c *Client) checkHost(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		if c.public.SafeAddr(addr.Unmap()) != nil {
			return ErrAddress
		}
		return nil
	}
	if isLocal(host) || !strings.Contains(host, ".") {
		return ErrAddress
	}
	return nil
}

func isLocal(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func allowedPort(port string) bool {
	if port == "" || port == "443" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n >= smallestFreePort
}

// Post sends a body and reads the answer. An error means that there was none, and says why in
// words for people.
func (c *Client) Post(ctx context.Context, to string, header http.Header, body []byte) (*Response, error) {
	if err := c.CheckURL(to); err != nil { // what is allowed may have changed since it was kept
		return nil, fmt.Errorf("the URL is refused: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	ctx = context.WithValue(ctx, plainKey{}, strings.HasPrefix(strings.ToLower(to), "http:"))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the URL is not understood")
	}
	request.Header = header
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, c.explain(err)
	}
	defer answer.Body.Close()
	head, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return nil, c.explain(err)
	}
	return &Response{Status: answer.StatusCode, Header: answer.Header, Body: head}, nil
}

// explain keeps the network's words, which may name what is behind our walls, out of what
// users see.
func (c *Client) explain(err error) error {
	var unknown *net.DNSError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, ErrAddress):
		return ErrAddress
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return fmt.Errorf("there was no complete answer within %s", c.options.Timeout)
	case errors.Is(err, context.Canceled):
		return errors.New("our server stopped before there was an answer")
	case errors.As(err, &unknown):
		return ErrAddress
	case errors.As(err, &verification):
		return errors.New("the certificate of the host is not valid")
	case errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch):
		return errors.New("the host does not speak TLS")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the host refuses the connection")
	case strings.Contains(err.Error(), "server response headers exceeded"):
		return errors.New("the headers of the answer are too large")
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET):
		return errors.New("the host closed the connection before its answer was complete")
	}
	return errors.New("the host could not be reached, or its answer is not HTTP")
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
