package audit_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

const partitions = `SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent = 'audit_entries'::regclass ORDER BY 1`

func list[T any](t *testing.T, db *dbtest.DB, sql string, args ...any) []T {
	t.Helper()
	rows, err := db.OwnerPool().Query(t.Context(), sql, args...)
	require.NoError(t, err)
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	require.NoError(t, err)
	return values
}

func TestMaintain(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	monthsAgo := func(n int) time.Time {
		return time.Date(now.Year(), now.Month()-time.Month(n), 15, 12, 0, 0, 0, time.UTC)
	}
	name := func(at time.Time) string { return at.Format("y2006m01") }
	start := func(t *testing.T) (*dbtest.DB, *store.Store) {
		t.Helper()
		db := dbtest.New(t)
		return db, store.New(db.AppPool(), db.PlatformPool())
	}
	record := func(t *testing.T, db *dbtest.DB, at time.Time) {
		t.Helper()
		require.NoError(t, audit.Record(t.Context(), db.AppPool(), &tenancy.Scope{Now: at}, audit.Entry{Action: "test.done", Outcome: audit.Success}))
	}

	t.Run("adds the months to come, and is repeatable by many at once", func(t *testing.T) {
		t.Parallel()
		db, store := start(t)
		later := monthsAgo(-18)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := audit.Maintain(t.Context(), store, later, 400); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		names := list[string](t, db, partitions)
		for n := range 4 {
			require.Contains(t, names, name(monthsAgo(-18-n)))
		}
		require.Contains(t, names, name(now))
		require.NotContains(t, names, name(monthsAgo(-22)))
	})
	t.Run("drops whole months behind the retention, and nothing else", func(t *testing.T) {
		t.Parallel()
		db, store := start(t)
		for _, n := range []int{30, 15, 12, 5, 1, 0} {
			record(t, db, monthsAgo(n))
		}
		_, err := audit.Maintain(t.Context(), store, now, 4000)
		require.NoError(t, err)
		require.Len(t, list[time.Time](t, db, "SELECT occurred_at FROM audit_entries"), 6, "sorting into months loses nothing")
		require.Zero(t, list[int](t, db, "SELECT count(*)::int FROM audit_partitions.other")[0])
		dropped, err := audit.Maintain(t.Context(), store, now, 400)
		require.NoError(t, err)
		require.Equal(t, 2, dropped)
		kept := list[time.Time](t, db, "SELECT occurred_at FROM audit_entries ORDER BY 1")
		require.Len(t, kept, 4)
		require.True(t, monthsAgo(12).Equal(kept[0]))
		dropped, err = audit.Maintain(t.Context(), store, now, 400)
		require.NoError(t, err)
		require.Zero(t, dropped)
	})
	t.Run("keeps the last 90 days, whatever is asked", func(t *testing.T) {
		t.Parallel()
		db, store := start(t)
		record(t, db, monthsAgo(2))
		_, err := audit.Maintain(t.Context(), store, now, 1)
		require.NoError(t, err)
		_, err = audit.Maintain(t.Context(), store, now.AddDate(50, 0, 0), 90)
		require.NoError(t, err)
		require.Len(t, list[time.Time](t, db, "SELECT occurred_at FROM audit_entries"), 1)
		_, err = db.PlatformPool().Exec(t.Context(), "SELECT maintain_audit_partitions(now(), now())")
		require.ErrorContains(t, err, "90 days at least")
		_, err = db.AppPool().Exec(t.Context(), "SELECT maintain_audit_partitions(now(), '-infinity')")
		require.ErrorContains(t, err, "permission denied")
	})
	t.Run("leaves partitions out of reach and insert-only", func(t *testing.T) {
		t.Parallel()
		db, store := start(t)
		record(t, db, monthsAgo(40))
		_, err := audit.Maintain(t.Context(), store, now, 4000)
		require.NoError(t, err)
		names := list[string](t, db, partitions)
		require.Contains(t, names, name(monthsAgo(40)))
		for _, partition := range names {
			table := pgx.Identifier{"audit_partitions", partition}.Sanitize()
			require.Equal(t, list[int](t, db, "SELECT count(*)::int FROM pg_index WHERE indrelid = 'audit_entries'::regclass"),
				list[int](t, db, "SELECT count(*)::int FROM pg_index WHERE indisvalid AND indrelid = $1::regclass", table), "indexes of %s", table)
			for _, change := range []string{"DELETE FROM ", "TRUNCATE "} {
				_, err := db.OwnerPool().Exec(t.Context(), change+table)
				require.ErrorContains(t, err, "insert-only", table)
			}
			for _, pool := range []*pgxpool.Pool{db.AppPool(), db.PlatformPool()} {
				for _, statement := range []string{"SELECT FROM ", "DROP TABLE "} {
					_, err := pool.Exec(t.Context(), statement+table)
					require.ErrorContains(t, err, "permission denied", statement+table)
				}
			}
		}
	})
}

// Pages go on across months, and through entries that have no partition of their own.
func TestList_AcrossPartitions(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	store := store.New(db.AppPool(), db.PlatformPool())
	base := time.Date(2024, time.March, 31, 23, 59, 59, 0, time.UTC)
	tenant := uuid.New()
	var want []time.Time
	for n := range 40 {
		at := base.Add(time.Duration(n) * 9 * 24 * time.Hour).Truncate(time.Microsecond)
		want = append([]time.Time{at}, want...)
		require.NoError(t, audit.Record(t.Context(), db.AppPool(), &tenancy.Scope{Now: at}, audit.Entry{Action: "test.done", Outcome: audit.Denied, TenantID: &tenant}))
		if n == 30 {
			_, err := audit.Maintain(t.Context(), store, base, 36500)
			require.NoError(t, err)
		}
	}
	for _, filter := range []audit.Filter{{Anywhere: true}, {TenantID: &tenant}} {
		var got []time.Time
		page := keyset.Page{Limit: 7}
		for {
			found, err := audit.List(t.Context(), db.AppPool(), filter, page)
			require.NoError(t, err)
			for _, entry := range found.Data {
				got = append(got, entry.OccurredAt)
			}
			if found.NextCursor == nil {
				break
			}
			page.Cursor = *found.NextCursor
		}
		require.Equal(t, want, got)
	}
}
