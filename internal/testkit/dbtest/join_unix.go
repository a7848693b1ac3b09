//go:build linux || darwin

package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/internal/postgres/embedded"
	"github.com/smoothschedule/smoothschedule/internal/postgres/filelock"
)

// settings trade the safety of data that nobody wants to keep for speed, and keep
// everything inside the data directory, so that a crash leaves nothing elsewhere.
var settings = map[string]string{
	"dynamic_shared_memory_type": "mmap",
	"fsync":                      "off",
	"synchronous_commit":         "off",
	"full_page_writes":           "off",
	"autovacuum":                 "off",
	"max_connections":            "400",
	"timezone":                   timeZone,
}

// shared is the directory through which the test binaries of a user find their
// common server.
type shared struct {
	Dir      string
	Binaries embedded.Binaries
}

func (s shared) usersLock() string      { return filepath.Join(s.Dir, "users.lock") }      // shared: a binary that may use the server
func (s shared) startLock() string      { return filepath.Join(s.Dir, "start.lock") }      // exclusive: while looking for or starting it
func (s shared) supervisorLock() string { return filepath.Join(s.Dir, "supervisor.lock") } // exclusive: the supervisor's life
func (s shared) urlPath() string        { return filepath.Join(s.Dir, "url") }             // of the running server
func (s shared) runPath() string        { return filepath.Join(s.Dir, "run") }             // names the data directory of the last server
func (s shared) logPath() string        { return filepath.Join(s.Dir, "supervisor.log") }
func (s shared) parents() string        { return filepath.Join(s.Dir, "parents") } // files named after pids of go commands

// holds keeps this process's shared locks, which must live as long as it does; an
// unreachable one would be closed by the garbage collector.
var holds []*filelock.Lock

// join returns the URL of the shared server's administrative database and keeps the
// server alive until this process ends.
func join(ctx context.Context) (string, error) {
	binaries, err := embedded.FindBinaries(ctx, nil)
	if err != nil {
		return "", err
	}
	s, err := sharedFor(binaries)
	if err != nil {
		return "", err
	}
	hold, url, err := s.join(ctx)
	if err != nil {
		return "", err
	}
	holds = append(holds, hold)
	return url, nil
}

// sharedFor chooses the directory for a server version and settings: the same for
// all checkouts of the project, another one for another user.
func sharedFor(binaries embedded.Binaries) (shared, error) {
	key, err := json.Marshal([]any{binaries, settings})
	if err != nil {
		return shared{}, err
	}
	sum := sha256.Sum256(key)
	name := "sstest-" + strconv.Itoa(os.Geteuid()) + "-" + hex.EncodeToString(sum[:4])
	base, err := reachableTemp()
	if err != nil {
		return shared{}, err
	}
	s := shared{Dir: filepath.Join(base, name), Binaries: binaries}
	return s, s.prepare()
}

// reachableTemp is a temporary directory that the server's account can enter.
func reachableTemp() (string, error) {
	var first error
	for _, dir := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		err := embedded.CheckReachable(dir)
		if err == nil {
			return dir, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}

// prepare makes the directory, and refuses one that another user put there.
func (s shared) prepare() error {
	if err := os.Mkdir(s.Dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(s.Dir)
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to somebody else: remove it, or set TMPDIR to a directory of your own", s.Dir)
	}
	if err := os.Chmod(s.Dir, 0o711); err != nil {
		return err
	}
	if err := os.Mkdir(s.parents(), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// join takes a hold on the server and makes sure that it runs.
func (s shared) join(ctx context.Context) (*filelock.Lock, string, error) {
	hold, err := filelock.Shared(ctx, s.usersLock())
	if err != nil {
		return nil, "", err
	}
	url, err := s.ensureRunning(ctx)
	if err != nil {
		hold.Release()
		return nil, "", err
	}
	return hold, url, nil
}

func (s shared) ensureRunning(ctx context.Context) (string, error) {
	lock, err := filelock.Exclusive(ctx, s.startLock())
	if err != nil {
		return "", err
	}
	defer lock.Release()
	url, err := s.running(ctx)
	if err == nil && url == "" {
		url, err = s.spawn(ctx)
	}
	if err != nil {
		return "", err
	}
	return url, s.registerParent()
}

// running returns the URL of the server, or nothing if there is no supervisor. One
// that does not answer is about to end, because it was killed or its server was;
// running waits for that.
func (s shared) running(ctx context.Context) (string, error) {
	lock, err := filelock.TryExclusive(s.supervisorLock())
	if err == nil {
		return "", lock.Release()
	}
	if !errors.Is(err, filelock.ErrBusy) {
		return "", err
	}
	text, err := os.ReadFile(s.urlPath())
	if err == nil {
		var conn *pgx.Conn
		if conn, err = pgx.Connect(ctx, string(text)); err == nil {
			return string(text), conn.Close(ctx)
		}
	}
	lock, lockErr := filelock.Exclusive(ctx, s.supervisorLock())
	if lockErr != nil {
		return "", errors.Join(err, lockErr)
	}
	return "", lock.Release()
}

// spawn starts a supervisor and waits for its report.
func (s shared) spawn(ctx context.Context) (string, error) {
	if err := s.forgetParents(); err != nil {
		return "", err
	}
	order, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer log.Close()
	report, write, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer report.Close()
	cmd := exec.Command(program)
	cmd.Args = []string{supervisorName}
	cmd.Env = append(os.Environ(), supervisorVariable+"="+string(order))
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{write}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	write.Close()
	if err != nil {
		return "", fmt.Errorf("starting the supervisor: %w", err)
	}
	go func() { _ = cmd.Wait() }() // reaps it, should it end before this process
	defer context.AfterFunc(ctx, func() { report.Close() })()
	text, err := io.ReadAll(report)
	if err != nil {
		return "", fmt.Errorf("waiting for the supervisor: %w", errors.Join(ctx.Err(), err))
	}
	return s.readReport(string(text))
}

// readReport understands what supervise wrote: "url " and the URL, or "error " and
// a text, or nothing if it crashed.
func (s shared) readReport(text string) (string, error) {
	if url, ok := strings.CutPrefix(text, "url "); ok {
		return url, nil
	}
	if problem, ok := strings.CutPrefix(text, "error "); ok {
		return "", errors.New(problem)
	}
	log, _ := os.ReadFile(s.logPath()) // without it, the path has to do
	return "", fmt.Errorf("the supervisor crashed, its log is %s: %s", s.logPath(), log)
}
