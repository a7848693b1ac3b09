//go:build linux || darwin

package embedded

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/postgres/filelock"
)

// layout is what a data directory contains. The directory itself stays with this
// process's user, so that the server's account cannot put anything in the way of
// the files that root writes.
type layout struct {
	dir     string
	account account
}

func (l layout) lockPath() string { return filepath.Join(l.dir, "lock") }         // held by every server process
func (l layout) cluster() string  { return filepath.Join(l.dir, "cluster") }      // PGDATA
func (l layout) unborn() string   { return filepath.Join(l.dir, "cluster.new") }  // until initdb is done
func (l layout) logPath() string  { return filepath.Join(l.dir, "postgres.log") } // of the current run

// maxSocketDir is what the kernels' 104 (darwin) and 108 (linux) bytes for a socket
// address leave after "/.s.PGSQL.5432" and the final zero byte.
const maxSocketDir = 104 - len("/.s.PGSQL."+socketPort) - 1

// socketDir is inside the data directory, or in /tmp when that path is too long for
// a socket address.
func (l layout) socketDir() string {
	if dir := filepath.Join(l.dir, "socket"); len(dir) <= maxSocketDir {
		return dir
	}
	sum := sha256.Sum256([]byte(l.dir))
	return filepath.Join("/tmp", "smoothschedule-"+strconv.Itoa(int(l.account.uid))+"-"+hex.EncodeToString(sum[:8]))
}

// prepare creates the data directory, and refuses one that is not ours or that the
// server could not enter.
func (l layout) prepare() error {
	if err := l.account.reach(filepath.Dir(l.dir)); err != nil {
		return fmt.Errorf("%w with %s", err, DataDirVariable)
	}
	entries, err := os.ReadDir(l.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l.create()
	case err != nil:
		return err
	case len(entries) == 0:
		return os.Chmod(l.dir, l.mode())
	}
	if _, err := os.Lstat(l.lockPath()); err != nil {
		return fmt.Errorf("%s is not empty and not a database of this program: choose an empty directory", l.dir)
	}
	if err := l.checkOwner(); err != nil {
		return err
	}
	return os.Chmod(l.dir, l.mode())
}

// mode lets a switched server account pass through to its own directories.
func (l layout) mode() fs.FileMode {
	if l.account.switched {
		return 0o711
	}
	return 0o700
}

// create makes the directory and its missing parents, with modes that hold whatever
// the umask is.
func (l layout) create() error {
	missing := []string{}
	for dir := filepath.Dir(l.dir); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, dir)
	}
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	if l.account.switched {
		for _, dir := range missing {
			if err := os.Chmod(dir, 0o755); err != nil {
				return err
			}
		}
	}
	return os.Chmod(l.dir, l.mode())
}

// checkOwner explains a cluster that a different user made, which the server would
// refuse.
func (l layout) checkOwner() error {
	uid, err := ownerOf(l.cluster())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if uid != l.account.uid {
		return fmt.Errorf("the database in %s belongs to the user id %d and the server would run as %s: "+
			"run the program as the user who made it, or set %s to another directory", l.dir, uid, l.account.name, DataDirVariable)
	}
	return nil
}

// prepareSocketDir makes a directory that only the server's account can enter. One
// that somebody else owns is refused: it could hold somebody else's server.
func (l layout) prepareSocketDir() error {
	dir := l.socketDir()
	if err := os.Mkdir(dir, 0o700); err == nil {
		return l.account.own(dir)
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	uid, err := ownerOf(dir)
	if err != nil {
		return err
	}
	if uid != l.account.uid || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not a private directory of %s: remove it", dir, l.account.name)
	}
	return nil
}

// How long to wait for a lock: a server that lost its parent a moment ago may not
// have said yet that it is stopping; one that says so may have a long checkpoint.
const (
	patience         = time.Second
	patienceStopping = 30 * time.Second
	pollInterval     = 5 * time.Millisecond
)

// acquire locks the directory, waiting for a server that is going away.
func (l layout) acquire(ctx context.Context) (*filelock.Lock, error) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for began := time.Now(); ; {
		lock, err := filelock.TryExclusive(l.lockPath())
		if !errors.Is(err, filelock.ErrBusy) {
			return lock, err
		}
		p, err := readPIDFile(l.cluster())
		if err != nil {
			return nil, err
		}
		waited := time.Since(began)
		if waited > patienceStopping || (waited > patience && p.Status != "stopping") {
			return nil, &InUseError{DataDir: l.dir, PID: p.PID}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// clearStalePIDFile removes the postmaster.pid of a server that was killed. The
// caller holds the lock, so no server started by this program is alive; one started
// by hand is recognised by its command line. PostgreSQL itself would trust a pid
// that an unrelated process has by now, as happens in restarted containers.
func (l layout) clearStalePIDFile() error {
	p, err := readPIDFile(l.cluster())
	if err != nil {
		return err
	}
	if p.PID != 0 && processMentions(p.PID, l.cluster()) {
		return &InUseError{DataDir: l.dir, PID: p.PID}
	}
	if err := os.Remove(pidFilePath(l.cluster())); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func remove(ctx context.Context, dataDir string) error {
	dir, err := filepath.Abs(dataDir)
	if err != nil {
		return err
	}
	account, err := serverAccount()
	if err != nil {
		return err
	}
	l := layout{dir: dir, account: account}
	if _, err := os.Lstat(l.lockPath()); errors.Is(err, fs.ErrNotExist) {
		return removeEmpty(dir)
	}
	lock, err := l.acquire(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := l.clearStalePIDFile(); err != nil {
		return err
	}
	if err := os.RemoveAll(l.socketDir()); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// removeEmpty deletes a directory that no server was ever started in, and refuses
// one that holds something else.
func removeEmpty(dir string) error {
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("it is not a database of this program: %w", err)
	}
	return nil
}
