package tenancy_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// What goes along runs behind the next statement, whichever that is, and has its answer
// when that is done.
func TestAStatementGoesAlong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	var n int
	var failed error
	along := func(tx *tenancy.Tx, sql string) {
		tx.Along(func(db entitle.DB) { failed = db.QueryRow(ctx, sql).Scan(&n) })
	}
	insert := func(tx *tenancy.Tx) error {
		_, err := tx.Exec(ctx, insertResource, b.a.Env.ID, uuid.New(), "room")
		return err
	}
	require.NoError(t, b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
		along(tx, "SELECT count(*) FROM resources")
		require.NoError(t, insert(tx))
		require.Equal(t, 1, n, "with the first statement")
		require.NoError(t, insert(tx))
		require.Equal(t, 1, n, "once")

		along(tx, "SELECT count(*) FROM resources")
		require.Equal(t, 2, count(t, tx, "resources"))
		require.Equal(t, 2, n, "with a query")
		return nil
	}))
	require.NoError(t, failed)

	err := b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
		along(tx, "SELECT 1/0")
		return insert(tx)
	})
	require.ErrorContains(t, err, "division by zero")
	require.ErrorContains(t, failed, "division by zero")
	require.Equal(t, 2, count(t, b.store.Reader(b.a), "resources"), "nothing of it stays")

	err = b.store.InEnv(ctx, b.a, func(tx *tenancy.Tx) error {
		require.NoError(t, insert(tx))
		along(tx, "SELECT 1")
		return nil
	})
	require.ErrorContains(t, err, "no other came")
	require.Equal(t, 2, count(t, b.store.Reader(b.a), "resources"))
}
