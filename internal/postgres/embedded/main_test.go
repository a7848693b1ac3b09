//go:build linux || darwin

package embedded

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// parentVariable makes the test binary one of the parent processes that tests kill: its
// value is the name of a function in parents.
const parentVariable = "SMOOTHSCHEDULE_POSTGRES_TEST_PARENT"

func TestMain(m *testing.M) {
	if name := os.Getenv(parentVariable); name != "" {
		if err := parents[name](os.Args[1:]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		select {} // until killed
	}
	os.Exit(m.Run())
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

// tempDir is an empty directory that the server's account can enter, unlike the one
// of t.TempDir when the tests run as root.
func tempDir(t *testing.T) string {
	t.Helper()
	base := os.TempDir()
	if CheckReachable(base) != nil {
		base = "/var/tmp"
	}
	dir, err := os.MkdirTemp(base, "sspg-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o711))
	return dir
}

// quick is a test server's settings: its data need not survive.
var quick = map[string]string{"fsync": "off", "max_connections": "50"}

func quickOptions(ctx context.Context, dataDir string) (Options, error) {
	binaries, err := FindBinaries(ctx, nil)
	return Options{DataDir: dataDir, Binaries: binaries, Settings: quick}, err
}
