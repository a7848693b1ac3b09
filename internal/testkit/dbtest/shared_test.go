//go:build linux || darwin

package dbtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/smoothschedule/smoothschedule/internal/postgres/embedded"
	"github.com/smoothschedule/smoothschedule/internal/postgres/filelock"
)

// roleVariable makes the test binary one of the processes of these tests.
const roleVariable = "SMOOTHSCHEDULE_DBTEST_TEST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

// roles read their directory from the command line, report one line, and end when
// their standard input does.
var roles = map[string]func() error{
	"user":   userOfServer,
	"runner": runnerOfUser,
	"join": func() error {
		_, err := join(context.Background())
		return err
	},
}

// userOfServer is a test binary that uses the server.
func userOfServer() error {
	ctx := context.Background()
	binaries, err := embedded.FindBinaries(ctx, nil)
	if err != nil {
		return err
	}
	s := shared{Dir: os.Args[1], Binaries: binaries}
	hold, url, err := s.join(ctx)
	if err != nil {
		return err
	}
	holds = append(holds, hold)
	fmt.Println("url", url)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// runnerOfUser is a go command that runs one user, which ends at once.
func runnerOfUser() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Env = append(os.Environ(), roleVariable+"=user")
	out, err := cmd.Output()
	fmt.Print(string(out))
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// process is one in such a role.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout io.Reader
	url    string
}

// run starts a process and waits for its report.
func run(t *testing.T, program, role, dir string) *process {
	t.Helper()
	p := begin(t, program, role, dir)
	require.NoError(t, p.readURL())
	return p
}

func begin(t *testing.T, program, role, dir string) *process {
	t.Helper()
	cmd := exec.Command(program, dir)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &process{t: t, cmd: cmd, stdin: stdin, stdout: stdout}
	t.Cleanup(p.kill)
	return p
}

func (p *process) readURL() error {
	line, err := bufio.NewReader(p.stdout).ReadString('\n')
	if err != nil {
		return err
	}
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "url ")
	if !ok {
		return errors.New(line)
	}
	p.url = url
	return nil
}

func (p *process) end() {
	require.NoError(p.t, p.stdin.Close())
	require.NoError(p.t, p.cmd.Wait())
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()
}

func self(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	return program
}

// privateShared is a directory for a server of the test's own.
func privateShared(t *testing.T) shared {
	t.Helper()
	s, err := newShared()
	require.NoError(t, err)
	t.Cleanup(func() {
		s.requireStopped(t)
		require.NoError(t, os.RemoveAll(s.Dir))
	})
	return s
}

// newShared is outside of t.TempDir, which the server's account cannot enter if this
// is root.
func newShared() (shared, error) {
	base, err := reachableTemp()
	if err != nil {
		return shared{}, err
	}
	dir, err := os.MkdirTemp(base, "sstest-own-")
	if err != nil {
		return shared{}, err
	}
	s := shared{Dir: dir}
	return s, s.prepare()
}

// requireStopped waits until there is no supervisor, and so no server.
func (s shared) requireStopped(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	lock, err := filelock.Exclusive(ctx, s.supervisorLock())
	require.NoError(t, err, "the supervisor is alive")
	require.NoError(t, lock.Release())
}

func requireAnswers(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

func TestBinariesShareOneServer(t *testing.T) {
	t.Parallel()
	s := privateShared(t)
	first := run(t, self(t), "user", s.Dir)
	second := run(t, self(t), "user", s.Dir)
	require.Equal(t, first.url, second.url)
	first.end()
	requireAnswers(t, second.url)
	second.end()
	s.requireStopped(t)
	_, err := pgx.Connect(t.Context(), second.url)
	require.Error(t, err)
}

func TestBinariesThatStartTogetherShareOneServer(t *testing.T) {
	t.Parallel()
	s := privateShared(t)
	var group errgroup.Group
	processes := make([]*process, 3)
	for i := range processes {
		processes[i] = begin(t, self(t), "user", s.Dir)
		group.Go(processes[i].readURL)
	}
	require.NoError(t, group.Wait())
	for _, p := range processes {
		require.Equal(t, processes[0].url, p.url)
		requireAnswers(t, p.url)
	}
	for _, p := range processes {
		p.end()
	}
	s.requireStopped(t)
}

func TestKilledBinaryLeavesNothing(t *testing.T) {
	t.Parallel()
	s := privateShared(t)
	run(t, self(t), "user", s.Dir).kill()
	s.requireStopped(t)
}

// postmaster returns the pids of the server and of its supervisor.
func (s shared) postmaster(t *testing.T) (server, supervisor int) {
	t.Helper()
	run, err := os.ReadFile(s.runPath())
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(string(run), "cluster", "postmaster.pid"))
	require.NoError(t, err)
	line, _, _ := strings.Cut(string(text), "\n")
	server, err = strconv.Atoi(line)
	require.NoError(t, err)
	out, err := exec.Command("ps", "-o", "ppid=", "-p", line).Output()
	require.NoError(t, err)
	supervisor, err = strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(t, err)
	return server, supervisor
}

func TestServerIsReplacedAfterACrash(t *testing.T) {
	t.Parallel()
	for name, strike := range map[string]func(server, supervisor int) error{
		"of the server":     func(server, _ int) error { return syscall.Kill(server, syscall.SIGQUIT) },
		"of the supervisor": func(_, supervisor int) error { return syscall.Kill(supervisor, syscall.SIGKILL) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := privateShared(t)
			first := run(t, self(t), "user", s.Dir)
			require.NoError(t, strike(s.postmaster(t)))
			second := run(t, self(t), "user", s.Dir)
			requireAnswers(t, second.url)
			first.end()
			second.end()
		})
	}
}

func TestServerOutlivesPausesOfAGoCommand(t *testing.T) {
	t.Parallel()
	s := privateShared(t)
	program := filepath.Join(t.TempDir(), "go")
	// Not by this process: a child that another test starts meanwhile would inherit the
	// open file, and a program that is open for writing cannot be started.
	require.NoError(t, exec.Command("cp", self(t), program).Run())

	runner := run(t, program, "runner", s.Dir)
	requireAnswers(t, runner.url) // though its user has ended
	next := run(t, self(t), "user", s.Dir)
	require.Equal(t, runner.url, next.url)
	next.end()
	runner.end()
	s.requireStopped(t)
}

func TestMissingServerSaysWhatToDo(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(self(t))
	cmd.Env = append(os.Environ(), roleVariable+"=join", embedded.BinDirVariable+"=/nonexistent", URLVariable+"=")
	out, err := cmd.Output()
	require.Error(t, err)
	require.Contains(t, string(out), embedded.BinDirVariable)
}

func TestDirectoryOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Symlink(dir, filepath.Join(dir, "link")))
	require.ErrorContains(t, shared{Dir: filepath.Join(dir, "link")}.prepare(), "belongs to somebody else")
}

func TestIsGoCommand(t *testing.T) {
	t.Parallel()
	require.False(t, isGoCommand(os.Getpid()))
	require.False(t, isGoCommand(1<<30))
}

func TestCrashedSupervisorIsReported(t *testing.T) {
	t.Parallel()
	s := shared{Dir: t.TempDir()}
	require.NoError(t, os.WriteFile(s.logPath(), []byte("panic: oh"), 0o600))
	_, err := s.readReport("")
	require.ErrorContains(t, err, "panic: oh")
	_, err = s.readReport("error no space left")
	require.EqualError(t, err, "no space left")
}
