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

// ScopeOf returns the scope of work in an environment outside of any request: nobody is
// signed in. Errors: NotFound.
func (r *Resolver) ScopeOf(ctx context.Context, envID uuid.UUID, now time.Time) (*Scope, error) {
	now = now.UTC().Truncate(time.Microsecond)
	row, err := r.queries.GetTenantOfEnvironment(ctx, r.db, tenancydb.GetTenantOfEnvironmentParams{Now: now, EnvID: envID})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, apperr.NewNotFound("environment")
	}
	if err != nil {
		return nil, fmt.Errorf("get tenant of environment %s: %w", envID, err)
	}
	found := tenancydb.ResolveRequestRow{
		TenantID: &row.TenantID, TenantName: &row.Name, TenantStatus: &row.Status, PlanVersionID: row.PlanVersionID,
		GraceUntil: row.GraceUntil, TenantTimezone: &row.Timezone, TenantCurrency: &row.Currency, SandboxEnabled: &row.SandboxEnabled,
		SandboxAheadMicroseconds: row.SandboxAheadMicroseconds, Overrides: row.Overrides,
	}
	scope := &Scope{Now: now}
	if scope.Tenant, err = r.tenantOf(ctx, found); err != nil {
		return nil, err
	}
	scope.settle(row.IsSandbox, found.SandboxAheadMicroseconds)
	scope.Entitlements, err = r.entitlementsOf(ctx, scope, found)
	return scope, err
}

// Environments returns all environments there are, in the order of their names.
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
