//go:build linux || darwin

package filelock

import (
	"errors"
	"os"
	"syscall"
)

type mode int

const (
	exclusive    mode = syscall.LOCK_EX
	exclusiveNow mode = syscall.LOCK_EX | syscall.LOCK_NB
	shared       mode = syscall.LOCK_SH
)

func flock(f *os.File, m mode) error {
	for {
		err := syscall.Flock(int(f.Fd()), int(m))
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrBusy
		default:
			return &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
	}
}
