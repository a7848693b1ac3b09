package booking

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// laneConflictError means that another booking took a lane between plan and claim.
type laneConflictError struct {
	// resources are the candidates of the snapshot.
	resources []uuid.UUID
}

func (*laneConflictError) Error() string { return "another booking took the lane first" }

// optimisticAttempts are made without locks; each fails only if another booking succeeds. Further
// attempts lock the candidates first.
const optimisticAttempts = 3

// retryOnConflict runs fn in a transaction, again after each conflict about a lane (see store.Retry
// for how often). lockFirst are the resources that fn must lock before it reads.
func (e *engine) retryOnConflict(
	ctx context.Context, scope *tenancy.Scope, fn func(tx *store.Tx, lockFirst []uuid.UUID) error,
) error {
	var lockFirst []uuid.UUID
	conflicts := 0
	return e.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		err := fn(tx, lockFirst)
		conflict, ok := errors.AsType[*laneConflictError](err)
		if !ok {
			return err
		}
		if conflicts++; conflicts >= optimisticAttempts {
			lockFirst = conflict.resources
		}
		return store.Retry(err)
	})
}
