package feed

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

const (
	// batchTimeout is how long a batch may take.
	batchTimeout = 30 * time.Second
	// recordTimeout is how long the recording of a failure may take.
	recordTimeout = 5 * time.Second
	// lockedPause is how long to wait for another server that has the position: it may not have
	// seen the latest events.
	lockedPause = 100 * time.Millisecond
	// maxAttempts is how often an event is tried by itself before it is parked, over about 8 minutes.
	maxAttempts = 10
	// maxBackoff bounds the wait between two attempts.
	maxBackoff = 5 * time.Minute
)

// backoff is the wait after the nth failed attempt: 1 s, doubled each time.
func backoff(attempts int32) time.Duration { return min(time.Second<<(attempts-1), maxBackoff) }

// claim is what a transaction that has the position has read.
type claim struct {
	// owned is whether the transaction has the position.
	owned bool
	// notBefore, if not nil, is when the next attempt is due.
	notBefore *time.Time
	// after is the position, failures how often the next event has failed by itself.
	after    int64
	failures int32
	events   []events.Stored
	// end is the position behind the events; more is whether others follow.
	end  int64
	more bool
}

// result is what came of a batch.
type result struct {
	handled int
	// more is whether there are events that can be handled now.
	more bool
	// wait, if positive, is when to look again.
	wait time.Duration
	// locked is whether another transaction has the position.
	locked bool
}

// runBatch handles the next events of an environment. After an error of the handler, the failure
// is recorded, and result says when to try again.
func (r *Runner) runBatch(ctx context.Context, c Consumer, envID uuid.UUID) (result, error) {
	scope, err := r.scopes.ScopeOf(ctx, envID, r.now())
	if errors.Is(err, apperr.New(apperr.NotFound, "")) {
		return result{}, nil // it has been deleted, and its feed with it
	}
	if err != nil {
		return result{wait: time.Second}, err
	}
	var claimed claim
	err = recovered(func() error {
		return r.store.InEnv(ctx, scope, func(tx *store.Tx) error {
			claimed = claim{}
			if err := r.claim(ctx, tx, c, envID, &claimed); err != nil || !claimed.due(r.now()) {
				return err
			}
			return r.handle(ctx, tx, scope, c, claimed)
		})
	})
	switch {
	case err != nil && len(claimed.events) == 0:
		return result{wait: time.Second}, err
	case err != nil:
		return r.fail(ctx, scope, c, claimed, err)
	case !claimed.owned:
		return result{wait: lockedPause, locked: true}, nil
	case !claimed.due(r.now()):
		return result{wait: claimed.notBefore.Sub(r.now())}, nil
	}
	r.metrics.handled(c.Name, len(claimed.events))
	return result{handled: len(claimed.events), more: claimed.more}, nil
}

func (c *claim) due(now time.Time) bool {
	return c.owned && (c.notBefore == nil || !c.notBefore.After(now))
}

// recovered turns a panic of fn into an error.
func recovered(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}

// claim locks the position and reads the next events, in one round trip. The events are read by a statement
// of its own, whose snapshot is newer than the lock.
func (r *Runner) claim(ctx context.Context, tx *store.Tx, c Consumer, envID uuid.UUID, claimed *claim) error {
	var position *tenancydb.TryLockFeedPositionRow
	var rows []tenancydb.ListFeedEventsRow
	lock := batch.ReadOptional(queries.TryLockFeedPosition, tenancydb.TryLockFeedPositionParams{EnvID: envID, Consumer: c.Name}, &position)
	read := batch.Read(queries.ListFeedEvents, tenancydb.ListFeedEventsParams{EnvID: envID, Consumer: c.Name, RowLimit: c.batchSize()}, &rows)
	if err := tx.Batch(ctx, lock.Doing("lock a feed position"), read.Doing("list events")); err != nil {
		return err
	}
	if position == nil {
		// A new environment, or another server has it.
		add := batch.Write(queries.AddFeedPosition, tenancydb.AddFeedPositionParams{EnvID: envID, Consumer: c.Name, Now: r.now()})
		if err := tx.Batch(ctx, add.Doing("add a feed position"), lock.Doing("lock a feed position"), read.Doing("list events")); err != nil {
			return err
		}
	}
	if position == nil {
		return nil
	}
	claimed.owned, claimed.notBefore, claimed.after, claimed.failures = true, position.NextAttemptAt, position.LastSequence, position.Failures
	claimed.add(rows)
	return nil
}

