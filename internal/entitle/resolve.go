package entitle

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Source is the rule that decided a value.
type Source string

// The sources, from the strongest to the weakest.
const (
	FromSuspension Source = "suspended"
	FromPastDue    Source = "past_due"
	FromOverride   Source = "override"
	FromPlan       Source = "plan"
	FromDefault    Source = "default"
)

// PlanVersion is a published version of a plan. It never changes.
type PlanVersion struct {
	ID       uuid.UUID
	Code     string
	Name     string
	Version  int32
	Rank     int32
	Features map[Feature]bool
	// Limits holds nil for unlimited; a quota that is missing has the limit 0.
	Limits map[Quota]*int64
}

// Override replaces what the plan says of a feature or quota, for one tenant and a time range.
type Override struct {
	Name string `json:"name"`
	// Value is true or false for a feature, a number or null (unlimited) for a quota.
	Value json.RawMessage `json:"value"`
	// From is inclusive, To exclusive; a nil To never ends.
	From time.Time  `json:"from"`
	To   *time.Time `json:"to"`
}

// Active reports whether the override applies at the instant.
func (o Override) Active(now time.Time) bool {
	return !now.Before(o.From) && (o.To == nil || now.Before(*o.To))
}

// FeatureValue is the resolved state of a feature.
type FeatureValue struct {
	Enabled bool
	Source  Source
}

// QuotaValue is the resolved limit of a quota; a nil Limit is unlimited.
type QuotaValue struct {
	Limit  *int64
	Source Source
}

// Grants is the input of the resolution.
type Grants struct {
	// Suspended turns everything off.
	Suspended bool
	// GraceUntil is nil unless the subscription is past due. At this instant every feature is
	// switched off, and every limit is 0.
	GraceUntil *time.Time
	// Overrides are in the order of their creation; of several active ones the last applies.
	Overrides []Override
	Plan      *PlanVersion
}

// withheld reports whether the tenant has no entitlements at the instant, and why.
func (g Grants) withheld(now time.Time) (why Source, ok bool) {
	switch {
	case g.Suspended:
		return FromSuspension, true
	case g.GraceUntil != nil && !now.Before(*g.GraceUntil):
		return FromPastDue, true
	}
	return "", false
}

// Feature resolves a feature at an instant. The first of these that applies decides:
// suspension, a subscription past its grace period (both: off), the active override, the plan,
// the default (off).
func (g Grants) Feature(name Feature, now time.Time) FeatureValue {
	if why, ok := g.withheld(now); ok {
		return FeatureValue{Source: why}
	}
	if o := g.override(string(name), now); o != nil {
		var enabled bool
		if json.Unmarshal(o.Value, &enabled) == nil {
			return FeatureValue{Enabled: enabled, Source: FromOverride}
		}
	}
	if g.Plan != nil {
		if enabled, ok := g.Plan.Features[name]; ok {
			return FeatureValue{Enabled: enabled, Source: FromPlan}
		}
	}
	return FeatureValue{Source: FromDefault}
}

// Quota resolves the limit of a quota at an instant, in the same order.
func (g Grants) Quota(name Quota, now time.Time) QuotaValue {
	zero := int64(0)
	if why, ok := g.withheld(now); ok {
		return QuotaValue{Limit: &zero, Source: why}
	}
	if o := g.override(string(name), now); o != nil {
		var limit *int64
		if json.Unmarshal(o.Value, &limit) == nil && (limit == nil || *limit >= 0) {
			return QuotaValue{Limit: limit, Source: FromOverride}
		}
	}
	if g.Plan != nil {
		if limit, ok := g.Plan.Limits[name]; ok {
			return QuotaValue{Limit: limit, Source: FromPlan}
		}
	}
	return QuotaValue{Limit: &zero, Source: FromDefault}
}

// override returns the last active override of the name, or nil. Callers ignore an override whose
// value has the wrong type; the plan then decides.
func (g Grants) override(name string, now time.Time) *Override {
	for i := len(g.Overrides) - 1; i >= 0; i-- {
		if o := &g.Overrides[i]; o.Name == name && o.Active(now) {
			return o
		}
	}
	return nil
}

// ValidateOverride returns an error unless the name is a feature or a quota and the value has the
// type of it. The error's text is meant for people.
func ValidateOverride(name string, value json.RawMessage) error {
	var enabled *bool
	var limit *int64
	switch {
	case Feature(name).Valid():
		if err := json.Unmarshal(value, &enabled); err != nil || enabled == nil {
			return fmt.Errorf("the value of the feature %s must be true or false", name)
		}
	case Quota(name).Valid():
		if err := json.Unmarshal(value, &limit); err != nil || (limit != nil && *limit < 0) {
			return fmt.Errorf("the value of the quota %s must be a whole number from 0, or null for unlimited", name)
		}
	default:
		return fmt.Errorf("there is no feature or quota with the name %q", name)
	}
	return nil
}
