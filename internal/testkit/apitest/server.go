// Package apitest runs the whole product for tests: the real handlers over real HTTP
// on a database of the test's own, with clients for every role.
//
// It calls internal/app, as the program does, and dbtest. Invariants: the clock
// stands still unless a test moves it; every answer a Client gets is held against
// the contract.
package apitest

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/jobtest"
)

// Password is that of every user the kit makes.
const Password = "a good test password"

// Cheap is for hashing in tests: right in form, and fast.
var Cheap = identity.HashParams{MemoryKiB: 64, Iterations: 1, Parallelism: 1}

// Start is where the clock of every server stands at first: a Sunday noon in UTC.
var Start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// Clock is a clock that tests move.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is what the server takes for the present.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Server is the product, running.
type Server struct {
	App   *app.App
	DB    *dbtest.DB
	Clock *Clock
	// DNS is what the server asks about domains.
	DNS  *DNS
	URL  string
	http *http.Client
}

// Option changes how a server is built.
type Option func(*app.Dependencies)

// WithConfig lets a test change the configuration.
func WithConfig(change func(*app.Config)) Option {
	return func(d *app.Dependencies) { change(&d.Config) }
}

// WithPools lets a test bring pools of its own.
func WithPools(appPool, platformPool *pgxpool.Pool) Option {
	return func(d *app.Dependencies) { d.App, d.Platform = appPool, platformPool }
}

// switches are the configuration that the environment of the tests may change, so that the same
// tests run with an optimization and without it (task test:switches).
var switches = []string{"OPTIMISTIC_IDENTITY", "CATALOG_CACHE"}

// New starts a server; it stops with the test.
func New(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	return NewOn(tb, dbtest.New(tb), options...)
}

