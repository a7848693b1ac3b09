package developer

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/developerdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Event is something that happened, in the form in which the feed lists it and webhooks
// send it.
type Event struct {
	Sequence int64     `json:"sequence"`
	ID       uuid.UUID `json:"id"`
	// Type is "<noun>.<what happened>"; openapi/events.yaml has the form of Data for each.
	Type       string          `json:"type"`
	Version    int32           `json:"version"`
	Livemode   bool            `json:"livemode"`
	OccurredAt time.Time       `json:"occurred_at"`
	Data       json.RawMessage `json:"data"`
	// DataOmitted says that Data is nothing but the object's id, because of its size.
	DataOmitted bool `json:"data_omitted,omitempty"`
}

// EventQuery asks for a page of the feed.
type EventQuery struct {
	// After is the sequence to continue after; nil begins with the oldest event that is kept.
	After *int64
	// Types are types, "<noun>.*" or "*"; nil is all.
	Types []string
	Limit int
	// Wait is for how long to wait for an event if there is none.
	Wait time.Duration
}

// EventPage is a page of the feed.
type EventPage struct {
	Data []Event
	// NextAfter is what to continue after: nothing that is wanted lies between the last of
	// Data and it.
	NextAfter int64
}

// Announcer tells when an environment has new events; *events.Hub is one.
type Announcer interface {
	Subscribe(envID uuid.UUID) (signal <-chan struct{}, end func())
	Closed() <-chan struct{}
}

// Events is the service for the feed.
type Events struct {
	store     *store.Store
	queries   *developerdb.Queries
	announcer Announcer
	rights    EventRights

	mu sync.Mutex
	// waiting is how many requests of an environment wait.
	waiting map[uuid.UUID]int
}

// NewEvents reads the feed and shows everybody the types that the rights let them read.
func NewEvents(store *store.Store, announcer Announcer, rights EventRights) *Events {
	return &Events{store: store, queries: developerdb.New(), announcer: announcer, rights: rights, waiting: map[uuid.UUID]int{}}
}

const (
	// EventsKept is for how long events can be read, and replayed to webhooks.
	EventsKept = 90 * 24 * time.Hour
	// lookAgain is how often a reader that waits looks without having been told: an
	// announcement can get lost with the server that should have made it.
	lookAgain = 2 * time.Second
	// MaxWaiting is how many requests of an environment can wait at one server: each looks again
	// from time to time, and all of them when something happens.
	MaxWaiting = 20
)

// List returns the events after a sequence that whoever asks may read, in order, and waits for one
// if it is asked to. NextAfter passes over those that they may not read. Errors: EventsExpired;
// PositionBeyondEnd for a sequence that has not been given out yet; ValidationFailed for types that do not exist; ScopeRequired, TokenNotAccepted and RoleNotAllowed
// for types that may not be read; RateLimited if too many wait already.
func (s *Events) List(ctx context.Context, scope *tenancy.Scope, q EventQuery) (*EventPage, error) {
	if err := checkTypes(s.rights, scope.Principal, "?types", q.Types); err != nil {
		return nil, err
	}
	signal, end := s.announcer.Subscribe(scope.Env.ID) // before looking, so that nothing falls between
	defer end()
	page, err := s.page(ctx, scope, q)
	if err != nil || len(page.Data) > 0 || q.Wait <= 0 {
		return page, err
	}
	if !s.beginWaiting(scope.Env.ID) {
		return nil, apperr.New(apperr.RateLimited, "%d requests of this environment wait for events already. Let one be answered first.", MaxWaiting).
			With("policy", "events-waiting").With("limit", MaxWaiting).With("window_seconds", int(q.Wait.Seconds())).WithRetryAfter(time.Second)
	}
	defer s.endWaiting(scope.Env.ID)
	patience, cancel := context.WithTimeout(ctx, q.Wait)
	defer cancel()
	for {
		select {
		case <-patience.Done():
			return page, ctx.Err()
		case <-s.announcer.Closed():
			return page, nil
		case <-signal:
		case <-time.After(lookAgain):
		}
		q.After = &page.NextAfter
		if page, err = s.page(ctx, scope, q); err != nil || len(page.Data) > 0 {
			return page, err
		}
	}
}

