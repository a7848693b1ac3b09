package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// Request is what the resolution looks at.
type Request struct {
	RequestID string
	Now       time.Time
	Address   netip.Addr
	UserAgent string
	Host      Host
	// TokenHash is the SHA-256 of the session token, or nil if there was none.
	TokenHash []byte
	// APIToken is the API token, or nil if there was none; then TokenHash is nil.
	APIToken *apitoken.Token
	// ModeHeader is the value of X-Sandbox-Mode, or empty.
	ModeHeader string
}

// Resolver turns requests into scopes. It is safe for concurrent use.
type Resolver struct {
	db      tenancydb.DBTX
	queries *tenancydb.Queries
	plans   *entitle.Plans
	// environments never change once made, so they are kept: tenant id -> []Environment.
	environments sync.Map
	// identities are the results of the last lookups, for CachedScope; nil if that is off.
	identities *otter.Cache[identityKey, *identity]
}

// NewResolver reads the control plane through db.
func NewResolver(db tenancydb.DBTX, plans *entitle.Plans) *Resolver {
	return &Resolver{
		db: db, queries: tenancydb.New(), plans: plans,
		identities: otter.Must(&otter.Options[identityKey, *identity]{MaximumSize: maxCachedIdentities}),
	}
}

// WithoutIdentityCache makes CachedScope return nothing, so that every request is resolved
// before it is run. Call it before the Resolver is used.
func (r *Resolver) WithoutIdentityCache() *Resolver {
	r.identities = nil
	return r
}

// Resolve finds tenant, principal and environment of a request with one query, and keeps the
// result for CachedScope.
//
// Its errors: UnknownHost; TenantMismatch, when the session belongs to another
// business than the host, or to a business on the platform host; those of
// ResolveMode. A session or an API token that is unknown, expired or ended leaves the
// scope without principal. With an error the scope is still returned as far as it is known, so
// that the refusal can be recorded.
func (r *Resolver) Resolve(ctx context.Context, req Request) (*Scope, error) {
	scope := &Scope{RequestID: req.RequestID, Now: req.Now, Address: req.Address, UserAgent: req.UserAgent}
	if req.Host.Domain == "" && req.TokenHash == nil && req.APIToken == nil {
		return scope, nil
	}
	identity, err := r.lookUp(ctx, req)
	if err != nil {
		return scope, fmt.Errorf("resolve request: %w", err)
	}
	if req.Host.Domain != "" && identity.row.HostTenantID == nil {
		return scope, r.unknownHost(ctx, req)
	}
	scope.Principal = identity.principal
	if err := checkHost(req.Host, identity.row, scope.Principal); err != nil {
		return scope, err
	}
	if err := r.recordUse(ctx, identity, req.Now); err != nil {
		return scope, err
	}
	if err := r.addTenant(ctx, scope, identity.row, req); err != nil {
		return scope, err
	}
	if r.identities != nil {
		r.cacheIdentity(req, identity)
	}
	return scope, nil
}

// addTenant adds the tenant, the environment and the entitlements to a scope.
func (r *Resolver) addTenant(ctx context.Context, scope *Scope, row tenancydb.ResolveRequestRow, req Request) (err error) {
	if row.TenantID == nil || req.Host.Platform {
		return nil
	}
	if scope.Tenant, err = r.tenantOf(ctx, row); err != nil {
		return err
	}
	scope.TenantBySession = row.HostTenantID == nil
	return r.chooseEnvironment(ctx, scope, row, req.ModeHeader)
}

// identity is the result of a lookup.
type identity struct {
	row       tenancydb.ResolveRequestRow
	principal *Principal
	raw       identityRow
}

// lookUp runs the query for the session or the API token of a request.
func (r *Resolver) lookUp(ctx context.Context, req Request) (*identity, error) {
	db := &rawRowDB{DBTX: r.db}
	if req.APIToken != nil {
		row, principal, err := r.lookUpToken(ctx, db, req)
		return &identity{row: row, principal: principal, raw: db.raw}, err
	}
	row, err := r.queries.ResolveRequest(ctx, db, sessionParams(req))
	return &identity{row: row, principal: principalOf(row), raw: db.raw}, err
}

func sessionParams(req Request) tenancydb.ResolveRequestParams {
	return tenancydb.ResolveRequestParams{Now: req.Now, Domain: req.Host.Domain, TokenHash: req.TokenHash}
}

// unknownHost returns an UnknownHost error, with the new name if the business has moved recently.
func (r *Resolver) unknownHost(ctx context.Context, req Request) error {
	unknown := apperr.New(apperr.UnknownHost, "No business lives at this address.")
	name, err := r.queries.GetSuccessorOfDomain(ctx, r.db, tenancydb.GetSuccessorOfDomainParams{Name: req.Host.Domain, Now: req.Now})
	if errors.Is(err, pgx.ErrNoRows) {
		return unknown
	}
	if err != nil {
		return fmt.Errorf("look for the successor of a domain: %w", err)
	}
	unknown.Detail = "This business has moved to another address."
	return unknown.With("moved_to", name)
}

