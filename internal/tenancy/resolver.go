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
	db        tenancydb.DBTX
	queries   *tenancydb.Queries
	catalogue *entitle.Catalogue
	// environments never change once made, so they are kept: tenant id -> []Environment.
	environments sync.Map
	// remembered are what the last lookups found that may be presumed again.
	remembered *otter.Cache[rememberedKey, *found]
}

// NewResolver reads the control plane through db.
func NewResolver(db tenancydb.DBTX, catalogue *entitle.Catalogue) *Resolver {
	return &Resolver{
		db: db, queries: tenancydb.New(), catalogue: catalogue,
		remembered: otter.Must(&otter.Options[rememberedKey, *found]{MaximumSize: maxRemembered}),
	}
}

// Resolve finds tenant, principal and environment of a request with one query. What it has
// found, Presume returns for the next one.
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
	found, err := r.lookUp(ctx, req)
	if err != nil {
		return scope, fmt.Errorf("resolve request: %w", err)
	}
	if req.Host.Domain != "" && found.row.HostTenantID == nil {
		return scope, r.unknownHost(ctx, req)
	}
	scope.Principal = found.principal
	if err := checkHost(req.Host, found.row, scope.Principal); err != nil {
		return scope, err
	}
	if err := r.touch(ctx, found, req.Now); err != nil {
		return scope, err
	}
	if err := r.settle(ctx, scope, found.row, req); err != nil {
		return scope, err
	}
	r.remember(req, found)
	return scope, nil
}

// settle finds the tenant and the environment of a scope.
func (r *Resolver) settle(ctx context.Context, scope *Scope, row tenancydb.ResolveRequestRow, req Request) (err error) {
	if row.TenantID == nil || req.Host.Platform {
		return nil
	}
	if scope.Tenant, err = r.tenantOf(ctx, row); err != nil {
		return err
	}
	scope.TenantBySession = row.HostTenantID == nil
	return r.enter(ctx, scope, row, req.ModeHeader)
}

// found is what a lookup has found.
type found struct {
	row       tenancydb.ResolveRequestRow
	principal *Principal
	answer    answer
}

// lookUp asks the database once.
func (r *Resolver) lookUp(ctx context.Context, req Request) (*found, error) {
	db := &listener{DBTX: r.db}
	row, principal, err := r.ask(ctx, db, req)
	return &found{row: row, principal: principal, answer: db.heard}, err
}

// ask asks for the session or for the API token of a request.
func (r *Resolver) ask(ctx context.Context, db tenancydb.DBTX, req Request) (tenancydb.ResolveRequestRow, *Principal, error) {
	if req.APIToken != nil {
		return r.lookUpToken(ctx, db, req)
	}
	row, err := r.queries.ResolveRequest(ctx, db, tenancydb.ResolveRequestParams{
		Now: req.Now, Domain: req.Host.Domain, TokenHash: req.TokenHash,
	})
	return row, principalOf(row), err
}

// unknownHost says where the business lives now if it has just given the name up.
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
	// A change of role ends sessions, so this holds already. A masquerade that raised
	// somebody would be the worst of all mistakes, so it is looked at again.
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

// touch keeps last_used_at true to the minute.
func (r *Resolver) touch(ctx context.Context, found *found, now time.Time) (err error) {
	if found.isFresh(now) {
		return nil
	}
	if found.principal.Token != nil {
		err = r.touchToken(ctx, found.principal.Token.ID, now)
	} else if err = r.queries.TouchSession(ctx, r.db, tenancydb.TouchSessionParams{ID: *found.row.SessionID, Now: now}); err != nil {
		err = fmt.Errorf("touch session: %w", err)
	}
	found.row.LastUsedAt = &now
	return err
}

// isFresh reports whether it need not be written down that the token is used now.
func (f *found) isFresh(now time.Time) bool {
	return f.principal == nil || f.row.LastUsedAt != nil && now.Sub(*f.row.LastUsedAt) <= time.Minute
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

// enter chooses the environment and resolves what the tenant is entitled to in it.
func (r *Resolver) enter(ctx context.Context, scope *Scope, row tenancydb.ResolveRequestRow, modeHeader string) error {
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
	scope.settle(sandbox, row.SandboxAheadMicroseconds)
	scope.Entitlements, err = r.entitlementsOf(ctx, scope, row)
	return err
}

// entitlementsOf resolves what the tenant is entitled to in the scope's environment.
func (r *Resolver) entitlementsOf(ctx context.Context, scope *Scope, row tenancydb.ResolveRequestRow) (*entitle.Set, error) {
	plan, err := r.catalogue.Version(ctx, row.PlanVersionID)
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
	return r.catalogue.NewSet(entitle.Set{
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
