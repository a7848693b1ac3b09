package walk

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/httpapi"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

func TestASession(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	tenant.User(t, tenancy.RoleOwner, false)
	anonymous := tenant.Anonymous()
	response := anonymous.Post(t, "/api/auth/login/", m{"email": "OWNER@a.example", "password": apitest.Password}).Require(t, 200)
	signedIn := response.Object(t)
	require.Equal(t, "TENANT_OWNER", signedIn["user"].(m)["role"])
	require.Equal(t, "a", signedIn["tenant"].(m)["schema_name"])
	require.Equal(t, "a_sandbox", signedIn["tenant"].(m)["sandbox_schema_name"])
	token := signedIn["token"].(string)

	me := anonymous.WithToken(token).Get(t, "/api/auth/me/").Require(t, 200).Object(t)
	require.Equal(t, signedIn["user"].(m)["id"], me["user"].(m)["id"])
	require.NotContains(t, string(response.Body), "password")

	// The token is the business's; the bare address takes the tenant from it.
	bare := anonymous.WithToken(token).WithHost("lvh.me:8000")
	require.Equal(t, "a", bare.Get(t, "/api/auth/me/").Require(t, 200).Object(t)["tenant"].(m)["schema_name"])
	bare.Get(t, "/api/v1/resources").Require(t, 200)

	// Another business's address does not know it.
	s.Tenant(t, "b")
	for _, host := range []string{"b.localhost", "platform.localhost"} {
		anonymous.WithToken(token).WithHost(host).Get(t, "/api/v1/resources").RequireProblem(t, 403, "tenant_mismatch")
	}

	anonymous.WithToken(token).Post(t, "/api/auth/logout/", nil).Require(t, 204)
	anonymous.WithToken(token).Get(t, "/api/auth/me/").RequireProblem(t, 401, "unauthenticated")

	late := s.Login(t, tenant.Host, "owner@a.example")
	s.Clock.Advance(30*24*time.Hour - time.Second)
	late.Get(t, "/api/auth/me/").Require(t, 200)
	s.Clock.Advance(time.Second)
	late.Get(t, "/api/auth/me/").RequireProblem(t, 401, "unauthenticated")
}

// Whose session the browser still has makes no difference to who signs in.
func TestSignInDoesNotDependOnAnOldSession(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	old := s.Tenant(t, "a").Client(t, tenancy.RoleOwner).WithHost("localhost")
	old.Post(t, "/api/sandbox/toggle/", m{"sandbox_mode": true}).Require(t, 200)
	platform := s.Platform(t, tenancy.RoleSuperuser)
	email := platform.Get(t, "/api/auth/me/").Require(t, 200).Object(t)["user"].(m)["email"]
	signedIn := old.Post(t, "/api/auth/login/", m{"email": email, "password": apitest.Password}).Require(t, 200).Object(t)
	require.Equal(t, "SUPERUSER", signedIn["user"].(m)["role"])
	require.NotContains(t, signedIn, "tenant")
}

// The same address may be somebody else in another business, another mode, or on the platform.
func TestAnAddressBelongsToItsWorld(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	a, b := s.Tenant(t, "a"), s.Tenant(t, "b")
	user := a.User(t, tenancy.RoleManager, false)
	login := m{"email": user.Email, "password": apitest.Password}
	a.Anonymous().Post(t, "/api/auth/login/", login).Require(t, 200)
	a.Anonymous().Sandbox().Post(t, "/api/auth/login/", login).RequireProblem(t, 401, "invalid_credentials")
	b.Anonymous().Post(t, "/api/auth/login/", login).RequireProblem(t, 401, "invalid_credentials")
	s.Client("platform.localhost").Post(t, "/api/auth/login/", login).RequireProblem(t, 401, "invalid_credentials")

	owner := a.Client(t, tenancy.RoleOwner)
	create := m{"email": user.Email, "name": "Twin", "role": "TENANT_STAFF", "password": "a first password"}
	owner.Post(t, "/api/v1/users", create).RequireProblem(t, 409, "already_exists")
	owner.Sandbox().Post(t, "/api/v1/users", create).Require(t, 201)
	b.Client(t, tenancy.RoleOwner).Post(t, "/api/v1/users", create).Require(t, 201)
}

