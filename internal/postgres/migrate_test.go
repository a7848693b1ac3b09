//go:build linux || darwin

package postgres

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func migrationFile(up, down string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("-- +goose Up\n" + up + "\n-- +goose Down\n" + down + "\n")}
}

var twoMigrations = fstest.MapFS{
	"00001_a.sql": migrationFile("CREATE TABLE a (n int);", "DROP TABLE a;"),
	"00002_b.sql": migrationFile("CREATE TABLE b (n int); INSERT INTO b VALUES (1);", "DROP TABLE b;"),
}

func requireVersion(t *testing.T, url string, want int64) {
	t.Helper()
	current, latest, err := Status(t.Context(), url, twoMigrations)
	require.NoError(t, err)
	require.Equal(t, want, current)
	require.EqualValues(t, 2, latest)
}

func TestMigrateUpAndDown(t *testing.T) {
	t.Parallel()
	url, ctx := emptyDatabase(t), t.Context()
	requireVersion(t, url, 0)
	require.NoError(t, Down(ctx, url, twoMigrations), "nothing to take back")

	require.NoError(t, Migrate(ctx, url, twoMigrations))
	requireVersion(t, url, 2)
	require.NoError(t, Migrate(ctx, url, twoMigrations), "nothing to do")

	require.NoError(t, Down(ctx, url, twoMigrations))
	requireVersion(t, url, 1)
	require.NoError(t, Migrate(ctx, url, twoMigrations))
	require.NoError(t, DownTo(ctx, url, twoMigrations, 0))
	requireVersion(t, url, 0)
}

func TestMigrateIsAtomicPerFile(t *testing.T) {
	t.Parallel()
	url := emptyDatabase(t)
	broken := fstest.MapFS{
		"00001_a.sql": twoMigrations["00001_a.sql"],
		"00002_b.sql": migrationFile("CREATE TABLE b (n int); SELECT 1/0;", "SELECT 1;"),
	}
	require.ErrorContains(t, Migrate(t.Context(), url, broken), "00002_b.sql")
	requireVersion(t, url, 1)
	require.NoError(t, Migrate(t.Context(), url, twoMigrations), "table b must not be there yet")
}

func TestServersThatMigrateTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	url := emptyDatabase(t)
	var group errgroup.Group
	for range 4 {
		group.Go(func() error { return Migrate(context.WithoutCancel(t.Context()), url, twoMigrations) })
	}
	require.NoError(t, group.Wait())
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var rows int
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM b").Scan(&rows))
	require.Equal(t, 1, rows)
}

// Databases of one cluster share their roles: migrations that grant them at the same time must not fail.
func TestMigrate_parallel_databases_grant_one_role(t *testing.T) {
	t.Parallel()
	urls := make([]string, 6)
	for i := range urls {
		urls[i] = emptyDatabase(t)
	}
	role := "role_" + strings.ToLower(rand.Text())
	require.NoError(t, Migrate(t.Context(), urls[0], fstest.MapFS{"00001_a.sql": migrationFile("CREATE ROLE "+role+" NOLOGIN; CREATE ROLE "+role+"_member;", "SELECT 1;")}))
	grant := fstest.MapFS{
		"00001_a.sql": migrationFile("SELECT 1;", "SELECT 1;"),
		"00002_b.sql": migrationFile("GRANT "+role+" TO "+role+"_member; SELECT pg_sleep(0.2); -- so that they overlap", "REVOKE "+role+" FROM "+role+"_member;"),
	}
	var group errgroup.Group
	for _, url := range urls {
		group.Go(func() error { return Migrate(t.Context(), url, grant) })
	}
	require.NoError(t, group.Wait())
}

func TestMigrateErrors(t *testing.T) {
	t.Parallel()
	url := emptyDatabase(t)
	require.ErrorContains(t, Migrate(t.Context(), url, fstest.MapFS{}), "no migrations found")
	require.ErrorContains(t, Migrate(t.Context(), "postgres://%zz", twoMigrations), "database URL is not understood")
	require.ErrorContains(t, Migrate(t.Context(), "postgres:///x?host=/nonexistent", twoMigrations), "is PostgreSQL running")
}
