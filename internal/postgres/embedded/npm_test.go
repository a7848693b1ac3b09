package embedded

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryPlatformIsPinned(t *testing.T) {
	t.Parallel()
	for _, platform := range [][2]string{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}} {
		integrity := packageIntegrity[npmPlatform(platform[0], platform[1])]
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(integrity, "sha512-"))
		require.NoError(t, err)
		require.Len(t, sum, 64, platform)
	}
}

func TestPackageOfAnUnknownPlatform(t *testing.T) {
	t.Parallel()
	_, err := npmPackage{cache: t.TempDir(), platform: "plan9-mips", log: slog.New(slog.DiscardHandler)}.binDir(t.Context())
	require.ErrorContains(t, err, "plan9-mips")
}

func TestPackageInTheCacheIsUsed(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	want := installation(t, filepath.Join(cache, "postgresql-"+packageVersion+"-linux-x64", "native", "bin"), "18.4")
	got, err := npmPackage{cache: cache, platform: "linux-x64", log: slog.New(slog.DiscardHandler)}.binDir(t.Context())
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestCheckIntegrity(t *testing.T) {
	t.Parallel()
	const abc = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw=="
	require.NoError(t, checkIntegrity(strings.NewReader("abc"), abc))
	require.ErrorContains(t, checkIntegrity(strings.NewReader("abd"), abc), "not the pinned one")
}

// archive makes an npm archive; a name with a trailing "*" is executable.
func archive(t *testing.T, files map[string]string) *bytes.Buffer {
	t.Helper()
	var buffer bytes.Buffer
	zw := gzip.NewWriter(&buffer)
	tw := tar.NewWriter(zw)
	for name, content := range files {
		mode := int64(0o644)
		if strings.HasSuffix(name, "*") {
			mode = 0o755
		}
		require.NoError(t, tw.WriteHeader(&tar.Header{Name: strings.TrimSuffix(name, "*"), Mode: mode, Size: int64(len(content)), Typeflag: tar.TypeReg}))
		_, err := tw.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, tw.Close())
	require.NoError(t, zw.Close())
	return &buffer
}

func TestUnpackPackage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, unpackPackage(archive(t, map[string]string{
		"package/native/bin/postgres*":     "program",
		"package/native/lib/libpq.so.5.18": "library",
		"package/native/pg-symlinks.json":  `[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]`,
	}), dir))
	info, err := os.Stat(filepath.Join(dir, "package/native/bin/postgres"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o755), info.Mode())
	link, err := os.Readlink(filepath.Join(dir, "package/native/lib/libpq.so.5"))
	require.NoError(t, err)
	require.Equal(t, "libpq.so.5.18", link)
}

func TestUnpackPackageStaysInside(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"file": {"package/../../outside": "x", "package/native/pg-symlinks.json": "[]"},
		"link": {"package/native/pg-symlinks.json": `[{"source":"native/x","target":"../../outside"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "in")
			require.NoError(t, os.Mkdir(dir, 0o755))
			require.Error(t, unpackPackage(archive(t, files), dir))
			require.NoFileExists(t, filepath.Join(dir, "..", "outside"))
		})
	}
}