func (s *Events) beginWaiting(envID uuid.UUID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[envID] >= MaxWaiting {
		return false
	}
	s.waiting[envID]++
	return true
}

func (s *Events) endWaiting(envID uuid.UUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[envID]--; s.waiting[envID] == 0 {
		delete(s.waiting, envID)
	}
}

func (s *Events) page(ctx context.Context, scope *tenancy.Scope, q EventQuery) (*EventPage, error) {
	params := developerdb.ListEventsParams{EnvID: scope.Env.ID, RowLimit: int32(q.Limit)}
	params.Types, params.Nouns = narrow(s.rights, q.Types, func(t string) bool { return s.rights.Check(scope.Principal, t) == nil })
	if q.After != nil {
		params.After = *q.After
	}
	rows, err := s.queries.ListEvents(ctx, s.store.Reader(scope), params)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("environment %s has no feed", scope.Env.ID)
	}
	if expired := rows[0].ExpiredSequence; q.After != nil && *q.After < expired {
		return nil, apperr.New(apperr.EventsExpired,
			"Events up to sequence %d have expired. Read the objects anew, and continue after %[1]d.", expired).With("oldest_after", expired)
	}
	if last := rows[0].LastSequence; params.After > last {
		detail := fmt.Sprintf("The feed ends at sequence %d, so there is nothing after %d yet. Continue after %[1]d.", last, params.After)
		return nil, apperr.New(apperr.PositionBeyondEnd, "%s", detail).WithFields(apperr.Field{Pointer: "?after", Detail: detail}).With("last_sequence", last)
	}
	page := &EventPage{NextAfter: rows[0].LastSequence}
	for i := range rows {
		if row := &rows[i]; row.Sequence > 0 {
			page.Data = append(page.Data, newEvent(row, !scope.SandboxMode()))
		}
	}
	if len(page.Data) == q.Limit {
		page.NextAfter = page.Data[len(page.Data)-1].Sequence
	}
	return page, nil
}

func newEvent(row *developerdb.ListEventsRow, live bool) Event {
	return Event{
		Sequence: row.Sequence, ID: row.ID, Type: row.Type, Version: row.Version, Livemode: live,
		OccurredAt: row.OccurredAt.UTC(), Data: row.Data,
	}
}

// sweptAtOnce is how many events one transaction removes: what is removed stays so, even if the
// time of the job does not suffice for all.
const sweptAtOnce = 5000

// SweepEvents removes events that are older than EventsKept, with what webhooks delivered of
// them. Readers hear EventsExpired from before the first is gone. It may run twice at once.
func SweepEvents(ctx context.Context, store *store.Store, now time.Time) (removed int64, err error) {
	queries := developerdb.New()
	before := firstID(now.Add(-EventsKept))
	err = store.InPlatform(ctx, nil, func(tx pgx.Tx) error { return queries.ExpireEvents(ctx, tx, before) })
	if err != nil {
		return 0, fmt.Errorf("expire events: %w", err)
	}
	for {
		var some int64
		err = store.InPlatform(ctx, nil, func(tx pgx.Tx) (err error) {
			some, err = queries.DeleteExpiredEvents(ctx, tx, sweptAtOnce)
			return err
		})
		if err != nil {
			return removed, fmt.Errorf("delete expired events: %w", err)
		}
		if removed += some; some < sweptAtOnce {
			return removed, nil
		}
	}
}

// firstID is before every UUID of version 7 that is made at the instant or later (RFC 9562,
// section 5.7).
func firstID(at time.Time) uuid.UUID {
	var milliseconds [8]byte
	binary.BigEndian.PutUint64(milliseconds[:], uint64(max(at.UnixMilli(), 0)))
	var id uuid.UUID
	copy(id[:6], milliseconds[2:])
	return id
}
