package entitle_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// toldTx counts the events of a transaction.
type toldTx struct {
	pgx.Tx
	told int
}

func (t *toldTx) Emit(string, any) { t.told++ }

// ReserveAsUsual does what Reserve does where that only raises a counter, and nothing
// anywhere else.
func TestReserveAsUsual(t *testing.T) {
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

	// try reserves n with a counter as given (nil is none), and takes it back.
	try := func(set *entitle.Set, used *int, warnedPercent int, warnedLimit *int, reserve func(tx *toldTx) error) (after, told int, err error) {
		tx, beginErr := db.PlatformPool().Begin(ctx)
		require.NoError(t, beginErr)
		defer func() { require.NoError(t, tx.Rollback(ctx)) }()
		if used != nil {
			_, insertErr := tx.Exec(ctx, `INSERT INTO usage_counters (env_id, quota, period, used, warned_percent, warned_limit) VALUES ($1, $2, $3, $4, $5, $6)`,
				env, string(quota), set.Period(quota), *used, warnedPercent, warnedLimit)
			require.NoError(t, insertErr)
		}
		counting := &toldTx{Tx: tx}
		if err = reserve(counting); err != nil {
			return 0, 0, err
		}
		require.NoError(t, tx.QueryRow(ctx, `SELECT used FROM usage_counters WHERE env_id = $1`, env).Scan(&after))
		return after, counting.told, nil
	}
	usual, unusual := 0, 0
	for _, limit := range []string{"null", "0", "1", "4", "5", "10"} {
		set := entitle.NewCatalogue(db.PlatformPool()).NewSet(entitle.Set{EnvID: env, Location: time.UTC, Now: now, Grants: entitle.Grants{
			Overrides: []entitle.Override{{Name: string(quota), Value: json.RawMessage(limit), From: now.Add(-time.Hour)}},
		}})
		for _, used := range []*int{nil, new(0), new(3), new(4), new(7), new(8), new(9), new(10)} {
			for _, warned := range []struct {
				percent int
				limit   *int
			}{{}, {0, new(10)}, {80, new(5)}, {80, new(10)}, {100, new(10)}} {
				for _, n := range []int64{1, 2} {
					after, told, err := try(set, used, warned.percent, warned.limit, func(tx *toldTx) error {
						return entitle.Reserve(ctx, tx, set, quota, n)
					})
					fast, _, fastErr := try(set, used, warned.percent, warned.limit, func(tx *toldTx) error {
						return entitle.ReserveAsUsual(ctx, tx, set, quota, n)
					})
					if fastErr != nil {
						unusual++
						require.ErrorIs(t, fastErr, entitle.ErrNotAsUsual)
						continue
					}
					usual++
					require.NoError(t, err, "limit %s", limit)
					require.NotNil(t, used)
					require.Equal(t, after, fast)
					require.Zero(t, told, "limit %s, used %d, warned %v", limit, *used, warned)
				}
			}
		}
	}
	require.Greater(t, usual, 80, "nearly always it is as usual")
	require.Greater(t, unusual, 80)
}
