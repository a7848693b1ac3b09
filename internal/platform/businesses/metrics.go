package businesses

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

const (
	// metricDays is how many days the daily counts have, today included.
	metricDays = 90
	// ChurnDays is the time that churn, and what is new or in use, is counted over.
	ChurnDays = 30
)

// Metrics are the platform's numbers. Only live environments count.
type Metrics struct {
	AsOf       time.Time
	Businesses BusinessMetrics
	Users      UserMetrics
	// Bookings are the appointments that were booked on each day.
	Bookings DailyCounts
	// MRR is the monthly recurring revenue in each currency.
	MRR      []Money
	Churn    Churn
	APICalls DailyCounts
}

// BusinessMetrics counts businesses.
type BusinessMetrics struct {
	Total, CreatedLately int64
	ByStatus             []StatusCount
	ByPlan               []PlanCount
}

// StatusCount is the number of businesses with a status.
type StatusCount struct {
	Status string
	Count  int64
}

// PlanCount is the number of businesses with a plan.
type PlanCount struct {
	Code, Name string
	Count      int64
}

// UserMetrics counts users.
type UserMetrics struct {
	Total, SignedInLately int64
	ByRole                []RoleCount
}

// RoleCount is the number of users with a role.
type RoleCount struct {
	Role  tenancy.Role
	Count int64
}

// Churn is how many businesses were lost.
type Churn struct {
	// AtStart were there and not suspended at the start, Churned of those are suspended now.
	AtStart, Churned int64
}

// Rate is the lost share, from 0 to 1.
func (c Churn) Rate() float64 {
	if c.AtStart == 0 {
		return 0
	}
	return float64(c.Churned) / float64(c.AtStart)
}

// DailyCounts are counts of successive days (UTC), the last one today.
type DailyCounts struct {
	Total int64
	Days  []DailyCount
}

// DailyCount is the count of one day, written as its midnight in UTC.
type DailyCount struct {
	Day   time.Time
	Count int64
}

// Overview is the service for the platform's numbers.
type Overview struct {
	store *store.Store
	calls *APICalls
}

// NewOverview counts in the store, and what calls has counted.
func NewOverview(store *store.Store, calls *APICalls) *Overview {
	return &Overview{store: store, calls: calls}
}

// Metrics returns the numbers at the instant of the request, all of one moment.
func (s *Overview) Metrics(ctx context.Context, scope *tenancy.Scope) (Metrics, error) {
	if err := s.calls.Flush(ctx); err != nil {
		return Metrics{}, err
	}
	m := Metrics{AsOf: scope.RealNow()}
	err := s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"); err != nil {
			return fmt.Errorf("read of one moment: %w", err)
		}
		for _, read := range []func(context.Context, pgx.Tx, time.Time) error{m.readBusinesses, m.readChurn, m.readUsers, m.readDays} {
			if err := read(ctx, tx, scope.RealNow()); err != nil {
				return err
			}
		}
		return nil
	})
	return m, err
}

func (m *Metrics) readBusinesses(ctx context.Context, tx pgx.Tx, now time.Time) error {
	rows, err := queries.SumTenants(ctx, tx, now)
	if err != nil {
		return fmt.Errorf("sum tenants: %w", err)
	}
	statuses, revenue := map[string]int64{}, map[string]int64{}
	for _, row := range rows { // in the order of the plans
		m.Businesses.Total += row.Tenants
		statuses[row.Status] += row.Tenants
		revenue[row.Currency] += row.Monthly
		plans := &m.Businesses.ByPlan
		if n := len(*plans); n == 0 || (*plans)[n-1].Code != row.PlanCode {
			*plans = append(*plans, PlanCount{Code: row.PlanCode, Name: row.PlanName})
		}
		(*plans)[len(*plans)-1].Count += row.Tenants
	}
	for _, status := range []string{tenancy.StatusActive, tenancy.StatusTrial, tenancy.StatusSuspended} {
		m.Businesses.ByStatus = append(m.Businesses.ByStatus, StatusCount{status, statuses[status]})
	}
	for _, currency := range sortedKeys(revenue) {
		m.MRR = append(m.MRR, Money{Amount: revenue[currency], Currency: currency})
	}
	return nil
}

func (m *Metrics) readChurn(ctx context.Context, tx pgx.Tx, now time.Time) error {
	row, err := queries.CountChurn(ctx, tx, now.AddDate(0, 0, -ChurnDays))
	if err != nil {
		return fmt.Errorf("count churn: %w", err)
	}
	m.Churn = Churn{AtStart: row.AtStart, Churned: row.Churned}
	m.Businesses.CreatedLately = row.Created
	return nil
}

func (m *Metrics) readUsers(ctx context.Context, tx pgx.Tx, now time.Time) error {
	rows, err := queries.CountUsers(ctx, tx, now.AddDate(0, 0, -ChurnDays))
	if err != nil {
		return fmt.Errorf("count users: %w", err)
	}
	byRole := map[tenancy.Role]int64{}
	for _, row := range rows {
		m.Users.Total += row.Users
		m.Users.SignedInLately += row.SignedIn
		byRole[tenancy.Role(row.Role)] = row.Users
	}
	for _, role := range tenancy.Roles() {
		m.Users.ByRole = append(m.Users.ByRole, RoleCount{role, byRole[role]})
	}
	return nil
}

func (m *Metrics) readDays(ctx context.Context, tx pgx.Tx, now time.Time) error {
	since := dayOf(now).AddDate(0, 0, 1-metricDays)
	bookings, err := queries.ListDailyBookings(ctx, tx, since)
	if err != nil {
		return fmt.Errorf("list daily bookings: %w", err)
	}
	m.Bookings = newDailyCounts(since, bookings, func(r admindb.ListDailyBookingsRow) DailyCount { return DailyCount{r.Day, r.Booked} })
	calls, err := queries.ListDailyAPICalls(ctx, tx, since)
	if err != nil {
		return fmt.Errorf("list daily API calls: %w", err)
	}
	m.APICalls = newDailyCounts(since, calls, func(r admindb.DailyApiCall) DailyCount { return DailyCount{r.Day, r.Calls} })
	return nil
}

// newDailyCounts fills the days without a count with 0, and leaves out what is later
// than today.
func newDailyCounts[R any](since time.Time, rows []R, convert func(R) DailyCount) DailyCounts {
	counts := DailyCounts{Days: make([]DailyCount, metricDays)}
	for i := range counts.Days {
		counts.Days[i].Day = since.AddDate(0, 0, i)
	}
	for _, row := range rows {
		count := convert(row)
		if i := int(count.Day.Sub(since) / (24 * time.Hour)); i >= 0 && i < metricDays {
			counts.Days[i].Count = count.Count
			counts.Total += count.Count
		}
	}
	return counts
}

// dayOf is the midnight in UTC that begins the day of an instant.
func dayOf(at time.Time) time.Time {
	at = at.UTC()
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
}

// RollUp adds what was booked since the last time to the daily counts. The numbers are
// right without it, only slower to get. It may run at any time, also twice at once.
func (s *Overview) RollUp(ctx context.Context) error {
	return s.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		if err := queries.LockActivity(ctx, tx); err != nil {
			return fmt.Errorf("wait for another roll-up: %w", err)
		}
		if _, err := queries.RollUpBookings(ctx, tx); err != nil {
			return fmt.Errorf("roll up bookings: %w", err)
		}
		return nil
	})
}
