package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
	"github.com/smoothschedule/smoothschedule/schema"
)

func config(t *testing.T, db *dbtest.DB) app.Config {
	t.Helper()
	c, err := app.LoadConfig(map[string]string{
		app.Prefix + "ADDR": freeAddr(t), app.Prefix + "DATABASE_URL": db.URL, app.Prefix + "LOG_LEVEL": "ERROR",
		app.Prefix + "TRUSTED_PROXIES": "none", app.Prefix + "METRICS_ADDR": freeAddr(t), app.Prefix + "SECRET_KEYS": strings.Repeat("A", 43) + "=",
		app.Prefix + "ACCEPTED_RISKS": "database-superuser",
	})
	require.NoError(t, err)
	return c
}

func freeAddr(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func get(t *testing.T, addr, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func TestServe(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	c := config(t, db)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- app.Serve(ctx, c) }()
	require.Eventually(t, func() bool { status, _ := get(t, c.Addr, "/readyz"); return status == 200 || len(ended) > 0 },
		20*time.Second, 10*time.Millisecond)
	require.Empty(t, ended)

	status, body := get(t, c.Addr, "/healthz")
	require.Equal(t, 200, status, body)
	status, body = get(t, c.Addr, "/api/openapi.json")
	require.Equal(t, 200, status)
	require.Contains(t, body, `"operationId": "createAppointment"`)
	status, _ = get(t, c.Addr, "/metrics")
	require.Equal(t, 404, status, "they have an address of their own")
	status, body = get(t, c.MetricsAddr, "/metrics")
	require.Equal(t, 200, status)
	require.Contains(t, body, `smoothschedule_http_request_duration_seconds_count{method="GET",operation="none",status="200"}`)
	require.Contains(t, body, `smoothschedule_db_connections{pool="platform",state="max"} 3`)
	status, _ = get(t, c.Addr, "/api/auth/quick-login/")
	require.Equal(t, 404, status, "quick login must not exist in production")

	// With an older schema than the binary needs, the server is not ready.
	latest, err := schema.Latest()
	require.NoError(t, err)
	require.NoError(t, postgres.DownTo(t.Context(), db.URL, schema.FS, latest-1))
	status, body = get(t, c.Addr, "/readyz")
	require.Equal(t, 503, status, body)
	require.Contains(t, body, `"code":"unavailable"`)

	stop()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(20 * time.Second):
		require.Fail(t, "it does not stop")
	}
}

// The passwords of the personas are public.
func TestServe_refuses_personas(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	require.NoError(t, s.App.Store.InPlatform(t.Context(), nil, func(tx pgx.Tx) error {
		_, err := identity.CreatePlatformUser(t.Context(), tx, identity.NewUser{
			Email: identity.PersonaEmail("superuser", tenancy.PlatformLabel), Name: "S", Role: tenancy.RoleSuperuser, PasswordHash: s.Hash(t),
		}, s.Clock.Now())
		return err
	}))
	require.ErrorContains(t, app.Serve(t.Context(), config(t, s.DB)), "demo personas")
}

// A login that owns the tables or bypasses row-level security is refused. A member of only the
// three roles is accepted and can create platform users.
func TestServe_refuses_privileged_login(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	exec := func(sql string) {
		_, err := db.OwnerPool().Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	login := func(name, options string) app.Config {
		exec(fmt.Sprintf(`DO $$ BEGIN CREATE ROLE %s LOGIN PASSWORD 'p' %s; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`, name, options))
		exec("GRANT smoothschedule_app, smoothschedule_platform, smoothschedule_administration TO " + name)
		u, err := url.Parse(db.URL)
		require.NoError(t, err)
		u.User = url.UserPassword(name, "p")
		c := config(t, db)
		c.DatabaseURL, c.AcceptedRisks = u.String(), nil
		return c
	}
	superuser := config(t, db)
	superuser.AcceptedRisks = nil
	bypassing := login("smoothschedule_test_bypass", "NOINHERIT BYPASSRLS")
	for _, c := range []app.Config{superuser, bypassing} {
		err := app.Serve(t.Context(), c)
		require.ErrorContains(t, err, "superuser, or bypasses row security")
		require.ErrorContains(t, err, "database-superuser")
	}
	plain := login("smoothschedule_test_login", "NOINHERIT")
	ended, cancel := context.WithCancel(t.Context())
	cancel() // otherwise it would start
	require.NotContains(t, fmt.Sprint(app.Serve(ended, plain)), "database-superuser")
	require.NoError(t, app.CheckDatabase(t.Context(), plain))
	pool, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: plain.DatabaseURL, Role: dbtest.PlatformRole})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	hash, err := identity.NewHasher(identity.HashParams{MemoryKiB: 8, Iterations: 1, Parallelism: 1}).Hash(t.Context(), apitest.Password)
	require.NoError(t, err)
	require.NoError(t, pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := identity.CreatePlatformUser(t.Context(), tx, identity.NewUser{
			Email: "boss@example.com", Name: "Boss", Role: tenancy.RoleSuperuser, PasswordHash: hash,
		}, time.Now())
		return err
	}))
	exec("ALTER TABLE tenants OWNER TO smoothschedule_test_login")
	defer exec("ALTER TABLE tenants OWNER TO CURRENT_USER")
	require.ErrorContains(t, app.CheckDatabase(t.Context(), plain), "owns its tables")
}

