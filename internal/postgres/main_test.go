//go:build linux || darwin

package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/postgres/embedded"
)

// shared is the server on which all tests of the package make their databases.
var shared struct {
	sync.Mutex
	server    *embedded.Server
	dir       string
	databases int
}

func TestMain(m *testing.M) {
	code := m.Run()
	stopSharedServer()
	os.Exit(code)
}

// emptyDatabase returns the superuser's URL of a new database.
func emptyDatabase(t *testing.T) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		startSharedServer(t)
	}
	shared.databases++
	name := fmt.Sprintf("test%d", shared.databases)
	db, err := openSQL(shared.server.URL("postgres"))
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE DATABASE "+name)
	require.NoError(t, err)
	return shared.server.URL(name)
}

func startSharedServer(t *testing.T) {
	t.Helper()
	base := os.TempDir()
	if embedded.CheckReachable(base) != nil {
		base = "/var/tmp"
	}
	var err error
	shared.dir, err = os.MkdirTemp(base, "sspg-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(shared.dir, 0o711)) // for the server's account
	binaries, err := embedded.FindBinaries(t.Context(), nil)
	require.NoError(t, err)
	shared.server, err = embedded.Start(t.Context(), embedded.Options{
		DataDir: filepath.Join(shared.dir, "data"), Binaries: binaries,
		Settings: map[string]string{"fsync": "off", "max_connections": "50"},
	})
	require.NoError(t, err)
}

func stopSharedServer() {
	if shared.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = shared.server.Stop(ctx)
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
}
