//go:build !linux && !darwin

package filelock

import (
	"errors"
	"os"
)

type mode int

const (
	exclusive mode = iota
	exclusiveNow
	shared
)

func flock(f *os.File, _ mode) error {
	return &os.PathError{Op: "flock", Path: f.Name(), Err: errors.ErrUnsupported}
}