func TestGuessingIsSlowedDown(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	user, other := tenant.User(t, tenancy.RoleStaff, false), tenant.User(t, tenancy.RoleStaff, false)
	guess := func(email, password string) *apitest.Response {
		return tenant.Anonymous().Post(t, "/api/auth/login/", m{"email": email, "password": password})
	}
	known, unknown := guess(user.Email, "wrong").RequireProblem(t, 401, "invalid_credentials"), guess("nobody@a.example", "wrong").RequireProblem(t, 401, "invalid_credentials")
	require.Equal(t, known["detail"], unknown["detail"], "an answer must not tell which accounts exist")
	for range 4 {
		guess(user.Email, "wrong").RequireProblem(t, 401, "invalid_credentials")
	}
	blocked := guess(user.Email, apitest.Password)
	blocked.RequireProblem(t, 429, "too_many_attempts")
	require.NotEmpty(t, blocked.Header.Get("Retry-After"))
	guess(other.Email, apitest.Password).Require(t, 200)
	s.Clock.Advance(2 * time.Minute)
	guess(user.Email, apitest.Password).Require(t, 200)
}

func TestCookies(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	tenant.User(t, tenancy.RoleOwner, false)
	set := tenant.Anonymous().Post(t, "/api/auth/login/", m{"email": "owner@a.example", "password": apitest.Password}).Require(t, 200).Header.Get("Set-Cookie")
	for _, attribute := range []string{"smoothschedule_session=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		require.Contains(t, set, attribute)
	}
	browser := tenant.Anonymous().WithHeader("Cookie", strings.Split(set, ";")[0])
	browser.Get(t, "/api/auth/me/").Require(t, 200)
	room := m{"name": "R", "type": "ROOM"}
	// A page of somebody else's cannot use the cookie; ours and the allowed ones can.
	evil := browser.WithHeader("Origin", "https://evil.example").WithHeader("Sec-Fetch-Site", "cross-site")
	evil.Post(t, "/api/v1/resources", room).RequireProblem(t, 403, "cross_origin_refused")
	evil.Get(t, "/api/auth/me/").Require(t, 200)
	browser.WithHeader("Sec-Fetch-Site", "same-origin").Post(t, "/api/v1/resources", room).Require(t, 201)
	browser.WithHeader("Origin", "http://a.lvh.me:5173").WithHeader("Sec-Fetch-Site", "same-site").Post(t, "/api/v1/resources", room).Require(t, 201)
	require.Contains(t, browser.Post(t, "/api/auth/logout/", nil).Require(t, 204).Header.Get("Set-Cookie"), "Max-Age=0")
}

// Over HTTPS only the host itself can have set the cookie: one without the prefix may come from another host.
func TestCookies_HTTPS(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithConfig(func(c *app.Config) { c.HTTPS = true }))
	tenant := s.Tenant(t, "a")
	user := tenant.User(t, tenancy.RoleStaff, false)
	signedIn := tenant.Anonymous().Post(t, "/api/auth/login/", m{"email": user.Email, "password": apitest.Password}).Require(t, 200)
	names := []string{}
	for _, cookie := range (&http.Response{Header: signedIn.Header}).Cookies() {
		names = append(names, cookie.Name)
		require.True(t, cookie.Secure)
		require.Equal(t, "/", cookie.Path)
		require.Empty(t, cookie.Domain)
	}
	require.Equal(t, []string{"__Host-smoothschedule_session", "__Host-smoothschedule_device"}, names)
	token := signedIn.Object(t)["token"].(string)
	tenant.Anonymous().WithHeader("Cookie", "__Host-smoothschedule_session="+token).Get(t, "/api/auth/me/").Require(t, 200)
	tenant.Anonymous().WithHeader("Cookie", "smoothschedule_session="+token).Get(t, "/api/auth/me/").RequireProblem(t, 401, "unauthenticated")
}

// Somebody who guesses all the time keeps an account from being signed in to, but not from a browser that knows it.
func TestLogin_KnownBrowser(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	user := tenant.User(t, tenancy.RoleManager, false)
	login := func(c *apitest.Client, password string) *apitest.Response {
		return c.Post(t, "/api/auth/login/", m{"email": user.Email, "password": password})
	}
	browser := tenant.Anonymous()
	for _, cookie := range (&http.Response{Header: login(browser, apitest.Password).Require(t, 200).Header}).Cookies() {
		if cookie.Name == httpapi.DeviceCookie {
			browser = browser.WithHeader("Cookie", cookie.Name+"="+cookie.Value)
		}
	}
	for range 8 {
		login(tenant.Anonymous(), "a wrong guess")
		s.Clock.Advance(time.Minute)
	}
	login(tenant.Anonymous(), "a wrong guess").RequireProblem(t, 401, "invalid_credentials")
	login(tenant.Anonymous(), apitest.Password).RequireProblem(t, 429, "too_many_attempts")
	login(browser, apitest.Password).Require(t, 200)
}

