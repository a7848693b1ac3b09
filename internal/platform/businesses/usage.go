package businesses

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/store"
)

// Repair is the correction of a counter.
type Repair struct {
	// Environment is the name of the environment.
	Environment string
	Quota       entitle.Quota
	// Period is the first day of the month that the counter is for, or entitle.StockPeriod.
	Period time.Time
	// Counter is the value before, Counted the number of objects.
	Counter, Counted int64
}

// environmentsAtOnce is how many environments are read with one query, and how many are
// reconciled when they are due.
const environmentsAtOnce = 500

// reconcileEvery is the interval between two reconciliations of an environment.
const reconcileEvery = 24 * time.Hour

// ReconcileUsage compares the counters of every environment with the number of objects, corrects
// and logs the wrong ones, and returns them. It may run during normal operation. It goes on after
// an environment that fails.
func ReconcileUsage(ctx context.Context, store *store.Store, now time.Time, log *slog.Logger) ([]Repair, error) {
	var repairs []Repair
	var failed []error
	after := uuid.Nil
	for {
		var environments []admindb.ListEnvironmentsAfterRow
		err := store.InPlatform(ctx, nil, func(tx pgx.Tx) (err error) {
			environments, err = queries.ListEnvironmentsAfter(ctx, tx, admindb.ListEnvironmentsAfterParams{ID: after, Limit: environmentsAtOnce})
			return err
		})
		if err != nil {
			return repairs, fmt.Errorf("list environments: %w", err)
		}
		for _, env := range environments {
			if ctx.Err() != nil {
				return repairs, errors.Join(append(failed, ctx.Err())...)
			}
			repaired, err := reconcile(ctx, store, environment(env), now, nil, log)
			if err != nil {
				failed = append(failed, err)
			}
			repairs = append(repairs, repaired...)
			after = env.ID
		}
		if len(environments) < environmentsAtOnce {
			return repairs, errors.Join(failed...)
		}
	}
}

// ReconcileDueUsage is ReconcileUsage for a limited number of environments: those for which it
// was done more than a day before now, the longest ago first. Each environment commits by itself,
// and servers may run it concurrently.
func ReconcileDueUsage(ctx context.Context, store *store.Store, now time.Time, log *slog.Logger) ([]Repair, error) {
	before := now.Add(-reconcileEvery)
	var environments []admindb.ListEnvironmentsToReconcileRow
	err := store.InPlatform(ctx, nil, func(tx pgx.Tx) (err error) {
		environments, err = queries.ListEnvironmentsToReconcile(ctx, tx, admindb.ListEnvironmentsToReconcileParams{
			UsageReconciledAt: before, Limit: environmentsAtOnce,
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list environments: %w", err)
	}
	var repairs []Repair
	var failed []error
	for _, env := range environments {
		if ctx.Err() != nil {
			failed = append(failed, ctx.Err())
			break
		}
		repaired, err := reconcile(ctx, store, environment(env), now, &before, log)
		if err != nil {
			failed = append(failed, err)
		}
		repairs = append(repairs, repaired...)
	}
	return repairs, errors.Join(failed...)
}

// environment is what the queries that list environments return of each.
type environment struct {
	ID   uuid.UUID
	Name string
}

// reconcile reconciles one environment, unless that was done since before; nil always does it.
func reconcile(
	ctx context.Context, store *store.Store, env environment, now time.Time, before *time.Time, log *slog.Logger,
) ([]Repair, error) {
	var rows []admindb.RepairUsageRow
	err := store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		claimed, err := queries.ClaimReconciliation(ctx, tx, admindb.ClaimReconciliationParams{Now: now, EnvID: env.ID, ReconciledBefore: before})
		if err != nil || claimed == 0 {
			return err
		}
		rows, err = queries.RepairUsage(ctx, tx, admindb.RepairUsageParams{EnvID: env.ID, StockPeriod: entitle.StockPeriod})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reconcile usage of %s: %w", env.Name, err)
	}
	for _, r := range rows {
		log.Warn("usage counter repaired", "environment", env.Name, "quota", r.Quota,
			"period", r.Period.Format(time.DateOnly), "counter", r.Used, "counted", r.Counted)
	}
	return convertRows(rows, func(r admindb.RepairUsageRow) Repair {
		return Repair{Environment: env.Name, Quota: entitle.Quota(r.Quota), Period: r.Period, Counter: r.Used, Counted: r.Counted}
	}), nil
}
