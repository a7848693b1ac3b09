package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Scopes finds the scope of work in an environment; *tenancy.Resolver does.
type Scopes interface {
	// ScopeOf returns the scope of an environment, of nobody. A NotFound error says that
	// there is no such environment any more.
	ScopeOf(ctx context.Context, envID uuid.UUID, now time.Time) (*tenancy.Scope, error)
}

// Workers says what is done for each kind of job, on which queues, and what recurs.
type Workers struct {
	scopes   Scopes
	now      func() time.Time
	river    *river.Workers
	byKind   map[string]func(ctx context.Context, args json.RawMessage) error
	queues   map[string]river.QueueConfig
	periodic []*river.PeriodicJob
}

// defaultQueueWorkers is how many jobs of the default queue one server works at a time.
const defaultQueueWorkers = 10

// NewWorkers returns a set without any work; now is the clock.
func NewWorkers(scopes Scopes, now func() time.Time) *Workers {
	return &Workers{
		scopes: scopes, now: now, river: river.NewWorkers(),
		byKind: map[string]func(context.Context, json.RawMessage) error{},
		queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: defaultQueueWorkers}},
	}
}

// Handle says what is done for jobs in one environment. Work gets a scope of it in which
// nobody is signed in, and whose Now is the environment's. An error is logged, and the job
// is tried again later, at growing intervals over some weeks; jobs of environments that do
// not exist any more are dropped. It panics if the kind is taken.
func Handle[A EnvArgs](w *Workers, work func(ctx context.Context, scope *tenancy.Scope, args A) error) {
	HandleLazily(w, func(ctx context.Context, find FindScope, args A) error {
		scope, err := find(ctx)
		if err != nil {
			return err
		}
		return work(ctx, scope, args)
	})
}

// FindScope returns the scope of a job's environment as it is now. Work returns its errors as
// they are.
type FindScope func(ctx context.Context) (*tenancy.Scope, error)

// HandleLazily is Handle for work that often finds that there is nothing to do, and so asks
// for the scope when it needs one.
func HandleLazily[A EnvArgs](w *Workers, work func(ctx context.Context, find FindScope, args A) error) {
	HandleGlobal(w, func(ctx context.Context, args A) error {
		return work(ctx, func(ctx context.Context) (*tenancy.Scope, error) {
			scope, err := w.scopes.ScopeOf(ctx, args.Environment(), w.now())
			if errors.Is(err, apperr.New(apperr.NotFound, "")) {
				return nil, river.JobCancel(err)
			}
			return scope, err
		}, args)
	})
}

// HandleGlobal says what is done for jobs that belong to no environment, such as sweepers.
func HandleGlobal[A Args](w *Workers, work func(ctx context.Context, args A) error) {
	var kind A
	river.AddWorker(w.river, river.WorkFunc(func(ctx context.Context, job *river.Job[A]) error {
		return work(ctx, job.Args)
	}))
	w.byKind[kind.Kind()] = func(ctx context.Context, raw json.RawMessage) error {
		var args A
		if err := json.Unmarshal(raw, &args); err != nil {
			return fmt.Errorf("read the arguments of job %s: %w", kind.Kind(), err)
		}
		return work(ctx, args)
	}
}

// Queue adds a queue of its own for work that would keep the rest waiting: how many jobs of it
// one server works at a time, and how often it looks for new ones that nobody has announced.
func (w *Workers) Queue(name string, workers int, poll time.Duration) {
	w.queues[name] = river.QueueConfig{MaxWorkers: workers, FetchPollInterval: poll, FetchCooldown: poll / 5}
}

// Every inserts a job when a server starts, and once in an interval, whatever the number
// of servers.
func (w *Workers) Every(interval time.Duration, args Args) {
	w.periodic = append(w.periodic, river.NewPeriodicJob(river.PeriodicInterval(interval),
		func() (river.JobArgs, *river.InsertOpts) { return args, nil },
		&river.PeriodicJobOpts{ID: args.Kind(), RunOnStart: true}))
}

// Work does a job now, in the caller's goroutine, as a server would; it is how tests work
// jobs off.
func (w *Workers) Work(ctx context.Context, kind string, args json.RawMessage) error {
	work, ok := w.byKind[kind]
	if !ok {
		return fmt.Errorf("nobody works jobs of kind %s", kind)
	}
	return work(ctx, args)
}
