package entitle_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// toldTx counts the events of a transaction.
type toldTx struct {
	pgx.Tx
	told int
}

func (t *toldTx) Emit(string, any) { t.told++ }

// Raise does what Reserve does where that only raises a counter, and Finish the rest; neither
// fails but by refusing.
func TestReservation(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	ctx := t.Context()
	env, tenant := uuid.New(), uuid.New()
	_, err := db.OwnerPool().Exec(ctx, `INSERT INTO tenants (id, name, plan_version_id) SELECT $1, 'T', id FROM plan_versions LIMIT 1`, tenant)
	require.NoError(t, err)
	_, err = db.OwnerPool().Exec(ctx, `INSERT INTO environments (id, tenant_id, name, is_sandbox) VALUES ($1, $2, 't', false)`, env, tenant)
	require.NoError(t, err)
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	const quota = entitle.MaxAppointments
	set := entitle.NewPlans(db.PlatformPool()).NewSet(entitle.Set{EnvID: env, Location: time.UTC, Now: now, Grants: entitle.Grants{
		Overrides: []entitle.Override{{Name: string(quota), Value: json.RawMessage("10"), From: now.Add(-time.Hour)}},
	}})
	for name, test := range map[string]struct {
		used   *int
		n      int64
		raised int // by Raise alone
		after  int // Finish; 0 is refused
		told   int
	}{
		"no counter yet":      {nil, 3, 0, 3, 0},
		"as usual":            {new(3), 2, 5, 5, 0},
		"reaches a threshold": {new(7), 1, 8, 8, 1},
		"the last one":        {new(9), 1, 10, 10, 2},
		"too many":            {new(9), 2, 9, 0, 0},
		"too many at first":   {nil, 11, 0, 0, 0},
	} {
		tx, err := db.PlatformPool().Begin(ctx)
		require.NoError(t, err)
		if test.used != nil {
			_, err := tx.Exec(ctx, `INSERT INTO usage_counters (env_id, quota, period, used) VALUES ($1, $2, $3, $4)`,
				env, string(quota), set.Period(quota), *test.used)
			require.NoError(t, err)
		}
		used := func() (n int) {
			require.NoError(t, tx.QueryRow(ctx, `SELECT COALESCE(sum(used), 0) FROM usage_counters WHERE env_id = $1`, env).Scan(&n))
			return n
		}
		counting, reservation := &toldTx{Tx: tx}, entitle.NewReservation(set, quota, test.n)
		require.NoError(t, reservation.Statement().Run(ctx, tx), name)
		require.Equal(t, test.raised, used(), name)
		err = reservation.Finish(ctx, counting)
		if refused, ok := errors.AsType[*apperr.Error](err); ok {
			require.Equal(t, apperr.QuotaExceeded.Name, refused.Code.Name, name)
			require.Zero(t, test.after, name)
		} else {
			require.NoError(t, err, name)
			require.Equal(t, test.after, used(), name)
		}
		require.Equal(t, test.told, counting.told, name)
		require.NoError(t, tx.Rollback(ctx))
	}
}
