// Package tenancy owns the scope of a request: its tenant, its environment (live or
// sandbox) and its principal, and how host, session, API token and headers resolve to it.
//
// It calls entitle (for the tenant's entitlements) and its own queries. Invariants: a Scope
// is not changed once a request runs with it; the zero Scope has no principal and no environment, so
// it shows nothing; nothing here knows HTTP or a domain.
package tenancy

import (
	"context"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/events"
)

// Environment is one of the two environments of a tenant: live or sandbox.
type Environment struct {
	ID       uuid.UUID
	TenantID uuid.UUID
	// Name is the schema_name or sandbox_schema_name of the API.
	Name      string
	IsSandbox bool
}

// Tenant statuses.
const (
	StatusActive    = "ACTIVE"
	StatusTrial     = "TRIAL"
	StatusSuspended = "SUSPENDED"
)

// Tenant is a business.
type Tenant struct {
	ID     uuid.UUID
	Name   string
	Status string
	// Timezone is an IANA name, and Location the zone it names.
	Timezone string
	Location *time.Location
	// Currency is an ISO 4217 code.
	Currency       string
	SandboxEnabled bool
	Live           Environment
	// Sandbox has a zero ID while `smoothschedule sandbox create` has not made it.
	Sandbox Environment
}

// Suspended reports whether the business is suspended.
func (t *Tenant) Suspended() bool { return t.Status == StatusSuspended }

// Principal is the authenticated user or API token of a request.
type Principal struct {
	// Token is the API token; nil for users. With one, UserID, SessionID and Role are zero: a
	// token has scopes instead of a role.
	Token  *Token
	UserID uuid.UUID
	Role   Role
	// TenantID is nil for users of the platform.
	TenantID  *uuid.UUID
	SessionID uuid.UUID
	// IsSandbox marks users of the sandbox; they have no access to the live environment.
	IsSandbox bool
	// SessionSandbox is the mode that the session is set to.
	SessionSandbox bool
	// Impersonator is set if the session is an impersonation.
	Impersonator *Impersonator
}

// Impersonator is a user who acts as another user of a lower rank.
type Impersonator struct {
	UserID uuid.UUID
	Role   Role
	// MayWrite is whether the impersonation may change data; the gates enforce it.
	MayWrite bool
}

// Token is the API token of a request.
type Token struct {
	ID uuid.UUID
	// IsSandbox is the only mode in which the token works.
	IsSandbox bool
	Scopes    []apitoken.Scope
}

// Scope is the resolved request: principal, tenant, environment and time. It is immutable once
// a request runs with it; copies with other fields are made by its methods.
type Scope struct {
	RequestID string
	// Now is the instant of the request in UTC, to the microsecond; in a sandbox on its test
	// clock.
	Now time.Time
	// Ahead is Now minus the real time.
	Ahead   time.Duration
	Address netip.Addr
	// UserAgent is the User-Agent header, cut to 500 bytes.
	UserAgent string
	// Principal is nil for anonymous requests.
	Principal *Principal
	// Tenant is nil on hosts without one.
	Tenant *Tenant
	// TenantBySession is whether the tenant is that of the session's user because the host
	// names none.
	TenantBySession bool
	// Env is the zero Environment if there is no tenant.
	Env Environment
	// Entitlements is nil if there is no tenant.
	Entitlements *entitle.Set
	// Session joins the transactions of the request into one; nil if each commits by itself.
	Session  Session
	identity *OptimisticIdentity
}

// Session is implemented by store.Session.
type Session interface{ JoinsTransactions() }

// Network is NetworkOf the client's address.
func (s *Scope) Network() string { return NetworkOf(s.Address) }

// NetworkOf is the key of limits per client: the IPv4 address, or the /64 network of an IPv6
// address, which is what one customer of a provider has.
func NetworkOf(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	if address.Is6() {
		if prefix, err := address.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}

// ActorID returns the id of the signed-in user, or nil.
func (s *Scope) ActorID() *uuid.UUID {
	if s.Principal == nil || s.Principal.Token != nil {
		return nil
	}
	return &s.Principal.UserID
}

// ImpersonatorID returns the id of the impersonating user, or nil.
func (s *Scope) ImpersonatorID() *uuid.UUID {
	if s.Principal == nil || s.Principal.Impersonator == nil {
		return nil
	}
	return &s.Principal.Impersonator.UserID
}

// ActorTokenID returns the id of the request's API token, or nil.
func (s *Scope) ActorTokenID() *uuid.UUID {
	if s.Principal == nil || s.Principal.Token == nil {
		return nil
	}
	return &s.Principal.Token.ID
}

// Actor is the author of the events of the request.
func (s *Scope) Actor() events.Actor {
	return events.Actor{UserID: s.ActorID(), TokenID: s.ActorTokenID(), ImpersonatorID: s.ImpersonatorID()}
}

// RealNow is the instant of the request on the real clock. Sessions, tokens, the audit trail
// and everything that both modes share use it, so that a test clock does not affect them.
func (s *Scope) RealNow() time.Time { return s.Now.Add(-s.Ahead) }

// InLive returns the scope in the live environment of its tenant, on the real clock.
func (s *Scope) InLive() *Scope {
	live := *s
	live.Env, live.Now, live.Ahead = s.Tenant.Live, s.RealNow(), 0
	return &live
}

// As returns the scope with another principal, for what a user does before or while a session is created.
func (s *Scope) As(p *Principal) *Scope {
	as := *s
	as.Principal = p
	return &as
}

// InTenant returns the scope in the live environment of a tenant, on the real clock.
func (s *Scope) InTenant(tenant *Tenant, entitlements *entitle.Set) *Scope {
	in := *s
	in.Tenant, in.Entitlements, in.TenantBySession = tenant, entitlements, false
	return in.InLive()
}

// WithoutTenant returns the scope without tenant and environment.
func (s *Scope) WithoutTenant() *Scope {
	without := *s
	without.Tenant, without.Entitlements, without.Env = nil, nil, Environment{}
	without.TenantBySession = false
	return &without
}

// setEnvironment sets the environment, and Now on its clock.
func (s *Scope) setEnvironment(sandbox bool, aheadMicroseconds int64) {
	s.Env = s.Tenant.Live
	if !sandbox {
		return
	}
	s.Env = s.Tenant.Sandbox
	s.Ahead = time.Duration(aheadMicroseconds) * time.Microsecond
	s.Now = s.Now.Add(s.Ahead)
}

// SandboxMode reports whether the request runs in the sandbox.
func (s *Scope) SandboxMode() bool { return s.Env.IsSandbox }

// AtHost returns the scope without the session, if the tenant came from the session: signing in
// must not depend on an earlier session of the browser.
func (s *Scope) AtHost() *Scope {
	if !s.TenantBySession {
		return s
	}
	return s.WithoutTenant().As(nil)
}

type scopeKey struct{}

// WithScope returns a context with the scope, for handlers: the generated code passes them
// nothing else.
func WithScope(ctx context.Context, scope *Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope)
}

// ScopeFrom returns the scope of the request, or the zero Scope.
func ScopeFrom(ctx context.Context) *Scope {
	if scope, ok := ctx.Value(scopeKey{}).(*Scope); ok {
		return scope
	}
	return &Scope{}
}
