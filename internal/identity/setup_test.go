package identity

import (
	"net/netip"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// cheap makes hashing take no time; the algorithm is the same.
var cheap = HashParams{MemoryKiB: 8, Iterations: 1, Parallelism: 1}

const goodPassword = "a good password"

// bundle is a database with the tenant demo and the services on it. now is the clock;
// tests move it by hand.
type bundle struct {
	db       *dbtest.DB
	store    *store.Store
	resolver *tenancy.Resolver
	hasher   *Hasher
	sessions *Sessions
	users    *Users
	resets   *PasswordResets
	sandbox  *Sandbox
	demo     *tenancy.Tenant
	now      time.Time
	address  netip.Addr
	hash     string // of goodPassword
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db := dbtest.New(t)
	store := store.New(db.AppPool(), db.PlatformPool())
	hasher := NewHasher(cheap)
	hash, err := hasher.Hash(t.Context(), goodPassword)
	require.NoError(t, err)
	sessions := NewSessions(store, hasher)
	b := &bundle{
		db: db, store: store, resolver: tenancy.NewResolver(store.Control(), entitle.NewPlans(store.Control())),
		hasher: hasher, sessions: sessions, users: NewUsers(store, hasher), sandbox: NewSandbox(store),
		now: time.Date(2026, time.November, 22, 9, 30, 0, 0, time.UTC), address: netip.MustParseAddr("203.0.113.7"), hash: hash,
	}
	b.resets = NewPasswordResets(store, b.resolver, hasher)
	b.demo = b.tenant(t, "demo", "enterprise")
	return b
}

func (b *bundle) tenant(t *testing.T, subdomain, plan string) *tenancy.Tenant {
	t.Helper()
	tenant, err := CreateTenant(t.Context(), b.store, CreateTenantInput{
		Name: "The " + subdomain, Subdomain: subdomain, PlanCode: plan, Timezone: "America/New_York", Currency: "USD", Now: b.now,
	})
	require.NoError(t, err)
	return tenant
}

// request resolves a request the way the server does. No domain is the platform host.
func (b *bundle) request(t *testing.T, domain, token, mode string) *tenancy.Scope {
	t.Helper()
	r := tenancy.Request{
		RequestID: "test", Now: b.now, Address: b.address, UserAgent: "a test", ModeHeader: mode,
		Host: tenancy.Host{Domain: domain, Platform: domain == ""},
	}
	if token != "" {
		r.TokenHash = hashToken(token)
	}
	scope, err := b.resolver.Resolve(t.Context(), r)
	require.NoError(t, err)
	return scope
}

// works reports whether a token still signs somebody in.
func (b *bundle) works(t *testing.T, token string) bool {
	t.Helper()
	scope, err := b.resolver.Resolve(t.Context(), tenancy.Request{Now: b.now, TokenHash: hashToken(token)})
	require.NoError(t, err)
	return scope.Principal != nil
}

// user makes a user in the environment of the scope.
func (b *bundle) user(t *testing.T, scope *tenancy.Scope, email string, role tenancy.Role) User {
	t.Helper()
	var user User
	err := b.store.InEnv(t.Context(), scope, func(tx *store.Tx) (err error) {
		user, err = CreateUser(t.Context(), tx, scope, NewUser{Email: email, Name: "Somebody", Role: role, PasswordHash: b.hash, ChosenByOwner: true})
		return err
	})
	require.NoError(t, err)
	return user
}

func (b *bundle) platformUser(t *testing.T, email string, role tenancy.Role) User {
	t.Helper()
	user, err := b.createPlatformUser(t, NewUser{Email: email, Name: "Somebody", Role: role, PasswordHash: b.hash, ChosenByOwner: true})
	require.NoError(t, err)
	return user
}

func (b *bundle) createPlatformUser(t *testing.T, in NewUser) (user User, err error) {
	t.Helper()
	err = b.store.InPlatform(t.Context(), nil, func(tx pgx.Tx) error {
		user, err = CreatePlatformUser(t.Context(), tx, in, b.now)
		return err
	})
	return user, err
}

// login signs a user of the host in and returns the token.
func (b *bundle) login(t *testing.T, domain, mode, email string) string {
	t.Helper()
	signedIn, err := b.sessions.Login(t.Context(), b.request(t, domain, "", mode), LoginInput{Email: email, Password: goodPassword})
	require.NoError(t, err)
	return signedIn.Token
}

// as makes a user in a mode of demo and returns them with the scope of a request of theirs.
func (b *bundle) as(t *testing.T, mode, email string, role tenancy.Role) (User, *tenancy.Scope) {
	t.Helper()
	if role.Platform() {
		user := b.platformUser(t, email, role)
		return user, b.request(t, "demo", b.login(t, "", "", email), mode)
	}
	user := b.user(t, b.request(t, "demo", "", mode), email, role)
	return user, b.request(t, "demo", b.login(t, "demo", mode, email), mode)
}

// count runs a query as the owner of the database, who sees everything.
func (b *bundle) count(t *testing.T, sql string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, b.db.OwnerPool().QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

func (b *bundle) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	_, err := b.db.OwnerPool().Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// limitUsers overrides max_users of demo.
func (b *bundle) limitUsers(t *testing.T, limit int) {
	t.Helper()
	b.exec(t, `INSERT INTO entitlement_overrides (id, tenant_id, name, value, reason, from_at)
		VALUES (gen_random_uuid(), $1, 'max_users', to_jsonb($2::int), 'test', '2020-01-01')`, b.demo.ID, limit)
}

// usedUsers is the counter of max_users, which must agree with what it counts.
func (b *bundle) usedUsers(t *testing.T, env tenancy.Environment) int {
	t.Helper()
	used := b.count(t, "SELECT COALESCE(sum(used), 0)::int FROM usage_counters WHERE env_id = $1 AND quota = 'max_users'", env.ID)
	require.Equal(t, used, b.count(t, "SELECT count(*) FROM users WHERE env_id = $1 AND role <> 'CUSTOMER'", env.ID),
		"the counter and the users have parted")
	return used
}

// refusal returns err as what the client may see of it, which must have the code.
func refusal(t *testing.T, code apperr.Code, err error) *apperr.Error {
	t.Helper()
	var known *apperr.Error
	require.ErrorAs(t, err, &known, "want %s", code.Name)
	require.Equal(t, code.Name, known.Code.Name, known.Error())
	return known
}

func requireCode(t *testing.T, code apperr.Code, err error) {
	t.Helper()
	require.NotNil(t, refusal(t, code, err))
}

func requirePointer(t *testing.T, code apperr.Code, pointer string, err error) {
	t.Helper()
	known := refusal(t, code, err)
	require.Len(t, known.Fields, 1)
	require.Equal(t, pointer, known.Fields[0].Pointer)
}
