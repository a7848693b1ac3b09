package developer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/developerdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Statuses of deliveries. Only the first will be attempted again.
const (
	DeliveryPending   = "PENDING"
	DeliverySucceeded = "SUCCEEDED"
	DeliveryFailed    = "FAILED"
	DeliveryCancelled = "CANCELLED"
)

// Delivery is an event on its way to an endpoint.
type Delivery struct {
	// ID is the event's, and the webhook-id of every attempt.
	ID        uuid.UUID
	EventType string
	Sequence  int64
	Status    string
	// AttemptCount counts all attempts; Attempts are the latest 20, in their order.
	AttemptCount int32
	Attempts     []Attempt
	// NextAttemptAt is set exactly if the status is PENDING, FinishedAt exactly if it is not.
	NextAttemptAt *time.Time
	FinishedAt    *time.Time
	CreatedAt     time.Time
}

// Attempt is one request to an endpoint.
type Attempt struct {
	Number     int32     `json:"number"`
	StartedAt  time.Time `json:"started_at"`
	DurationMS int32     `json:"duration_ms"`
	// StatusCode is nil if there was no answer; then Error says why.
	StatusCode *int32 `json:"status_code"`
	// Response is the beginning of the body of the answer.
	Response string `json:"response"`
	Error    string `json:"error"`
}

// DeliveryFilter narrows a list of deliveries; nil means all.
type DeliveryFilter struct {
	EndpointID uuid.UUID `json:"endpoint_id"`
	Status     *string   `json:"status"`
}

type deliveryRow = developerdb.GetDeliveryRow

// bySequence is where a page of a list of deliveries ends.
type bySequence struct {
	Sequence int64 `json:"s"`
}

// ListDeliveries returns what was sent to an endpoint, the latest events first. Errors:
// NotFound, InvalidCursor.
func (s *Webhooks) ListDeliveries(
	ctx context.Context, scope *tenancy.Scope, filter DeliveryFilter, page keyset.Page,
) (keyset.List[Delivery], error) {
	none := keyset.List[Delivery]{}
	if _, err := s.Get(ctx, scope, filter.EndpointID); err != nil {
		return none, err
	}
	before := bySequence{math.MaxInt64}
	if err := keyset.Decode(page.Cursor, filter, &before); err != nil {
		return none, err
	}
	rows, err := s.queries.ListDeliveries(ctx, s.store.Reader(scope), developerdb.ListDeliveriesParams{
		EnvID: scope.Env.ID, EndpointID: filter.EndpointID, BeforeSequence: before.Sequence, Status: filter.Status, RowLimit: page.RowLimit(),
	})
	if err != nil {
		return none, fmt.Errorf("list deliveries: %w", err)
	}
	deliveries := make([]Delivery, len(rows))
	for i, row := range rows {
		if deliveries[i], err = newDelivery(deliveryRow(row)); err != nil {
			return none, err
		}
	}
	return keyset.ListOf(page, deliveries, filter, func(d Delivery) any { return bySequence{d.Sequence} }), nil
}

// ReplayDelivery sends an event to an endpoint once more, under the same webhook-id, with the
// whole schedule of attempts ahead. Errors: NotFound for endpoint and delivery,
// InvalidTransition for an endpoint that is disabled, ScopeRequired, TokenNotAccepted and
// RoleNotAllowed for an event that whoever asks may not read, ValidationFailed for one that the
// endpoint may not get any more.
func (s *Webhooks) ReplayDelivery(ctx context.Context, scope *tenancy.Scope, endpointID, id uuid.UUID) (*Delivery, error) {
	var replayed *Delivery
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		w, err := s.lockEnabled(ctx, tx, scope, endpointID)
		if err != nil {
			return err
		}
		rows, err := s.queries.RestartDelivery(ctx, tx, developerdb.RestartDeliveryParams{
			EnvID: scope.Env.ID, EndpointID: endpointID, EventID: id, Now: scope.Now,
		})
		if err != nil {
			return fmt.Errorf("restart delivery: %w", err)
		}
		if rows == 0 {
			return apperr.NewNotFound("delivery")
		}
		if replayed, err = s.getDelivery(ctx, tx, scope, endpointID, id); err != nil {
			return err
		}
		if err := s.rights.Check(scope.Principal, replayed.EventType); err != nil {
			return err
		}
		if !s.sends(w, replayed.EventType) {
			return apperr.New(apperr.ValidationFailed,
				"The webhook cannot get events of the type %s: the API token that chose its event types may not read them.", replayed.EventType)
		}
		return wake(ctx, tx, scope.Env.ID, endpointID)
	})
	if err != nil {
		return nil, err
	}
	return replayed, nil
}

