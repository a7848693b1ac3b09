// Package events owns the form of what happened in an environment, and how it is
// appended to the environment's feed.
//
// It calls only its own queries (gen/db/tenancydb). Invariants: the sequence of an
// environment has no gaps and follows the order of commits, because it is given out
// by the last statement of the writing transaction. tenancy.Tx sees to that; nobody else
// appends, but for whoever makes a new environment, in which nobody else writes yet.
package events

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
)

// Event is something that happened to an object.
type Event struct {
	// ID is made when it is appended, if it is zero.
	ID uuid.UUID
	// Type is "<noun>.<what happened>", such as "appointment.rescheduled".
	Type string
	// Data is the object after the change, in the form the API shows it.
	Data any
}

// Actor is who made it happen: a user or an API token; nil ids are nobody.
type Actor struct {
	UserID  *uuid.UUID
	TokenID *uuid.UUID
	// ImpersonatorID is the user who acted as UserID in a masquerade.
	ImpersonatorID *uuid.UUID
}

var queries = tenancydb.New()

// Append writes the events at the end of the environment's feed, in their order.
// It must be the last statement of the transaction: from here to the commit, other
// writers of the environment wait.
func Append(ctx context.Context, tx tenancydb.DBTX, envID uuid.UUID, actor Actor, now time.Time, list []Event) error {
	if len(list) == 0 {
		return nil
	}
	write, err := Prepare(envID, actor, now, list)
	if err != nil {
		return err
	}
	return write(ctx, tx)
}

// Prepare returns the statement that Append runs; there must be events.
func Prepare(
	envID uuid.UUID, actor Actor, now time.Time, list []Event,
) (write func(ctx context.Context, tx tenancydb.DBTX) error, err error) {
	params := tenancydb.AppendEventsParams{
		EnvID: envID, ActorUserID: actor.UserID, ActorTokenID: actor.TokenID, ImpersonatorUserID: actor.ImpersonatorID, OccurredAt: now,
	}
	for _, e := range list {
		data, err := json.Marshal(e.Data)
		if err != nil {
			return nil, fmt.Errorf("encode event %s: %w", e.Type, err)
		}
		id := e.ID
		if id == uuid.Nil {
			if id, err = uuid.NewV7(); err != nil {
				return nil, fmt.Errorf("make event id: %w", err)
			}
		}
		params.Ids = append(params.Ids, id)
		params.Types = append(params.Types, e.Type)
		params.Data = append(params.Data, string(data))
	}
	return func(ctx context.Context, tx tenancydb.DBTX) error {
		if err := appendAll(ctx, tx, &params); err != nil {
			return fmt.Errorf("append events: %w", err)
		}
		return nil
	}, nil
}

// appendAll takes the shorter statement where it will do: nearly always there is one event.
func appendAll(ctx context.Context, tx tenancydb.DBTX, p *tenancydb.AppendEventsParams) error {
	if len(p.Ids) > 1 {
		return queries.AppendEvents(ctx, tx, *p)
	}
	return queries.AppendEvent(ctx, tx, tenancydb.AppendEventParams{
		EnvID: p.EnvID, ID: p.Ids[0], Type: p.Types[0], OccurredAt: p.OccurredAt, ActorUserID: p.ActorUserID,
		ActorTokenID: p.ActorTokenID, ImpersonatorUserID: p.ImpersonatorUserID, Data: p.Data[0],
	})
}
