// Package events owns the form of events and how they are appended to the feed of an
// environment.
//
// It calls only its own queries (gen/db/tenancydb). Package feed below it has the consumers of events. Invariant: the sequence of an environment has
// no gaps and follows the order of commits, because the last statement of the writing transaction
// assigns it. store.Tx does that; only the creation of a new environment, which has no other writer yet,
// appends by itself.
package events

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/batch"
)

// Event is a change of an object.
type Event struct {
	// ID is made when it is appended, if it is zero.
	ID uuid.UUID
	// Type is "<noun>.<what happened>", such as "appointment.rescheduled".
	Type string
	// Data is the object after the change, in the form the API shows it.
	Data any
}

// Actor is the author of an event: a user or an API token; nil ids are none.
type Actor struct {
	UserID  *uuid.UUID
	TokenID *uuid.UUID
	// ImpersonatorID is the user who acted as UserID.
	ImpersonatorID *uuid.UUID
}

var queries = tenancydb.New()

// Append writes the events at the end of the environment's feed, in their order.
// It must be the last statement of the transaction: from here to the commit, other
// writers of the environment wait.
func Append(ctx context.Context, tx batch.DB, envID uuid.UUID, actor Actor, now time.Time, list []Event) error {
	if len(list) == 0 {
		return nil
	}
	statement, err := Statement(envID, actor, now, list)
	if err != nil {
		return err
	}
	return statement.Run(ctx, tx)
}

// Statement returns the statement that Append runs. list must not be empty.
func Statement(envID uuid.UUID, actor Actor, now time.Time, list []Event) (batch.Statement, error) {
	p := tenancydb.AppendEventsParams{
		EnvID: envID, ActorUserID: actor.UserID, ActorTokenID: actor.TokenID, ImpersonatorUserID: actor.ImpersonatorID, OccurredAt: now,
	}
	for _, e := range list {
		data, err := json.Marshal(e.Data)
		if err != nil {
			return batch.Statement{}, fmt.Errorf("encode event %s: %w", e.Type, err)
		}
		id := e.ID
		if id == uuid.Nil {
			if id, err = uuid.NewV7(); err != nil {
				return batch.Statement{}, fmt.Errorf("make event id: %w", err)
			}
		}
		p.Ids = append(p.Ids, id)
		p.Types = append(p.Types, e.Type)
		p.Data = append(p.Data, string(data))
	}
	if len(p.Ids) > 1 {
		return batch.Write(queries.AppendEvents, p).Doing("append events"), nil
	}
	single := tenancydb.AppendEventParams{ // the faster statement for the usual case
		EnvID: p.EnvID, ID: p.Ids[0], Type: p.Types[0], OccurredAt: p.OccurredAt, ActorUserID: p.ActorUserID,
		ActorTokenID: p.ActorTokenID, ImpersonatorUserID: p.ImpersonatorUserID, Data: p.Data[0],
	}
	return batch.Write(queries.AppendEvent, single).Doing("append event"), nil
}
