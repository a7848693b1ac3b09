package api

import (
	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	commonoapi "github.com/smoothschedule/smoothschedule/gen/api/common"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
)

// ToAPIPlan converts a plan.
func ToAPIPlan(p businesses.Plan) adminoapi.Plan {
	return adminoapi.Plan{
		ID: p.ID, Code: p.Code, Name: p.Name, Rank: p.Rank, CreatedAt: p.CreatedAt, Versions: convert.All(p.Versions, ToAPIPlanVersion),
	}
}

// ToAPIPlanVersion converts a version of a plan.
func ToAPIPlanVersion(v businesses.PlanVersion) adminoapi.PlanVersion {
	return adminoapi.PlanVersion{
		ID: v.ID, Version: v.Version, Status: adminoapi.PlanStatus(v.Status), Features: toAPIFeatures(v.Features),
		Limits: toAPILimits(v.Limits), Price: toAPIMoney(v.Price), Interval: adminoapi.BillingInterval(v.Interval), Tenants: v.Tenants,
		PublishedAt: convert.Nullable(v.PublishedAt), CreatedAt: v.CreatedAt, Revision: v.Revision,
	}
}

// FromAPIPlanCreate converts a plan to be.
func FromAPIPlanCreate(in adminoapi.PlanCreate) businesses.PlanInput {
	return businesses.PlanInput{Code: in.Code, Name: string(in.Name), Rank: in.Rank, Content: FromAPIPlanVersionUpdate(adminoapi.PlanVersionUpdate{
		Features: in.Features, Limits: in.Limits, Price: &in.Price, Interval: &in.Interval,
	})}
}

// FromAPIPlanVersionUpdate converts the changes of a draft.
func FromAPIPlanVersionUpdate(in adminoapi.PlanVersionUpdate) businesses.PlanContent {
	content := businesses.PlanContent{Interval: (*entitle.Interval)(in.Interval)}
	if in.Features != nil {
		content.Features = map[entitle.Feature]bool{}
		for name, enabled := range *in.Features {
			content.Features[entitle.Feature(name)] = enabled
		}
	}
	if in.Limits != nil {
		content.Limits = map[entitle.Quota]*int64{}
		for name, limit := range *in.Limits {
			content.Limits[entitle.Quota(name)] = limit
		}
	}
	if in.Price != nil {
		content.Price = &businesses.Money{Amount: in.Price.Amount, Currency: in.Price.Currency}
	}
	return content
}

// ToAPICataloguePlan converts a plan as a business sees it.
func ToAPICataloguePlan(o businesses.Offer) adminoapi.CataloguePlan {
	out := adminoapi.CataloguePlan{
		Code: o.Code, Name: o.Name, Version: o.Version, Price: toAPIMoney(o.Price), Interval: adminoapi.BillingInterval(o.Interval),
		Features: []string{}, Limits: toAPILimits(o.Plan.Limits), IsCurrent: o.IsCurrent,
		AddsFeatures: []adminoapi.FeatureName{}, LosesFeatures: []adminoapi.FeatureName{}, AddsLimits: []adminoapi.LimitChange{},
	}
	for _, f := range entitle.Features() {
		if o.Plan.Features[f] {
			out.Features = append(out.Features, string(f))
		}
	}
	for _, change := range o.Features {
		name := adminoapi.FeatureName{Name: string(change.Feature), DisplayName: change.Feature.DisplayName()}
		if change.After.Enabled {
			out.AddsFeatures = append(out.AddsFeatures, name)
		} else {
			out.LosesFeatures = append(out.LosesFeatures, name)
		}
	}
	for _, change := range o.Quotas {
		if change.Raised() {
			out.AddsLimits = append(out.AddsLimits, adminoapi.LimitChange{
				Name: string(change.Quota), DisplayName: change.Quota.DisplayName(),
				From: convert.Nullable(change.Before.Limit), To: convert.Nullable(change.After.Limit),
			})
		}
	}
	return out
}

func toAPIFeatures(features map[entitle.Feature]bool) adminoapi.FeatureSwitches {
	out := adminoapi.FeatureSwitches{}
	for name, enabled := range features {
		out[string(name)] = enabled
	}
	return out
}

func toAPILimits(limits map[entitle.Quota]*int64) adminoapi.Limits {
	out := adminoapi.Limits{}
	for name, limit := range limits {
		out[string(name)] = limit
	}
	return out
}

func toAPIMoney(m businesses.Money) commonoapi.Money {
	return commonoapi.Money{Amount: m.Amount, Currency: m.Currency}
}
