package api

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/httpapi"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/names"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

var now = time.Date(2026, time.November, 22, 9, 30, 0, 0, time.UTC)

// The data of events is what the API shows; both are written down separately.
func TestUserInEventsAndAPI(t *testing.T) {
	t.Parallel()
	tenant, login := uuid.New(), now.Add(time.Hour)
	for _, user := range []identity.User{
		{
			ID: uuid.New(), Email: "sam@demo.example", Username: "sam", Name: "Sam", Role: tenancy.RoleStaff, TenantID: &tenant,
			IsSandbox: true, IsActive: true, LastLoginAt: &login, CreatedAt: now, UpdatedAt: login, Version: 3,
		},
		{ID: uuid.New(), Role: tenancy.RoleSuperuser, IsStaff: true, IsSuperuser: true, CreatedAt: now, UpdatedAt: now, Version: 1},
	} {
		event, err := json.Marshal(user)
		require.NoError(t, err)
		api, err := json.Marshal(ToAPIUser(user))
		require.NoError(t, err)
		require.JSONEq(t, string(api), string(event))
	}
}

func TestCookie(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{true, false} {
		s := New(Dependencies{SecureCookies: secure})
		cookie, err := http.ParseSetCookie(s.cookie("ss_session_x", now))
		require.NoError(t, err)
		require.Equal(t, httpapi.CookieName(httpapi.SessionCookie, secure), cookie.Name)
		require.Equal(t, secure, strings.HasPrefix(cookie.Name, "__Host-"), "browsers refuse the prefix over plain http")
		require.Equal(t, "ss_session_x", cookie.Value)
		require.Equal(t, "/", cookie.Path)
		require.Empty(t, cookie.Domain, "other businesses' hosts must not get it")
		require.True(t, cookie.HttpOnly)
		require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
		require.Equal(t, secure, cookie.Secure)
		require.Equal(t, now, cookie.Expires)

		gone, err := http.ParseSetCookie(s.cookie("", time.Time{}))
		require.NoError(t, err)
		require.Equal(t, cookie.Name, gone.Name)
		require.Empty(t, gone.Value)
		require.Equal(t, "/", gone.Path)
		require.Negative(t, gone.MaxAge)
	}
}

// visit writes an answer the way the generated code does and returns what the client gets.
func visit[T any](t *testing.T, write func(http.ResponseWriter) error) (http.Header, T) {
	t.Helper()
	recorder := httptest.NewRecorder()
	require.NoError(t, write(recorder))
	var body T
	if recorder.Body.Len() > 0 {
		require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &body))
	}
	return recorder.Header(), body
}

