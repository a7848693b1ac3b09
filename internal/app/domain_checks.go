package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
)

// domainChecksArgs are the arguments of the job that verifies custom domains again.
type domainChecksArgs struct{}

// Kind implements jobs.Args.
func (domainChecksArgs) Kind() string { return "domain_checks" }

// addDomainChecks schedules the job once for all servers. It checks each domain once a day.
func addDomainChecks(workers *jobs.Workers, domains *identity.Domains, now func() time.Time, log *slog.Logger) {
	jobs.HandleGlobal(workers, func(ctx context.Context, _ domainChecksArgs) error {
		checked, err := domains.Check(ctx, now())
		if checked != (identity.DomainsChecked{}) {
			log.Info("domains checked", "found", checked.Found, "missing", checked.Missing, "unanswered", checked.Unanswered, "suspended", checked.Suspended)
		}
		return err
	})
	workers.Every(sweepInterval, domainChecksArgs{})
}
