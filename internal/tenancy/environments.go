package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// ScopeOf returns a scope without principal for background work in an environment. Errors: NotFound.
func (r *Resolver) ScopeOf(ctx context.Context, envID uuid.UUID, now time.Time) (*Scope, error) {
	now = now.UTC().Truncate(time.Microsecond)
	row, err := r.queries.GetTenantOfEnvironment(ctx, r.db, tenancydb.GetTenantOfEnvironmentParams{Now: now, EnvID: envID})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, apperr.NewNotFound("environment")
	}
	if err != nil {
		return nil, fmt.Errorf("get tenant of environment %s: %w", envID, err)
	}
	tenant := tenancydb.ResolveRequestRow{
		TenantID: &row.TenantID, TenantName: &row.Name, TenantStatus: &row.Status, PlanVersionID: row.PlanVersionID,
		GraceUntil: row.GraceUntil, TenantTimezone: &row.Timezone, TenantCurrency: &row.Currency, SandboxEnabled: &row.SandboxEnabled,
		SandboxAheadMicroseconds: row.SandboxAheadMicroseconds, Overrides: row.Overrides,
	}
	scope := &Scope{Now: now}
	if scope.Tenant, err = r.tenantOf(ctx, tenant); err != nil {
		return nil, err
	}
	scope.setEnvironment(row.IsSandbox, tenant.SandboxAheadMicroseconds)
	scope.Entitlements, err = r.entitlementsOf(ctx, scope, tenant)
	return scope, err
}

// Environments returns all environments, ordered by name.
func (r *Resolver) Environments(ctx context.Context) ([]Environment, error) {
	rows, err := r.queries.ListEnvironments(ctx, r.db)
	if err != nil {
		return nil, fmt.Errorf("list environments: %w", err)
	}
	list := make([]Environment, len(rows))
	for i, row := range rows {
		list[i] = Environment(row)
	}
	return list, nil
}
