package businesses_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	platformapi "github.com/smoothschedule/smoothschedule/internal/platform/api"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// setup has the services of the platform, wired as in the product.
type setup struct {
	*apitest.Server
	platformapi.ConsoleServices
	// actor is a user of the platform.
	actor uuid.UUID
}

func newSetup(t *testing.T) *setup {
	t.Helper()
	s := apitest.New(t)
	s.Platform(t, tenancy.RolePlatformManager)
	u := &setup{Server: s, ConsoleServices: s.App.Platform}
	u.actor = one[uuid.UUID](t, u, "SELECT id FROM users WHERE tenant_id IS NULL")
	return u
}

// scope is that of a request of the actor at this moment, on the host of the platform.
func (s *setup) scope() *tenancy.Scope {
	return &tenancy.Scope{
		RequestID: "test", Now: s.Clock.Now(), Principal: &tenancy.Principal{UserID: s.actor, Role: tenancy.RolePlatformManager},
	}
}

func (s *setup) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	_, err := s.DB.OwnerPool().Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// all returns the first column of a query.
func all[T any](t *testing.T, s *setup, sql string, args ...any) []T {
	t.Helper()
	rows, err := s.DB.OwnerPool().Query(t.Context(), sql, args...)
	require.NoError(t, err)
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	require.NoError(t, err)
	return values
}

func one[T any](t *testing.T, s *setup, sql string, args ...any) T {
	t.Helper()
	values := all[T](t, s, sql, args...)
	require.Len(t, values, 1)
	return values[0]
}

// events are the types of the live events of a business that begin with the prefix, in their order.
func (s *setup) events(t *testing.T, tenant uuid.UUID, prefix string) []string {
	t.Helper()
	return all[string](t, s, `SELECT e.type FROM events e JOIN environments v ON v.id = e.env_id
		WHERE v.tenant_id = $1 AND NOT v.is_sandbox AND starts_with(e.type, $2) ORDER BY e.sequence`, tenant, prefix)
}

// trail are the actions in the audit trail of a business that the actor did, in their order.
func (s *setup) trail(t *testing.T, tenant uuid.UUID) []string {
	t.Helper()
	return all[string](t, s, `SELECT action FROM audit_entries
		WHERE tenant_id = $1 AND actor_user_id = $2 AND outcome = 'SUCCESS' ORDER BY occurred_at, id`, tenant, s.actor)
}

// requireCode fails unless err has the code and, if it is given, points at the field.
func requireCode(t *testing.T, err error, code apperr.Code, pointers ...string) {
	t.Helper()
	var known *apperr.Error
	require.ErrorAs(t, err, &known)
	require.Equal(t, code, known.Code)
	for i, pointer := range pointers {
		require.Greater(t, len(known.Fields), i)
		require.Equal(t, pointer, known.Fields[i].Pointer)
	}
}
