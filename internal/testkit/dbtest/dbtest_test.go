package dbtest

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// migrations are a schema like the product's in what this package relies on.
var migrations = fstest.MapFS{
	"00001_roles.sql": &fstest.MapFile{Data: []byte(`-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['smoothschedule_app', 'smoothschedule_platform'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE TABLE notes (text text NOT NULL);
GRANT SELECT, INSERT ON notes TO smoothschedule_app, smoothschedule_platform;
`)},
}

// variant is the same schema under another template name.
func variant(comment string) fstest.MapFS {
	return fstest.MapFS{
		"00001_roles.sql":   migrations["00001_roles.sql"],
		"00002_comment.sql": &fstest.MapFile{Data: []byte("-- +goose Up\nCOMMENT ON TABLE notes IS '" + comment + "';\n")},
	}
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func value[T any](t *testing.T, q querier, query string, args ...any) T {
	t.Helper()
	var v T
	require.NoError(t, q.QueryRow(t.Context(), query, args...).Scan(&v))
	return v
}

func TestDatabasesAreIsolated(t *testing.T) {
	t.Parallel()
	first, second := newFrom(t, migrations), newFrom(t, migrations)
	_, err := first.AppPool().Exec(t.Context(), "INSERT INTO notes VALUES ('hello')")
	require.NoError(t, err)
	require.Equal(t, 1, value[int](t, first.OwnerPool(), "SELECT count(*) FROM notes"))
	require.Equal(t, 0, value[int](t, second.OwnerPool(), "SELECT count(*) FROM notes"))
}

func TestPoolsAndTheirRoles(t *testing.T) {
	t.Parallel()
	db := newFrom(t, migrations)
	for want, pool := range map[string]*pgxpool.Pool{AppRole: db.AppPool(), PlatformRole: db.PlatformPool()} {
		require.Equal(t, want, value[string](t, pool, "SELECT current_user::text"))
	}
	require.True(t, value[bool](t, db.OwnerPool(), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))
	first := db.AppPool()
	require.Same(t, first, db.AppPool())
}

func TestDatabaseHasTheTimeZoneOfTests(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), newFrom(t, migrations).URL)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	require.Equal(t, timeZone, value[string](t, conn, "SELECT current_setting('timezone')"))
}

func TestDatabaseIsDroppedWithItsTest(t *testing.T) {
	t.Parallel()
	user := &part{TB: t}
	name := value[string](t, newFrom(user, migrations).AppPool(), "SELECT current_database()::text")
	require.True(t, exists(t, ours(t), name))
	user.end()
	require.False(t, exists(t, ours(t), name))
}

func TestTemplate_New(t *testing.T) {
	t.Parallel()
	var template Template
	fills := 0
	fill := func(tb testing.TB, db *DB) {
		tb.Helper()
		fills++
		tb.Cleanup(func() {
			_, err := db.OwnerPool().Exec(tb.Context(), "UPDATE filled SET n = 2")
			require.NoError(tb, err, "cleanups run before the template is closed")
		})
		_, err := db.OwnerPool().Exec(tb.Context(), "CREATE TABLE filled AS SELECT 1 AS n")
		require.NoError(tb, err)
	}
	first, second := template.New(t, fill), template.New(t, fill)
	require.Equal(t, 1, fills)
	_, err := first.OwnerPool().Exec(t.Context(), "UPDATE filled SET n = 3")
	require.NoError(t, err)
	require.Equal(t, 3, value[int](t, first.OwnerPool(), "SELECT n FROM filled"))
	require.Equal(t, 2, value[int](t, second.OwnerPool(), "SELECT n FROM filled"))
}

func TestTxIsRolledBack(t *testing.T) {
	t.Parallel()
	writer := &part{TB: t}
	tx := txFrom(writer, migrations)
	_, err := tx.Exec(t.Context(), "INSERT INTO notes VALUES ('gone')")
	require.NoError(t, err)
	first := value[string](t, tx, "SELECT current_database()::text")
	writer.end()

	tx = txFrom(t, migrations)
	require.Equal(t, first, value[string](t, tx, "SELECT current_database()::text"))
	require.Equal(t, 0, value[int](t, tx, "SELECT count(*) FROM notes"))
	require.NoError(t, tx.Commit(t.Context()), "a test may end it itself")
}

func TestHeldConnectionIsNoticed(t *testing.T) {
	t.Parallel()
	pool := newFrom(t, migrations).OwnerPool()
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	pools := map[string]*pgxpool.Pool{"": pool}
	require.False(t, closePools(pools, 10*time.Millisecond))
	conn.Release()
	require.True(t, closePools(pools, closePatience))
}

func ours(t *testing.T) *server {
	t.Helper()
	s, err := sharedServer(t.Context())
	require.NoError(t, err)
	return s
}

func exists(t *testing.T, s *server, database string) bool {
	t.Helper()
	var found bool
	require.NoError(t, s.asAdmin(t.Context(), func(conn *pgx.Conn) error {
		found = value[bool](t, conn, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database)
		return nil
	}))
	return found
}
