package entitle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/entitledb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/batch"
)

var queries = entitledb.New()

// Tx is a transaction in an environment with a feed, such as store.Tx.
type Tx interface {
	entitledb.DBTX
	// Emit adds an event to the feed of the environment.
	Emit(eventType string, data any)
}

// Reserve raises the quota's counter by n in the caller's transaction. The counter's row stays
// locked until the transaction ends, so call it as late as possible. Parallel callers never exceed
// the limit together. At 80 % and 100 % of the limit it emits usage.threshold_reached, once for
// each period and limit. Errors: QuotaExceeded.
func Reserve(ctx context.Context, tx Tx, set *Set, quota Quota, n int64) error {
	r := NewReservation(set, quota, n)
	if err := r.Statement().Run(ctx, tx); err != nil {
		return err
	}
	return r.Finish(ctx, tx)
}

// Reservation is Reserve in two steps: Statement can share a round trip with other statements
// (store.Tx.Batch) and is nearly always sufficient; Finish handles the remaining cases.
type Reservation struct {
	set   *Set
	quota Quota
	n     int64
	value QuotaValue
	// raised is the counter; nil if it is the first of its period, or would exceed the limit.
	raised *entitledb.RaiseUsageRow
}

// NewReservation prepares a reservation and reserves nothing.
func NewReservation(set *Set, quota Quota, n int64) *Reservation {
	return &Reservation{set: set, quota: quota, n: n, value: set.Quota(quota, set.Now)}
}

// Statement raises the counter if it exists and stays within the limit.
func (r *Reservation) Statement() batch.Statement {
	return batch.ReadOptional(queries.RaiseUsage, entitledb.RaiseUsageParams{
		EnvID: r.set.EnvID, Quota: string(r.quota), Period: r.set.Period(r.quota), N: r.n, QuotaLimit: r.value.Limit,
	}, &r.raised).Doing("raise " + string(r.quota))
}

// Finish creates the counter if there was none, and emits thresholds. Call it after Statement.
// Errors: QuotaExceeded.
func (r *Reservation) Finish(ctx context.Context, tx Tx) error {
	if r.raised == nil { // the first of its period, or above the limit
		first, err := queries.ReserveUsage(ctx, tx, entitledb.ReserveUsageParams{
			EnvID: r.set.EnvID, Quota: string(r.quota), Period: r.set.Period(r.quota), N: r.n, QuotaLimit: r.value.Limit,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return r.set.exceeded(ctx, tx, r.quota, r.value)
		}
		if err != nil {
			return fmt.Errorf("reserve %s: %w", r.quota, err)
		}
		counter := entitledb.RaiseUsageRow(first)
		r.raised = &counter
	}
	if r.n == 0 || r.value.Limit == nil {
		return nil
	}
	return r.set.warn(ctx, tx, r.quota, *r.value.Limit, *r.raised)
}

// Release lowers the counter of a period (see Set.Period) by n, in the transaction that deletes
// the counted objects.
func Release(ctx context.Context, tx entitledb.DBTX, set *Set, quota Quota, period time.Time, n int64) error {
	err := queries.ReleaseUsage(ctx, tx, entitledb.ReleaseUsageParams{
		EnvID: set.EnvID, Quota: string(quota), Period: period, N: n,
	})
	if err != nil {
		return fmt.Errorf("release %s: %w", quota, err)
	}
	return nil
}

// exceeded returns a QuotaExceeded error. It reads usage in the same transaction, so the number is
// the one that the reservation failed on.
func (s *Set) exceeded(ctx context.Context, tx entitledb.DBTX, quota Quota, value QuotaValue) error {
	used, err := queries.GetUsage(ctx, tx, entitledb.GetUsageParams{
		EnvID: s.EnvID, Quota: string(quota), Period: s.Period(quota),
	})
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read usage of %s: %w", quota, err)
	}
	if why, withheld := s.withheld(s.Now); withheld {
		return apperr.New(apperr.QuotaExceeded, "No %s can be added because %s. Please %s or upgrade your subscription.",
			quota.DisplayName(), reasons[why], remedies[why]).
			With("quota", string(quota)).With("limit", *value.Limit).With("used", used).
			With("current_plan", s.planCode()).With("required_plan", nil).With("resets_at", s.ResetsAt(quota))
	}
	plans, err := s.plans.published(ctx, tx)
	if err != nil {
		return err
	}
	upgrade := "Please upgrade your subscription for more."
	denied := apperr.New(apperr.QuotaExceeded, "").With("required_plan", nil)
	if plan := smallestAbove(plans, quota, value.Limit); plan != nil {
		upgrade = "Please upgrade to " + plan.Name + " for more."
		denied.With("required_plan", plan.Code)
	}
	denied.Detail = fmt.Sprintf("Your current plan allows %d %s%s. %s", *value.Limit, quota.DisplayName(), per(quota), upgrade)
	return denied.With("quota", string(quota)).With("limit", *value.Limit).With("used", used).
		With("current_plan", s.planCode()).With("resets_at", s.ResetsAt(quota))
}

func per(quota Quota) string {
	if quota.Monthly() {
		return " per month"
	}
	return ""
}
