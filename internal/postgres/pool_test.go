//go:build linux || darwin

package postgres

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/postgres/embedded"
)

// execAll runs statements as the superuser.
func execAll(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	for _, statement := range statements {
		_, err := conn.Exec(t.Context(), statement)
		require.NoError(t, err, statement)
	}
}

// role names a role of one test; roles belong to the whole server, databases do not.
func role(t *testing.T, text, name string) string {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return strings.TrimPrefix(u.Path, "/") + "_" + name
}

// as is the URL of the same database for another login role.
func as(t *testing.T, text, role string) string {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	u.User = url.User(role)
	return u.String()
}

func openPool(t *testing.T, o PoolOptions) *pgxpool.Pool {
	t.Helper()
	pool, err := NewPool(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func show(t *testing.T, pool *pgxpool.Pool, setting string) string {
	t.Helper()
	var value string
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT current_setting($1)", setting).Scan(&value))
	return value
}

func TestPoolSettings(t *testing.T) {
	t.Parallel()
	pool := openPool(t, PoolOptions{URL: emptyDatabase(t)})
	for setting, want := range map[string]string{
		"timezone":                            "UTC",
		"plan_cache_mode":                     "force_generic_plan",
		"statement_timeout":                   "30s",
		"idle_in_transaction_session_timeout": "30s",
		"lock_timeout":                        "10s",
		"application_name":                    "smoothschedule",
		"role":                                "none",
	} {
		require.Equal(t, want, show(t, pool, setting), setting)
	}
	require.EqualValues(t, 10, pool.Config().MaxConns)
}

func TestPoolOptionsWin(t *testing.T) {
	t.Parallel()
	pool := openPool(t, PoolOptions{URL: emptyDatabase(t), MaxConns: 3, ApplicationName: "worker", StatementTimeout: 90 * time.Second})
	require.Equal(t, "worker", show(t, pool, "application_name"))
	require.Equal(t, "90s", show(t, pool, "statement_timeout"))
	require.EqualValues(t, 3, pool.Config().MaxConns)
}

func TestPoolRoleSurvivesReset(t *testing.T) {
	t.Parallel()
	url := emptyDatabase(t)
	app, other, member := role(t, url, "app"), role(t, url, "other"), role(t, url, "member")
	execAll(t, url, "CREATE ROLE "+app, "CREATE ROLE "+other, "CREATE ROLE "+member+" LOGIN",
		"GRANT "+app+", "+other+" TO "+member)
	for name, login := range map[string]string{"superuser": embedded.Superuser, "member": member} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := openPool(t, PoolOptions{URL: as(t, url, login), Role: app, MaxConns: 1})
			for _, statement := range []string{"SELECT 1", "SET ROLE " + other + "; RESET ROLE", "RESET ALL", "DISCARD ALL"} {
				_, err := pool.Exec(t.Context(), statement, pgx.QueryExecModeSimpleProtocol)
				require.NoError(t, err, statement)
				var current string
				require.NoError(t, pool.QueryRow(t.Context(), "SELECT current_user", pgx.QueryExecModeSimpleProtocol).Scan(&current))
				require.Equal(t, app, current, statement)
			}
		})
	}
}

func TestPoolRoleBindsRowSecurity(t *testing.T) {
	t.Parallel()
	url := emptyDatabase(t)
	app := role(t, url, "app")
	execAll(t, url, "CREATE ROLE "+app, "CREATE TABLE wall (n int)", "INSERT INTO wall VALUES (1)",
		"ALTER TABLE wall ENABLE ROW LEVEL SECURITY", "GRANT SELECT ON wall TO "+app)
	for name, want := range map[string]int{"": 1, app: 0} {
		var rows int
		require.NoError(t, openPool(t, PoolOptions{URL: url, Role: name}).QueryRow(t.Context(), "SELECT count(*) FROM wall").Scan(&rows))
		require.Equal(t, want, rows, "role %q", name)
	}
}

func TestPoolErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	url := emptyDatabase(t)
	app, stranger := role(t, url, "app"), role(t, url, "stranger")
	execAll(t, url, "CREATE ROLE "+stranger+" LOGIN", "CREATE ROLE "+app)
	for name, c := range map[string]struct {
		options PoolOptions
		want    string
	}{
		"no such role":     {PoolOptions{URL: url, Role: "errors_missing"}, "smoothschedule migrate"},
		"not a member":     {PoolOptions{URL: as(t, url, stranger), Role: app}, "grant it membership"},
		"no such database": {PoolOptions{URL: shared.server.URL("errors_missing")}, "create the database"},
		"no server":        {PoolOptions{URL: "postgres:///x?host=/nonexistent"}, "is PostgreSQL running"},
		"no such user":     {PoolOptions{URL: as(t, url, "errors_nobody")}, "does not let this user in"},
		"bad URL":          {PoolOptions{URL: "postgres://u:secret@h:x/db"}, "database URL is not understood"},
		"without types":    {PoolOptions{URL: url + "&default_query_exec_mode=exec"}, "leave it out"},
		"in one text":      {PoolOptions{URL: url + "&default_query_exec_mode=simple_protocol"}, "leave it out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewPool(t.Context(), c.options)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestCheckRole(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), emptyDatabase(t))
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.NoError(t, checkRole(t.Context(), conn, embedded.Superuser))
	require.ErrorContains(t, checkRole(t.Context(), conn, "smoothschedule_app"), "pooler")
}
