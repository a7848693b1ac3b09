package entitle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/smoothschedule/smoothschedule/gen/db/entitledb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

var queries = entitledb.New()

// Tx is a transaction in an environment that can tell what happened, such as tenancy.Tx.
type Tx interface {
	entitledb.DBTX
	// Emit adds an event to the feed of the environment.
	Emit(eventType string, data any)
}

// Reserve raises the quota's counter by n in the caller's transaction, or returns
// a QuotaExceeded error if that would pass the limit. The counter's row stays
// locked until the transaction ends, so call it as late as possible; N parallel
// callers at limit L get exactly L units. Whoever reaches 80 % or 100 % of the limit
// emits usage.threshold_reached, once for each period and limit.
func Reserve(ctx context.Context, tx Tx, set *Set, quota Quota, n int64) error {
	value := set.Quota(quota, set.Now)
	counter, err := queries.RaiseUsage(ctx, tx, entitledb.RaiseUsageParams{
		EnvID: set.EnvID, Quota: string(quota), Period: set.Period(quota), N: n, QuotaLimit: value.Limit,
	})
	if errors.Is(err, pgx.ErrNoRows) { // the first of its period, or too many: the slower statement tells
		var first entitledb.ReserveUsageRow
		first, err = queries.ReserveUsage(ctx, tx, entitledb.ReserveUsageParams{
			EnvID: set.EnvID, Quota: string(quota), Period: set.Period(quota), N: n, QuotaLimit: value.Limit,
		})
		counter = entitledb.RaiseUsageRow(first)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return set.exceeded(ctx, tx, quota, value)
	}
	if err != nil {
		return fmt.Errorf("reserve %s: %w", quota, err)
	}
	if n == 0 || value.Limit == nil {
		return nil
	}
	return set.warn(ctx, tx, quota, *value.Limit, counter)
}

// ReserveAsUsual is Reserve in one statement, for a transaction that cannot look at its answer
// (tenancy.Tx.Finally): nearly always, nothing but the counter has to be changed. If something
// else has to be done, such as to tell of a threshold or to refuse, the statement fails, nothing is
// reserved, and the error is ErrNotAsUsual.
func ReserveAsUsual(ctx context.Context, tx entitledb.DBTX, set *Set, quota Quota, n int64) error {
	params := entitledb.RaiseUsageAsUsualParams{
		EnvID: set.EnvID, Quota: string(quota), Period: set.Period(quota), N: n, QuotaLimit: set.Quota(quota, set.Now).Limit,
	}
	if params.QuotaLimit != nil {
		params.Share80 = share(*params.QuotaLimit, 80)
	}
	err := queries.RaiseUsageAsUsual(ctx, tx, params)
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && pgErr.Code == divisionByZero {
		return ErrNotAsUsual
	}
	if err != nil {
		return fmt.Errorf("reserve %s as usual: %w", quota, err)
	}
	return nil
}

const divisionByZero = "22012" // SQLSTATE

// ErrNotAsUsual says that a reservation needs Reserve.
var ErrNotAsUsual = errors.New("the reservation needs more than its counter")

// Release gives n back to the counter of a period (see Set.Period), in the
// transaction that deletes what was counted.
func Release(ctx context.Context, tx entitledb.DBTX, set *Set, quota Quota, period time.Time, n int64) error {
	err := queries.ReleaseUsage(ctx, tx, entitledb.ReleaseUsageParams{
		EnvID: set.EnvID, Quota: string(quota), Period: period, N: n,
	})
	if err != nil {
		return fmt.Errorf("release %s: %w", quota, err)
	}
	return nil
}

// exceeded builds the error of a full quota. It reads in the same transaction, so
// used is what the guard saw.
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
	plans, err := s.catalogue.published(ctx, tx)
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
