// Package feed lets parts of the product react to events: each Consumer handles every event of
// every environment once, in order, in the transaction that also notes how far it has come.
//
// It calls store for the transactions, tenancy for scopes, and its own queries
// (queries/tenancy/feed.sql). Modules contribute consumers; internal/app runs them. Invariants: the
// effect of a batch and the position behind it are committed together or not at all; no two servers
// handle the same environment for the same consumer at the same time; an event that cannot be
// handled is parked, never dropped.
//
// docs/internals/feed-consumers.md explains how to add a consumer.
package feed

import (
	"cmp"
	"context"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Consumer reacts to events.
type Consumer struct {
	// Name is the name of its positions in the database, in lower case with underscores. It must
	// never change.
	Name string
	// Start is where it begins in environments that are older than the consumer. Newer ones it
	// handles from their first event.
	Start Start
	// BatchSize is the most events that Handle gets; 0 is 100.
	BatchSize int
	// Workers is how many environments one server handles at the same time; 0 is 4.
	Workers int
	// Handle has the effects of the events, which are of one environment and in order. It must have
	// no effects except through tx, and may be called again with the same events after an error. It
	// has 30 seconds. scope has no principal, and its Now is on the clock of the environment.
	Handle func(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, batch []events.Stored) error
	// Narrow returns those of the environments in which Handle has anything to do; events of the others are
	// passed over. Nil means all. db sees all environments. Whatever makes an environment interesting
	// must call CatchUp in its transaction, before the change.
	Narrow func(ctx context.Context, db store.DB, envIDs []uuid.UUID) ([]uuid.UUID, error)
}

// Start is a place in the feed.
type Start int

const (
	// FromNow skips the events from before the consumer was first started.
	FromNow Start = iota
	// FromFirst handles all events that are kept.
	FromFirst
)

const (
	defaultBatchSize = 100
	defaultWorkers   = 4
)

func (c Consumer) batchSize() int32 { return int32(cmp.Or(c.BatchSize, defaultBatchSize)) }

func (c Consumer) workers() int { return cmp.Or(c.Workers, defaultWorkers) }
