package tzdata

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Argentina/ComodRivadavia", "US/Eastern", "Etc/GMT+5", "EST5EDT", "NZ-CHAT"} {
		location, err := Load(name)
		require.NoError(t, err)
		require.Equal(t, name, location.String())
		again, err := Load(name)
		require.NoError(t, err)
		require.Same(t, location, again)
	}
	for _, name := range []string{
		"", "Local", "localtime", "posixrules", "posix/UTC", "right/UTC", "Factory", "Mars/Olympus", "europe/berlin", "EUROPE/BERLIN", " UTC", "UTC\n",
		"Europe", "../etc/localtime", "zone.tab", "+VERSION",
	} {
		_, err := Load(name)
		require.ErrorContains(t, err, "is not the name of a time zone", name)
	}
}

// With a new toolchain this test says what has to be in zones.txt.
func TestNames_AreThoseOfTheToolchain(t *testing.T) {
	t.Parallel()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	require.NoError(t, err)
	defer func() { require.NoError(t, archive.Close()) }()
	var want []string
	for _, file := range archive.File {
		if !strings.HasSuffix(file.Name, "/") && file.Name != "Factory" {
			want = append(want, file.Name)
		}
	}
	slices.Sort(want)
	require.Equal(t, want, Names())
	for _, name := range want {
		_, err := time.LoadLocation(name)
		require.NoError(t, err)
	}
}