func principalOf(row tenancydb.ResolveRequestRow) *Principal {
	if row.UserID == nil || row.SessionID == nil {
		return nil
	}
	p := &Principal{
		UserID: *row.UserID, Role: Role(*row.UserRole), TenantID: row.UserTenantID, SessionID: *row.SessionID,
		IsSandbox: *row.UserIsSandbox, SessionSandbox: *row.SandboxMode,
	}
	if row.ImpersonatorID == nil {
		return p
	}
	// A change of role ends sessions, so this holds already. It is checked again because an
	// impersonation of a higher role would be a privilege escalation.
	if row.ImpersonatorRole == "" || Role(row.ImpersonatorRole).Rank() <= p.Role.Rank() {
		return nil
	}
	p.Impersonator = &Impersonator{UserID: *row.ImpersonatorID, Role: Role(row.ImpersonatorRole), MayWrite: !*row.ReadOnly}
	return p
}

// checkHost compares the user's tenant with the host's. Users of the platform may
// be anywhere; what they may do there is for the gates to say.
func checkHost(host Host, row tenancydb.ResolveRequestRow, p *Principal) error {
	if p == nil || p.TenantID == nil {
		return nil
	}
	if host.Platform || (row.HostTenantID != nil && *row.HostTenantID != *p.TenantID) {
		return apperr.New(apperr.TenantMismatch, "You are signed in to another business than the one at this address.")
	}
	return nil
}

// recordUse updates last_used_at of the session or token, at most once a minute.
func (r *Resolver) recordUse(ctx context.Context, identity *identity, now time.Time) (err error) {
	if identity.isFresh(now) {
		return nil
	}
	if identity.principal.Token != nil {
		err = r.recordTokenUse(ctx, identity.principal.Token.ID, now)
	} else if err = r.queries.TouchSession(ctx, r.db, tenancydb.TouchSessionParams{ID: *identity.row.SessionID, Now: now}); err != nil {
		err = fmt.Errorf("record use of session: %w", err)
	}
	identity.row.LastUsedAt = &now
	return err
}

// isFresh reports whether the use of the token need not be recorded again.
func (i *identity) isFresh(now time.Time) bool {
	return i.principal == nil || i.row.LastUsedAt != nil && now.Sub(*i.row.LastUsedAt) <= time.Minute
}

func (r *Resolver) tenantOf(ctx context.Context, row tenancydb.ResolveRequestRow) (*Tenant, error) {
	location, err := location(*row.TenantTimezone)
	if err != nil {
		return nil, err
	}
	tenant := &Tenant{
		ID: *row.TenantID, Name: *row.TenantName, Status: *row.TenantStatus,
		Timezone: *row.TenantTimezone, Location: location, Currency: *row.TenantCurrency, SandboxEnabled: *row.SandboxEnabled,
	}
	environments, err := r.environmentsOf(ctx, tenant.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range environments {
		if e.IsSandbox {
			tenant.Sandbox = e
		} else {
			tenant.Live = e
		}
	}
	return tenant, nil
}

// chooseEnvironment sets the environment and resolves the tenant's entitlements in it.
func (r *Resolver) chooseEnvironment(ctx context.Context, scope *Scope, row tenancydb.ResolveRequestRow, modeHeader string) error {
	sources := ModeSources{
		Header:         modeHeader,
		SandboxEnabled: scope.Tenant.SandboxEnabled && scope.Tenant.Sandbox.ID != uuid.Nil,
	}
	if p := scope.Principal; p != nil {
		sources.UserSandbox, sources.SessionSandbox = p.IsSandbox, p.SessionSandbox
		if p.Token != nil {
			sources.TokenSandbox = &p.Token.IsSandbox
		}
	}
	sandbox, err := ResolveMode(sources)
	if err != nil {
		return err
	}
	scope.setEnvironment(sandbox, row.SandboxAheadMicroseconds)
	scope.Entitlements, err = r.entitlementsOf(ctx, scope, row)
	return err
}

// entitlementsOf resolves the entitlements of the tenant in the scope's environment.
func (r *Resolver) entitlementsOf(ctx context.Context, scope *Scope, row tenancydb.ResolveRequestRow) (*entitle.Set, error) {
	plan, err := r.plans.Version(ctx, row.PlanVersionID)
	if err != nil {
		return nil, err
	}
	grants := entitle.Grants{
		Suspended: scope.Tenant.Suspended(), GraceUntil: row.GraceUntil, Plan: plan, Overrides: make([]entitle.Override, len(row.Overrides)),
	}
	for i := range row.Overrides {
		if err := json.Unmarshal(row.Overrides[i], &grants.Overrides[i]); err != nil {
			return nil, fmt.Errorf("read overrides of tenant %s: %w", scope.Tenant.ID, err)
		}
	}
	return r.plans.NewSet(entitle.Set{
		Grants: grants, EnvID: scope.Env.ID, Location: scope.Tenant.Location, Now: scope.Now,
	}), nil
}

func (r *Resolver) environmentsOf(ctx context.Context, tenantID uuid.UUID) ([]Environment, error) {
	if kept, ok := r.environments.Load(tenantID); ok {
		return kept.([]Environment), nil
	}
	rows, err := r.queries.ListEnvironmentsOfTenant(ctx, r.db, tenantID)
	if err != nil {
		return nil, fmt.Errorf("list environments of tenant %s: %w", tenantID, err)
	}
	environments := make([]Environment, len(rows))
	for i, row := range rows {
		environments[i] = Environment(row)
	}
	if len(environments) == 2 { // a missing sandbox may still come
		r.environments.Store(tenantID, environments)
	}
	return environments, nil
}

func location(name string) (*time.Location, error) {
	location, err := tzdata.Load(name)
	if err != nil {
		return nil, apperr.New(apperr.TimezoneUnknown, "There is no time zone %q, which is that of this business. Its operator has to set another one.", name).
			WithCause(err)
	}
	return location, nil
}
