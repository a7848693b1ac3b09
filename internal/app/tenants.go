package app

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// tenants implements businesses.Tenants: platform administration creates tenants by the rules of
// identity.
type tenants struct {
	hasher *identity.Hasher
	plans  *entitle.Plans
}

var _ businesses.Tenants = tenants{}

func (t tenants) Hash(ctx context.Context, password string, about ...string) (string, error) {
	return t.hasher.HashNew(ctx, "/password", password, about...)
}

func (t tenants) Make(ctx context.Context, tx *store.PlatformTx, scope *tenancy.Scope, in businesses.BusinessInput) (uuid.UUID, error) {
	tenant, err := identity.InsertTenant(ctx, tx, identity.CreateTenantInput{
		Name: in.Name, Subdomain: in.Subdomain, PlanCode: in.PlanCode, Timezone: in.Timezone, Currency: in.Currency, Now: scope.RealNow(),
	})
	if err != nil || in.Owner == nil {
		return tenantID(tenant), err
	}
	entitlements, err := t.entitlements(ctx, tenant, scope.RealNow(), in.PlanCode)
	if err != nil {
		return uuid.Nil, err
	}
	_, err = identity.CreateUser(ctx, tx.In(tenant.Live.ID), scope.InTenant(tenant, entitlements), identity.NewUser{
		Email: in.Owner.Email, Name: in.Owner.Name, Role: tenancy.RoleOwner, PasswordHash: in.Owner.PasswordHash,
	})
	return tenant.ID, err
}

func tenantID(tenant *tenancy.Tenant) uuid.UUID {
	if tenant == nil {
		return uuid.Nil
	}
	return tenant.ID
}

// entitlements returns the entitlements of a new tenant with the published version of a plan.
func (t tenants) entitlements(ctx context.Context, tenant *tenancy.Tenant, now time.Time, planCode string) (*entitle.Set, error) {
	plans, err := t.plans.Published(ctx)
	if err != nil {
		return nil, err
	}
	set := entitle.Set{EnvID: tenant.Live.ID, Location: tenant.Location, Now: now}
	for _, plan := range plans {
		if plan.Code == planCode {
			set.Plan = plan
		}
	}
	return t.plans.NewSet(set), nil
}