// add takes the rows of ListFeedEvents.
func (c *claim) add(rows []tenancydb.ListFeedEventsRow) {
	c.end = c.after
	for i := range rows {
		row := &rows[i]
		if row.Sequence == 0 { // the events up to the end have expired
			c.end = max(c.after, row.FeedEnd)
			return
		}
		c.end, c.more = row.Sequence, row.Sequence < row.FeedEnd
		c.events = append(c.events, events.Stored{
			Sequence: row.Sequence, ID: row.ID, Type: row.Type, Version: row.Version, OccurredAt: row.OccurredAt.UTC(),
			Actor: events.Actor{UserID: row.ActorUserID, TokenID: row.ActorTokenID, ImpersonatorID: row.ImpersonatorUserID}, Data: row.Data,
		})
	}
}

// handle has the effects of the events, and moves the position in the round trip that commits.
func (r *Runner) handle(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, c Consumer, claimed claim) error {
	if len(claimed.events) > 0 {
		if err := c.Handle(ctx, tx, scope, claimed.events); err != nil {
			return err
		}
	}
	if claimed.end == claimed.after {
		return nil
	}
	tx.OnCommit(batch.Write(queries.SetFeedPosition, tenancydb.SetFeedPositionParams{
		EnvID: scope.Env.ID, Consumer: c.Name, LastSequence: claimed.end, Now: r.now(),
	}).Doing("set a feed position"))
	return nil
}

// fail records that the events of a claim could not be handled. Several are tried again one by one; one is
// tried again later, or parked after maxAttempts.
func (r *Runner) fail(ctx context.Context, scope *tenancy.Scope, c Consumer, claimed claim, cause error) (result, error) {
	r.metrics.failed(c.Name)
	cause = fmt.Errorf("consumer %s, environment %s, event %d: %w", c.Name, scope.Env.ID, claimed.events[0].Sequence, cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	attempts := claimed.failures + 1
	if len(claimed.events) == 1 && attempts >= maxAttempts {
		if err := r.park(ctx, scope, c, claimed, attempts, cause); err != nil {
			return result{wait: time.Second}, errors.Join(cause, err)
		}
		return result{more: true}, cause
	}
	failure := tenancydb.SetFeedFailureParams{
		EnvID: scope.Env.ID, Consumer: c.Name, LastSequence: claimed.after, Error: cut(cause), Now: r.now(), IsolateUntil: claimed.end,
		NextAttemptAt: r.now(),
	}
	came := result{more: true}
	if len(claimed.events) == 1 {
		came = result{wait: backoff(attempts)}
		failure.Failures, failure.NextAttemptAt = attempts, r.now().Add(came.wait)
	}
	add := tenancydb.AddFeedPositionParams{EnvID: scope.Env.ID, Consumer: c.Name, Now: r.now()}
	err := r.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		// The transaction that failed may have added the position.
		return tx.Batch(ctx, batch.Write(queries.AddFeedPosition, add), batch.Write(queries.SetFeedFailure, failure))
	})
	if err != nil {
		return result{wait: time.Second}, errors.Join(cause, fmt.Errorf("record the failure: %w", err))
	}
	return came, cause
}

// maxError is how many bytes of an error are kept.
const maxError = 1000

// cut returns the beginning of the text of an error, as PostgreSQL takes it.
func cut(err error) string {
	text := err.Error()
	text = strings.ToValidUTF8(text[:min(len(text), maxError)], "")
	return strings.ReplaceAll(text, "\x00", "")
}
