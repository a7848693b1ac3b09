package api

import (
	"cmp"
	"fmt"
	"time"

	"github.com/oapi-codegen/nullable"

	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ToAPIBusiness converts a business.
func ToAPIBusiness(b businesses.Business) adminoapi.PlatformBusiness {
	return adminoapi.PlatformBusiness{
		ID: b.ID, Name: b.Name, Status: adminoapi.BusinessStatus(b.Status), SchemaName: b.SchemaName, SandboxSchemaName: b.SandboxSchemaName,
		SandboxEnabled: b.SandboxEnabled, Domain: b.Domain, Timezone: b.Timezone, Currency: b.Currency, Plan: toAPIPlanReference(b.Plan),
		ScheduledPlan: toAPIScheduledPlan(b.Subscription.Scheduled), Billing: toAPIBilling(b.Subscription), Features: toAPIFeatures(b.Features),
		Owner: toAPIPerson(b.Owner), UserCount: b.UserCount, SuspendedAt: convert.Nullable(b.SuspendedAt), CreatedAt: b.CreatedAt,
		UpdatedAt: b.UpdatedAt, Version: b.Version,
	}
}

// FromAPIBusinessFilter converts the filters of the list of businesses.
func FromAPIBusinessFilter(in adminoapi.ListPlatformBusinessesParams) businesses.BusinessFilter {
	return businesses.BusinessFilter{Search: in.Search, Status: (*string)(in.Status), PlanCode: in.Plan, Sort: fromAPISort(in.Sort)}
}

func fromAPISort(sort *adminoapi.Sort) businesses.Sort {
	if sort == nil {
		return businesses.NewestFirst
	}
	return businesses.Sort(*sort)
}

// FromAPIBusinessCreate converts a business to be, and the password of its owner.
func FromAPIBusinessCreate(in adminoapi.PlatformBusinessCreate) (input businesses.BusinessInput, password string) {
	input = businesses.BusinessInput{
		Name: string(in.Name), Subdomain: in.Subdomain, PlanCode: valueOr(in.PlanCode, "free"), Timezone: valueOr(in.Timezone, "UTC"),
		Currency: valueOr(in.Currency, "USD"), Status: string(valueOr(in.Status, tenancy.StatusActive)),
	}
	if in.Owner != nil {
		input.Owner = &businesses.OwnerInput{Email: string(in.Owner.Email), Name: string(in.Owner.Name)}
		password = in.Owner.Password
	}
	return input, password
}

func valueOr[T cmp.Ordered](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}

// FromAPIBusinessUpdate converts the changes of a business.
func FromAPIBusinessUpdate(in adminoapi.PlatformBusinessUpdate) businesses.BusinessPatch {
	return businesses.BusinessPatch{
		Name: (*string)(in.Name), Status: (*string)(in.Status), SandboxEnabled: in.SandboxEnabled, BillingStatus: (*string)(in.BillingStatus),
		GraceUntil: in.GraceUntil,
	}
}

func toAPIPlanReference(p businesses.PlanReference) adminoapi.PlanReference {
	return adminoapi.PlanReference{Code: p.Code, Name: p.Name, Version: p.Version}
}

func toAPIScheduledPlan(p *businesses.ScheduledPlan) nullable.Nullable[adminoapi.ScheduledPlan] {
	if p == nil {
		return nullable.NewNullNullable[adminoapi.ScheduledPlan]()
	}
	return nullable.NewNullableWithValue(adminoapi.ScheduledPlan{
		Code: p.Code, Name: p.Name, Version: p.Version, TakesEffectAt: p.TakesEffectAt.UTC(),
	})
}

func toAPIBilling(s businesses.Subscription) adminoapi.Billing {
	return adminoapi.Billing{
		Status: adminoapi.BillingStatus(s.BillingStatus), GraceUntil: convert.Nullable(s.GraceUntil), PeriodEndsAt: s.PeriodEndsAt,
	}
}

func toAPIPerson(p *businesses.Person) nullable.Nullable[adminoapi.Person] {
	if p == nil {
		return nullable.NewNullNullable[adminoapi.Person]()
	}
	return nullable.NewNullableWithValue(adminoapi.Person{ID: p.ID, Name: p.Name, Email: p.Email})
}

// FromAPIPlanChange converts a change of plan.
func FromAPIPlanChange(in adminoapi.PlanChangeRequest) businesses.PlanChangeInput {
	return businesses.PlanChangeInput{PlanCode: in.PlanCode, Version: in.Version, When: string(in.When), DryRun: in.DryRun != nil && *in.DryRun}
}

// ToAPIPlanChange converts a change of plan and what it means.
func ToAPIPlanChange(c businesses.PlanChange) adminoapi.PlanChange {
	return adminoapi.PlanChange{
		DryRun: c.DryRun, When: adminoapi.PlanChangeTime(c.When), TakesEffectAt: c.TakesEffectAt, Preview: ToAPIPlanPreview(c.Preview),
	}
}

// ToAPIPlanPreview converts what another plan would change.
func ToAPIPlanPreview(p businesses.PlanPreview) adminoapi.PlanPreview {
	return adminoapi.PlanPreview{
		From: toAPIPlanReference(p.From), To: toAPIPlanReference(p.To), GainedFeatures: convert.All(p.Gained, toAPIFeatureName),
		LostFeatures: convert.All(p.Lost, toAPILostFeature), Quotas: convert.All(p.Quotas, toAPIQuotaPreview), LosesAnything: p.LosesAnything(),
	}
}

func toAPIFeatureName(f entitle.Feature) adminoapi.FeatureName {
	return adminoapi.FeatureName{Name: string(f), DisplayName: f.DisplayName()}
}

func toAPILostFeature(f businesses.LostFeature) adminoapi.LostFeature {
	return adminoapi.LostFeature{
		Name: string(f.Feature), DisplayName: f.Feature.DisplayName(),
		Affected: convert.All(f.Affected, func(a businesses.Affected) adminoapi.AffectedObjects {
			return adminoapi.AffectedObjects{Noun: a.Noun, Count: a.Count}
		}),
	}
}

func toAPIQuotaPreview(q businesses.QuotaPreview) adminoapi.QuotaPreview {
	return adminoapi.QuotaPreview{
		Name: string(q.Quota), DisplayName: q.Quota.DisplayName(), From: convert.Nullable(q.Before.Limit), To: convert.Nullable(q.After.Limit),
		Used: q.Used, Excess: q.Excess,
	}
}

// ToAPIEntitlements converts what a business is entitled to.
func ToAPIEntitlements(e businesses.Entitlements) adminoapi.Entitlements {
	out := adminoapi.Entitlements{
		Plan:          adminoapi.PlanReference{Code: e.Plan.Code, Name: e.Plan.Name, Version: e.Plan.Version},
		ScheduledPlan: toAPIScheduledPlan(e.Subscription.Scheduled), Billing: toAPIBilling(e.Subscription),
		Features:  make(map[string]adminoapi.FeatureEntitlement, len(e.Features)),
		Quotas:    make(map[string]adminoapi.QuotaEntitlement, len(e.Quotas)),
		OverLimit: []adminoapi.OverLimit{},
	}
	for _, f := range e.Features {
		out.Features[string(f.Feature)] = adminoapi.FeatureEntitlement{
			Enabled: f.Enabled, Source: adminoapi.EntitlementSource(f.Source), DisplayName: f.Feature.DisplayName(),
			UnlockedBy: convert.Nullable(f.UnlockedBy),
		}
	}
	for _, q := range e.Quotas {
		out.Quotas[string(q.Quota)] = adminoapi.QuotaEntitlement{
			Limit: convert.Nullable(q.Limit), Used: q.Used, Remaining: convert.Nullable(q.Remaining), ResetsAt: convert.Nullable(q.ResetsAt),
			Source: adminoapi.EntitlementSource(q.Source), DisplayName: q.Quota.DisplayName(), UnlockedBy: convert.Nullable(q.UnlockedBy),
		}
		if q.Excess() > 0 {
			out.OverLimit = append(out.OverLimit, adminoapi.OverLimit{
				Name: string(q.Quota), DisplayName: q.Quota.DisplayName(), Limit: *q.Limit, Used: q.Used, Excess: q.Excess(),
			})
		}
	}
	return out
}

// FromAPIOverrideCreate converts an exception to be.
func FromAPIOverrideCreate(in adminoapi.OverrideCreate) (businesses.OverrideInput, error) {
	value, err := in.Value.MarshalJSON()
	if err != nil {
		return businesses.OverrideInput{}, fmt.Errorf("encode the value of an exception: %w", err)
	}
	return businesses.OverrideInput{Name: in.Name, Value: value, Reason: in.Reason, From: in.From, To: in.To}, nil
}

// ToAPIOverride converts an exception as it is at an instant.
func ToAPIOverride(o businesses.Override, now time.Time) (adminoapi.Override, error) {
	out := adminoapi.Override{
		ID: o.ID, Name: o.Name, Reason: o.Reason, From: o.From, To: convert.Nullable(o.To), IsActive: o.Active(now), Actor: toAPIPerson(o.Actor),
		CreatedAt: o.CreatedAt, EndedAt: convert.Nullable(o.EndedAt), EndedBy: toAPIPerson(o.EndedBy),
	}
	if err := out.Value.UnmarshalJSON(o.Value); err != nil {
		return adminoapi.Override{}, fmt.Errorf("decode the value of exception %s: %w", o.ID, err)
	}
	return out, nil
}
