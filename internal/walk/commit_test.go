package walk

import (
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// traced returns an option for a server on the database, whose statements go through a tracer.
func traced(t *testing.T, db *dbtest.DB, tracer pgx.QueryTracer) apitest.Option {
	t.Helper()
	pool := func(role string) *pgxpool.Pool {
		p, err := postgres.NewPool(t.Context(), postgres.PoolOptions{URL: db.URL, Role: role, MaxConns: 4, Tracer: tracer})
		require.NoError(t, err)
		t.Cleanup(p.Close)
		return p
	}
	return apitest.WithPools(pool(dbtest.AppRole), pool(dbtest.PlatformRole))
}

// What has been committed is answered from what was written: nothing that could fail comes
// between the commit and the answer, of any operation.
func TestNothingIsAskedAfterTheCommit(t *testing.T) {
	t.Parallel()
	for id, f := range fixtures {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			db, statements := everyNoun.copy(t), &dbtest.Statements{}
			p := everyNoun.on(t, db, traced(t, db, statements))
			s, tenant, c, o := p.server, p.tenant, p.callers, p.objects
			op := s.Operation(t, id)
			o["session"] = s.SessionID(t, c.owner)
			if f.before != nil {
				f.before(t, c.owner, o)
			}
			caller := c.of(s.App.Gates[id])
			path, body := f.call(op, o)
			if f.as != nil {
				caller = f.as(t, s, tenant)
			}
			statements.Take()
			f.in(caller).Do(t, op.Method, path, body).Require(t, f.want)
			all := statements.Take()
			rest, changed := dbtest.AfterChange(all)
			if !contract.Writes(op.Method) {
				return
			}
			_, without := withoutChange[id]
			require.NotEqual(t, without, changed, "it changes something, or is in withoutChange")
			for _, statement := range rest {
				t.Errorf("%s comes after the commit", statement.Name())
			}
		})
	}
}

// withoutChange are operations that are no GET, and change nothing as their fixtures call them.
var withoutChange = map[string]string{
	"lookUpInvitation":   "it only reads",
	"verifyDomain":       "the record is not there",
	"confirmAppointment": "it is confirmed already",
}

// The answer to a commit can be lost: then nobody says that nothing was changed.
func TestAnErrorNeverSaysThatNothingWasChanged(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	_, err := s.DB.OwnerPool().Exec(t.Context(), `CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
		BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$`)
	require.NoError(t, err)
	_, err = s.DB.OwnerPool().Exec(t.Context(), `CREATE CONSTRAINT TRIGGER hang_up AFTER INSERT ON customers
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hang_up()`)
	require.NoError(t, err)
	answer, err := owner.Send(owner.Request(t, http.MethodPost, "/api/v1/customers", m{"name": "Lost"}))
	require.NoError(t, err)
	require.GreaterOrEqual(t, answer.Status, 500)
	require.Contains(t, answer.Object(t)["detail"], "Check before you repeat a change, or repeat it with the same Idempotency-Key.")
	require.NotContains(t, string(answer.Body), "othing was changed")
}
