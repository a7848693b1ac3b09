package apitest

import (
	"maps"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// DNS is a DNS server on the loopback interface that knows the records tests give it.
type DNS struct {
	Addr string

	mu      sync.Mutex
	records map[string][]string
	broken  bool
}

// startDNS starts a server without records; it stops with the test.
func startDNS(tb testing.TB) *DNS {
	tb.Helper()
	var config net.ListenConfig
	conn, err := config.ListenPacket(tb.Context(), "udp", "127.0.0.1:0")
	require.NoError(tb, err)
	d := &DNS{Addr: conn.LocalAddr().String(), records: map[string][]string{}}
	started := make(chan struct{})
	server := &dns.Server{PacketConn: conn, Handler: d, NotifyStartedFunc: func() { close(started) }}
	done := make(chan error, 1)
	go func() { done <- server.ActivateAndServe() }()
	<-started
	tb.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			tb.Errorf("stop DNS: %v", err)
		}
		if err := <-done; err != nil {
			tb.Errorf("DNS: %v", err)
		}
	})
	return d
}

// SetTXT replaces the TXT records of a name.
func (d *DNS) SetTXT(name string, values ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records[strings.TrimSuffix(name, ".")] = values
}

// Records returns a copy of all records, for Add.
func (d *DNS) Records() map[string][]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.records)
}

// Add adds the records of another server.
func (d *DNS) Add(records map[string][]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.Copy(d.records, records)
}

// Break has every question answered with a failure, or no more.
func (d *DNS) Break(broken bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken = broken
}

// ServeDNS answers one question.
func (d *DNS) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	d.mu.Lock()
	defer d.mu.Unlock()
	answer := new(dns.Msg)
	answer.SetReply(question)
	switch values, known := d.records[strings.TrimSuffix(question.Question[0].Name, ".")]; {
	case d.broken:
		answer.Rcode = dns.RcodeServerFailure
	case !known:
		answer.Rcode = dns.RcodeNameError
	case question.Question[0].Qtype == dns.TypeTXT:
		for _, value := range values {
			answer.Answer = append(answer.Answer, &dns.TXT{
				Hdr: dns.RR_Header{Name: question.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 1}, Txt: []string{value},
			})
		}
	}
	if err := w.WriteMsg(answer); err != nil {
		return // whoever asked is gone
	}
}
