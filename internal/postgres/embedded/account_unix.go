//go:build linux || darwin

package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is who the server runs as.
type account struct {
	name     string
	uid, gid uint32
	// switched is set when it is not the account of this process, which then is root.
	switched bool
}

// serverAccount is this process's own account, or, since PostgreSQL refuses to run
// as root, postgres or nobody if this is root.
func serverAccount() (account, error) {
	if uid := os.Geteuid(); uid != 0 {
		return account{name: "uid " + strconv.Itoa(uid), uid: uint32(uid), gid: uint32(os.Getegid())}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{name: name, uid: uint32(uid), gid: uint32(gid), switched: true}, nil
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root and there is no user postgres or nobody: " +
		"run the program as an ordinary user")
}

// credential is nil unless the server must run as somebody else.
func (a account) credential() *syscall.Credential {
	if !a.switched {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// own gives a file of this process to the account.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

func checkReachable(dir string) error {
	a, err := serverAccount()
	if err != nil {
		return err
	}
	return a.reach(dir)
}

// reach reports the first directory on the way to dir, dir included, that the
// account may not enter. It looks at permission bits only. Missing ones pass.
func (a account) reach(dir string) error {
	if !a.switched {
		return nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if parent := filepath.Dir(abs); parent != abs {
		if err := a.reach(parent); err != nil {
			return err
		}
	}
	info, err := os.Stat(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !a.mayEnter(info) {
		return fmt.Errorf("the server runs as the user %s, because PostgreSQL refuses to run as root, and %s may not enter %s (%s): "+
			"choose a directory outside of it", a.name, a.name, abs, info.Mode())
	}
	return nil
}

func (a account) mayEnter(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	switch perm := info.Mode().Perm(); {
	case st.Uid == a.uid:
		return perm&0o100 != 0
	case st.Gid == a.gid:
		return perm&0o010 != 0
	default:
		return perm&0o001 != 0
	}
}

// ownerOf is the user id that owns a file.
func ownerOf(path string) (uint32, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("%s has no owner", path)
	}
	return st.Uid, nil
}
