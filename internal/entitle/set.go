package entitle

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// Set has the entitlements of one request's tenant at the instant of the request. It is part of
// the request's scope.
type Set struct {
	Grants
	// EnvID is the environment whose counters are used.
	EnvID uuid.UUID
	// Location is the tenant's time zone; it decides when a month begins.
	Location *time.Location
	// Now is the instant of the request.
	Now time.Time

	plans *Plans
}

// Has reports whether the feature is on (has_feature of ).
func (s *Set) Has(feature Feature) bool { return s.Feature(feature, s.Now).Enabled }

// Require returns nil if the feature is on, else a FeatureNotInPlan error that
// names the plan that would include it.
func (s *Set) Require(ctx context.Context, feature Feature) error {
	if s.Has(feature) {
		return nil
	}
	if why, withheld := s.withheld(s.Now); withheld {
		return apperr.New(apperr.FeatureNotInPlan, "%s is switched off because %s. Please %s or upgrade your subscription to use it.",
			feature.DisplayName(), reasons[why], remedies[why]).
			With("feature", string(feature)).With("feature_name", feature.DisplayName()).
			With("current_plan", s.planCode()).With("required_plan", nil)
	}
	denied := apperr.New(apperr.FeatureNotInPlan, "Your current plan does not include %s. Please upgrade", feature.DisplayName()).
		With("feature", string(feature)).
		With("feature_name", feature.DisplayName()).
		With("current_plan", s.planCode())
	required, err := s.plans.Unlocking(ctx, feature)
	if err != nil {
		return err
	}
	if required == nil {
		denied.Detail += " your subscription to use it."
		return denied.With("required_plan", nil)
	}
	denied.Detail += " to " + required.Name + " to use it."
	return denied.With("required_plan", required.Code)
}

// reasons and remedies are texts for people: why nothing is allowed, and what would help.
var (
	reasons  = map[Source]string{FromSuspension: "this business is suspended", FromPastDue: "the subscription of this business is past due"}
	remedies = map[Source]string{FromSuspension: "contact support", FromPastDue: "pay what is due"}
)

// WithPlan returns the set as it would be with another plan.
func (s *Set) WithPlan(plan *PlanVersion) *Set {
	changed := *s
	changed.Plan = plan
	return &changed
}

// Granted returns the set as it would be if the tenant were neither suspended nor past due.
func (s *Set) Granted() *Set {
	changed := *s
	changed.Suspended, changed.GraceUntil = false, nil
	return &changed
}

func (s *Set) planCode() string {
	if s.Plan == nil {
		return ""
	}
	return s.Plan.Code
}

// StockPeriod is the period of the quotas that never reset.
var StockPeriod = time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC)

// Period returns the period whose counter the quota uses now: for a monthly quota
// the first day of the month in the tenant's zone (a date, written as midnight
// UTC), else StockPeriod.
func (s *Set) Period(quota Quota) time.Time {
	if !quota.Monthly() {
		return StockPeriod
	}
	local := s.Now.In(s.Location)
	return time.Date(local.Year(), local.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// ResetsAt returns the instant at which the quota's count restarts (the first
// midnight of the next month in the tenant's zone), or nil for a quota that never resets.
func (s *Set) ResetsAt(quota Quota) *time.Time {
	if !quota.Monthly() {
		return nil
	}
	local := s.Now.In(s.Location)
	next := time.Date(local.Year(), local.Month()+1, 1, 0, 0, 0, 0, s.Location).UTC()
	return &next
}
