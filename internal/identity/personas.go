package identity

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Persona is a part that a developer can play without a password.
type Persona struct {
	// Name is what quick login calls it, such as "owner".
	Name string
	Role tenancy.Role
}

// KnownPersonas lists the personas: those of every tenant, and those of the platform.
func KnownPersonas() []Persona {
	return []Persona{
		{"owner", tenancy.RoleOwner},
		{"manager", tenancy.RoleManager},
		{"staff", tenancy.RoleStaff},
		{"customer", tenancy.RoleCustomer},
		{"superuser", tenancy.RoleSuperuser},
		{"platform_manager", tenancy.RolePlatformManager},
		{"platform_support", tenancy.RolePlatformSupport},
		{"platform_sales", tenancy.RolePlatformSales},
	}
}

// PersonaEmail returns the address by which a persona is found: that of the tenant
// with the subdomain, or, with tenancy.PlatformLabel, of the platform. The domain is
// one that no mail can be sent to (RFC 2606).
func PersonaEmail(persona, subdomain string) string { return persona + "@" + subdomain + ".example" }

// PersonaUser is the user who plays a persona at one host.
type PersonaUser struct {
	Persona string
	User    User

	row identitydb.User
}

// Personas is the service for quick login, which exists in development only.
type Personas struct {
	store    *store.Store
	sessions *Sessions
	enabled  bool
	known    []Persona
}

// NewPersonas signs the known personas in through sessions. Unless it is enabled,
// everything it has is not there; a server in production must never enable it.
func NewPersonas(store *store.Store, sessions *Sessions, enabled bool, known []Persona) *Personas {
	return &Personas{store: store, sessions: sessions, enabled: enabled, known: known}
}

// List returns the personas that exist at the request's host: of the tenant, or,
// without one, of the platform. They live in the live mode, whatever the mode of the
// request. Errors: NotFound unless personas are enabled.
func (s *Personas) List(ctx context.Context, scope *tenancy.Scope) ([]PersonaUser, error) {
	if !s.enabled {
		return nil, apperr.New(apperr.NotFound, "No such path.")
	}
	scope = scope.AtHost()
	label, tenantID := tenancy.PlatformLabel, (*uuid.UUID)(nil)
	if scope.Tenant != nil {
		label, tenantID = strings.ReplaceAll(scope.Tenant.Live.Name, "_", "-"), &scope.Tenant.ID
	}
	params := identitydb.ListUsersByEmailParams{TenantID: tenantID}
	for _, p := range s.known {
		params.Emails = append(params.Emails, PersonaEmail(p.Name, label))
	}
	rows, err := queries.ListUsersByEmail(ctx, s.store.Control(), params)
	if err != nil {
		return nil, fmt.Errorf("list personas: %w", err)
	}
	byEmail := make(map[string]identitydb.User, len(rows))
	for _, row := range rows {
		byEmail[row.Email] = row
	}
	personas := []PersonaUser{}
	for i, p := range s.known {
		row, ok := byEmail[params.Emails[i]]
		if ok && p.Role.Platform() == (tenantID == nil) {
			personas = append(personas, PersonaUser{Persona: p.Name, User: newUser(row), row: row})
		}
	}
	return personas, nil
}

// Login signs a persona in. The session is set to the mode of the request: a new
// sandbox has no users, so the live persona works in it. Errors: NotFound
// unless personas are enabled; ValidationFailed for a persona that this host does not
// have; TenantSuspended.
func (s *Personas) Login(ctx context.Context, scope *tenancy.Scope, persona string) (SignedIn, error) {
	scope = scope.AtHost()
	personas, err := s.List(ctx, scope)
	if err != nil {
		return SignedIn{}, err
	}
	names := make([]string, len(personas))
	for i, p := range personas {
		if p.Persona == persona {
			return s.sessions.open(ctx, scope, p.row, "persona", nil, nil)
		}
		names[i] = p.Persona
	}
	if len(names) == 0 {
		return SignedIn{}, apperr.NewInvalid("/persona", "This host has no personas.")
	}
	return SignedIn{}, apperr.NewInvalid("/persona", "The persona must be one of %s at this host.", strings.Join(names, ", "))
}

// PersonasExist reports whether the database holds personas of the platform. Their
// password is public, so production must not run on such a database.
func PersonasExist(ctx context.Context, store *store.Store) (bool, error) {
	var emails []string
	for _, p := range KnownPersonas() {
		if p.Role.Platform() {
			emails = append(emails, PersonaEmail(p.Name, tenancy.PlatformLabel))
		}
	}
	exist, err := queries.AnyPlatformUserExists(ctx, store.Control(), emails)
	if err != nil {
		return false, fmt.Errorf("look for personas: %w", err)
	}
	return exist, nil
}

// ForeignUsersExist reports whether the database holds users but no personas of the platform:
// somebody else works with it.
func ForeignUsersExist(ctx context.Context, store *store.Store) (bool, error) {
	personas, err := PersonasExist(ctx, store)
	if err != nil || personas {
		return false, err
	}
	exist, err := queries.AnyUserExists(ctx, store.Control())
	if err != nil {
		return false, fmt.Errorf("look for users: %w", err)
	}
	return exist, nil
}
