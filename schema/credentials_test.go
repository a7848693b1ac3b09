package schema_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
	"github.com/smoothschedule/smoothschedule/schema"
)

// readable lists the tables and views of which a role can read something, with what it can read.
const readable = `SELECT format('SELECT count(*) FROM %s x WHERE strpos(concat_ws('' '', %s), $1) > 0', a.attrelid::regclass,
	string_agg(format('x.%I::text', a.attname), ', ')), array_agg(a.attname::text)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
	AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege($1, a.attrelid, a.attnum, 'SELECT')
GROUP BY a.attrelid`

// The roles that the server works as read no digest of a password, in whatever table or view there is.
func TestPasswordHashesCannotBeRead(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	s.Platform(t, tenancy.RoleSuperuser)
	ctx, owner := t.Context(), s.DB.OwnerPool()
	var hash string
	require.NoError(t, owner.QueryRow(ctx, "SELECT password_hash FROM user_credentials LIMIT 1").Scan(&hash))
	digest := hash[strings.LastIndex(hash, "$")+1:]
	require.Len(t, digest, 43)

	for role, pool := range map[string]*pgxpool.Pool{dbtest.AppRole: s.DB.AppPool(), dbtest.PlatformRole: s.DB.PlatformPool()} {
		rows, err := owner.Query(ctx, readable, role)
		require.NoError(t, err)
		relations, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
			Query   string
			Columns []string
		}])
		require.NoError(t, err)
		require.Greater(t, len(relations), 20, role)
		for _, r := range relations {
			require.NotContains(t, r.Columns, "password_hash", r.Query)
			require.NotContains(t, r.Columns, "device_key", r.Query)
			var found int
			require.NoError(t, owner.QueryRow(ctx, r.Query, digest).Scan(&found), r.Query)
			require.Zero(t, found, r.Query)
		}
		for _, statement := range []string{
			"SELECT user_id FROM user_credentials", "UPDATE user_credentials SET password_hash = 'x'", "DELETE FROM user_credentials",
			"INSERT INTO user_credentials (user_id, password_hash) SELECT id, 'x' FROM users", "TRUNCATE user_credentials",
		} {
			_, err := pool.Exec(ctx, statement)
			require.ErrorContains(t, err, "permission denied", "%s: %s", role, statement)
		}
	}
	var parameters string
	require.NoError(t, s.DB.AppPool().QueryRow(ctx, "SELECT string_agg(password_parameters(id), ' ') FROM users").Scan(&parameters))
	require.Contains(t, parameters, hash[:len(hash)-len(digest)])
	require.NotContains(t, parameters, digest)
}

// Every function that works as the owner looks its tables up in fixed schemas, and is for named roles only.
func TestFunctionsOfTheOwner(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	rows, err := db.OwnerPool().Query(t.Context(), `SELECT p.oid::regprocedure::text FROM pg_proc p
		WHERE p.prosecdef AND p.pronamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
			AND (NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=pg_catalog, %pg_temp')
				OR has_function_privilege('public', p.oid, 'EXECUTE'))`)
	require.NoError(t, err)
	careless, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Empty(t, careless)
}

// The hashes go into the table of their own and back without loss.
func TestMigrationOfPasswordHashes(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	s.Platform(t, tenancy.RoleSuperuser)
	list := func(query string) (hashes []string) {
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), query).Scan(&hashes))
		return hashes
	}
	const split = "SELECT array_agg(user_id || password_hash ORDER BY user_id) FROM user_credentials"
	before := list(split)
	require.Len(t, before, 2)
	require.NoError(t, postgres.DownTo(t.Context(), s.DB.URL, schema.FS, 75))
	require.Equal(t, before, list("SELECT array_agg(id || password_hash ORDER BY id) FROM users"))
	require.NoError(t, postgres.Migrate(t.Context(), s.DB.URL, schema.FS))
	require.Equal(t, before, list(split))
}

// The roles that the server works as make no users of the platform, raise nobody to one, and change none.
func TestPlatformUsersAreForAdministration(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	s.Platform(t, tenancy.RoleSuperuser)
	s.Platform(t, tenancy.RolePlatformSales)
	for role, pool := range map[string]*pgxpool.Pool{dbtest.AppRole: s.DB.AppPool(), dbtest.PlatformRole: s.DB.PlatformPool()} {
		var member bool
		require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT pg_has_role($1, 'smoothschedule_administration', 'MEMBER')", role).Scan(&member))
		require.False(t, member, role)
		for _, platformRole := range []string{"SUPERUSER", "PLATFORM_MANAGER", "PLATFORM_SUPPORT", "PLATFORM_SALES"} {
			for _, statement := range []string{
				"INSERT INTO users (id, email, username, name, role) VALUES (gen_random_uuid(), 'x@y.example', 'x', 'X', $1)",
				"UPDATE users SET role = $1, tenant_id = NULL, env_id = NULL WHERE role = 'TENANT_OWNER'",
				"UPDATE users SET role = 'PLATFORM_MANAGER', email = 'x@y.example' WHERE role = $1 OR tenant_id IS NULL",
				"UPDATE users SET is_active = false WHERE $1 <> '' AND tenant_id IS NULL",
			} {
				_, err := pool.Exec(t.Context(), statement, platformRole)
				require.ErrorContains(t, err, "are for smoothschedule_administration", "%s: %s", role, statement)
			}
		}
		for _, statement := range []string{
			"SELECT set_first_password(id, 'x') FROM users WHERE tenant_id IS NULL",
			"SELECT set_first_platform_password(id, 'x') FROM users WHERE tenant_id IS NULL",
		} {
			_, err := pool.Exec(t.Context(), statement)
			require.Error(t, err, "%s: %s", role, statement)
			require.Regexp(t, "not a user of a business|permission denied", err.Error())
		}
	}
	// A reset, however it came to be, is none of a user of the platform.
	_, err := s.DB.AppPool().Exec(t.Context(), `INSERT INTO password_resets (user_id, token_hash, issued_by, created_at, expires_at)
		SELECT id, sha256('x'), id, now(), now() + interval '1 hour' FROM users WHERE role = 'SUPERUSER'`)
	require.NoError(t, err)
	var reset bool
	require.NoError(t, s.DB.AppPool().QueryRow(t.Context(),
		"SELECT reset_password(user_id, token_hash, now(), 'x') FROM password_resets").Scan(&reset))
	require.False(t, reset)
}
