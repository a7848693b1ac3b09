package app_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/app"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

func TestReconcileUsage_continues_after_an_environment_that_fails(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	for _, name := range []string{"a", "b", "c"} {
		s.Tenant(t, name)
	}
	exec := func(sql string) {
		_, err := s.DB.OwnerPool().Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	rows, err := s.DB.OwnerPool().Query(t.Context(), "SELECT id, name FROM environments ORDER BY id")
	require.NoError(t, err)
	environments, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		ID   uuid.UUID
		Name string
	}])
	require.NoError(t, err)
	require.Len(t, environments, 6)
	exec("INSERT INTO usage_counters (env_id, quota, period, used) SELECT id, 'max_appointments', '2020-01-01', 9 FROM environments")
	exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused by the test'; END $$`)

	reconcile := func() (string, error) {
		var out bytes.Buffer
		err := app.ReconcileUsage(t.Context(), config(t, s.DB), &out)
		return out.String(), err
	}
	failing := environments[2] // the command goes by id
	exec(fmt.Sprintf(`CREATE TRIGGER refuse BEFORE UPDATE ON usage_counters FOR EACH ROW WHEN (NEW.env_id = '%s') EXECUTE FUNCTION refuse()`, failing.ID))
	out, err := reconcile()
	require.ErrorContains(t, err, "reconcile usage of "+failing.Name+":")
	require.ErrorContains(t, err, "refused by the test")
	for _, environment := range environments {
		repaired := strings.Contains(out, environment.Name+" max_appointments: 9, now 0\n")
		require.Equal(t, environment != failing, repaired, "%s: %s", environment.Name, out)
	}
	require.Contains(t, out, "\n5 counters repaired.\n")

	exec("DROP TRIGGER refuse ON usage_counters")
	out, err = reconcile()
	require.NoError(t, err)
	require.Equal(t, failing.Name+" max_appointments: 9, now 0\n1 counters repaired.\n", out)
}
