package businesses

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Offer is a plan as a business sees it: what it costs, and what it would change.
type Offer struct {
	Code, Name string
	Version    int32
	Price      Money
	Interval   entitle.Interval
	Plan       *entitle.PlanVersion
	// IsCurrent is whether the business has this version.
	IsCurrent bool
	// Features are those that the plan would switch on or off, exceptions included.
	Features []entitle.FeatureChange
	// Quotas are all quotas, with the limits before and after.
	Quotas []entitle.QuotaChange
}

// Offers is the service that shows a business what it can buy.
type Offers struct {
	store *store.Store
}

// NewOffers reads plans from the store.
func NewOffers(store *store.Store) *Offers { return &Offers{store: store} }

// List returns the plans that can be bought, from the smallest to the largest, compared
// with what the request's tenant has. Errors: TenantRequired.
func (s *Offers) List(ctx context.Context, scope *tenancy.Scope) ([]Offer, error) {
	if err := inTenant(scope); err != nil {
		return nil, err
	}
	rows, err := queries.ListPublishedPlans(ctx, s.store.Control())
	if err != nil {
		return nil, fmt.Errorf("list published plans: %w", err)
	}
	offers := []Offer{}
	for _, row := range rows {
		offer, err := newOffer(row, scope.Entitlements.Granted())
		if err != nil {
			return nil, err
		}
		offers = append(offers, offer)
	}
	return offers, nil
}

func newOffer(row admindb.ListPublishedPlansRow, current *entitle.Set) (Offer, error) {
	plan := &entitle.PlanVersion{ID: row.ID, Code: row.Code, Name: row.Name, Version: row.Version}
	if err := json.Unmarshal(row.Features, &plan.Features); err != nil {
		return Offer{}, fmt.Errorf("plan version %s: features: %w", row.ID, err)
	}
	if err := json.Unmarshal(row.Limits, &plan.Limits); err != nil {
		return Offer{}, fmt.Errorf("plan version %s: limits: %w", row.ID, err)
	}
	offer := Offer{
		Code: row.Code, Name: row.Name, Version: row.Version, Price: Money{row.PriceAmount, row.PriceCurrency},
		Interval: entitle.Interval(row.BillingInterval), Plan: plan, IsCurrent: current.Plan.ID == row.ID,
	}
	offer.Features, offer.Quotas = entitle.Compare(current.Grants, current.WithPlan(plan).Grants, current.Now)
	return offer, nil
}

// inTenant returns a TenantRequired error if the request belongs to no business.
func inTenant(scope *tenancy.Scope) error {
	if scope.Tenant == nil {
		return apperr.New(apperr.TenantRequired, "This request belongs to no business.")
	}
	return nil
}
