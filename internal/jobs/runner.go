package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

const (
	// timeout is how long a job may run, and rescueAfter when one that a server left behind
	// is tried again: no job runs as long as that.
	timeout     = time.Minute
	rescueAfter = 5 * time.Minute
	// keptFor is for how long jobs that are done can be looked at. A busy business makes one for
	// every event and webhook.
	keptFor = time.Hour
)

// Runner works jobs off.
type Runner struct {
	client *river.Client[pgx.Tx]
}

// NewRunner works on the pool, whose role must be the platform's and of which it keeps one
// connection to hear of new jobs.
func NewRunner(pool *pgxpool.Pool, w *Workers, log *slog.Logger) (*Runner, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema: Schema, Workers: w.river, Queues: w.queues, PeriodicJobs: w.periodic, Logger: slog.New(quieter{log.Handler()}),
		JobTimeout: timeout, RescueStuckJobsAfter: rescueAfter, CompletedJobRetentionPeriod: keptFor,
		// The role does not own the indexes, as rebuilding them would need.
		ReindexerIndexNames: []string{},
	})
	if err != nil {
		return nil, fmt.Errorf("set up the jobs: %w", err)
	}
	return &Runner{client}, nil
}

// Start begins to work jobs off, until Stop.
func (r *Runner) Start(ctx context.Context) error {
	if err := r.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the jobs: %w", err)
	}
	return nil
}

// Stop takes no more jobs and waits for those that run; after patience it cancels them,
// and they are tried again later.
func (r *Runner) Stop(ctx context.Context, patience time.Duration) error {
	soft, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := r.client.Stop(soft)
	if !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := r.client.StopAndCancel(hard); err != nil {
		return fmt.Errorf("stop the jobs: %w", err)
	}
	return nil
}
