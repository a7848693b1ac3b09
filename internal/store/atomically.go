package store

import (
	"context"
	"errors"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Atomically runs fn with a copy of the scope under which all transactions in the scope's
// environment, of any service, are one: either all of it is committed, or nothing. Reads before the
// first transaction are not part of it. In a request with an Idempotency-Key, which is one
// transaction anyway, it commits with the answer. Errors: those of fn; Busy if PostgreSQL aborted the transaction.
func (s *Store) Atomically(ctx context.Context, scope *tenancy.Scope, fn func(scope *tenancy.Scope) error) error {
	if scope.Session != nil {
		return fn(scope)
	}
	session := NewSession(nil)
	joined := *scope
	joined.Session = session
	defer func() { _ = session.Rollback(ctx) }() // after a panic of fn
	if err := fn(&joined); err != nil {
		if isAborted(err) {
			err = busy(err)
		}
		return errors.Join(err, session.Rollback(ctx))
	}
	return session.end(ctx)
}
