package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// maxAttempts is how often a transaction is run at most, for all reasons together: deadlocks,
// serialization failures, and conflicts that the service reports with Retry. A request whose
// OptimisticIdentity was stale is run once more, so it runs a transaction 2 × maxAttempts times at most.
const maxAttempts = 6

// retryError asks for another attempt.
type retryError struct{ err error }

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }

// Retry is returned by the function of a transaction that lost against another one, and would
// find a different state if it ran again. The Busy error after the last attempt has err as its cause.
func Retry(err error) error { return &retryError{err} }

// retry runs fn until it succeeds, fails for good, or has been run maxAttempts times. Errors: Busy.
func retry(ctx context.Context, fn func() error) error {
	for attempt := 1; ; attempt++ {
		err := fn()
		_, lost := errors.AsType[*retryError](err)
		aborted := isAborted(err)
		switch {
		case !lost && !aborted:
			return err
		case attempt >= maxAttempts:
			return busy(err)
		case aborted:
			if err := backoff(ctx, attempt); err != nil {
				return err
			}
		}
	}
}

// backoff waits for a random time, so that the transactions that waited for the aborted one go
// first instead of deadlocking with it again.
func backoff(ctx context.Context, attempt int) error {
	pause := time.NewTimer(rand.N(20 * time.Millisecond << attempt)) //nolint:gosec // not a secret
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-pause.C:
		return nil
	}
}

// isAborted reports whether PostgreSQL aborted the transaction in favor of another one
// (deadlock_detected, serialization_failure).
func isAborted(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "40P01" || pgErr.Code == "40001")
}

func busy(err error) error {
	return apperr.New(apperr.Busy, "Too many requests change the same objects at the same time. Try again.").WithCause(err)
}
