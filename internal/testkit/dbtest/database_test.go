package dbtest

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

func TestTemplateNameFollowsTheMigrations(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	seen := map[string]string{}
	for name, fsys := range map[string]fstest.MapFS{
		"nothing":    {},
		"one":        {"1.sql": file("a")},
		"other text": {"1.sql": file("b")},
		"other name": {"2.sql": file("a")},
		"two":        {"1.sql": file("a"), "2.sql": file("b")},
		"in one":     {"1.sql": file("a2.sqlb")},
	} {
		got, err := templateName(fsys)
		require.NoError(t, err)
		require.NotContains(t, seen, got, name)
		seen[got] = name
		again, err := templateName(fsys)
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
}

func TestTemplateIsBuiltOnce(t *testing.T) {
	t.Parallel()
	s, fsys := ours(t), variant(fmt.Sprint("built once ", time.Now().UnixNano()))
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			name, err := s.clone(t.Context(), fsys)
			if err != nil {
				return err
			}
			return s.drop(t.Context(), name)
		})
	}
	require.NoError(t, group.Wait())
}

func TestHalfMadeTemplateIsMadeAgain(t *testing.T) {
	t.Parallel()
	s, fsys := ours(t), variant(fmt.Sprint("half made ", time.Now().UnixNano()))
	name, err := templateName(fsys)
	require.NoError(t, err)
	require.NoError(t, s.asAdmin(t.Context(), func(conn *pgx.Conn) error {
		return s.create(t.Context(), conn, name, "TEMPLATE template0")
	}))
	require.Equal(t, 0, value[int](t, newFrom(t, fsys).OwnerPool(), "SELECT count(*) FROM notes"))
}

func TestBrokenMigrationIsReported(t *testing.T) {
	t.Parallel()
	_, err := ours(t).clone(t.Context(), fstest.MapFS{
		"00001_broken.sql": &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABEL x;\n")},
	})
	require.ErrorContains(t, err, "00001_broken.sql")
}

// The server of the tests stands in for one that somebody named in the environment.
func TestForeignServer(t *testing.T) {
	t.Parallel()
	s, err := newServer(ours(t).admin.String(), true)
	require.NoError(t, err)
	old := fmt.Sprint(clonePrefix, "1_", time.Now().UnixNano())
	require.NoError(t, s.asAdmin(t.Context(), func(conn *pgx.Conn) error {
		return s.create(t.Context(), conn, old, "TEMPLATE template0")
	}))
	name, err := s.clone(t.Context(), variant(fmt.Sprint("foreign ", time.Now().UnixNano())))
	require.NoError(t, err)
	require.False(t, exists(t, s, old), "it was abandoned")
	require.True(t, exists(t, s, name))

	conn, err := pgx.Connect(t.Context(), s.url(name))
	require.NoError(t, err)
	require.Contains(t, value[string](t, conn,
		"SELECT setconfig::text FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = current_database()"), timeZone)
	require.NoError(t, conn.Close(t.Context()))
	require.NoError(t, s.drop(t.Context(), name))
}

func TestForeignURLMustBeAURL(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"host=localhost dbname=x", "http://localhost", "postgres://%zz"} {
		_, err := newServer(text, true)
		require.ErrorContains(t, err, URLVariable)
	}
}

func TestAbandoned(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for name, want := range map[string]bool{
		clonePrefix + "1799999000_abc": false,
		clonePrefix + "1799900000_abc": true,
		clonePrefix + "abc":            false,
		clonePrefix:                    false,
	} {
		require.Equal(t, want, abandoned(name, now), name)
	}
}
