package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"syscall"
	"time"
)

// Superuser is the role that owns an embedded cluster and that Server.URL logs in.
const Superuser = "postgres"

// socketPort only names the socket file; nothing listens on TCP.
const socketPort = "5432"

// Options says which server to start.
type Options struct {
	// DataDir is a directory of the server's own; it is created when missing. A
	// directory with other things in it is refused.
	DataDir string
	// Binaries are the programs to use, from FindBinaries.
	Binaries Binaries
	// Settings are server settings on top of the defaults, by their names in
	// postgresql.conf. Where the server listens cannot be changed.
	Settings map[string]string
	// Log receives a line for each slow step; nil discards them.
	Log *slog.Logger
}

// Server is a running embedded server. It ends with Stop, or with this process.
type Server struct {
	socketDir string
	process   *os.Process
	done      chan struct{}
}

// InUseError means that another server uses the data directory.
type InUseError struct {
	DataDir string
	PID     int // 0 while the other process is still preparing the directory
}

// Error implements error; the text says what to do.
func (e *InUseError) Error() string {
	who := "another process is preparing it"
	if e.PID != 0 {
		who = fmt.Sprintf("pid %d", e.PID)
	}
	return fmt.Sprintf("the database in %s is already running (%s): stop it, or set %s to another directory",
		e.DataDir, who, DataDirVariable)
}

// Start starts the server on o.DataDir, creating the cluster (UTF-8, C collation,
// data checksums) on the first start, and returns when it accepts connections. If
// this process is root, the server runs as "postgres", else as "nobody".
//
// A server that is just shutting down is waited for. Start returns an *InUseError
// when one is running, and errors that say what to do when the directory cannot be
// used or belongs to another PostgreSQL version, or when the server does not come
// up; then the end of its log is in the error. ctx limits the start only.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.DataDir == "" || o.Binaries.Dir == "" {
		return nil, errors.New("starting PostgreSQL: the data directory and the binaries must be given")
	}
	s, err := start(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	return s, nil
}

// Remove deletes the data directory of a stopped server; a missing one is fine. It
// returns an *InUseError, and deletes nothing, while a server uses it.
func Remove(ctx context.Context, dataDir string) error {
	return remove(ctx, dataDir)
}

// CheckReachable returns an error that names the obstacle if the account which
// Start would run the server as cannot enter dir. Missing directories at the end
// of the path are no obstacle.
func CheckReachable(dir string) error {
	return checkReachable(dir)
}

// URL is the connection URL of the superuser for one database of the server.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.User(Superuser),
		Path:     "/" + database,
		RawQuery: url.Values{"host": {s.socketDir}, "port": {socketPort}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String()
}

// PID is the process id of the server's parent process.
func (s *Server) PID() int { return s.process.Pid }

// Done is closed when the server has ended, whether by Stop or by itself.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop shuts the server down, cutting open connections, and returns when it has
// ended; a server that has ended already is fine. When ctx ends first, the server is
// made to end without a checkpoint, which costs the next start a recovery but no
// committed data, and Stop returns the context's error.
func (s *Server) Stop(ctx context.Context) error {
	s.signal(os.Interrupt)
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
	}
	s.signal(syscall.SIGQUIT)
	select {
	case <-s.done:
	case <-time.After(5 * time.Second):
		s.signal(os.Kill)
		<-s.done
	}
	return fmt.Errorf("stopping PostgreSQL: it did not shut down in time and was ended without a checkpoint: %w", ctx.Err())
}

// signal ignores errors: they mean that the process has ended, which closes done.
func (s *Server) signal(sig os.Signal) {
	select {
	case <-s.done:
	default:
		_ = s.process.Signal(sig)
	}
}