// One way through the handlers, with the real services behind them.
func TestHandlers(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	target := store.New(db.AppPool(), db.PlatformPool())
	hasher := identity.NewHasher(identity.HashParams{MemoryKiB: 8, Iterations: 1, Parallelism: 1})
	sessions := identity.NewSessions(target, hasher)
	s := New(Dependencies{
		Sessions: sessions, Users: identity.NewUsers(target, hasher), Sandbox: identity.NewSandbox(target),
		Personas: identity.NewPersonas(target, sessions, true, identity.KnownPersonas()),
	})
	_, err := identity.CreateTenant(t.Context(), target, identity.CreateTenantInput{
		Name: "Demo", Subdomain: "demo", PlanCode: "business", Timezone: "America/New_York", Currency: "USD", Now: now,
	})
	require.NoError(t, err)
	_, err = target.ClaimInstallation(t.Context(), store.Development)
	require.NoError(t, err)
	resolver := tenancy.NewResolver(target.Control(), entitle.NewPlans(target.Control()))
	scope, err := resolver.Resolve(t.Context(), tenancy.Request{
		Now: now, Host: tenancy.Host{Domain: "demo"}, Address: netip.MustParseAddr("::1"),
	})
	require.NoError(t, err)
	anonymous := tenancy.WithScope(t.Context(), scope)
	hash, err := hasher.Hash(t.Context(), "demo-password")
	require.NoError(t, err)
	require.NoError(t, target.InEnv(t.Context(), scope, func(tx *store.Tx) error {
		_, err := identity.CreateUser(t.Context(), tx, scope, identity.NewUser{
			Email: identity.PersonaEmail("owner", "demo"), Name: "Olivia Owner", Role: tenancy.RoleOwner, PasswordHash: hash,
		})
		return err
	}))

	answer, err := s.Login(anonymous, identityoapi.LoginRequestObject{
		Body: &identityoapi.LoginRequest{Email: "owner@demo.example", Password: "demo-password"},
	})
	require.NoError(t, err)
	header, signedIn := visit[identityoapi.SignedIn](t, answer.VisitLoginResponse)
	require.Contains(t, header.Get("Set-Cookie"), signedIn.Token)
	require.Equal(t, identityoapi.SignedInTokenTypeBearer, signedIn.TokenType)
	require.Equal(t, now.Add(identity.SessionLifetime), signedIn.ExpiresAt)
	require.Equal(t, "demo_sandbox", signedIn.Tenant.SandboxSchemaName)

	quick, err := s.QuickLogin(anonymous, identityoapi.QuickLoginRequestObject{Body: &identityoapi.QuickLoginRequest{Persona: "owner"}})
	require.NoError(t, err)
	_, quickly := visit[identityoapi.SignedIn](t, quick.VisitQuickLoginResponse)
	require.Equal(t, signedIn.User.ID, quickly.User.ID)
	personas, err := s.ListPersonas(anonymous, identityoapi.ListPersonasRequestObject{})
	require.NoError(t, err)
	_, listed := visit[identityoapi.PersonaList](t, personas.VisitListPersonasResponse)
	require.Equal(t, []identityoapi.Persona{{
		Persona: "owner", Role: identityoapi.RoleTENANTOWNER, Email: "owner@demo.example", Name: "Olivia Owner",
	}}, listed.Data)

	role := tenancy.RoleOwner
	scope.Principal = &tenancy.Principal{
		UserID: signedIn.User.ID, Role: role, TenantID: &scope.Tenant.ID, SessionID: sessionOf(t, db, signedIn.User.ID),
	}
	ctx := tenancy.WithScope(t.Context(), scope)
	created, err := s.CreateUser(ctx, identityoapi.CreateUserRequestObject{Body: &identityoapi.UserCreate{
		Email: "sam@demo.example", Name: "Sam", Role: identityoapi.TenantUserRoleTENANTSTAFF, Password: "a first password",
	}})
	require.NoError(t, err)
	header, sam := visit[identityoapi.User](t, created.VisitCreateUserResponse)
	require.Equal(t, `"1"`, header.Get("ETag"))
	stale, name := `"7"`, "Samuel"
	_, err = s.UpdateUser(ctx, identityoapi.UpdateUserRequestObject{
		ID: sam.ID, Params: identityoapi.UpdateUserParams{IfMatch: &stale}, Body: &identityoapi.UserUpdate{Name: (*names.Name)(&name)},
	})
	require.ErrorIs(t, err, apperr.New(apperr.VersionMismatch, ""))
	updated, err := s.UpdateUser(ctx, identityoapi.UpdateUserRequestObject{ID: sam.ID, Body: &identityoapi.UserUpdate{Name: (*names.Name)(&name)}})
	require.NoError(t, err)
	header, sam = visit[identityoapi.User](t, updated.VisitUpdateUserResponse)
	require.Equal(t, `"2"`, header.Get("ETag"))
	require.Equal(t, name, sam.Name)
	one := 1
	users, err := s.ListUsers(ctx, identityoapi.ListUsersRequestObject{Params: identityoapi.ListUsersParams{Limit: &one}})
	require.NoError(t, err)
	_, page := visit[identityoapi.UserList](t, users.VisitListUsersResponse)
	require.Len(t, page.Data, 1)
	require.True(t, page.HasMore)
	require.NotEmpty(t, page.NextCursor.MustGet())
	deleted, err := s.DeleteUser(ctx, identityoapi.DeleteUserRequestObject{ID: sam.ID})
	require.NoError(t, err)
	require.Equal(t, identityoapi.DeleteUser204Response{}, deleted)

	toggled, err := s.ToggleSandbox(ctx, identityoapi.ToggleSandboxRequestObject{})
	require.NoError(t, err)
	_, status := visit[identityoapi.SandboxStatus](t, toggled.VisitToggleSandboxResponse)
	require.True(t, status.SessionSandboxMode)
	sessionList, err := s.ListSessions(ctx, identityoapi.ListSessionsRequestObject{})
	require.NoError(t, err)
	_, open := visit[identityoapi.SessionList](t, sessionList.VisitListSessionsResponse)
	require.Len(t, open.Data, 2)
	require.True(t, open.NextCursor.IsNull())
	require.Equal(t, "::1", open.Data[0].Address.MustGet())
}

func sessionOf(t *testing.T, db *dbtest.DB, userID uuid.UUID) (id uuid.UUID) {
	t.Helper()
	require.NoError(t, db.OwnerPool().QueryRow(t.Context(), "SELECT id FROM sessions WHERE user_id = $1 LIMIT 1", userID).Scan(&id))
	return id
}