// Replay sends all events since an instant to an endpoint (once more), if it wants their type,
// and returns how many: also those that succeeded, and those that were never meant for it
// because it was disabled or did not exist. Errors: NotFound, InvalidTransition for an endpoint
// that is disabled, ValidationFailed for more than MaxReplay events, ScopeRequired,
// TokenNotAccepted and RoleNotAllowed if it gets events that whoever asks may not read.
func (s *Webhooks) Replay(ctx context.Context, scope *tenancy.Scope, endpointID uuid.UUID, since time.Time) (int64, error) {
	var replayed int64
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		w, err := s.lockEnabled(ctx, tx, scope, endpointID)
		if err != nil {
			return err
		}
		if err := s.checkSent(scope, w); err != nil {
			return err
		}
		types, nouns := narrow(s.rights, w.EventTypes, func(t string) bool { return s.sends(w, t) })
		count, err := s.queries.CountEventsSince(ctx, tx, developerdb.CountEventsSinceParams{
			EnvID: scope.Env.ID, Since: since, Types: types, Nouns: nouns, RowLimit: MaxReplay + 1,
		})
		if err != nil {
			return fmt.Errorf("count events: %w", err)
		}
		if count > MaxReplay {
			return apperr.NewInvalid("/since", "There are more than %d events since then. Choose a later instant.", MaxReplay)
		}
		replayed, err = s.queries.ReplayEvents(ctx, tx, developerdb.ReplayEventsParams{
			EnvID: scope.Env.ID, EndpointID: endpointID, Since: since, Types: types, Nouns: nouns, Now: scope.Now,
		})
		if err != nil {
			return fmt.Errorf("replay events: %w", err)
		}
		if replayed == 0 {
			return nil
		}
		return wake(ctx, tx, scope.Env.ID, endpointID)
	})
	return replayed, err
}

func (s *Webhooks) getDelivery(ctx context.Context, db developerdb.DBTX, scope *tenancy.Scope, endpointID, id uuid.UUID) (*Delivery, error) {
	row, err := s.queries.GetDelivery(ctx, db, developerdb.GetDeliveryParams{EnvID: scope.Env.ID, EndpointID: endpointID, EventID: id})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, apperr.NewNotFound("delivery")
	}
	if err != nil {
		return nil, fmt.Errorf("get delivery: %w", err)
	}
	found, err := newDelivery(row)
	return &found, err
}

func newDelivery(row deliveryRow) (Delivery, error) {
	d := Delivery{
		ID: row.EventID, EventType: row.Type, Sequence: row.Sequence, Status: row.Status, AttemptCount: row.AttemptCount,
		NextAttemptAt: utc(row.NextAttemptAt), FinishedAt: utc(row.FinishedAt), CreatedAt: row.CreatedAt.UTC(),
	}
	if err := json.Unmarshal(row.Attempts, &d.Attempts); err != nil {
		return d, fmt.Errorf("read the attempts of a delivery: %w", err)
	}
	for i := range d.Attempts {
		d.Attempts[i].StartedAt = d.Attempts[i].StartedAt.UTC()
	}
	return d, nil
}
