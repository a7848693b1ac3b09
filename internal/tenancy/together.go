package tenancy

import (
	"context"
	"errors"
	"fmt"
)

// Together runs fn with a copy of the scope under which everything that fn does in the
// scope's environment, through any service, is one transaction: all of it lasts, or
// nothing. The first thing that fn does must be InEnv; what reads outside the transaction
// before that does not belong to it. A request with an Idempotency-Key is one transaction
// anyway: then it lasts with the answer. Errors: those of fn; Busy if PostgreSQL sacrificed
// the transaction.
func (s *Store) Together(ctx context.Context, scope *Scope, fn func(whole *Scope) error) error {
	if scope.Idempotency != nil {
		return fn(scope)
	}
	whole := *scope
	whole.Idempotency = &Idempotency{keyless: true}
	done := false
	defer func() {
		if !done { // fn panicked
			_ = whole.Idempotency.Abandon(ctx)
		}
	}()
	err := fn(&whole)
	done = true
	if err != nil {
		err = errors.Join(err, whole.Idempotency.Abandon(ctx))
	} else {
		err = whole.Idempotency.commit(ctx, &whole)
	}
	if sacrificed(err) {
		return busy(err)
	}
	return err
}

// commit makes what has been done without a key last.
func (i *Idempotency) commit(ctx context.Context, scope *Scope) error {
	if i.parked == nil {
		return nil
	}
	p, ok := i.parked.(parkedTx)
	i.parked = nil
	if !ok {
		return errAnotherWorld
	}
	defer p.conn.Release()
	if err := p.commit(ctx, scope); err != nil {
		return errors.Join(fmt.Errorf("commit together: %w", err), p.rollback(ctx))
	}
	p.committed()
	return nil
}
