package entitle

import "time"

// FeatureChange is a feature that differs between two sets of grants.
type FeatureChange struct {
	Feature       Feature
	Before, After FeatureValue
}

// QuotaChange is a quota with its limits under two sets of grants.
type QuotaChange struct {
	Quota         Quota
	Before, After QuotaValue
}

// Raised reports whether the change allows more than before.
func (c QuotaChange) Raised() bool {
	return c.Before.Limit != nil && (c.After.Limit == nil || *c.After.Limit > *c.Before.Limit)
}

// Excess returns how much of used is above the limit; a nil limit is unlimited.
func Excess(limit *int64, used int64) int64 {
	if limit == nil {
		return 0
	}
	return max(used-*limit, 0)
}

// Compare compares two sets of grants at an instant. It returns the features that differ, and all
// quotas.
func Compare(before, after Grants, now time.Time) ([]FeatureChange, []QuotaChange) {
	var features []FeatureChange
	for _, f := range Features() {
		change := FeatureChange{Feature: f, Before: before.Feature(f, now), After: after.Feature(f, now)}
		if change.Before.Enabled != change.After.Enabled {
			features = append(features, change)
		}
	}
	var quotas []QuotaChange
	for _, q := range Quotas() {
		quotas = append(quotas, QuotaChange{Quota: q, Before: before.Quota(q, now), After: after.Quota(q, now)})
	}
	return features, quotas
}
