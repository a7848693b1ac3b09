//go:build linux || darwin

package embedded

import (
	"bufio"
	"context"
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

	"github.com/smoothschedule/smoothschedule/internal/postgres/filelock"
)

// startIn starts a server that is stopped when the test is over.
func startIn(t *testing.T, dataDir string) *Server {
	t.Helper()
	options, err := quickOptions(t.Context(), dataDir)
	require.NoError(t, err)
	s, err := Start(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(t, s.Stop(ctx))
}

func one(t *testing.T, s *Server, query string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL("postgres"))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var text string
	require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&text))
	return text
}

// untilLockIsFree waits until no process of a server works on the directory.
func untilLockIsFree(t *testing.T, dataDir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	lock, err := filelock.Exclusive(ctx, filepath.Join(dataDir, "lock"))
	require.NoError(t, err, "a server process is still alive")
	require.NoError(t, lock.Release())
}

func TestStartStopAndStartAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "new", "data")
	first := startIn(t, dir)
	require.Equal(t, "UTF8", one(t, first, "SHOW server_encoding"))
	require.Equal(t, "on", one(t, first, "SHOW data_checksums"))
	require.Equal(t, "UTC", one(t, first, "SHOW timezone"))
	require.Equal(t, "off", one(t, first, "SHOW fsync"))
	require.Empty(t, one(t, first, "SHOW listen_addresses"))
	require.Equal(t, "é", one(t, first, "SELECT lower('É')"))
	require.Equal(t, "4711", one(t, first, "SELECT lo_from_bytea(4711, 'kept')::text"))
	stop(t, first)
	stop(t, first) // is fine

	second := startIn(t, dir)
	require.Equal(t, "kept", one(t, second, "SELECT convert_from(lo_get(4711), 'UTF8')"))
}

func TestServerIsPrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "data")
	startIn(t, dir)
	for _, name := range []string{"socket", "cluster"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), name)
	}
}

func TestSecondStartIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "data")
	s := startIn(t, dir)
	options, err := quickOptions(t.Context(), dir)
	require.NoError(t, err)
	_, err = Start(t.Context(), options)
	var inUse *InUseError
	require.ErrorAs(t, err, &inUse)
	require.Equal(t, s.PID(), inUse.PID)
	require.ErrorContains(t, err, "already running (pid "+strconv.Itoa(s.PID())+")")
	require.ErrorContains(t, err, DataDirVariable)
	require.ErrorAs(t, Remove(t.Context(), dir), &inUse)
	require.Equal(t, "1", one(t, s, "SELECT '1'"), "the first server lives on")
}

func TestStalePIDFileDoesNotBlock(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "data")
	s := startIn(t, dir)
	text, err := os.ReadFile(pidFilePath(filepath.Join(dir, "cluster")))
	require.NoError(t, err)
	stop(t, s)
	// As if the machine had crashed and an unrelated process had the pid by now.
	_, rest, _ := strings.Cut(string(text), "\n")
	stale := strconv.Itoa(os.Getpid()) + "\n" + rest
	require.NoError(t, os.WriteFile(pidFilePath(filepath.Join(dir, "cluster")), []byte(stale), 0o600))
	startIn(t, dir)
}

func TestKilledServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "data")
	s := startIn(t, dir)
	require.NoError(t, s.process.Kill())
	<-s.Done()
	stop(t, s) // is fine
	startIn(t, dir)
}

func TestStopInAHurry(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "data")
	s := startIn(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); err != nil { // it may have been quick enough
		require.ErrorIs(t, err, context.Canceled)
	}
	<-s.Done()
	startIn(t, dir)
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), strings.Repeat("long", 30), "data")
	s := startIn(t, dir)
	require.Equal(t, "1", one(t, s, "SELECT '1'"))
	require.NotContains(t, s.socketDir, dir)
	stop(t, s)
	require.NoError(t, Remove(t.Context(), dir))
	require.NoDirExists(t, s.socketDir)
	require.NoDirExists(t, dir)
}

func TestSocketDirectoryOfSomebodyElseIsRefused(t *testing.T) {
	t.Parallel()
	account, err := serverAccount()
	require.NoError(t, err)
	l := layout{dir: tempDir(t), account: account}
	require.NoError(t, os.Mkdir(l.socketDir(), 0o755))
	require.NoError(t, os.Chmod(l.socketDir(), 0o777))
	require.ErrorContains(t, l.prepareSocketDir(), "not a private directory")
}

