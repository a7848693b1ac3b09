package identity

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestPersonaEmail(t *testing.T) {
	t.Parallel()
	require.Equal(t, "owner@demo.example", PersonaEmail("owner", "demo"))
	require.Equal(t, "owner@acme-auto.example", PersonaEmail("owner", "acme-auto"))
	require.Equal(t, "superuser@platform.example", PersonaEmail("superuser", tenancy.PlatformLabel))
}

func TestKnownPersonasCoverEveryRole(t *testing.T) {
	t.Parallel()
	var roles []tenancy.Role
	for _, p := range KnownPersonas() {
		roles = append(roles, p.Role)
	}
	require.ElementsMatch(t, tenancy.Roles(), roles)
}

// seedPersonas makes every persona of a tenant, or of the platform.
func (b *bundle) seedPersonas(t *testing.T, domain string) {
	t.Helper()
	_, err := b.store.ClaimInstallation(t.Context(), store.Development) // quick login works nowhere else
	require.NoError(t, err)
	for _, p := range KnownPersonas() {
		switch {
		case domain == "" && p.Role.Platform():
			b.platformUser(t, PersonaEmail(p.Name, tenancy.PlatformLabel), p.Role)
		case domain != "" && !p.Role.Platform():
			b.user(t, b.request(t, domain, "", ""), PersonaEmail(p.Name, domain), p.Role)
		}
	}
}

func TestPersonas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.tenant(t, "acme-auto", "professional")
	b.tenant(t, "bare", "free")
	personas := NewPersonas(b.store, b.sessions, true, KnownPersonas())
	for _, domain := range []string{"demo", "acme-auto", ""} {
		b.seedPersonas(t, domain)
	}
	for domain, want := range map[string][]string{
		"demo":      {"owner", "manager", "staff", "customer"},
		"acme-auto": {"owner", "manager", "staff", "customer"},
		"":          {"superuser", "platform_manager", "platform_support", "platform_sales"},
		"bare":      nil,
	} {
		scope := b.request(t, domain, "", "")
		list, err := personas.List(t.Context(), scope)
		require.NoError(t, err)
		var names []string
		for _, p := range list {
			names = append(names, p.Persona)
			signedIn, err := personas.Login(t.Context(), scope, p.Persona)
			require.NoError(t, err)
			require.Equal(t, p.User.ID, signedIn.User.ID)
			principal := b.request(t, domain, signedIn.Token, "").Principal
			require.Equal(t, p.User.Role, principal.Role)
		}
		require.Equal(t, want, names, domain)
		for _, unknown := range []string{"nobody", "superuser", "owner", ""} {
			if len(names) > 0 && unknown == names[0] {
				continue
			}
			_, err = personas.Login(t.Context(), scope, unknown)
			requirePointer(t, apperr.ValidationFailed, "/persona", err)
			if len(names) > 0 {
				require.ErrorContains(t, err, names[0], "the known ones are listed")
			}
		}
	}
}

// A sandbox begins without users, so the live persona works in it.
func TestPersonaInSandbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seedPersonas(t, "demo")
	personas := NewPersonas(b.store, b.sessions, true, KnownPersonas())
	signedIn, err := personas.Login(t.Context(), b.request(t, "demo", "", "true"), "owner")
	require.NoError(t, err)
	require.False(t, signedIn.User.IsSandbox)
	next := b.request(t, "demo", signedIn.Token, "")
	require.True(t, next.Principal.SessionSandbox)
	require.True(t, next.SandboxMode())
	require.False(t, b.request(t, "demo", signedIn.Token, "false").SandboxMode(), "a live user can leave")
}

func TestPersonasThatCannotSignIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.seedPersonas(t, "demo")
	scope := b.request(t, "demo", "", "")
	disabled := NewPersonas(b.store, b.sessions, false, KnownPersonas())
	_, err := disabled.List(t.Context(), scope)
	requireCode(t, apperr.NotFound, err)
	_, err = disabled.Login(t.Context(), scope, "owner")
	requireCode(t, apperr.NotFound, err)
	_, err = disabled.Login(t.Context(), scope, "nobody")
	requireCode(t, apperr.NotFound, err)

	personas := NewPersonas(b.store, b.sessions, true, KnownPersonas())
	b.exec(t, "UPDATE users SET is_active = false WHERE role = 'TENANT_STAFF'")
	_, err = personas.Login(t.Context(), scope, "staff")
	requirePointer(t, apperr.ValidationFailed, "/persona", err)
	b.exec(t, "UPDATE tenants SET status = 'SUSPENDED'")
	_, err = personas.Login(t.Context(), b.request(t, "demo", "", ""), "owner")
	requireCode(t, apperr.TenantSuspended, err)
	require.Zero(t, b.count(t, "SELECT count(*) FROM sessions"))
}
