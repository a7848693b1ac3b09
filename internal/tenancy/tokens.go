package tenancy

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/apitoken"
)

// lookUpToken finds the API token of a request, and the tenant, with one query.
func (r *Resolver) lookUpToken(ctx context.Context, db tenancydb.DBTX, req Request) (tenancydb.ResolveRequestRow, *Principal, error) {
	row, err := r.queries.ResolveTokenRequest(ctx, db, tokenParams(req))
	found := tenantOfToken(row)
	if err != nil || row.TokenID == nil {
		return found, nil, err
	}
	token := &Token{ID: *row.TokenID, IsSandbox: *row.TokenIsSandbox, Scopes: make([]apitoken.Scope, len(row.TokenScopes))}
	for i, scope := range row.TokenScopes {
		token.Scopes[i] = apitoken.Scope(scope)
	}
	return found, &Principal{Token: token, TenantID: row.TokenTenantID, IsSandbox: token.IsSandbox}, nil
}

func tokenParams(req Request) tenancydb.ResolveTokenRequestParams {
	return tenancydb.ResolveTokenRequestParams{Now: req.Now, Domain: req.Host.Domain, Hash: req.APIToken.Hash()}
}

// tenantOfToken converts the columns of host and tenant to those of a session's row.
func tenantOfToken(row tenancydb.ResolveTokenRequestRow) tenancydb.ResolveRequestRow {
	return tenancydb.ResolveRequestRow{
		HostTenantID: row.HostTenantID, LastUsedAt: row.LastUsedAt, TenantID: row.TenantID, TenantName: row.TenantName,
		TenantStatus: row.TenantStatus, PlanVersionID: row.PlanVersionID, GraceUntil: row.GraceUntil,
		TenantTimezone: row.TenantTimezone,
		TenantCurrency: row.TenantCurrency, SandboxEnabled: row.SandboxEnabled, SandboxAheadMicroseconds: row.SandboxAheadMicroseconds, Overrides: row.Overrides,
	}
}

func (r *Resolver) recordTokenUse(ctx context.Context, id uuid.UUID, now time.Time) error {
	if err := r.queries.TouchToken(ctx, r.db, tenancydb.TouchTokenParams{ID: id, Now: &now}); err != nil {
		return fmt.Errorf("record use of token: %w", err)
	}
	return nil
}
