package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

var queries = tenancydb.New()

// Scopes finds the scope of work in an environment; *tenancy.Resolver does.
type Scopes interface {
	// ScopeOf returns the scope of an environment, without principal. Errors: NotFound.
	ScopeOf(ctx context.Context, envID uuid.UUID, now time.Time) (*tenancy.Scope, error)
}

// Runner runs consumers.
type Runner struct {
	store   *store.Store
	scopes  Scopes
	now     func() time.Time
	log     *slog.Logger
	lanes   []*lane
	metrics *metrics

	mu sync.Mutex
	// woken are environments with new events of this server, announced those of other servers.
	woken, announced map[uuid.UUID]bool
	poke             chan struct{}
}

const (
	// wakePause lies between two rounds of wake-ups, so that many events are handled together.
	wakePause = 10 * time.Millisecond
	// announcedPause is after how long the events of another server are looked for: that server normally
	// handles them itself.
	announcedPause = time.Second
)

// New returns a runner; now is the real clock. The names of consumers must differ.
func New(db *store.Store, scopes Scopes, now func() time.Time, log *slog.Logger, consumers ...Consumer) *Runner {
	r := &Runner{
		store: db, scopes: scopes, now: now, log: log,
		woken: map[uuid.UUID]bool{}, announced: map[uuid.UUID]bool{}, poke: make(chan struct{}, 1),
	}
	for _, c := range consumers {
		r.lanes = append(r.lanes, newLane(c))
	}
	r.metrics = newMetrics(r)
	return r
}

// Wake says that events of the environment have been committed, on this server or on another one. It does
// not block. It is a hint: Sweep finds what it misses.
func (r *Runner) Wake(envID uuid.UUID, here bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !here {
		r.announced[envID] = true
		return
	}
	r.woken[envID] = true
	select {
	case r.poke <- struct{}{}:
	default: // it has been poked already
	}
}

// take returns and clears a set of environments.
func (r *Runner) take(set map[uuid.UUID]bool) []uuid.UUID {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := slices.Collect(maps.Keys(set))
	clear(set)
	return list
}

// Run handles events until ctx ends, then finishes the batches that run.
func (r *Runner) Run(ctx context.Context) {
	for err := r.register(ctx); err != nil; err = r.register(ctx) {
		if !sleep(ctx, time.Second) {
			return
		}
		r.log.WarnContext(ctx, "register feed consumers", "error", err)
	}
	var group sync.WaitGroup
	for _, l := range r.lanes {
		for range l.workers() {
			group.Go(func() { r.work(ctx, l) })
		}
	}
	r.dispatch(ctx)
	for _, l := range r.lanes {
		l.close()
	}
	group.Wait()
}

// sleep reports whether the time has passed before ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// register notes consumers that are started for the first time, and where they begin.
func (r *Runner) register(ctx context.Context) error {
	return r.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		for _, l := range r.lanes {
			added, err := queries.AddFeedConsumer(ctx, tx, l.Name)
			if err != nil {
				return fmt.Errorf("add feed consumer %s: %w", l.Name, err)
			}
			if added == 0 || l.Start == FromFirst {
				continue
			}
			err = queries.SetFeedPositionsToEnd(ctx, tx, tenancydb.SetFeedPositionsToEndParams{Consumer: l.Name, Now: r.now()})
			if err != nil {
				return fmt.Errorf("set the positions of feed consumer %s: %w", l.Name, err)
			}
		}
		return nil
	})
}

// dispatch queues the environments that are woken.
func (r *Runner) dispatch(ctx context.Context) {
	ticker := time.NewTicker(announcedPause)
	defer ticker.Stop()
	for {
		var list []uuid.UUID
		select {
		case <-ctx.Done():
			return
		case <-r.poke:
			list = r.take(r.woken)
		case <-ticker.C:
			list = r.take(r.announced)
		}
		if err := r.enqueue(ctx, list); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "wake feed consumers", "error", err)
			for _, envID := range list {
				r.Wake(envID, false) // later
			}
		}
		if !sleep(ctx, wakePause) {
			return
		}
	}
}

func (r *Runner) enqueue(ctx context.Context, list []uuid.UUID) error {
	if len(list) == 0 {
		return nil
	}
	for _, l := range r.lanes {
		narrowed := list
		if l.Narrow != nil {
			err := r.store.InPlatform(ctx, nil, func(tx pgx.Tx) (err error) {
				narrowed, err = l.narrow(ctx, tx, list)
				return err
			})
			if err != nil {
				return err
			}
		}
		l.add(narrowed...)
	}
	return nil
}

// work handles one batch after the other, each of the environment that has waited longest.
func (r *Runner) work(ctx context.Context, l *lane) {
	for {
		envID, ok := l.next()
		if !ok {
			return
		}
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
		came, err := r.runBatch(limited, l.Consumer, envID)
		cancel()
		if err != nil {
			r.log.WarnContext(ctx, "feed consumer failed", "consumer", l.Name, "env_id", envID, "error", err)
		}
		l.done(envID, came.more, came.wait)
	}
}

// Work handles, in the caller's goroutine, everything that is due, as Run would. It is for tests and
// returns how many events there were, and the errors of consumers.
func (r *Runner) Work(ctx context.Context) (handled int, err error) {
	if err := r.register(ctx); err != nil {
		return 0, err
	}
	var failures error
	for {
		wanted, idle, err := r.findBehind(ctx)
		if err != nil {
			return handled, errors.Join(failures, err)
		}
		progress := false
		for _, l := range r.lanes {
			if err := r.pass(ctx, l, idle[l]); err != nil {
				return handled, errors.Join(failures, err)
			}
			for _, b := range dueOf(wanted[l], r.now()) {
				came, err := r.runBatch(ctx, l.Consumer, b.envID)
				failures = errors.Join(failures, err)
				handled += came.handled
				waited := came.locked && sleep(ctx, came.wait)
				progress = progress || came.handled > 0 || came.more || waited
			}
		}
		if !progress {
			return handled, failures
		}
	}
}