// A development database is refused even if the personas were renamed, and in either order of start.
func TestServe_refuses_development_database(t *testing.T) {
	t.Parallel()
	const patience = 20 * time.Second // a server that is not refused runs on
	serve := func(ctx context.Context, db *dbtest.DB) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return app.Serve(ctx, config(t, db))
	}
	dev := func(ctx context.Context, db *dbtest.DB) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		c := config(t, db)
		c.SecretKeys, c.MetricsAddr = nil, ""
		return app.Dev(ctx, c, map[string]string{app.Prefix + "DATABASE_URL": db.URL}, false, io.Discard)
	}
	// run runs a server until it has claimed the database.
	run := func(server func(context.Context, *dbtest.DB) error, db *dbtest.DB) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- server(ctx, db) }()
		claimed := func() bool {
			var n int
			err := db.OwnerPool().QueryRow(ctx, "SELECT count(*) FROM installation").Scan(&n)
			return err == nil && n > 0
		}
		require.Eventually(t, func() bool { return claimed() || len(ended) > 0 }, patience, 10*time.Millisecond)
		require.True(t, claimed())
		stop()
		if err := <-ended; err != nil { // it was still starting
			require.ErrorIs(t, err, context.Canceled)
		}
	}
	t.Run("with renamed personas", func(t *testing.T) {
		t.Parallel()
		db := dbtest.New(t)
		run(dev, db)
		_, err := db.OwnerPool().Exec(t.Context(), "UPDATE users SET email = 'x-' || email")
		require.NoError(t, err)
		require.ErrorContains(t, serve(t.Context(), db), "this database is for development")
	})
	t.Run("and dev one of serve", func(t *testing.T) {
		t.Parallel()
		db := dbtest.New(t)
		run(serve, db)
		require.ErrorContains(t, dev(t.Context(), db), "in use elsewhere")
		var users int
		require.NoError(t, db.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM users").Scan(&users))
		require.Zero(t, users)
	})
	t.Run("and dev one with users of others", func(t *testing.T) {
		t.Parallel()
		s := apitest.New(t, apitest.WithConfig(func(c *app.Config) { c.QuickLogin = false })) // so that it is not for development
		s.Tenant(t, "real").User(t, tenancy.RoleOwner, false)
		require.ErrorContains(t, dev(t.Context(), s.DB), "in use elsewhere")
	})
}

func TestServe_lists_all_mistakes(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	require.NoError(t, s.App.Store.InPlatform(t.Context(), nil, func(tx pgx.Tx) error {
		_, err := identity.CreatePlatformUser(t.Context(), tx, identity.NewUser{
			Email: identity.PersonaEmail("superuser", tenancy.PlatformLabel), Name: "S", Role: tenancy.RoleSuperuser, PasswordHash: s.Hash(t),
		}, s.Clock.Now())
		return err
	}))
	c, err := app.LoadConfig(map[string]string{
		app.Prefix + "DATABASE_URL": s.DB.URL, app.Prefix + "WEBHOOK_ALLOW_LOOPBACK": "true", app.Prefix + "RATE_LIMITS": "off", app.Prefix + "HTTPS": "false",
		app.Prefix + "QUICK_LOGIN": "true",
	})
	require.NoError(t, err)
	err = app.Serve(t.Context(), c)
	for _, want := range []string{
		"TRUSTED_PROXIES", "SECRET_KEYS", "METRICS_TOKEN", "QUICK_LOGIN", "loopback-webhooks", "no-rate-limits", "plain-http", "database-superuser", "demo personas",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestServe_errors(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	c := config(t, db)
	c.DatabaseURL = "postgres://nobody@127.0.0.1:1/nothing"
	require.ErrorContains(t, app.Serve(t.Context(), c), "connecting to the database")

	taken := config(t, db)
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", taken.Addr)
	require.NoError(t, err)
	defer l.Close()
	require.ErrorContains(t, app.Serve(t.Context(), taken), "SMOOTHSCHEDULE_ADDR")
}

// a missing sandbox of a tenant is created once.
func TestCreateSandboxes(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "old-one")
	s.Tenant(t, "complete")
	_, err := s.DB.OwnerPool().Exec(t.Context(), "DELETE FROM environments WHERE is_sandbox AND tenant_id = $1", tenant.ID)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, app.CreateSandboxes(t.Context(), config(t, s.DB), &out))
	require.Equal(t, "created old_one_sandbox\n1 sandboxes created.\n", out.String())
	require.NoError(t, app.CreateSandboxes(t.Context(), config(t, s.DB), &out))
	require.Contains(t, out.String(), "0 sandboxes created.")
	owner := tenant.Client(t, tenancy.RoleOwner)
	owner.Sandbox().Post(t, "/api/v1/resources", map[string]any{"name": "R", "type": "ROOM"}).Require(t, 201)
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	var out bytes.Buffer
	require.NoError(t, app.Migrate(t.Context(), config(t, db), "down", &out))
	require.NoError(t, app.Migrate(t.Context(), config(t, db), "status", &out))
	require.NoError(t, app.Migrate(t.Context(), config(t, db), "up", &out))
	files, err := fs.Glob(schema.FS, "*.sql")
	require.NoError(t, err)
	version := func(n int) (v int) { // the nth from the last
		_, err := fmt.Sscanf(files[len(files)-1-n], "%d_", &v)
		require.NoError(t, err)
		return v
	}
	line := func(n int) string {
		return fmt.Sprintf("The database is at version %d of %d.\n", version(n), version(0))
	}
	require.Equal(t, line(1)+line(1)+line(0), out.String())
	require.ErrorContains(t, app.Migrate(t.Context(), config(t, db), "sideways", &out), "up, down and status")
}
