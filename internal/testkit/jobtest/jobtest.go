// Package jobtest works background jobs off in tests: one after the other, in the
// goroutine of the test, those that are due at an instant of the test's clock.
//
// It calls internal/jobs and dbtest. Invariants: a job whose function fails fails the
// test; afterwards no job is due.
package jobtest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// due takes one job that waits for nothing but a server, and marks it as done: one that
// fails ends the test anyway.
const due = `UPDATE river.river_job SET state = 'completed', finalized_at = clock_timestamp(), attempt = attempt + 1
WHERE id = (SELECT id FROM river.river_job WHERE state = 'available' OR state IN ('scheduled', 'retryable') AND scheduled_at <= $1
            ORDER BY scheduled_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING kind, args`

// Work does all jobs that are due by now, and those that they add, and returns how many
// there were of each kind.
func Work(tb testing.TB, db *dbtest.DB, workers *jobs.Workers, now time.Time) map[string]int {
	tb.Helper()
	worked := map[string]int{}
	for {
		rows, err := db.OwnerPool().Query(tb.Context(), due, now)
		require.NoError(tb, err)
		type job struct {
			Kind string
			Args json.RawMessage
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[job])
		require.NoError(tb, err)
		if len(list) == 0 {
			return worked
		}
		require.NoError(tb, workers.Work(tb.Context(), list[0].Kind, list[0].Args), "job %s %s", list[0].Kind, list[0].Args)
		worked[list[0].Kind]++
	}
}
