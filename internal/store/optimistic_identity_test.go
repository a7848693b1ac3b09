package store_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/envtest"
)

// client is a client whose identity the server has cached.
type client struct {
	*apitest.Server
	tenant  *apitest.Tenant
	request tenancy.Request
}

func signedIn(t *testing.T) *client {
	t.Helper()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	hash := sha256.Sum256([]byte(tenant.Client(t, tenancy.RoleOwner).Token()))
	return &client{s, tenant, tenancy.Request{
		Now: s.Clock.Now(), Host: tenancy.Host{Domain: "a"}, TokenHash: hash[:], UserAgent: "test",
	}}
}

// withToken is the same for an API token.
func withToken(t *testing.T) *client {
	t.Helper()
	a := signedIn(t)
	text := a.tenant.Client(t, tenancy.RoleOwner).APIToken(t, false, "appointments:read").Token()
	token, err := apitoken.Parse(text)
	require.NoError(t, err)
	a.request.TokenHash, a.request.APIToken = nil, &token
	return a
}

func (a *client) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	tag, err := a.DB.OwnerPool().Exec(t.Context(), sql, args...)
	require.NoError(t, err)
	require.Positive(t, tag.RowsAffected())
}

// written counts the rows that tests write.
func (a *client) written(t *testing.T) [2]int {
	t.Helper()
	return [2]int{envtest.Count(t, a.DB.OwnerPool(), "resources"), envtest.Count(t, a.DB.OwnerPool(), "events")}
}

// cachedScope resolves the request, and returns the scope of the cache.
func (a *client) cachedScope(t *testing.T) *tenancy.Scope {
	t.Helper()
	resolved, err := a.App.Resolver.Resolve(t.Context(), a.request)
	require.NoError(t, err)
	cached, ok := a.App.Resolver.CachedScope(t.Context(), a.request)
	require.True(t, ok)
	require.Equal(t, resolved.Principal, cached.Principal)
	require.Equal(t, resolved.Tenant, cached.Tenant)
	require.Equal(t, resolved.Env, cached.Env)
	require.Equal(t, resolved.Now, cached.Now)
	require.Equal(t, resolved.Entitlements.Grants, cached.Entitlements.Grants)
	return cached
}

// Each way of using the database fails once anything that decides the identity has changed.
func TestOptimisticIdentity_stale(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"signed out":           "UPDATE sessions SET revoked_at = $1",
		"run out":              "UPDATE sessions SET expires_at = $1",
		"another mode":         "UPDATE sessions SET sandbox_mode = NOT sandbox_mode",
		"gone":                 "DELETE FROM sessions",
		"another role":         "UPDATE users SET role = 'TENANT_STAFF'",
		"deactivated":          "UPDATE users SET is_active = false",
		"the name is given up": "UPDATE domains SET verified_at = NULL",
		"another name":         "UPDATE tenants SET name = 'B'",
		"suspended":            "UPDATE tenants SET status = 'SUSPENDED', suspended_at = $1",
		"another zone":         "UPDATE tenants SET timezone = 'Europe/Vienna'",
		"another currency":     "UPDATE tenants SET currency = 'EUR'",
		"no sandbox":           "UPDATE tenants SET sandbox_enabled = false",
		"in arrears":           "UPDATE tenants SET billing_status = 'PAST_DUE', grace_until = $1",
		"another plan":         "UPDATE tenants SET plan_version_id = (SELECT id FROM plan_versions WHERE id <> plan_version_id LIMIT 1)",
		"another plan by now": `UPDATE tenants SET scheduled_plan_at = $1,
			scheduled_plan_version_id = (SELECT id FROM plan_versions WHERE id <> plan_version_id LIMIT 1)`,
		"an exception": `INSERT INTO entitlement_overrides (id, tenant_id, name, value, reason, from_at)
			SELECT gen_random_uuid(), id, 'max_users', '7', 'test', $1 FROM tenants`,
		"a test clock": "INSERT INTO sandbox_clocks (tenant_id, ahead_microseconds, changed_at) SELECT id, 60000000, $1 FROM tenants",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireStale(t, signedIn(t), change)
		})
	}
	for name, change := range map[string]string{
		"revoked":        "UPDATE api_tokens SET revoked_at = $1",
		"run out":        "UPDATE api_tokens SET expires_at = $1",
		"another scope":  "UPDATE api_tokens SET scopes = '{customers:read}'",
		"gone":           "DELETE FROM api_tokens",
		"another tenant": "UPDATE tenants SET name = 'B'",
	} {
		t.Run("token "+name, func(t *testing.T) {
			t.Parallel()
			requireStale(t, withToken(t), change)
		})
	}
}

