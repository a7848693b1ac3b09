package tzdata

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// zones makes a directory with the probe, and a file that states a version.
func zones(t *testing.T, name, firstLine string) string {
	t.Helper()
	directory := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(directory, "America"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(directory, "America", "New_York"), []byte("TZif"), 0o600))
	if name != "" {
		require.NoError(t, os.WriteFile(filepath.Join(directory, name), []byte(firstLine+"\nmore\n"), 0o600))
	}
	return directory
}

func TestFindLooksWhereGoLooks(t *testing.T) {
	t.Parallel()
	debian, bsd, silent, empty := zones(t, "tzdata.zi", "# version 2025b"), zones(t, "+VERSION", "2024a"), zones(t, "", ""), t.TempDir()
	for name, test := range map[string]struct {
		variable    string
		directories []string
		toolchain   string
		want        Release
	}{
		"the system":                  {"", []string{empty, debian, bsd}, embeddedIn, Release{"2025b", FromSystem}},
		"another system":              {"", []string{bsd}, embeddedIn, Release{"2024a", FromSystem}},
		"a system that does not say":  {"", []string{silent, debian}, embeddedIn, Release{"", FromSystem}},
		"the variable comes first":    {bsd, []string{debian}, embeddedIn, Release{"2024a", FromVariable}},
		"a variable without zones":    {empty, []string{debian}, embeddedIn, Release{"2025b", FromSystem}},
		"an archive":                  {empty + "/zoneinfo.zip", []string{debian}, embeddedIn, Release{"", FromVariable}},
		"the binary":                  {"", []string{empty}, embeddedIn, Release{embeddedVersion, Embedded}},
		"the binary of somebody else": {"", nil, "go1.99.1", Release{"", Embedded}},
	} {
		require.Equal(t, test.want, find(test.variable, test.directories, test.toolchain), name)
	}
	require.Equal(t, "unknown", Release{}.String())
	require.Equal(t, "2025b", Release{Version: "2025b"}.String())
}

// With a new toolchain this test says what has to be written above.
func TestTheEmbeddedVersionIsThatOfTheToolchain(t *testing.T) {
	t.Parallel()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	script, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "update.bash"))
	require.NoError(t, err)
	data := regexp.MustCompile(`(?m)^DATA=(\S+)`).FindSubmatch(script)
	require.Len(t, data, 2)
	require.Equal(t, [2]string{string(data[1]), runtime.Version()}, [2]string{embeddedVersion, embeddedIn})
}
