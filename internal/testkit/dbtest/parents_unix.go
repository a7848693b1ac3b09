//go:build linux || darwin

package dbtest

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// `go test ./...` runs one binary per package, with pauses for compiling in which
// none may be alive. So that the server survives those, each binary leaves the pid of
// the go command that runs it.

// registerParent notes this process's parent if that is a go command. The caller
// holds the start lock.
func (s shared) registerParent() error {
	pid := os.Getppid()
	if !isGoCommand(pid) {
		return nil
	}
	return os.WriteFile(filepath.Join(s.parents(), strconv.Itoa(pid)), nil, 0o600)
}

// forgetParents drops the notes for an earlier server, whose pids may mean other
// processes by now. The caller holds the start lock.
func (s shared) forgetParents() error {
	entries, err := os.ReadDir(s.parents())
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.Remove(filepath.Join(s.parents(), entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// moreToCome reports whether a go command that ran a user of the server is alive.
func (s shared) moreToCome() bool {
	entries, _ := os.ReadDir(s.parents()) // without it, there is nobody to wait for
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && isGoCommand(pid) {
			return true
		}
		_ = os.Remove(filepath.Join(s.parents(), entry.Name())) // it would only be looked at again
	}
	return false
}

// isGoCommand reports whether the process is a living go command; one that has ended
// and was not reaped is not.
func isGoCommand(pid int) bool {
	if _, err := os.Stat("/proc/self/exe"); err == nil {
		program, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
		return err == nil && filepath.Base(program) == "go"
	}
	program, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && filepath.Base(strings.TrimSpace(string(program))) == "go"
}
