package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ParkedEvent is an event that a consumer could not handle and has left out.
type ParkedEvent struct {
	EnvID    uuid.UUID
	Consumer string
	Sequence int64
	Type     string
	// Attempts is how often the event was tried by itself; Error is the last error.
	Attempts int32
	Error    string
	ParkedAt time.Time
}

// maxListed is how many parked events ListParked returns.
const maxListed = 1000

// park notes the first event of a claim as parked, and moves the position behind it.
func (r *Runner) park(ctx context.Context, scope *tenancy.Scope, c Consumer, claimed claim, attempts int32, cause error) error {
	event := claimed.events[0]
	parked := false
	err := r.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		parked = false
		rows, err := queries.PassParkedEvent(ctx, tx, tenancydb.PassParkedEventParams{
			EnvID: scope.Env.ID, Consumer: c.Name, LastSequence: claimed.after, ParkedSequence: event.Sequence, Now: r.now(),
		})
		if err != nil || rows == 0 { // 0: another server has handled it
			return err
		}
		parked = true
		return queries.ParkEvent(ctx, tx, tenancydb.ParkEventParams{
			EnvID: scope.Env.ID, Consumer: c.Name, Sequence: event.Sequence, Attempts: attempts, Error: cut(cause), Now: r.now(),
		})
	})
	if err != nil {
		return fmt.Errorf("park an event: %w", err)
	}
	if parked {
		r.metrics.parked(c.Name)
		r.log.ErrorContext(ctx, "feed event parked", "consumer", c.Name, "env_id", scope.Env.ID, "sequence", event.Sequence, "type", event.Type,
			"attempts", attempts, "error", cause)
	}
	return nil
}

// ListParked returns the parked events of all environments, the oldest first, up to 1000. An empty consumer means
// all consumers.
func (r *Runner) ListParked(ctx context.Context, consumer string) (list []ParkedEvent, err error) {
	params := tenancydb.ListParkedEventsParams{RowLimit: maxListed}
	if consumer != "" {
		params.Consumer = &consumer
	}
	err = r.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		rows, err := queries.ListParkedEvents(ctx, tx, params)
		list = make([]ParkedEvent, len(rows))
		for i, row := range rows {
			list[i] = ParkedEvent(row)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list parked events: %w", err)
	}
	return list, nil
}

// RetryParked handles a parked event by itself. If that fails, it stays parked. Errors: NotFound if it is not
// parked any more, if another server is retrying it, or if this server has no such consumer; those of the
// consumer.
func (r *Runner) RetryParked(ctx context.Context, e ParkedEvent) error {
	c, err := r.consumer(e.Consumer)
	if err != nil {
		return err
	}
	scope, err := r.scopes.ScopeOf(ctx, e.EnvID, r.now())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	tried := false
	err = recovered(func() error {
		return r.store.InEnv(ctx, scope, func(tx *store.Tx) error {
			tried = false
			row, err := queries.LockParkedEvent(ctx, tx, tenancydb.LockParkedEventParams{EnvID: e.EnvID, Sequence: e.Sequence, Consumer: c.Name})
			if errors.Is(err, pgx.ErrNoRows) {
				return apperr.NewNotFound("parked event")
			}
			if err != nil {
				return fmt.Errorf("lock a parked event: %w", err)
			}
			tried = true
			if err := c.Handle(ctx, tx, scope, []events.Stored{storedOf(row)}); err != nil {
				return err
			}
			return queries.DeleteParkedEvent(ctx, tx, tenancydb.DeleteParkedEventParams{EnvID: e.EnvID, Sequence: e.Sequence, Consumer: c.Name})
		})
	})
	if err == nil || !tried {
		return err
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	return errors.Join(err, r.store.InEnv(finish, scope, func(tx *store.Tx) error {
		return queries.SetParkedEventFailure(finish, tx, tenancydb.SetParkedEventFailureParams{
			EnvID: e.EnvID, Sequence: e.Sequence, Consumer: c.Name, Error: cut(err),
		})
	}))
}

func (r *Runner) consumer(name string) (Consumer, error) {
	for _, l := range r.lanes {
		if l.Name == name {
			return l.Consumer, nil
		}
	}
	return Consumer{}, apperr.NewNotFound("consumer")
}

func storedOf(row tenancydb.LockParkedEventRow) events.Stored {
	return events.Stored{
		Sequence: row.Sequence, ID: row.ID, Type: row.Type, Version: row.Version, OccurredAt: row.OccurredAt.UTC(),
		Actor: events.Actor{UserID: row.ActorUserID, TokenID: row.ActorTokenID, ImpersonatorID: row.ImpersonatorUserID}, Data: row.Data,
	}
}