func TestDirectoryWithOtherThingsIsRefused(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o600))
	options, err := quickOptions(t.Context(), dir)
	require.NoError(t, err)
	_, err = Start(t.Context(), options)
	require.ErrorContains(t, err, "not empty")
	require.Error(t, Remove(t.Context(), dir))
	require.FileExists(t, filepath.Join(dir, "thesis.tex"))
}

func TestClusterOfAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "data")
	stop(t, startIn(t, dir))
	options, err := quickOptions(t.Context(), dir)
	require.NoError(t, err)
	options.Binaries.Major++
	_, err = Start(t.Context(), options)
	require.ErrorContains(t, err, "was made by PostgreSQL")
	require.ErrorContains(t, err, BinDirVariable)
}

func TestServerThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "data")
	options, err := quickOptions(t.Context(), dir)
	require.NoError(t, err)
	options.Settings = map[string]string{"fsync": "off", "shared_buffers": "a lot"}
	_, err = Start(t.Context(), options)
	require.ErrorContains(t, err, "shared_buffers")
	startIn(t, dir)
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "data")
	options, err := quickOptions(t.Context(), dir)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Start(ctx, options)
	require.ErrorIs(t, err, context.Canceled)
	startIn(t, dir) // nothing was left half-made
}

func TestRemove(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "data")
	require.NoError(t, Remove(t.Context(), dir), "nothing is there")
	stop(t, startIn(t, dir))
	require.NoError(t, Remove(t.Context(), dir))
	require.NoDirExists(t, dir)
}

// parents are the bodies of processes that tests kill.
var parents = map[string]func(args []string) error{
	"server":   parentOfServer,
	"watchdog": parentOfWatchedProcess,
}

func parentOfServer(args []string) error {
	options, err := quickOptions(context.Background(), args[0])
	if err != nil {
		return err
	}
	s, err := Start(context.Background(), options)
	if err != nil {
		return err
	}
	fmt.Println("pid", s.PID())
	return nil
}

func parentOfWatchedProcess([]string) error {
	cmd := exec.Command("sleep", "600")
	cmd.ExtraFiles = []*os.File{os.NewFile(3, "life")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	syscall.CloseOnExec(3)
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := watchdog(&Server{process: cmd.Process, done: make(chan struct{})}); err != nil {
		return err
	}
	fmt.Println("pid", cmd.Process.Pid)
	return nil
}

// startParent starts such a process and returns the pid that it reports.
func startParent(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // the test may have done it
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "pid ")))
	require.NoError(t, err, line)
	return pid
}

func TestServerEndsWithAKilledParent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "data")
	cmd := parent(t, "server", dir)
	pid := startParent(t, cmd)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	untilLockIsFree(t, dir)
	require.False(t, processMentions(pid, dir))
	text, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
	require.NoError(t, err)
	require.Contains(t, string(text), "database system is shut down", "it was a clean shutdown")
}

func TestStartRightAfterAKilledParent(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(tempDir(t), "data")
	cmd := parent(t, "server", dir)
	startParent(t, cmd)
	require.NoError(t, cmd.Process.Kill())
	startIn(t, dir)
}

func TestWatchdogEndsTheProcess(t *testing.T) {
	t.Parallel()
	life, write, err := os.Pipe()
	require.NoError(t, err)
	defer life.Close()
	cmd := parent(t, "watchdog")
	cmd.ExtraFiles = []*os.File{write}
	startParent(t, cmd)
	write.Close()
	require.NoError(t, cmd.Process.Kill())
	require.NoError(t, life.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = life.Read(make([]byte, 1)) // ends when no process holds the other end
	require.ErrorIs(t, err, io.EOF)
}

func TestWatchdogEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "600")
	require.NoError(t, cmd.Start())
	s := &Server{process: cmd.Process, done: make(chan struct{})}
	require.NoError(t, watchdog(s))
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	close(s.done)
}

func TestReach(t *testing.T) {
	t.Parallel()
	open := tempDir(t)
	closed := filepath.Join(open, "closed")
	require.NoError(t, os.Mkdir(closed, 0o700))
	other := account{name: "somebody", uid: 54321, gid: 54321, switched: true}
	require.NoError(t, other.reach(filepath.Join(open, "missing", "data")))
	err := other.reach(filepath.Join(closed, "missing", "data"))
	require.ErrorContains(t, err, "somebody may not enter "+closed)
	require.NoError(t, account{}.reach(closed), "only a switched account needs the check")
}
