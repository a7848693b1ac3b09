// Package filelock owns advisory locks on files (flock), which the kernel drops
// when the last process that holds the open file ends, however it ends.
//
// It calls nothing of ours. Invariants: a lock file is created when missing and
// never removed, because removing one would let two holders lock two different
// files of the same name; a lock is not inherited by child processes unless its
// File is handed to them.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// ErrBusy says that another process, or another open file of this one, holds
// the lock in a mode that excludes the wanted one.
var ErrBusy = errors.New("the lock is held by another process")

// Lock is a held lock. It is held until Release, or until this process and every
// process that inherited File have ended.
type Lock struct {
	file *os.File
}

// Exclusive waits for the lock on path that no other holder shares. It returns
// the context's error when ctx ends first, and the operating system's error when
// the file cannot be opened or the platform has no file locks.
func Exclusive(ctx context.Context, path string) (*Lock, error) {
	return wait(ctx, path, exclusive)
}

// Shared waits for a lock on path that any number of Shared holders have at once
// and that excludes Exclusive ones. Errors are those of Exclusive.
func Shared(ctx context.Context, path string) (*Lock, error) {
	return wait(ctx, path, shared)
}

// TryExclusive takes the lock of Exclusive if that is possible at once, and
// returns ErrBusy otherwise.
func TryExclusive(path string) (*Lock, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	if err := flock(f, exclusiveNow); err != nil {
		f.Close()
		return nil, err
	}
	return &Lock{file: f}, nil
}

// File is the open file that carries the lock. A child process that inherits it
// holds the lock too.
func (l *Lock) File() *os.File { return l.file }

// Release gives up this process's hold. It is safe to call twice; the second
// call reports os.ErrClosed.
func (l *Lock) Release() error { return l.file.Close() }

// wait locks in a goroutine of its own, because a waiting flock cannot be
// cancelled; an abandoned one gives the lock back as soon as it gets it.
func wait(ctx context.Context, path string, m mode) (*Lock, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	var lockErr error // valid once done is closed
	done := make(chan struct{})
	go func() {
		lockErr = flock(f, m)
		close(done)
	}()
	select {
	case <-done:
		if lockErr != nil {
			f.Close()
			return nil, lockErr
		}
		return &Lock{file: f}, nil
	case <-ctx.Done():
		go func() {
			<-done
			f.Close()
		}()
		return nil, fmt.Errorf("waiting for the lock %s: %w", path, ctx.Err())
	}
}

func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a lock file: %w", err)
	}
	return f, nil
}
