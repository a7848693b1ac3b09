//go:build linux || darwin

package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/smoothschedule/smoothschedule/internal/postgres/filelock"
)

// ensureCluster creates the cluster if there is none, and checks that the one there
// is was made by the same major version.
func (l layout) ensureCluster(ctx context.Context, o Options, lock *filelock.Lock) error {
	text, err := os.ReadFile(filepath.Join(l.cluster(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		o.Log.Info("creating the database cluster", "directory", l.dir, "version", o.Binaries.Version)
		return l.initdb(ctx, o, lock)
	}
	if err != nil {
		return err
	}
	if made := strings.TrimSpace(string(text)); made != strconv.Itoa(o.Binaries.Major) {
		return fmt.Errorf("the database in %s was made by PostgreSQL %s and %s is version %d: set %s to the programs of version %s, "+
			"or set %s to another directory", l.dir, made, o.Binaries.Dir, o.Binaries.Major, BinDirVariable, made, DataDirVariable)
	}
	return nil
}

// initdb works in a directory of another name and renames it at the end, so that a
// cluster is complete or absent. It holds the lock itself, like the server.
func (l layout) initdb(ctx context.Context, o Options, lock *filelock.Lock) error {
	if err := os.RemoveAll(l.unborn()); err != nil {
		return err
	}
	if err := os.Mkdir(l.unborn(), 0o700); err != nil {
		return err
	}
	if err := l.account.own(l.unborn()); err != nil {
		return err
	}
	args := append([]string{
		"--pgdata=" + l.unborn(), "--username=" + Superuser, "--encoding=UTF8", "--data-checksums",
		"--auth-local=trust", "--auth-host=reject", "--no-instructions",
	}, localeArgs(runtime.GOOS, o.Binaries.Major)...)
	if o.Settings["fsync"] == "off" {
		args = append(args, "--no-sync")
	}
	cmd := l.command(o.Binaries, "initdb", args...)
	cmd.ExtraFiles = []*os.File{lock.File()}
	out, err := runBound(ctx, cmd)
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, lastLines(out, 10))
	}
	return os.Rename(l.unborn(), l.cluster())
}

// localeArgs asks for code point order and Unicode-aware upper and lower case, the
// same on every machine, in the way each version and system offers it.
func localeArgs(goos string, major int) []string {
	switch {
	case major >= 17:
		return []string{"--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"}
	case goos == "darwin":
		return []string{"--locale=C", "--lc-ctype=UTF-8"}
	default:
		return []string{"--locale=C.UTF-8"}
	}
}

// command is a PostgreSQL program as the server's account, in a process group of
// its own so that the terminal's Ctrl-C does not reach it, bound to the life of this
// process where the kernel can do that, and with an environment free of PG* variables.
func (l layout) command(b Binaries, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(b.Dir, program), args...)
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	for _, name := range []string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"} {
		if value := os.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.SysProcAttr = boundToUs(l.account)
	return cmd
}

func lastLines(text []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
