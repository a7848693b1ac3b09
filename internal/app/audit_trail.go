package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

// maintainAuditArgs are those of the job that keeps the audit trail in months.
type maintainAuditArgs struct{}

// Kind implements jobs.Args.
func (maintainAuditArgs) Kind() string { return "maintain_audit" }

// addAuditMaintenance makes one job for all servers of it; twice at once does no harm.
func addAuditMaintenance(workers *jobs.Workers, store *store.Store, retentionDays int, now func() time.Time, log *slog.Logger) {
	jobs.HandleGlobal(workers, func(ctx context.Context, _ maintainAuditArgs) error {
		dropped, err := audit.Maintain(ctx, store, now(), retentionDays)
		if dropped > 0 {
			log.Info("dropped from the audit trail", "months", dropped)
		}
		return err
	})
	workers.Every(sweepInterval, maintainAuditArgs{})
}
