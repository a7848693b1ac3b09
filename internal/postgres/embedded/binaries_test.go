package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// installation makes a directory of server programs that say they are version.
func installation(t *testing.T, dir, version string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for _, program := range []string{"postgres", "initdb"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, program), []byte("postgres (PostgreSQL) "+version+"\n"), 0o755))
	}
	return dir
}

func versionInFile(_ context.Context, dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "postgres"))
	return string(text), err
}

func noFetch(context.Context) (string, error) { return "", errors.New("no network") }

func TestFindChoosesTheHighestVersion(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	installation(t, filepath.Join(base, "lib/9.6/bin"), "9.6.24")
	installation(t, filepath.Join(base, "lib/15/bin"), "15.18 (Debian 15.18-0+deb12u1)")
	want := installation(t, filepath.Join(base, "brew/17/bin"), "17.2 (Homebrew)")
	onPath := installation(t, filepath.Join(base, "path"), "16.1")
	got, err := binarySearch{
		places:  []string{filepath.Join(base, "lib/*/bin"), filepath.Join(base, "brew/*/bin"), filepath.Join(base, "none/*")},
		path:    []string{"", "/nonexistent", onPath},
		version: versionInFile,
		fetch:   noFetch,
	}.find(t.Context())
	require.NoError(t, err)
	require.Equal(t, Binaries{Dir: want, Version: "17.2", Major: 17}, got)
}

func TestFindPrefersTheExplicitDirectory(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	newer := installation(t, filepath.Join(base, "newer"), "18.1")
	explicit := installation(t, filepath.Join(base, "explicit"), "15.2")
	got, err := binarySearch{explicit: explicit, path: []string{newer}, version: versionInFile, fetch: noFetch}.find(t.Context())
	require.NoError(t, err)
	require.Equal(t, explicit, got.Dir)
}

func TestFindRefusesABadExplicitDirectory(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	old := installation(t, filepath.Join(base, "old"), "14.9")
	odd := installation(t, filepath.Join(base, "odd"), "devel")
	half := installation(t, filepath.Join(base, "half"), "15.2")
	require.NoError(t, os.Remove(filepath.Join(half, "initdb")))
	good := installation(t, filepath.Join(base, "good"), "17.0")
	for dir, want := range map[string]string{
		old:            "PostgreSQL 14.9, version 15 or newer",
		odd:            "not understood",
		half:           "no initdb",
		"/nonexistent": "no postgres",
	} {
		_, err := binarySearch{explicit: dir, path: []string{good}, version: versionInFile, fetch: noFetch}.find(t.Context())
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, BinDirVariable)
	}
}

func TestFindFetchesWhenNothingFits(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	old := installation(t, filepath.Join(base, "old"), "14.9")
	fetched := installation(t, filepath.Join(base, "fetched"), "18.4")
	got, err := binarySearch{
		path: []string{old}, version: versionInFile,
		fetch: func(context.Context) (string, error) { return fetched, nil },
	}.find(t.Context())
	require.NoError(t, err)
	require.Equal(t, Binaries{Dir: fetched, Version: "18.4", Major: 18}, got)
}

func TestFindSaysWhatToDo(t *testing.T) {
	t.Parallel()
	old := installation(t, filepath.Join(t.TempDir(), "old"), "14.9")
	_, err := binarySearch{path: []string{old}, version: versionInFile, fetch: noFetch}.find(t.Context())
	require.ErrorIs(t, err, ErrNoBinaries)
	for _, want := range []string{"install PostgreSQL", BinDirVariable, "no network", "14.9"} {
		require.ErrorContains(t, err, want)
	}
}

func TestParseVersion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Binaries{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n": {Version: "15.18", Major: 15},
		"postgres (PostgreSQL) 17.2\n":                           {Version: "17.2", Major: 17},
		"postgres (PostgreSQL) 19devel\n":                        {Version: "19devel", Major: 19},
		"postgres (PostgreSQL) 9.6.24":                           {Version: "9.6.24", Major: 9},
	} {
		version, major, err := parseVersion(text)
		require.NoError(t, err)
		require.Equal(t, want, Binaries{Version: version, Major: major})
	}
	for _, text := range []string{"", "postgres", "psql (EnterpriseDB) x"} {
		_, _, err := parseVersion(text)
		require.Error(t, err, text)
	}
}

func TestFindBinariesOfThisMachine(t *testing.T) {
	t.Parallel()
	got, err := FindBinaries(t.Context(), nil)
	require.NoError(t, err)
	require.GreaterOrEqual(t, got.Major, MinMajor)
}
