package entitle

import (
	"context"
	"fmt"
	"time"

	"github.com/smoothschedule/smoothschedule/gen/db/entitledb"
)

// FeatureStatus is a feature as the entitlements API shows it.
type FeatureStatus struct {
	Feature Feature
	FeatureValue
	// UnlockedBy is the code of the smallest plan that includes the feature; nil if it is on.
	UnlockedBy *string
}

// QuotaStatus is a quota as the entitlements API shows it.
type QuotaStatus struct {
	Quota Quota
	QuotaValue
	Used int64
	// Remaining is nil for unlimited, and never below 0.
	Remaining *int64
	ResetsAt  *time.Time
	// UnlockedBy is the code of the smallest plan with a higher limit.
	UnlockedBy *string
}

// Excess is how much of Used is above the limit, as after a downgrade: existing objects stay,
// none can be added.
func (s QuotaStatus) Excess() int64 { return Excess(s.Limit, s.Used) }

// Overview lists every feature and quota of the request's tenant, with the usage of the
// request's environment; db must have access to that environment.
func (s *Set) Overview(ctx context.Context, db entitledb.DBTX) ([]FeatureStatus, []QuotaStatus, error) {
	plans, err := s.plans.Published(ctx)
	if err != nil {
		return nil, nil, err
	}
	used, err := s.Usage(ctx, db)
	if err != nil {
		return nil, nil, err
	}
	_, withheld := s.withheld(s.Now) // another plan would not help
	var features []FeatureStatus
	for _, f := range Features() {
		status := FeatureStatus{Feature: f, FeatureValue: s.Feature(f, s.Now)}
		if plan := smallestWith(plans, f); plan != nil && !status.Enabled && !withheld {
			status.UnlockedBy = &plan.Code
		}
		features = append(features, status)
	}
	var quotas []QuotaStatus
	for _, q := range Quotas() {
		status := QuotaStatus{Quota: q, QuotaValue: s.Quota(q, s.Now), Used: used[q], ResetsAt: s.ResetsAt(q)}
		if status.Limit != nil {
			remaining := max(*status.Limit-status.Used, 0)
			status.Remaining = &remaining
		}
		if plan := smallestAbove(plans, q, status.Limit); plan != nil && !withheld {
			status.UnlockedBy = &plan.Code
		}
		quotas = append(quotas, status)
	}
	return features, quotas, nil
}

// Usage returns the current usage of each quota in the environment; db must have access to it.
func (s *Set) Usage(ctx context.Context, db entitledb.DBTX) (map[Quota]int64, error) {
	rows, err := queries.ListUsage(ctx, db, entitledb.ListUsageParams{
		EnvID: s.EnvID, StockPeriod: StockPeriod, CurrentPeriod: s.Period(MaxAppointments),
	})
	if err != nil {
		return nil, fmt.Errorf("list usage: %w", err)
	}
	used := make(map[Quota]int64, len(rows))
	for _, row := range rows {
		quota := Quota(row.Quota)
		if row.Period.Equal(s.Period(quota)) {
			used[quota] = row.Used
		}
	}
	return used, nil
}
