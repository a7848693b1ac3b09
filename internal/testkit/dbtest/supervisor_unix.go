//go:build linux || darwin

package dbtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/postgres/embedded"
	"github.com/smoothschedule/smoothschedule/internal/postgres/filelock"
)

const (
	// supervisorVariable makes a test binary a supervisor; its value is a shared.
	supervisorVariable = "SMOOTHSCHEDULE_DBTEST_SUPERVISOR"
	// supervisorName is what ps shows instead of the test binary.
	supervisorName = "smoothschedule-dbtest"
	reportFD       = 3

	startPatience = time.Minute
	stopPatience  = 10 * time.Second
	// lingerMost bounds how long a server without users waits for a go command that
	// may start more of them.
	lingerMost   = time.Minute
	lingerPeriod = 20 * time.Millisecond
)

// A test binary has no place of its own for this: only packages with a TestMain
// could call it, and the flags of the package testing would come first.
func init() {
	order := os.Getenv(supervisorVariable)
	if order == "" {
		return
	}
	syscall.CloseOnExec(reportFD)
	report := os.NewFile(reportFD, "report")
	var s shared
	err := json.Unmarshal([]byte(order), &s)
	if err == nil {
		err = s.supervise(report)
	}
	if err != nil {
		fmt.Fprint(report, "error ", err)
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// supervise runs a server until nobody uses it. It writes the server's URL to report
// and closes it when the server is ready; an error before that is left to the caller.
// Its locks are given up by the end of the process, after everything else, and
// binaries that wait for them then start a new server.
func (s shared) supervise(report io.WriteCloser) error {
	alive, err := filelock.TryExclusive(s.supervisorLock())
	if err != nil {
		return err
	}
	holds = append(holds, alive)
	if err := s.removeOldRun(); err != nil {
		return err
	}
	run, err := s.newRun()
	if err != nil {
		return err
	}
	server, err := s.startServer(run)
	if err != nil {
		return err
	}
	url := server.URL("postgres")
	if err := os.WriteFile(s.urlPath(), []byte(url), 0o600); err != nil {
		return err
	}
	fmt.Fprint(report, "url ", url)
	report.Close()

	if users := s.untilUnused(server); users != nil {
		holds = append(holds, users)
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	return errors.Join(server.Stop(ctx), os.Remove(s.urlPath()), embedded.Remove(context.Background(), run))
}

func (s shared) startServer(run string) (*embedded.Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	return embedded.Start(ctx, embedded.Options{DataDir: run, Binaries: s.Binaries, Settings: settings})
}

// newRun makes the server's data directory and notes where it is.
func (s shared) newRun() (string, error) {
	base := s.Dir
	if memory := roomyMemory(); memory != "" {
		base = memory
	}
	run, err := os.MkdirTemp(base, "sstest-run-")
	if err != nil {
		return "", err
	}
	return run, os.WriteFile(s.runPath(), []byte(run), 0o600)
}

// removeOldRun removes what a supervisor that was killed left behind, whose server may
// still be shutting down.
func (s shared) removeOldRun() error {
	run, err := os.ReadFile(s.runPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	if err := embedded.Remove(ctx, string(run)); err != nil {
		return fmt.Errorf("removing the data of an earlier test server: %w", err)
	}
	return nil
}

// untilUnused waits until no binary holds the server and no go command that ran one
// is alive, and returns the lock that keeps new ones out. It returns nil when the
// server ends by itself.
func (s shared) untilUnused(server *embedded.Server) *filelock.Lock {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-server.Done()
		cancel()
	}()
	tick := time.NewTicker(lingerPeriod)
	defer tick.Stop()
	var idleSince time.Time
	for {
		asked := time.Now()
		users, err := filelock.Exclusive(ctx, s.usersLock())
		if err != nil {
			return nil
		}
		now := time.Now()
		if idleSince.IsZero() || now.Sub(asked) > lingerPeriod { // there were users in between
			idleSince = now
		}
		if !s.moreToCome() || now.Sub(idleSince) > lingerMost {
			return users
		}
		users.Release()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
