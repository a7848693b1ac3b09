package batch_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

func number(ctx context.Context, db batch.DB, sql string) (n int, err error) {
	err = db.QueryRow(ctx, sql).Scan(&n)
	return n, err
}

func numbers(ctx context.Context, db batch.DB, sql string) ([]int, error) {
	rows, err := db.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

func exec(ctx context.Context, db batch.DB, sql string) error {
	_, err := db.Exec(ctx, sql)
	return err
}

func TestScan(t *testing.T) {
	t.Parallel()
	pool := dbtest.New(t).OwnerPool()
	wrapped := errors.New("wrapped")
	for name, test := range map[string]struct {
		third batch.Statement
		err   string
	}{
		"all succeed":        {batch.Write(exec, "SELECT 1"), ""},
		"one fails":          {batch.Write(exec, "SELECT 1/0").Doing("divide"), "divide: ERROR: division by zero"},
		"errors are wrapped": {batch.Write(exec, "SELECT 1/0").Wrap(func(error) error { return wrapped }), "wrapped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			one, list := 0, []int{7}
			none, some := new(int), (*int)(nil)
			statements := []batch.Statement{
				batch.Read(number, "SELECT 1", &one), batch.Read(numbers, "SELECT generate_series(1, 3)", &list), test.third,
				batch.ReadOptional(number, "SELECT 1 WHERE false", &none), batch.ReadOptional(number, "SELECT 2", &some),
			}
			b := &pgx.Batch{}
			require.NoError(t, batch.Queue(ctx, b, statements...))
			require.Equal(t, []any{0, []int{7}}, []any{one, list}, "nothing is stored before the answer")
			require.Equal(t, 5, b.Len())
			results := pool.SendBatch(ctx, b)
			err := batch.Scan(ctx, results, statements...)
			_ = results.Close()
			require.Equal(t, []any{1, []int{1, 2, 3}}, []any{one, list})
			if test.err != "" {
				require.ErrorContains(t, err, test.err)
				return
			}
			require.NoError(t, err)
			require.Nil(t, none)
			require.Equal(t, 2, *some)
		})
	}
}

func TestStatement_Run(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), dbtest.New(t).OwnerPool()
	n := 0
	require.NoError(t, batch.Read(number, "SELECT 1", &n).Run(ctx, pool))
	require.Equal(t, 1, n)
	require.ErrorIs(t, batch.Read(number, "SELECT 1 WHERE false", &n).Run(ctx, pool), pgx.ErrNoRows)
	require.False(t, batch.Read(number, "", &n).Writes())
	require.True(t, batch.Write(exec, "").Writes())
}
