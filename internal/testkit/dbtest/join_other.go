//go:build !linux && !darwin

package dbtest

import (
	"context"
	"errors"
	"runtime"
)

func join(context.Context) (string, error) {
	return "", errors.New("none can be started on " + runtime.GOOS + ": set " + URLVariable + " to the URL of one")
}
