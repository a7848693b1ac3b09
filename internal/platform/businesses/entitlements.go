package businesses

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Entitlements are the features and quotas of a business, with the usage of one environment.
type Entitlements struct {
	Plan         *entitle.PlanVersion
	Subscription Subscription
	Features     []entitle.FeatureStatus
	Quotas       []entitle.QuotaStatus
}

// Affected counts objects that a change of plan would stop working.
type Affected struct {
	Noun  string
	Count int64
}

// LostFeature is a feature that a change of plan removes, with the objects that depend on it.
type LostFeature struct {
	Feature  entitle.Feature
	Affected []Affected
}

// QuotaPreview is a quota before and after a change of plan.
type QuotaPreview struct {
	entitle.QuotaChange
	Used int64
	// Excess is how much of Used would be above the new limit.
	Excess int64
}

// PlanPreview has the consequences of a change of plan.
type PlanPreview struct {
	From, To PlanReference
	Gained   []entitle.Feature
	Lost     []LostFeature
	// Quotas are all of them.
	Quotas []QuotaPreview
}

// LosesAnything reports whether a feature is lost or a quota would be exceeded.
func (p PlanPreview) LosesAnything() bool {
	for _, q := range p.Quotas {
		if q.Excess > 0 {
			return true
		}
	}
	return len(p.Lost) > 0
}

// Entitlements returns every feature and every quota of the request's tenant, with the
// usage in the request's mode. Errors: TenantRequired.
func (s *Subscriptions) Entitlements(ctx context.Context, scope *tenancy.Scope) (Entitlements, error) {
	if err := inTenant(scope); err != nil {
		return Entitlements{}, err
	}
	subscription, err := s.get(ctx, scope)
	if err != nil {
		return Entitlements{}, err
	}
	features, quotas, err := scope.Entitlements.Overview(ctx, s.store.Reader(scope))
	if err != nil {
		return Entitlements{}, err
	}
	return Entitlements{Plan: scope.Entitlements.Plan, Subscription: subscription, Features: features, Quotas: quotas}, nil
}

// Preview returns the consequences of a change of the request's tenant to the published version of
// a plan, with the usage in the request's mode. Errors: TenantRequired, ValidationFailed.
func (s *Subscriptions) Preview(ctx context.Context, scope *tenancy.Scope, code string) (PlanPreview, error) {
	if err := inTenant(scope); err != nil {
		return PlanPreview{}, err
	}
	target, err := s.find(ctx, code, nil)
	if err != nil {
		return PlanPreview{}, asParameter(err)
	}
	return s.preview(ctx, scope, target.ID)
}

// asParameter makes err point at the query parameter instead of a field of a body.
func asParameter(err error) error {
	if known, ok := errors.AsType[*apperr.Error](err); ok {
		for i := range known.Fields {
			known.Fields[i].Pointer = "?plan"
		}
	}
	return err
}

// preview compares the current entitlements of the scope's tenant with those of another plan. It
// ignores a suspension and an overdue payment, because both are independent of the plan.
func (s *Subscriptions) preview(ctx context.Context, scope *tenancy.Scope, planVersionID uuid.UUID) (PlanPreview, error) {
	plan, err := s.plans.Version(ctx, planVersionID)
	if err != nil {
		return PlanPreview{}, err
	}
	before := scope.Entitlements.Granted()
	used, err := before.Usage(ctx, s.store.Reader(scope))
	if err != nil {
		return PlanPreview{}, err
	}
	preview := PlanPreview{From: referenceOf(before.Plan), To: referenceOf(plan)}
	features, quotas := entitle.Compare(before.Grants, before.WithPlan(plan).Grants, scope.Now)
	for _, change := range features {
		if change.After.Enabled {
			preview.Gained = append(preview.Gained, change.Feature)
			continue
		}
		affected, err := s.affected(ctx, scope, change.Feature)
		if err != nil {
			return PlanPreview{}, err
		}
		preview.Lost = append(preview.Lost, LostFeature{Feature: change.Feature, Affected: affected})
	}
	for _, change := range quotas {
		preview.Quotas = append(preview.Quotas, QuotaPreview{
			QuotaChange: change, Used: used[change.Quota], Excess: entitle.Excess(change.After.Limit, used[change.Quota]),
		})
	}
	return preview, nil
}

func referenceOf(plan *entitle.PlanVersion) PlanReference {
	return PlanReference{Code: plan.Code, Name: plan.Name, Version: plan.Version}
}

// affected counts the objects in the scope's environment that would stop working without the
// feature. Most features have no such objects.
func (s *Subscriptions) affected(ctx context.Context, scope *tenancy.Scope, feature entitle.Feature) ([]Affected, error) {
	if feature != entitle.UseCustomDomain {
		return nil, nil
	}
	count, err := queries.CountCustomDomains(ctx, s.store.Reader(scope), scope.Tenant.ID)
	if err != nil {
		return nil, fmt.Errorf("count custom domains: %w", err)
	}
	return []Affected{{Noun: "custom domains", Count: count}}, nil
}
