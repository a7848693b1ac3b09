package admin

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Repair is a counter that was wrong.
type Repair struct {
	// Environment is the name of the environment.
	Environment string
	Quota       entitle.Quota
	// Period is the first day of the month that the counter is for, or entitle.StockPeriod.
	Period time.Time
	// Counter is what it said, Counted what there is.
	Counter, Counted int64
}

// environmentsAtOnce is how many environments are read with one query.
const environmentsAtOnce = 500

// ReconcileUsage compares the counters of every environment with what they count,
// repairs and logs those that are wrong, and returns them. Nobody has to stop for it.
func ReconcileUsage(ctx context.Context, store *tenancy.Store, log *slog.Logger) ([]Repair, error) {
	var repairs []Repair
	after := uuid.Nil
	for {
		var environments []admindb.ListEnvironmentsAfterRow
		err := store.InPlatform(ctx, func(tx pgx.Tx) (err error) {
			environments, err = queries.ListEnvironmentsAfter(ctx, tx, admindb.ListEnvironmentsAfterParams{ID: after, Limit: environmentsAtOnce})
			return err
		})
		if err != nil {
			return repairs, fmt.Errorf("list environments: %w", err)
		}
		for _, env := range environments {
			repaired, err := reconcile(ctx, store, env)
			if err != nil {
				return repairs, fmt.Errorf("reconcile usage of %s: %w", env.Name, err)
			}
			for _, r := range repaired {
				log.Warn("usage counter repaired", "environment", r.Environment, "quota", r.Quota,
					"period", r.Period.Format(time.DateOnly), "counter", r.Counter, "counted", r.Counted)
			}
			repairs = append(repairs, repaired...)
			after = env.ID
		}
		if len(environments) < environmentsAtOnce {
			return repairs, nil
		}
	}
}

func reconcile(ctx context.Context, store *tenancy.Store, env admindb.ListEnvironmentsAfterRow) ([]Repair, error) {
	var rows []admindb.RepairUsageRow
	err := store.InPlatform(ctx, func(tx pgx.Tx) (err error) {
		if err := queries.LockReconciliation(ctx, tx, env.ID); err != nil {
			return err
		}
		rows, err = queries.RepairUsage(ctx, tx, admindb.RepairUsageParams{EnvID: env.ID, StockPeriod: entitle.StockPeriod})
		return err
	})
	return convertRows(rows, func(r admindb.RepairUsageRow) Repair {
		return Repair{Environment: env.Name, Quota: entitle.Quota(r.Quota), Period: r.Period, Counter: r.Used, Counted: r.Counted}
	}), err
}