func requireStale(t *testing.T, a *client, change string) {
	t.Helper()
	ctx, db := t.Context(), a.App.Store
	var cached []*tenancy.Scope
	ways := []func(scope *tenancy.Scope) error{
		func(scope *tenancy.Scope) error {
			rows, err := db.Reader(scope).Query(ctx, "SELECT 1")
			if err != nil {
				return err
			}
			rows.Close()
			return rows.Err()
		},
		func(scope *tenancy.Scope) error {
			return db.Reader(scope).QueryRow(ctx, "SELECT 1").Scan(new(int))
		},
		func(scope *tenancy.Scope) error {
			return db.Reader(scope).Batch(ctx, envtest.Read("SELECT 1", new(int)))
		},
		func(scope *tenancy.Scope) error {
			return db.InEnv(ctx, scope, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, envtest.InsertResource, scope.Env.ID, uuid.New(), "at first")
				return err
			})
		},
		func(scope *tenancy.Scope) error { // whoever does not mind
			return db.InEnv(ctx, scope, func(tx *store.Tx) error {
				require.ErrorIs(t, tx.QueryRow(ctx, "SELECT 1").Scan(new(int)), tenancy.ErrStaleIdentity)
				_, err := tx.Exec(ctx, envtest.InsertResource, scope.Env.ID, uuid.New(), "nevertheless")
				return err
			})
		},
		func(scope *tenancy.Scope) error { // one round trip for everything
			return db.InEnv(ctx, scope, func(tx *store.Tx) error {
				tx.OnCommit(envtest.Write(envtest.InsertResource, scope.Env.ID, uuid.New(), "with the commit"))
				tx.Emit("resource.created", nil)
				return nil
			})
		},
		func(scope *tenancy.Scope) error {
			return db.InControl(ctx, scope, func(pgx.Tx) error { return nil })
		},
		func(scope *tenancy.Scope) error {
			return db.InPlatform(ctx, scope, func(pgx.Tx) error { return nil })
		},
		func(scope *tenancy.Scope) error { return scope.Revalidate(ctx) },
	}
	for range ways {
		cached = append(cached, a.cachedScope(t))
	}
	before := a.written(t)
	var arguments []any
	if strings.Contains(change, "$1") {
		arguments = append(arguments, a.request.Now)
	}
	a.exec(t, change, arguments...)
	for i, way := range ways {
		require.ErrorIs(t, way(cached[i]), tenancy.ErrStaleIdentity, "way %d", i)
		for j, again := range ways {
			require.ErrorIs(t, again(cached[i]), tenancy.ErrStaleIdentity, "way %d, and then %d", i, j)
		}
	}
	_, ok := a.App.Resolver.CachedScope(ctx, a.request)
	require.False(t, ok)
	require.Equal(t, before, a.written(t))
	envtest.RequireNoneAcquired(t, db)
}

func TestOptimisticIdentity_valid(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]*client{"session": signedIn(t), "token": withToken(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, scope := t.Context(), a.cachedScope(t)
			require.NoError(t, a.App.Store.InEnv(ctx, scope, func(tx *store.Tx) error {
				tx.OnCommit(envtest.Write(envtest.InsertResource, scope.Env.ID, uuid.New(), "room"))
				return nil
			}))
			a.exec(t, "UPDATE tenants SET name = 'B'") // too late for this one
			require.Equal(t, 1, envtest.Count(t, a.App.Store.Reader(scope), "resources"))
			require.NoError(t, scope.Revalidate(ctx))

			cached, ok := a.App.Resolver.CachedScope(ctx, a.request)
			require.True(t, ok)
			require.ErrorIs(t, cached.Revalidate(ctx), tenancy.ErrStaleIdentity)
		})
	}
}

