// Package redistest starts a real Redis for a test. Tests that use it have the build tag
// redis, because `go test ./...` needs nothing beside Go and PostgreSQL; CI runs them. With
// the tag, a missing redis-server is a failure with a clear text, not a skip.
package redistest

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Server is a Redis of the test's own, on a free port of the loopback interface.
type Server struct {
	// URL is what SMOOTHSCHEDULE_REDIS_URL takes.
	URL string

	dir  string
	port int
	stop func()
}

// New starts a server; it stops with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{dir: tb.TempDir(), port: freePort(tb)}
	s.URL = "redis://127.0.0.1:" + strconv.Itoa(s.port) + "/0"
	s.Start(tb)
	return s
}

// Start starts a server that was stopped, empty and on the same port.
func (s *Server) Start(tb testing.TB) {
	tb.Helper()
	program, err := exec.LookPath("redis-server")
	require.NoError(tb, err, "redis-server is missing: install it (Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis)")
	command := exec.Command(program, "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no")
	require.NoError(tb, command.Start())
	s.stop = sync.OnceFunc(func() {
		_ = command.Process.Kill() // it may have ended by itself
		_ = command.Wait()         // killed is an error, too
	})
	tb.Cleanup(s.stop)
	client := redis.NewClient(&redis.Options{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))})
	defer client.Close()
	require.Eventually(tb, func() bool { return client.Ping(context.Background()).Err() == nil }, 20*time.Second, 10*time.Millisecond,
		"redis-server does not answer")
}

// Stop kills the server.
func (s *Server) Stop() { s.stop() }

func freePort(tb testing.TB) int {
	tb.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
