package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/idempotency"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

const sweepInterval = time.Hour

// sweepArgs are the arguments of the job that deletes expired data.
type sweepArgs struct{}

// Kind implements jobs.Args.
func (sweepArgs) Kind() string { return "sweep" }

// addSweeper schedules the job once for all servers. It is idempotent.
func addSweeper(workers *jobs.Workers, store *store.Store, now func() time.Time, log *slog.Logger) {
	jobs.HandleGlobal(workers, func(ctx context.Context, _ sweepArgs) error {
		swept, err := identity.Sweep(ctx, store, now())
		if err != nil {
			return err
		}
		keys, err := idempotency.DeleteExpired(ctx, store, now())
		if err != nil {
			return err
		}
		if keys > 0 {
			log.Info("swept", "idempotency_keys", keys)
		}
		expired, err := developer.SweepEvents(ctx, store, now())
		if err != nil {
			return err
		}
		if swept != (identity.Swept{}) || expired > 0 {
			log.Info("swept", "sessions", swept.Sessions, "login_throttles", swept.Throttles, "password_resets", swept.PasswordResets, "events", expired)
		}
		return nil
	})
	workers.Every(sweepInterval, sweepArgs{})
}
