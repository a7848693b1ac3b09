package identity

import (
	"context"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Overview is what the plan of a tenant includes, and how much of it one environment
// has used.
type Overview struct {
	Plan     *entitle.PlanVersion
	Features []entitle.FeatureStatus
	Quotas   []entitle.QuotaStatus
}

// Entitlements is the service that shows a tenant what it is entitled to.
type Entitlements struct {
	store *tenancy.Store
}

// NewEntitlements reads usage from the store.
func NewEntitlements(store *tenancy.Store) *Entitlements { return &Entitlements{store: store} }

// Overview returns every feature and every quota of the request's tenant, with the
// usage in the request's mode.
func (s *Entitlements) Overview(ctx context.Context, scope *tenancy.Scope) (Overview, error) {
	if err := inTenant(scope); err != nil {
		return Overview{}, err
	}
	features, quotas, err := scope.Entitlements.Overview(ctx, s.store.Reader(scope))
	if err != nil {
		return Overview{}, err
	}
	return Overview{Plan: scope.Entitlements.Plan, Features: features, Quotas: quotas}, nil
}
