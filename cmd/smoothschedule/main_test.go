package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// programDir is where program has put the binary, or empty.
var programDir string

// program builds the binary once for all tests.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "smoothschedule-test-")
	if err != nil {
		return "", err
	}
	programDir = dir
	path := filepath.Join(dir, "smoothschedule")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: string(out), Err: err}
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if programDir != "" {
		os.RemoveAll(programDir)
	}
	os.Exit(code)
}

// instance is a running `smoothschedule dev` or `serve`.
type instance struct {
	addr    string
	process *exec.Cmd
	log     string // file with what it printed
	exited  chan error
}

func (i *instance) printed(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(i.log)
	require.NoError(t, err)
	return string(text)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// dataDir returns a directory that the user of the database can access; parents of t.TempDir are private.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "smoothschedule-data-") //nolint:usetesting // see above
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func start(t *testing.T, dir string) *instance {
	t.Helper()
	return launch(t, "dev", "SMOOTHSCHEDULE_DATA_DIR="+dir)
}

// startServer runs `serve` on a database with a valid configuration.
func startServer(t *testing.T, databaseURL string, environment ...string) *instance {
	t.Helper()
	return launch(t, "serve", append([]string{
		"SMOOTHSCHEDULE_DATABASE_URL=" + databaseURL, "SMOOTHSCHEDULE_SECRET_KEYS=" + strings.Repeat("A", 43) + "=", "SMOOTHSCHEDULE_TRUSTED_PROXIES=none",
		"SMOOTHSCHEDULE_METRICS_ADDR=none", "SMOOTHSCHEDULE_ACCEPTED_RISKS=database-superuser",
	}, environment...)...)
}

// launch runs a server command and waits until it is ready.
func launch(t *testing.T, command string, environment ...string) *instance {
	t.Helper()
	path, err := program()
	require.NoError(t, err)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer log.Close()
	i := &instance{addr: freeAddr(t), log: log.Name(), exited: make(chan error, 1)}
	i.process = exec.Command(path, command)
	i.process.Env = append(append(os.Environ(), "SMOOTHSCHEDULE_ADDR="+i.addr), environment...)
	i.process.Stdout, i.process.Stderr = log, log
	require.NoError(t, i.process.Start())
	go func() { i.exited <- i.process.Wait() }()
	t.Cleanup(func() { _ = i.process.Process.Kill() })
	require.Eventually(t, func() bool { return i.get("/readyz") == http.StatusOK || len(i.exited) > 0 }, time.Minute, 20*time.Millisecond)
	require.Empty(t, i.exited, "it stopped: %s", i.printed(t))
	return i
}

func (i *instance) get(path string) int {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+i.addr+path, nil)
	if err != nil {
		return 0
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

func (i *instance) stop(t *testing.T, signal syscall.Signal) error {
	t.Helper()
	require.NoError(t, i.process.Process.Signal(signal))
	select {
	case err := <-i.exited:
		return err
	case <-time.After(30 * time.Second):
		require.Fail(t, "it does not stop", i.printed(t))
		return nil
	}
}

// tour returns the commands of the tour in the README, with another address.
func tour(t *testing.T, addr string) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(text), "\n## A tour")
	section, _, _ = strings.Cut(section, "\n## ")
	var script strings.Builder
	script.WriteString("set -u\n")
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		script.WriteString(block[1])
	}
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return strings.ReplaceAll(script.String(), "localhost:8000", "localhost:"+port)
}

// Start, follow the README, stop, start again, kill, start again.
func TestDev_tour(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	first := start(t, dir)
	require.Contains(t, first.printed(t), "new demo businesses")

	out, err := exec.CommandContext(t.Context(), "bash", "-c", tour(t, first.addr)).CombinedOutput()
	// The last command but one counts zero lines, with which grep ends with 1; the last one is what counts.
	require.NoError(t, err, "%s", out)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, want := range []string{
		`"name":"Colour"`, `"name":"Quiet Room"`, `"name":"Alice Anders"`,
		`"start_at":"2030-01-07T14:00:00Z"`, `"status":"CONFIRMED"`, `"start_at":"2030-01-07T15:00:00Z"`,
		`"alternatives":[{"start_at":"2030-01-07T`, `"start_at":"2030-01-07T17:30:00Z"`, `"cancellation_reason":"Alice is ill"`, `"action":"RESCHEDULED"`,
		`{"data":[],"has_more":false,"next_cursor":null}`, `"name":"Experiment"`, `1`, `0`,
		`"name":"Vera"`, `"name":"Vera"`, `"type":"customer.created"`, `"status":"CONFIRMED"`, `"max_resources":{"display_name":"resources","limit":200`,
	} {
		require.Greater(t, len(lines), i, "%s", out)
		require.Contains(t, lines[i], want)
	}

	// The token that is printed works.
	curl := regexp.MustCompile("curl .* 'Authorization: Bearer ss_test_.*'").FindString(first.printed(t))
	out, err = exec.CommandContext(t.Context(), "bash", "-c", curl).Output()
	require.NoError(t, err)
	require.Contains(t, string(out), `"next_cursor":null`)

	// A second instance on the same data directory fails with a clear message.
	path, err := program()
	require.NoError(t, err)
	second := exec.CommandContext(t.Context(), path, "dev")
	second.Env = append(os.Environ(), "SMOOTHSCHEDULE_ADDR="+freeAddr(t), "SMOOTHSCHEDULE_DATA_DIR="+dir)
	out, err = second.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "already running")
	// And one on the same address.
	second = exec.CommandContext(t.Context(), path, "dev")
	second.Env = append(os.Environ(), "SMOOTHSCHEDULE_ADDR="+first.addr, "SMOOTHSCHEDULE_DATA_DIR="+dataDir(t))
	out, err = second.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "SMOOTHSCHEDULE_ADDR")

	require.NoError(t, first.stop(t, syscall.SIGINT), "Ctrl-C is not an error")
	again := start(t, dir)
	require.Contains(t, again.printed(t), "with existing data")
	require.Contains(t, again.printed(t), curl[strings.Index(curl, "ss_test_"):], "sandbox tokens stay readable")
	require.Error(t, again.stop(t, syscall.SIGKILL))
	killed := start(t, dir)
	require.NoError(t, killed.stop(t, syscall.SIGTERM))
}

func TestGates_prints_the_table(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"gates"}, streams{out: &out}))
	golden, err := os.ReadFile("../../internal/gate/testdata/gates.golden")
	require.NoError(t, err)
	require.Equal(t, string(golden), out.String())
}
