//go:build linux || darwin

package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/postgres/filelock"
)

func start(ctx context.Context, o Options) (*Server, error) {
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return nil, err
	}
	account, err := serverAccount()
	if err != nil {
		return nil, err
	}
	l := layout{dir: dir, account: account}
	if err := account.reach(o.Binaries.Dir); err != nil {
		return nil, fmt.Errorf("%w with %s", err, BinDirVariable)
	}
	if err := l.prepare(); err != nil {
		return nil, err
	}
	lock, err := l.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.Release() // the server holds the lock from here on
	if err := l.clearStalePIDFile(); err != nil {
		return nil, err
	}
	if err := l.ensureCluster(ctx, o, lock); err != nil {
		return nil, err
	}
	if err := l.prepareSocketDir(); err != nil {
		return nil, err
	}
	s, err := l.launch(o, lock)
	if err != nil {
		return nil, err
	}
	return s, l.untilReady(ctx, s)
}

// launch starts the server process, which inherits the lock.
func (l layout) launch(o Options, lock *filelock.Lock) (*Server, error) {
	log, err := os.OpenFile(l.logPath(), os.O_CREATE|os.O_TRUNC|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := l.command(o.Binaries, "postgres", l.serverArgs(o.Settings)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lock.File()}

	s := &Server{socketDir: l.socketDir(), done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel signals the child when the thread that forked it ends, so this
		// thread must serve nobody else until the child has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in the log
			close(s.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	s.process = cmd.Process
	if err := guard(s); err != nil {
		s.signal(os.Kill)
		<-s.done
		return nil, err
	}
	return s, nil
}

func (l layout) serverArgs(extra map[string]string) []string {
	settings := map[string]string{
		"timezone":     "UTC",
		"log_timezone": "UTC",
	}
	maps.Copy(settings, extra)
	maps.Copy(settings, map[string]string{
		"listen_addresses":        "",
		"port":                    socketPort,
		"unix_socket_directories": l.socketDir(),
		"unix_socket_permissions": "0700",
		"logging_collector":       "off",
	})
	args := []string{"-D", l.cluster()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// untilReady waits for the server to say that it is ready in its own pid file. A
// connection would be no proof, since another server could answer it. A server that
// does not get there is stopped.
func (l layout) untilReady(ctx context.Context, s *Server) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		p, err := readPIDFile(l.cluster())
		if err == nil && p.PID == s.process.Pid && p.Status == "ready" {
			return nil
		}
		select {
		case <-s.done:
			text, _ := os.ReadFile(l.logPath()) // without it, that it ended has to do
			return errors.New("the server ended: " + lastLines(text, 10))
		case <-ctx.Done():
			_ = s.Stop(ctx) // which has ended, as the next line reports
			return fmt.Errorf("the server is not ready yet, its log is %s: %w", l.logPath(), ctx.Err())
		case <-tick.C:
		}
	}
}

// runBound runs a command to its end on a thread of its own, for the reason given in
// launch, and returns what it printed.
func runBound(ctx context.Context, cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	result := make(chan error, 1)
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			result <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	select {
	case err := <-result:
		return out.Bytes(), err
	case <-ctx.Done():
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its children too; it may have ended by itself
		err := <-result                                     // before out is looked at
		return out.Bytes(), errors.Join(ctx.Err(), err)
	}
}

// processMentions reports whether the process exists and has text in its arguments.
func processMentions(pid int, text string) bool {
	args, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		// No /proc here, or no such process.
		args, err = exec.Command("ps", "-ww", "-o", "args=", "-p", strconv.Itoa(pid)).Output()
	}
	return err == nil && strings.Contains(string(args), text)
}
