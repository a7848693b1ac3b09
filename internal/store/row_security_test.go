package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// controlPlane are the tables without row-level security. Everything else is a
// business table and must stand behind the wall; adding a name here is a decision.
var controlPlane = []string{
	"activity_cursors", "api_token_secrets", "api_tokens", "audit_entries", "catalogue_versions", "daily_api_calls", "daily_bookings", "domains",
	"entitlement_overrides", "environments", "feed_consumers", "goose_db_version", "idempotency_keys", "installation", "login_throttles", "password_resets",
	"plan_versions", "plans",
	"sandbox_clocks", "sessions", "tenant_invitations", "tenants", "user_credentials", "users",
}

func column[T any](t *testing.T, tx pgx.Tx, sql string, args ...any) []T {
	t.Helper()
	rows, err := tx.Query(t.Context(), sql, args...)
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[T])
	require.NoError(t, err)
	return list
}

func businessTables(t *testing.T, tx pgx.Tx) []string {
	t.Helper()
	tables := column[string](t, tx, `SELECT relname FROM pg_class
		WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY relname`)
	require.NotEmpty(t, tables)
	return slices.DeleteFunc(tables, func(name string) bool { return slices.Contains(controlPlane, name) })
}

func TestEveryBusinessTableStandsBehindTheWall(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	for _, table := range businessTables(t, tx) {
		flags := column[bool](t, tx, `SELECT unnest(ARRAY[relrowsecurity, relforcerowsecurity])
			FROM pg_class WHERE relname = $1 AND relnamespace = 'public'::regnamespace`, table)
		require.Equal(t, []bool{true, true}, flags, "%s: row security must be on and forced", table)

		policies := column[string](t, tx, `SELECT p.polname || ' to ' || r.rolname || ' using ' || pg_get_expr(p.polqual, p.polrelid)
			FROM pg_policy p JOIN pg_roles r ON r.oid = ANY (p.polroles) WHERE p.polrelid = $1::regclass ORDER BY 1`, table)
		require.Len(t, policies, 2, table)
		// Some versions of PostgreSQL show the name of the sub-select's column, some do not.
		environment := strings.ReplaceAll(strings.Join(strings.Fields(policies[0]), " "), ` AS "nullif"`, "")
		require.Equal(t, "environment to smoothschedule_app using (env_id = "+
			"( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid))", environment, table)
		require.Equal(t, "platform to smoothschedule_platform using true", policies[1], table)

		notNull := column[bool](t, tx, `SELECT attnotnull FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'env_id'`, table)
		require.Equal(t, []bool{true}, notNull, "%s must have env_id", table)
	}
}

// Unique constraints see across row security: without env_id one environment could
// learn, or block, what another has.
func TestKeysOfBusinessTablesBeginWithTheEnvironment(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	for _, table := range businessTables(t, tx) {
		primary := column[string](t, tx, `SELECT a.attname FROM pg_index i JOIN pg_attribute a
			ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE i.indrelid = $1::regclass AND i.indisprimary`, table)
		require.Equal(t, []string{"env_id"}, primary, "%s: primary key", table)
		without := column[string](t, tx, `SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
			WHERE i.indrelid = $1::regclass AND a.attname <> 'env_id'`, table)
		require.Empty(t, without, "%s: indexes that do not begin with env_id", table)
	}
}

// Foreign keys see across row security too, so each must compare the environment;
// and each must be deferrable, so that an environment can be emptied in any order.
func TestForeignKeysOfBusinessTablesCompareTheEnvironment(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	business := businessTables(t, tx)
	rows, err := tx.Query(t.Context(), `SELECT c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text, c.condeferrable,
		(SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k (num, n)
		 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num)
		FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace`)
	require.NoError(t, err)
	type key struct {
		Name, From, To string
		Deferrable     bool
		Columns        []string
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[key])
	require.NoError(t, err)
	checked := 0
	for _, k := range keys {
		if !slices.Contains(business, k.From) {
			require.NotContains(t, business, k.To, "%s: the control plane must not point at business rows", k.Name)
			continue
		}
		require.Equal(t, "env_id", k.Columns[0], "%s must compare env_id first", k.Name)
		if k.To != "environments" {
			require.True(t, k.Deferrable, "%s must be deferrable", k.Name)
			checked++
		}
	}
	require.Positive(t, checked)
}

func TestRolesHaveNoMoreRightsThanTheyNeed(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	powers := column[bool](t, tx, `SELECT unnest(ARRAY[rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolcanlogin])
		FROM pg_roles WHERE rolname IN ('smoothschedule_app', 'smoothschedule_platform')`)
	require.Len(t, powers, 10)
	require.NotContains(t, powers, true)
	require.Empty(t, column[string](t, tx, `SELECT c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
		WHERE r.rolname LIKE 'smoothschedule%'`), "the roles must own nothing")

	may := func(role, table, right string) bool {
		return column[bool](t, tx, `SELECT has_table_privilege($1, $2, $3)`, role, table, right)[0]
	}
	for _, role := range []string{dbtest.AppRole, dbtest.PlatformRole} {
		require.True(t, may(role, "audit_entries", "INSERT"))
		require.False(t, may(role, "audit_entries", "UPDATE"))
		require.False(t, may(role, "audit_entries", "DELETE"))
		require.False(t, may(role, "events", "UPDATE"))
		require.False(t, may(role, "environments", "UPDATE"))
		require.False(t, may(role, "goose_db_version", "INSERT"))
	}
	for _, table := range []string{"plans", "plan_versions", "tenants", "domains", "environments", "entitlement_overrides"} {
		for _, right := range []string{"INSERT", "UPDATE", "DELETE"} {
			require.False(t, may(dbtest.AppRole, table, right), "%s on %s", right, table)
		}
	}
	require.Empty(t, column[string](t, tx, `SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
		AND c.relkind IN ('r', 'v', 'm') AND EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = 0)`),
		"nothing may be granted to everyone")
}

// PostgreSQL lets everybody execute a new function unless it is told otherwise.
func TestFunctionsAreForTheRolesThatCallThem(t *testing.T) {
	t.Parallel()
	tx := dbtest.Tx(t)
	const executableByAll = `SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
		  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
		  AND EXISTS (SELECT FROM aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0) ORDER BY 1`
	require.Empty(t, column[string](t, tx, executableByAll), "nothing may be executable by everyone")

	// Nor will the next one be.
	_, err := tx.Exec(t.Context(), "CREATE FUNCTION river.one_more() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION one_more() RETURNS int LANGUAGE sql AS 'SELECT 1'")
	require.NoError(t, err)
	require.Empty(t, column[string](t, tx, executableByAll))

	// Functions that work with the rights of their owner look names up where nobody can put others.
	require.Empty(t, column[string](t, tx, `SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.prosecdef
		AND p.pronamespace::regnamespace::text IN ('public', 'river')
		AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=pg_catalog,%pg_temp')`))
}