// NewOn starts a server on a database that exists: a second node.
func NewOn(tb testing.TB, db *dbtest.DB, options ...Option) *Server {
	tb.Helper()
	environment := map[string]string{app.Prefix + "HTTPS": "false", app.Prefix + "QUICK_LOGIN": "true", app.Prefix + "RATE_LIMITS": "off"}
	for _, name := range switches {
		if value, ok := os.LookupEnv(app.Prefix + name); ok {
			environment[app.Prefix+name] = value
		}
	}
	config, err := app.LoadConfig(environment)
	require.NoError(tb, err)
	config.SecretKeys, config.WebhookAllowLoopback = []string{app.DevSecretKey}, true
	config.Origins = []string{"http://*.lvh.me:5173"}
	resolver := startDNS(tb)
	config.DNSServer = resolver.Addr
	clock := &Clock{now: Start}
	d := app.Dependencies{
		Config: config, App: db.AppPool(), Platform: db.PlatformPool(), Log: slog.New(slog.DiscardHandler),
		Now: clock.Now, Hashing: Cheap,
	}
	for _, change := range options {
		change(&d)
	}
	built, err := app.New(d)
	require.NoError(tb, err)
	if d.Config.QuickLogin { // which works in databases for development only
		_, err = built.Store.ClaimInstallation(tb.Context(), store.Development)
		require.NoError(tb, err)
	}
	tb.Cleanup(func() { require.NoError(tb, built.Close()) })
	listening := httptest.NewServer(built.Handler)
	tb.Cleanup(listening.Close)
	transport := &http.Transport{
		DialContext: (&net.Dialer{}).DialContext, MaxIdleConnsPerHost: 100, DisableCompression: true,
	}
	tb.Cleanup(transport.CloseIdleConnections)
	return &Server{App: built, DB: db, Clock: clock, DNS: resolver, URL: listening.URL, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// WorkFeed lets the consumers handle all events.
func (s *Server) WorkFeed(tb testing.TB) (handled int) {
	tb.Helper()
	handled, err := s.App.Feed.Work(tb.Context())
	require.NoError(tb, err)
	return handled
}

// WorkJobs lets the consumers handle all events, does all background jobs that are due on the server's
// clock, and whatever follows from either, and returns how many jobs there were of each kind.
func (s *Server) WorkJobs(tb testing.TB) map[string]int {
	tb.Helper()
	worked := map[string]int{}
	for more := true; more; {
		more = s.WorkFeed(tb) > 0
		for kind, n := range jobtest.Work(tb, s.DB, s.App.Jobs, s.Clock.Now()) {
			worked[kind] += n
			more = true
		}
	}
	return worked
}

// Operation finds an operation by its id.
func (s *Server) Operation(tb testing.TB, id string) *contract.Operation {
	tb.Helper()
	for _, op := range s.App.Contract.Operations() {
		if op.ID == id {
			return op
		}
	}
	require.Fail(tb, "no such operation", id)
	return nil
}

// Client returns an anonymous client at a host.
func (s *Server) Client(host string) *Client { return &Client{server: s, host: host} }

// Login signs in with the kit's password.
func (s *Server) Login(tb testing.TB, host, email string) *Client {
	tb.Helper()
	c := s.Client(host)
	return c.login(tb, email)
}

func (c *Client) login(tb testing.TB, email string) *Client {
	tb.Helper()
	var signedIn struct{ Token string }
	c.Post(tb, "/api/auth/login/", map[string]string{"email": email, "password": Password}).Require(tb, 200).Decode(tb, &signedIn)
	return c.WithToken(signedIn.Token)
}

// SessionID is the id of the client's session.
func (s *Server) SessionID(tb testing.TB, c *Client) string {
	tb.Helper()
	var list struct {
		Data []struct {
			ID        string `json:"id"`
			IsCurrent bool   `json:"is_current"`
		}
	}
	c.Get(tb, "/api/auth/sessions/?limit=100").Require(tb, 200).Decode(tb, &list)
	for _, session := range list.Data {
		if session.IsCurrent {
			return session.ID
		}
	}
	require.Fail(tb, "the session is not in the list")
	return ""
}

// Hash is the hash of Password.
func (s *Server) Hash(tb testing.TB) string {
	tb.Helper()
	hash, err := s.App.Hasher.Hash(tb.Context(), Password)
	require.NoError(tb, err)
	return hash
}

// Platform returns a client of a new user of the platform, at its host.
func (s *Server) Platform(tb testing.TB, role tenancy.Role) *Client {
	tb.Helper()
	email := string(role) + "." + uuid.NewString()[:8] + "@platform.example"
	require.NoError(tb, s.App.Store.InPlatform(tb.Context(), nil, func(tx pgx.Tx) error {
		_, err := identity.CreatePlatformUser(tb.Context(), tx, identity.NewUser{
			Email: email, Name: string(role), Role: role, PasswordHash: s.Hash(tb), ChosenByOwner: true,
		}, s.Clock.Now())
		return err
	}))
	return s.Login(tb, "platform.localhost", email)
}

// Tenant is a business of a test.
type Tenant struct {
	ID     uuid.UUID
	Host   string
	server *Server
	name   string
}

// Tenant makes a business with the Enterprise plan, in New York, and nothing in it.
func (s *Server) Tenant(tb testing.TB, subdomain string) *Tenant {
	tb.Helper()
	tenant, err := identity.CreateTenant(tb.Context(), s.App.Store, identity.CreateTenantInput{
		Name: "Tenant " + subdomain, Subdomain: subdomain, PlanCode: "enterprise", Timezone: "America/New_York", Currency: "USD",
		Now: s.Clock.Now(),
	})
	require.NoError(tb, err)
	return &Tenant{ID: tenant.ID, Host: subdomain + ".localhost", server: s, name: subdomain}
}

// On returns the same tenant of another server, whose database is a copy of the first one's.
func (n *Tenant) On(s *Server) *Tenant {
	changed := *n
	changed.server = s
	return &changed
}

// Anonymous returns a client at the tenant's host that nobody is signed in with.
func (n *Tenant) Anonymous() *Client { return n.server.Client(n.Host) }

// Scope is the scope of a request of nobody in the tenant's live or sandbox world.
func (n *Tenant) Scope(tb testing.TB, sandbox bool) *tenancy.Scope {
	tb.Helper()
	request := tenancy.Request{RequestID: "test", Now: n.server.Clock.Now(), Host: tenancy.Host{Domain: n.name}}
	if sandbox {
		request.ModeHeader = "true"
	}
	scope, err := n.server.App.Resolver.Resolve(tb.Context(), request)
	require.NoError(tb, err)
	return scope
}

// User makes a user of the tenant. For owners it takes the address owner@<name>.example
// while it is free, so that tests can sign in with it.
func (n *Tenant) User(tb testing.TB, role tenancy.Role, sandbox bool) identity.User {
	tb.Helper()
	email := uuid.NewString()[:8] + "@" + n.name + ".example"
	if role == tenancy.RoleOwner && !sandbox && !n.taken(tb) {
		email = identity.PersonaEmail("owner", n.name)
	}
	scope := n.Scope(tb, sandbox)
	var user identity.User
	require.NoError(tb, n.server.App.Store.InEnv(tb.Context(), scope, func(tx *store.Tx) (err error) {
		user, err = identity.CreateUser(tb.Context(), tx, scope, identity.NewUser{
			Email: email, Name: string(role), Role: role, PasswordHash: n.server.Hash(tb), ChosenByOwner: true,
		})
		return err
	}))
	return user
}

func (n *Tenant) taken(tb testing.TB) bool {
	tb.Helper()
	var exists bool
	require.NoError(tb, n.server.DB.OwnerPool().QueryRow(tb.Context(),
		"SELECT EXISTS (SELECT FROM users WHERE email = $1)", identity.PersonaEmail("owner", n.name)).Scan(&exists))
	return exists
}

// Client makes a user of the role and signs them in.
func (n *Tenant) Client(tb testing.TB, role tenancy.Role) *Client {
	tb.Helper()
	return n.server.Login(tb, n.Host, n.User(tb, role, false).Email)
}

// SandboxClient is Client for a user who lives in the sandbox.
func (n *Tenant) SandboxClient(tb testing.TB, role tenancy.Role) *Client {
	tb.Helper()
	user := n.User(tb, role, true)
	signedIn := n.server.Client(n.Host).Sandbox().login(tb, user.Email)
	return n.server.Client(n.Host).WithToken(signedIn.Token())
}

// Override makes an exception from the tenant's plan that begins now: true or false
// for a feature, a number or nil (unlimited) for a quota.
func (n *Tenant) Override(tb testing.TB, name string, value any) {
	tb.Helper()
	raw, err := json.Marshal(value)
	require.NoError(tb, err)
	_, err = n.server.DB.OwnerPool().Exec(tb.Context(), `INSERT INTO entitlement_overrides (id, tenant_id, name, value, reason, from_at, created_at)
		VALUES ($1, $2, $3, $4, 'test', $5, clock_timestamp())`, uuid.New(), n.ID, name, raw, n.server.Clock.Now())
	require.NoError(tb, err)
}

// Set changes a column of the tenant, as the platform's administration will.
func (n *Tenant) Set(tb testing.TB, column string, value any) {
	tb.Helper()
	_, err := n.server.DB.OwnerPool().Exec(tb.Context(), "UPDATE tenants SET "+pgx.Identifier{column}.Sanitize()+" = $2 WHERE id = $1", n.ID, value)
	require.NoError(tb, err)
}
