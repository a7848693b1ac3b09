package schema_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// The roles that the server works as make no sessions and move none to another user, token or time.
func TestSessionsAreOpenedByFunctions(t *testing.T) { //nolint:tparallel // its subtests build on each other
	t.Parallel()
	s := apitest.New(t, apitest.WithConfig(func(c *app.Config) { c.QuickLogin = false }))
	a := s.Tenant(t, "a")
	a.Client(t, tenancy.RoleOwner)
	a.Client(t, tenancy.RoleStaff)
	s.Platform(t, tenancy.RoleSuperuser)
	s.Platform(t, tenancy.RolePlatformSales)
	for role, pool := range map[string]*pgxpool.Pool{dbtest.AppRole: s.DB.AppPool(), dbtest.PlatformRole: s.DB.PlatformPool()} {
		for _, statement := range []string{
			`INSERT INTO sessions (id, token_hash, user_id, expires_at)
				SELECT gen_random_uuid(), sha256('x'), id, now() + interval '1 day' FROM users WHERE role = 'SUPERUSER'`,
			"UPDATE sessions SET user_id = (SELECT id FROM users WHERE role = 'SUPERUSER')",
			"UPDATE sessions SET token_hash = sha256('x')",
			"UPDATE sessions SET expires_at = 'infinity'",
			"UPDATE sessions SET read_only = false",
			"UPDATE sessions SET ancestor_ids = '{}', impersonator_id = NULL",
			"SELECT plays_persona(id) FROM users",
		} {
			_, err := pool.Exec(t.Context(), statement)
			require.ErrorContains(t, err, "permission denied", "%s: %s", role, statement)
		}
	}
	app := s.DB.AppPool()
	count := func(query string) (n int) {
		require.NoError(t, app.QueryRow(t.Context(), query).Scan(&n), query)
		return n
	}
	t.Run("open_session refuses a wrong hash and none", func(t *testing.T) {
		for _, hash := range []string{"'x'", "NULL", "''", "password_parameters(id)"} {
			require.Zero(t, count(`SELECT count(*) FROM users WHERE open_session(gen_random_uuid(), sha256(uuid_send(id)), id, `+hash+`,
				false, '', NULL, now(), now() + interval '1 day')`), hash)
		}
	})
	const impersonate = `SELECT count(*) FROM sessions p JOIN users a ON a.id = p.user_id JOIN users t ON t.id <> a.id
		WHERE start_impersonation(gen_random_uuid(), sha256(uuid_send(gen_random_uuid())), t.id, false, '', NULL, now(),
			now() + interval '1 day', p.id, `
	t.Run("start_impersonation accepts a lower rank", func(t *testing.T) {
		require.Equal(t, 1, count(impersonate+"a.id) AND a.role = 'SUPERUSER' AND t.role = 'TENANT_STAFF'"))
	})
	t.Run("start_impersonation refuses a rank that is not lower", func(t *testing.T) {
		require.Zero(t, count(impersonate+"a.id) AND t.role = 'SUPERUSER'"))
		require.Zero(t, count("SELECT count(*) FROM sessions p JOIN users t ON t.id = p.user_id WHERE t.role = 'SUPERUSER' AND p.impersonator_id IS NOT NULL"))
		require.Zero(t, count(impersonate+"a.id) AND a.role IN ('TENANT_STAFF', 'PLATFORM_SALES')"))
	})
	t.Run("start_impersonation refuses somebody else's session", func(t *testing.T) {
		require.Zero(t, count(impersonate+"t.id)"))
	})
	t.Run("start_impersonation refuses a session that has ended", func(t *testing.T) {
		_, err := app.Exec(t.Context(), "UPDATE sessions SET revoked_at = now()")
		require.NoError(t, err)
		require.Zero(t, count(impersonate+"a.id)"))
		_, err = app.Exec(t.Context(), "UPDATE sessions SET revoked_at = NULL")
		require.ErrorContains(t, err, "stays revoked")
	})
}
