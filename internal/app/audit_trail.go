package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

// maintainAuditArgs are the arguments of the job that maintains the monthly partitions of the audit
// trail.
type maintainAuditArgs struct{}

// Kind implements jobs.Args.
func (maintainAuditArgs) Kind() string { return "maintain_audit" }

// addAuditMaintenance schedules the job once for all servers. It is idempotent.
func addAuditMaintenance(workers *jobs.Workers, store *store.Store, retentionDays int, now func() time.Time, log *slog.Logger) {
	jobs.HandleGlobal(workers, func(ctx context.Context, _ maintainAuditArgs) error {
		dropped, err := audit.Maintain(ctx, store, now(), retentionDays)
		if dropped > 0 {
			log.Info("dropped partitions of the audit trail", "months", dropped)
		}
		return err
	})
	workers.Every(sweepInterval, maintainAuditArgs{})
}