func TestCORS(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	preflight := func(origin string) http.Header {
		c := s.Tenant(t, "t"+uuid.NewString()[:6]).Anonymous().WithHeader("Origin", origin).
			WithHeader("Access-Control-Request-Method", "PATCH").WithHeader("Access-Control-Request-Headers", "authorization,x-sandbox-mode")
		return c.Do(t, http.MethodOptions, "/api/v1/resources", nil).Require(t, 204).Header
	}
	allowed := preflight("http://demo.lvh.me:5173")
	require.Equal(t, "http://demo.lvh.me:5173", allowed.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", allowed.Get("Access-Control-Allow-Credentials"))
	require.Contains(t, strings.ToLower(allowed.Get("Access-Control-Allow-Headers")), "x-sandbox-mode")
	require.Contains(t, allowed.Get("Access-Control-Allow-Methods"), "PATCH")
	for _, origin := range []string{"https://evil.example", "http://demo.lvh.me:5174", "http://a.b.lvh.me:5173", "http://lvh.me:5173.evil.example", "null"} {
		require.Empty(t, preflight(origin).Get("Access-Control-Allow-Origin"), origin)
	}
}

func TestCustomDomains(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	add := func(name string, verified any) {
		_, err := s.DB.OwnerPool().Exec(t.Context(), `INSERT INTO domains (id, tenant_id, kind, name, verified_at) VALUES ($1, $2, 'CUSTOM', $3, $4)`,
			uuid.New(), tenant.ID, name, verified)
		require.NoError(t, err)
	}
	add("book.salon.example", apitest.Start)
	add("unverified.example", nil)
	owner.WithHost("Book.Salon.Example:443").Get(t, "/api/v1/resources").Require(t, 200)
	owner.WithHost("unverified.example").Get(t, "/api/v1/resources").RequireProblem(t, 404, "unknown_host")
}

func TestPersonasAreForDevelopment(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, apitest.WithConfig(func(c *app.Config) { c.QuickLogin = false }))
	tenant := s.Tenant(t, "a")
	tenant.User(t, tenancy.RoleOwner, false)
	tenant.Anonymous().Get(t, "/api/auth/quick-login/").RequireProblem(t, 404, "not_found")
	tenant.Anonymous().Post(t, "/api/auth/quick-login/", m{"persona": "owner"}).RequireProblem(t, 404, "not_found")
}

func TestASuspendedBusiness(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	populate(t, owner)
	tenant.Set(t, "status", "SUSPENDED")
	owner.Get(t, "/api/v1/resources").RequireProblem(t, 403, "tenant_suspended")
	owner.Get(t, "/api/auth/me/").Require(t, 200)
	login := m{"email": "owner@a.example", "password": apitest.Password}
	tenant.Anonymous().Post(t, "/api/auth/login/", login).RequireProblem(t, 403, "tenant_suspended")
	tenant.Set(t, "status", "ACTIVE")
	require.Len(t, owner.Get(t, "/api/v1/resources").Require(t, 200).IDs(t), 2, "nothing is lost")
}

func TestDeniedAccessIsRecorded(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	staff := tenant.Client(t, tenancy.RoleStaff)
	response := staff.Post(t, "/api/v1/resources", m{"name": "R", "type": "ROOM"})
	response.RequireProblem(t, 403, "role_not_allowed")
	var action, role, target, outcome, code string
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT action, actor_role, target_id, outcome, detail->>'code'
		FROM audit_entries WHERE request_id = $1 AND tenant_id = $2 AND env_id IS NOT NULL AND address = '127.0.0.1'`,
		response.Header.Get("X-Request-ID"), tenant.ID).Scan(&action, &role, &target, &outcome, &code))
	require.Equal(t, []string{"access.denied", "TENANT_STAFF", "createResource", "DENIED", "role_not_allowed"}, []string{action, role, target, outcome, code})
}
