package events

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Hub signals new events of an environment to subscribers on this server and, while it runs, on all
// other servers.
//
// A signal is a hint: those of a server that dies after a commit are lost, so subscribers must also
// poll.
type Hub struct {
	// id marks the announcements of this server.
	id string
	// onAnnounced, if not nil, is called with each environment that is announced.
	onAnnounced func(envID uuid.UUID, here bool)
	closed      chan struct{}
	closing     sync.Once

	mu      sync.Mutex
	waiting map[uuid.UUID]map[chan struct{}]bool
	// unsent are environments that are not yet announced to other servers.
	unsent map[uuid.UUID]bool
	poke   chan struct{}
}

// NewHub returns a hub for this server; Run connects it to the others.
func NewHub() *Hub {
	return &Hub{
		id: uuid.NewString(), closed: make(chan struct{}), waiting: map[uuid.UUID]map[chan struct{}]bool{},
		unsent: map[uuid.UUID]bool{}, poke: make(chan struct{}, 1),
	}
}

// Announce signals that events of the environment have been committed. It does not block.
// PostgreSQL serializes the commits of transactions that notify, so other servers are notified
// afterwards, of many environments at once.
func (h *Hub) Announce(envID uuid.UUID) {
	h.announced(envID, true)
	h.queueNotification(envID)
}

// queueNotification lets notify announce the environment to other servers.
func (h *Hub) queueNotification(envID uuid.UUID) {
	h.mu.Lock()
	h.unsent[envID] = true
	h.mu.Unlock()
	select {
	case h.poke <- struct{}{}:
	default: // already signaled
	}
}

// Subscribe returns a channel that gets a value after new events of the environment; several
// events may give one value. end ends the subscription.
func (h *Hub) Subscribe(envID uuid.UUID) (signal <-chan struct{}, end func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting[envID] == nil {
		h.waiting[envID] = map[chan struct{}]bool{}
	}
	h.waiting[envID][c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiting[envID], c)
		if len(h.waiting[envID]) == 0 {
			delete(h.waiting, envID)
		}
	}
}

// OnAnnounced sets a function that is called with every environment that is announced, here or by another
// server. It must not block. Call it before the Hub is used.
func (h *Hub) OnAnnounced(fn func(envID uuid.UUID, here bool)) { h.onAnnounced = fn }

func (h *Hub) announced(envID uuid.UUID, here bool) {
	h.wake(envID)
	if h.onAnnounced != nil {
		h.onAnnounced(envID, here)
	}
}

// Close closes the channel of Closed, because the server is about to stop.
func (h *Hub) Close() { h.closing.Do(func() { close(h.closed) }) }

// Closed returns a channel that is closed by Close.
func (h *Hub) Closed() <-chan struct{} { return h.closed }

func (h *Hub) wake(envID uuid.UUID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.waiting[envID] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (h *Hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, channels := range h.waiting {
		for c := range channels {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}
}

const (
	channel = "smoothschedule_events"
	// reconnectAfter is the pause after a connection was lost.
	reconnectAfter = time.Second
	// notifyPause is the pause between two notifications: each is a transaction that is written to
	// disk and wakes every server.
	notifyPause = 25 * time.Millisecond
	// lastNotifyTimeout is the timeout of the last notification when the server stops.
	lastNotifyTimeout = time.Second
)

// Run connects the hub to those of other servers until ctx ends, with one connection of the pool for
// listening. It sends pending notifications before it returns.
func (h *Hub) Run(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) {
	var group sync.WaitGroup
	for what, step := range map[string]func(context.Context, *pgxpool.Pool) error{"listen": h.listen, "notify": h.notify} {
		group.Go(func() {
			for ctx.Err() == nil {
				if err := step(ctx, pool); err != nil && ctx.Err() == nil {
					log.Warn("event announcements between servers", "step", what, "error", err)
				}
				select {
				case <-ctx.Done():
				case <-time.After(reconnectAfter):
				}
			}
		})
	}
	group.Wait()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastNotifyTimeout)
	defer cancel()
	if err := h.flush(end, pool); err != nil {
		log.Warn("event announcements between servers", "step", "end", "error", err)
	}
}

// listen receives the notifications of other servers until the connection breaks.
func (h *Hub) listen(ctx context.Context, pool *pgxpool.Pool) error {
	pooled, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := pooled.Hijack() // it must not return to the pool while it listens
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	h.wakeAll() // notifications may have been missed
	for {
		notification, err := conn.WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("wait for a notification: %w", err)
		}
		if sender, environments, _ := strings.Cut(notification.Payload, " "); sender != h.id {
			for environment := range strings.FieldsSeq(environments) {
				if envID, err := uuid.Parse(environment); err == nil {
					h.announced(envID, false)
				}
			}
		}
	}
}

// notify notifies other servers of unsent environments: immediately if it has not done so for
// notifyPause, else after the pause.
func (h *Hub) notify(ctx context.Context, pool *pgxpool.Pool) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.poke:
		}
		if err := h.flush(ctx, pool); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(notifyPause):
		}
	}
}

// maxAnnounced is how many environments fit into one notification, which is limited to 8000 bytes.
const maxAnnounced = 200

// flush notifies other servers of unsent environments. After an error these stay unsent.
func (h *Hub) flush(ctx context.Context, pool *pgxpool.Pool) error {
	environments := h.take()
	if len(environments) == 0 {
		return nil
	}
	var payloads []string
	for some := range slices.Chunk(environments, maxAnnounced) {
		payloads = append(payloads, h.payload(some))
	}
	if _, err := pool.Exec(ctx, "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload", channel, payloads); err != nil {
		for _, envID := range environments {
			h.queueNotification(envID)
		}
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}

// payload is a notification: the id of the hub, and the environments.
func (h *Hub) payload(environments []uuid.UUID) string {
	payload := []byte(h.id)
	for _, envID := range environments {
		payload = append(append(payload, ' '), envID.String()...)
	}
	return string(payload)
}

func (h *Hub) take() []uuid.UUID {
	h.mu.Lock()
	defer h.mu.Unlock()
	environments := slices.Collect(maps.Keys(h.unsent))
	clear(h.unsent)
	return environments
}
