//go:build linux || darwin

package postgres

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// parentVariable makes the test binary one of the parents that tests kill: its value
// is the name of a function in parents.
const parentVariable = "SMOOTHSCHEDULE_POSTGRES_TEST_PARENT"

func TestMain(m *testing.M) {
	if name := os.Getenv(parentVariable); name != "" {
		if err := parents[name](os.Args[1:]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		select {} // until killed
	}
	code := m.Run()
	stopCommonServer()
	os.Exit(code)
}

// parent is the command of such a parent.
func parent(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), parentVariable+"="+name)
	return cmd
}

// newDir is an empty directory that the server's account can enter, unlike the one
// of t.TempDir when this is root.
func newDir() (string, error) {
	base := os.TempDir()
	if CheckReachable(base) != nil {
		base = "/var/tmp"
	}
	dir, err := os.MkdirTemp(base, "sspg-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o711)
}

func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := newDir()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// quick is a test server's settings: its data need not survive.
var quick = map[string]string{"fsync": "off", "max_connections": "50"}

func quickOptions(ctx context.Context, dataDir string) (Options, error) {
	binaries, err := FindBinaries(ctx, nil)
	return Options{DataDir: dataDir, Binaries: binaries, Settings: quick}, err
}

// common is a server for the tests that only need some database.
var common struct {
	sync.Mutex
	server *Server
	dir    string
	count  int
}

// emptyDatabase returns the superuser's URL of a new database.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	common.Lock()
	defer common.Unlock()
	if common.server == nil {
		dir, err := newDir()
		require.NoError(t, err)
		common.dir = dir
		options, err := quickOptions(t.Context(), filepath.Join(dir, "data"))
		require.NoError(t, err)
		common.server, err = Start(t.Context(), options)
		require.NoError(t, err)
	}
	common.count++
	name := fmt.Sprintf("test%d", common.count)
	db, err := openSQL(common.server.URL("postgres"))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	return common.server.URL(name)
}

func stopCommonServer() {
	if common.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = common.server.Stop(ctx)
	}
	if common.dir != "" {
		_ = os.RemoveAll(common.dir)
	}
}
