package api

import (
	"net/netip"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ToAPIUser converts a user.
func ToAPIUser(u identity.User) identityoapi.User {
	return identityoapi.User{
		ID: u.ID, Email: u.Email, Username: u.Username, Name: u.Name, Role: identityoapi.Role(u.Role),
		TenantID: convert.Nullable(u.TenantID), IsSandbox: u.IsSandbox, IsActive: u.IsActive, IsStaff: u.IsStaff, IsSuperuser: u.IsSuperuser,
		LastLoginAt: convert.Nullable(u.LastLoginAt), CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Version: int(u.Version),
	}
}

// FromAPIUserCreate converts a user to be.
func FromAPIUserCreate(in identityoapi.UserCreate) identity.UserInput {
	input := identity.UserInput{Email: string(in.Email), Name: string(in.Name), Role: tenancy.Role(in.Role), Password: in.Password}
	if in.Username != nil {
		input.Username = string(*in.Username)
	}
	return input
}

// FromAPIUserUpdate converts the changes of a user.
func FromAPIUserUpdate(in identityoapi.UserUpdate) identity.UserPatch {
	return identity.UserPatch{
		Email: (*string)(in.Email), Username: (*string)(in.Username), Name: (*string)(in.Name), Role: (*tenancy.Role)(in.Role),
		IsActive: in.IsActive,
	}
}

// FromAPIUserFilter converts the filters of the list of users.
func FromAPIUserFilter(in identityoapi.ListUsersParams) identity.UserFilter {
	return identity.UserFilter{Role: (*tenancy.Role)(in.Role), IsActive: in.IsActive}
}

// ToAPITenant converts a tenant; nil stays nil.
func ToAPITenant(t *tenancy.Tenant) *identityoapi.Tenant {
	if t == nil {
		return nil
	}
	return &identityoapi.Tenant{
		ID: t.ID, Name: t.Name, Status: identityoapi.TenantStatus(t.Status), Timezone: t.Timezone, Currency: t.Currency,
		SchemaName: t.Live.Name, SandboxSchemaName: t.Sandbox.Name, SandboxEnabled: identity.SandboxEnabled(t),
	}
}

// ToAPISignedIn converts a new session at a host with, or without, a tenant.
func ToAPISignedIn(s identity.SignedIn, tenant *tenancy.Tenant) identityoapi.SignedIn {
	return identityoapi.SignedIn{
		Token: s.Token, TokenType: identityoapi.SignedInTokenTypeBearer, ExpiresAt: s.ExpiresAt,
		User: ToAPIUser(s.User), Tenant: ToAPITenant(tenant),
	}
}

// ToAPIMasquerade converts who really acts; nil stays nil.
func ToAPIMasquerade(m *identity.Masquerade) *identityoapi.Masquerade {
	if m == nil {
		return nil
	}
	return &identityoapi.Masquerade{
		ReadOnly: m.ReadOnly, ExpiresAt: m.ExpiresAt,
		Stack: convert.All(m.Stack, func(u identity.MasqueradeUser) identityoapi.MasqueradeUser {
			return identityoapi.MasqueradeUser{UserID: u.UserID, Name: u.Name, Email: u.Email, Role: identityoapi.Role(u.Role)}
		}),
	}
}

// ToAPITenantReference converts the name and place of a tenant; nil stays nil.
func ToAPITenantReference(t *identity.TenantReference) *identityoapi.TenantReference {
	if t == nil {
		return nil
	}
	return &identityoapi.TenantReference{ID: t.ID, Name: t.Name, Domain: t.Domain}
}

// ToAPISession converts a session.
func ToAPISession(s identity.Session) identityoapi.Session {
	return identityoapi.Session{
		ID: s.ID, UserAgent: s.UserAgent, Address: convert.Nullable(addressText(s.Address)), IsCurrent: s.IsCurrent,
		SandboxMode: s.SandboxMode, CreatedAt: s.CreatedAt, LastUsedAt: s.LastUsedAt, ExpiresAt: s.ExpiresAt,
	}
}

func addressText(address *netip.Addr) *string {
	if address == nil {
		return nil
	}
	text := address.String()
	return &text
}

// ToAPIPersona converts a persona.
func ToAPIPersona(p identity.PersonaUser) identityoapi.Persona {
	return identityoapi.Persona{Persona: p.Persona, Role: identityoapi.Role(p.User.Role), Email: p.User.Email, Name: p.User.Name}
}

// ToAPISandboxStatus converts the state of the sandbox.
func ToAPISandboxStatus(s identity.SandboxStatus) identityoapi.SandboxStatus {
	return identityoapi.SandboxStatus{
		SandboxMode: s.Mode, SessionSandboxMode: s.SessionMode, SandboxEnabled: s.Enabled,
		SchemaName: s.LiveName, SandboxSchemaName: s.SandboxName, ActiveSchemaName: s.ActiveName,
	}
}
