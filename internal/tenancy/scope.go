// Package tenancy owns the scope of a request: which tenant, which of its two
// environments, who asks; how hosts, sessions and headers resolve to it; and the
// Store through which all business data is read and written.
//
// It calls entitle (to resolve what the tenant may do), events (to append them)
// and its own queries. Invariants: business rows are reachable only with an
// environment set, so a forgotten scope shows nothing; nothing here knows HTTP or
// a domain.
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

// Environment is one of the two worlds of a tenant.
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

// Suspended reports whether the business may not be used at present.
func (t *Tenant) Suspended() bool { return t.Status == StatusSuspended }

// Principal is who asks: a user, or a program with an API token of a business.
type Principal struct {
	// Token is the API token; nil for users. With one, UserID and SessionID are zero and
	// Role is empty: a token has scopes instead, and whoever asks for a role finds none.
	Token  *Token
	UserID uuid.UUID
	Role   Role
	// TenantID is nil for users of the platform.
	TenantID  *uuid.UUID
	SessionID uuid.UUID
	// IsSandbox marks users that live in the sandbox; they never see the live world.
	IsSandbox bool
	// SessionSandbox is the mode that the session is set to.
	SessionSandbox bool
	// Impersonator is who really acts if the session is one of a masquerade, else nil.
	Impersonator *Impersonator
}

// Impersonator is a user who works as another one, of a lower rank.
type Impersonator struct {
	UserID uuid.UUID
	Role   Role
	// MayWrite says that something may be changed like this; the gates see to it.
	MayWrite bool
}

// Token is the API token that a request was made with.
type Token struct {
	ID uuid.UUID
	// IsSandbox is the mode that the token works in, and the only one.
	IsSandbox bool
	Scopes    []apitoken.Scope
}

// Scope is what is known about a request once it is resolved. It is not changed
// after that.
type Scope struct {
	RequestID string
	// Now is the instant of the request, in UTC to the microsecond, as PostgreSQL keeps it;
	// in a sandbox on its test clock.
	Now time.Time
	// Ahead is how far Now is ahead of the real time.
	Ahead   time.Duration
	Address netip.Addr
	// UserAgent is what the client calls itself, cut to 500 bytes.
	UserAgent string
	// Principal is nil if nobody is signed in.
	Principal *Principal
	// Tenant is nil on hosts without one.
	Tenant *Tenant
	// TenantBySession says that the host names no tenant, and that Tenant is the one of
	// the session's user.
	TenantBySession bool
	// Env is the zero Environment if there is no tenant.
	Env Environment
	// Entitlements is nil if there is no tenant.
	Entitlements *entitle.Set
	// Idempotency is nil unless the request has an Idempotency-Key that its operation accepts.
	Idempotency *Idempotency
	// presumed is nil unless the scope is presumed.
	presumed *Presumption
}

// Network is where the request comes from; see NetworkOf.
func (s *Scope) Network() string { return NetworkOf(s.Address) }

// NetworkOf names those who share a limit because they cannot be told apart: the address,
// and of IPv6 the network that one customer of a provider has to themselves.
func NetworkOf(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	if address.Is6() {
		if prefix, err := address.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return address.String()
}

// ActorID returns the id of the user who asks, or nil.
func (s *Scope) ActorID() *uuid.UUID {
	if s.Principal == nil || s.Principal.Token != nil {
		return nil
	}
	return &s.Principal.UserID
}

// ImpersonatorID returns the id of the user who really acts in a masquerade, or nil.
func (s *Scope) ImpersonatorID() *uuid.UUID {
	if s.Principal == nil || s.Principal.Impersonator == nil {
		return nil
	}
	return &s.Principal.Impersonator.UserID
}

// ActorTokenID returns the id of the API token that asks, or nil.
func (s *Scope) ActorTokenID() *uuid.UUID {
	if s.Principal == nil || s.Principal.Token == nil {
		return nil
	}
	return &s.Principal.Token.ID
}

func (s *Scope) actor() events.Actor {
	return events.Actor{UserID: s.ActorID(), TokenID: s.ActorTokenID(), ImpersonatorID: s.ImpersonatorID()}
}

// RealNow is the instant of the request on the real clock. Sessions, tokens, the audit trail
// and all that both modes share have no other: who sets a test clock must not reach them.
func (s *Scope) RealNow() time.Time { return s.Now.Add(-s.Ahead) }

// InLive returns the scope in the live world of its tenant, and so on the real clock, for what
// both modes share and the live world hears of.
func (s *Scope) InLive() *Scope {
	live := *s
	live.Env, live.Now, live.Ahead = s.Tenant.Live, s.RealNow(), 0
	return &live
}

// settle puts the scope into an environment of its tenant, and on its clock.
func (s *Scope) settle(sandbox bool, aheadMicroseconds int64) {
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

// AtHost returns the scope as the host alone makes it. Signing in must not depend on
// whose session the browser still has.
func (s *Scope) AtHost() *Scope {
	if !s.TenantBySession {
		return s
	}
	alone := *s
	alone.Principal, alone.Tenant, alone.Entitlements, alone.Env = nil, nil, nil, Environment{}
	alone.TenantBySession = false
	return &alone
}

type scopeKey struct{}

// WithScope returns a context that carries the scope to the handlers, which get
// nothing but a context from the generated code.
func WithScope(ctx context.Context, scope *Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, scope)
}

// ScopeFrom returns the scope of the request. Without one it returns an empty
// scope, with which nobody is signed in and nothing is visible.
func ScopeFrom(ctx context.Context) *Scope {
	if scope, ok := ctx.Value(scopeKey{}).(*Scope); ok {
		return scope
	}
	return &Scope{}
}
