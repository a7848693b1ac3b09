package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
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
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	c, err := app.LoadConfig(map[string]string{
		app.Prefix + "ADDR": l.Addr().String(), app.Prefix + "DATABASE_URL": db.URL, app.Prefix + "LOG_LEVEL": "ERROR",
	})
	require.NoError(t, err)
	return c
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
	status, body = get(t, c.Addr, "/metrics")
	require.Equal(t, 200, status)
	require.Contains(t, body, `smoothschedule_http_request_duration_seconds_count{method="GET",operation="none",status="200"}`)
	require.Contains(t, body, `smoothschedule_db_connections{pool="platform",state="max"} 3`)
	status, _ = get(t, c.Addr, "/api/auth/quick-login/")
	require.Equal(t, 404, status, "quick login must not exist in production")

	// An older schema than the binary needs: no requests, please.
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

// The passwords of the demo are public.
func TestServeRefusesADatabaseWithPersonas(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	require.NoError(t, s.App.Store.InPlatform(t.Context(), func(tx pgx.Tx) error {
		_, err := identity.CreatePlatformUser(t.Context(), tx, identity.NewUser{
			Email: identity.PersonaEmail("superuser", tenancy.PlatformLabel), Name: "S", Role: tenancy.RoleSuperuser, PasswordHash: s.Hash(t),
		}, s.Clock.Now())
		return err
	}))
	require.ErrorContains(t, app.Serve(t.Context(), config(t, s.DB)), "demo personas")
}

func TestServeSaysWhatIsWrong(t *testing.T) {
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

// a tenant whose sandbox is missing gets one, and only once.
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

func TestMigrateSaysWhereItIs(t *testing.T) {
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