// Another server may record the use of a token.
func TestOptimisticIdentity_ignores_last_used_at(t *testing.T) {
	t.Parallel()
	a, b := signedIn(t), withToken(t)
	ofSession, ofToken := a.cachedScope(t), b.cachedScope(t)
	a.exec(t, "UPDATE sessions SET last_used_at = last_used_at + interval '1 second'")
	b.exec(t, "UPDATE api_tokens SET last_used_at = last_used_at + interval '1 second'")
	require.NoError(t, ofSession.Revalidate(t.Context()))
	require.NoError(t, ofToken.Revalidate(t.Context()))
}

func TestResolver_CachedScope_refuses(t *testing.T) {
	t.Parallel()
	a := signedIn(t)
	a.cachedScope(t)
	for name, change := range map[string]func(r *tenancy.Request){
		"not used for a minute": func(r *tenancy.Request) { r.Now = r.Now.Add(time.Minute + time.Microsecond) },
		"at another host":       func(r *tenancy.Request) { r.Host = tenancy.Host{} },
		"another session":       func(r *tenancy.Request) { r.TokenHash = make([]byte, sha256.Size) },
		"in no known mode":      func(r *tenancy.Request) { r.ModeHeader = "perhaps" },
	} {
		request := a.request
		change(&request)
		_, ok := a.App.Resolver.CachedScope(t.Context(), request)
		require.False(t, ok, name)
	}

	// Nor who has once been found to be nobody, or somebody else.
	unknown := a.request
	unknown.TokenHash = make([]byte, sha256.Size)
	_, err := a.App.Resolver.Resolve(t.Context(), unknown)
	require.NoError(t, err)
	_, ok := a.App.Resolver.CachedScope(t.Context(), unknown)
	require.False(t, ok, "an unknown token")

	superuser := a.Platform(t, tenancy.RoleSuperuser).WithHost(a.tenant.Host)
	user := a.tenant.User(t, tenancy.RoleStaff, false)
	masquerade := superuser.Post(t, "/api/auth/masquerade/", map[string]any{"user_id": user.ID}).Require(t, 200).Object(t)
	hash := sha256.Sum256([]byte(masquerade["token"].(string)))
	working := a.request
	working.TokenHash = hash[:]
	scope, err := a.App.Resolver.Resolve(t.Context(), working)
	require.NoError(t, err)
	require.NotNil(t, scope.ImpersonatorID())
	_, ok = a.App.Resolver.CachedScope(t.Context(), working)
	require.False(t, ok, "a masquerade")

	// At a host without business a refusal is not remembered.
	nowhere := tenancy.Request{Now: a.request.Now, Host: tenancy.Host{Domain: "nowhere"}}
	_, err = a.App.Resolver.Resolve(t.Context(), nowhere)
	require.ErrorIs(t, err, apperr.New(apperr.UnknownHost, ""))
	_, ok = a.App.Resolver.CachedScope(t.Context(), nowhere)
	require.False(t, ok)

	// Who is not signed in is cached at a host that is known.
	anonymous := tenancy.Request{Now: a.request.Now, Host: tenancy.Host{Domain: "a"}}
	_, err = a.App.Resolver.Resolve(t.Context(), anonymous)
	require.NoError(t, err)
	scope, ok = a.App.Resolver.CachedScope(t.Context(), anonymous)
	require.True(t, ok)
	require.NoError(t, scope.Revalidate(t.Context()))
	a.exec(t, "UPDATE domains SET verified_at = NULL")
	scope, ok = a.App.Resolver.CachedScope(t.Context(), anonymous)
	require.True(t, ok)
	require.ErrorIs(t, scope.Revalidate(t.Context()), tenancy.ErrStaleIdentity)
}
