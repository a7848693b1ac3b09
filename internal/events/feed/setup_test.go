package feed_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/events/feed"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// world is a database in which consumers write what they have handled into a table.
type world struct {
	db       *dbtest.DB
	store    *store.Store
	resolver *tenancy.Resolver
	mu       sync.Mutex
	ahead    time.Duration
}

func setup(t *testing.T) *world {
	t.Helper()
	db := dbtest.New(t)
	_, err := db.OwnerPool().Exec(t.Context(), `CREATE TABLE effects (n bigserial PRIMARY KEY, consumer text, env_id uuid, sequence bigint, type text, actor uuid);
		GRANT SELECT, INSERT ON effects TO smoothschedule_app;
		GRANT USAGE ON SEQUENCE effects_n_seq TO smoothschedule_app`)
	require.NoError(t, err)
	return &world{
		db: db, store: store.New(db.AppPool(), db.PlatformPool()),
		resolver: tenancy.NewResolver(db.AppPool(), entitle.NewPlans(db.AppPool())),
	}
}

// now is the real clock, moved forward by advance.
func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d
}

// environment makes a business and returns its live environment.
func (w *world) environment(t *testing.T) uuid.UUID {
	t.Helper()
	tenant, env := uuid.New(), uuid.New()
	for _, statement := range []struct {
		sql  string
		args []any
	}{
		{"INSERT INTO tenants (id, name, timezone, plan_version_id) SELECT $1, 'A', 'UTC', id FROM plan_versions LIMIT 1", []any{tenant}},
		{"INSERT INTO environments (id, tenant_id, name, is_sandbox) VALUES ($1, $2, $3, false)", []any{env, tenant, "e" + env.String()[:8]}},
		{"INSERT INTO event_sequences (env_id, last_sequence) VALUES ($1, 0)", []any{env}},
	} {
		_, err := w.db.OwnerPool().Exec(t.Context(), statement.sql, statement.args...)
		require.NoError(t, err)
	}
	return env
}

// emit appends n events, each in a transaction of its own.
func (w *world) emit(t *testing.T, env uuid.UUID, n int) {
	t.Helper()
	scope, err := w.resolver.ScopeOf(t.Context(), env, w.now())
	require.NoError(t, err)
	for range n {
		require.NoError(t, w.store.InEnv(t.Context(), scope, func(tx *store.Tx) error {
			tx.Emit("test.done", map[string]string{"a": "b"})
			return nil
		}))
	}
}

// runner runs consumers on this world.
func (w *world) runner(consumers ...feed.Consumer) *feed.Runner {
	return feed.New(w.store, w.resolver, w.now, slog.New(slog.DiscardHandler), consumers...)
}

// start runs a runner until the test ends.
func start(t *testing.T, r *feed.Runner) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
}

// work handles everything that is due, without an error.
func work(t *testing.T, r *feed.Runner) int {
	t.Helper()
	handled, err := r.Work(t.Context())
	require.NoError(t, err)
	return handled
}

// record writes the effects of events.
func record(ctx context.Context, tx *store.Tx, consumer string, scope *tenancy.Scope, batch []events.Stored) error {
	for _, e := range batch {
		_, err := tx.Exec(ctx, "INSERT INTO effects (consumer, env_id, sequence, type, actor) VALUES ($1, $2, $3, $4, $5)",
			consumer, scope.Env.ID, e.Sequence, e.Type, e.Actor.UserID)
		if err != nil {
			return err
		}
	}
	return nil
}

// recorder is a consumer that writes effects, after the check of each batch.
func recorder(name string, check func(batch []events.Stored) error) feed.Consumer {
	return feed.Consumer{
		Name: name, Start: feed.FromFirst, BatchSize: 5,
		Handle: func(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, batch []events.Stored) error {
			if err := record(ctx, tx, name, scope, batch); err != nil || check == nil {
				return err
			}
			return check(batch)
		},
	}
}

// effects are the sequences that a consumer has handled, in the order in which it did.
func (w *world) effects(t *testing.T, consumer string, env uuid.UUID) []int64 {
	t.Helper()
	list := []int64{}
	require.NoError(t, w.db.OwnerPool().QueryRow(t.Context(),
		"SELECT COALESCE(array_agg(sequence ORDER BY n), '{}') FROM effects WHERE consumer = $1 AND env_id = $2", consumer, env).Scan(&list))
	return list
}

func (w *world) position(t *testing.T, consumer string, env uuid.UUID) (sequence int64) {
	t.Helper()
	require.NoError(t, w.db.OwnerPool().QueryRow(t.Context(),
		"SELECT COALESCE((SELECT last_sequence FROM feed_positions WHERE consumer = $1 AND env_id = $2), -1)", consumer, env).Scan(&sequence))
	return sequence
}

// upTo are the numbers from first to last.
func upTo(first, last int64) []int64 {
	list := []int64{}
	for n := first; n <= last; n++ {
		list = append(list, n)
	}
	return list
}

const patience = 20 * time.Second

func (w *world) eventually(t *testing.T, consumer string, env uuid.UUID, want []int64) {
	t.Helper()
	require.Eventually(t, func() bool { return len(w.effects(t, consumer, env)) >= len(want) }, patience, 5*time.Millisecond, "of %d", len(want))
	require.Equal(t, want, w.effects(t, consumer, env))
}
