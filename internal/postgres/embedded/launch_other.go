//go:build !linux && !darwin

package embedded

import (
	"context"
	"errors"
	"runtime"
)

var errPlatform = errors.New("there is no embedded database on " + runtime.GOOS +
	": install PostgreSQL and give the program its connection URL")

func start(context.Context, Options) (*Server, error) { return nil, errPlatform }

func remove(context.Context, string) error { return errPlatform }

func checkReachable(string) error { return errPlatform }
