package developer

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/developerdb"
	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/events/feed"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// fanOutBatch is how many events get their deliveries in one transaction.
const fanOutBatch = 200

// Consumer adds a delivery of each event for each endpoint that wants it. An endpoint gets the events
// that come after it was created, enabled or changed: Create, Update and Delete catch up first.
func (s *Webhooks) Consumer() feed.Consumer {
	return feed.Consumer{Name: "webhooks", Start: feed.FromNow, BatchSize: fanOutBatch, Narrow: s.withEndpoints, Handle: s.fanOut}
}

// withEndpoints returns those of the environments that have an enabled endpoint.
func (s *Webhooks) withEndpoints(ctx context.Context, db store.DB, envIDs []uuid.UUID) ([]uuid.UUID, error) {
	list, err := s.queries.ListWebhookEnvironments(ctx, db, envIDs)
	if err != nil {
		return nil, fmt.Errorf("list environments with webhooks: %w", err)
	}
	return list, nil
}

// fanOut adds the deliveries of the events, and one job that makes them. Pings have theirs already.
func (s *Webhooks) fanOut(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, batch []events.Stored) error {
	params := developerdb.FanOutEventsParams{EnvID: scope.Env.ID, Now: scope.Now}
	for _, e := range batch {
		if e.Type == pingType {
			continue
		}
		params.Ids = append(params.Ids, e.ID)
		params.Sequences = append(params.Sequences, e.Sequence)
		params.Types = append(params.Types, e.Type)
		params.OccurredAt = append(params.OccurredAt, e.OccurredAt)
	}
	if len(params.Ids) == 0 {
		return nil
	}
	added, err := s.queries.FanOutEvents(ctx, tx, params)
	if err != nil {
		return fmt.Errorf("fan events out: %w", err)
	}
	if added == 0 {
		return nil
	}
	return jobs.Insert(ctx, tx, FanOutArgs{jobs.In(scope)})
}

// catchUp adds the deliveries of all events up to now. Until the transaction ends, no others are added.
func (s *Webhooks) catchUp(ctx context.Context, tx *store.Tx, scope *tenancy.Scope) error {
	return feed.CatchUp(ctx, tx, scope, s.Consumer())
}
