package audit_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/envtest"
)

func TestRecord(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	user, impersonator, token, other := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	tenant := &tenancy.Tenant{ID: uuid.New()}
	env := tenancy.Environment{ID: uuid.New(), TenantID: tenant.ID, IsSandbox: true}
	scope := tenancy.Scope{
		RequestID: "r-1", Now: start.Add(time.Hour), Ahead: time.Hour, Address: netip.MustParseAddr("fe80::1%eth0"), Tenant: tenant, Env: env,
		Principal: &tenancy.Principal{
			UserID: user, Role: tenancy.RoleManager, Impersonator: &tenancy.Impersonator{UserID: impersonator, Role: tenancy.RoleSuperuser},
		},
	}
	withToken := scope
	withToken.Principal = &tenancy.Principal{Token: &tenancy.Token{ID: token}}
	anonymous := tenancy.Scope{Now: start}
	record := func(t *testing.T, scope tenancy.Scope, entry audit.Entry) audit.Recorded {
		t.Helper()
		entry.Outcome = audit.Success
		require.NoError(t, audit.Record(t.Context(), db.AppPool(), &scope, entry))
		list, err := audit.List(t.Context(), db.PlatformPool(), audit.Filter{Anywhere: true, Action: &entry.Action}, keyset.Page{Limit: 2})
		require.NoError(t, err)
		require.Len(t, list.Data, 1)
		return list.Data[0]
	}

	t.Run("takes everything from the scope", func(t *testing.T) {
		t.Parallel()
		got := record(t, scope, audit.Entry{Action: "test.scoped", TargetType: "room", TargetID: "7", Detail: map[string]any{"n": 1}})
		require.Equal(t, audit.Recorded{
			ID: got.ID, OccurredAt: start, TenantID: &tenant.ID, EnvID: &env.ID, ActorID: &user, ActorRole: new(tenancy.RoleManager),
			ImpersonatorID: &impersonator, ImpersonatorRole: new(tenancy.RoleSuperuser), Action: got.Action, TargetType: "room", TargetID: "7",
			Outcome: audit.Success, RequestID: "r-1", Address: new(netip.MustParseAddr("fe80::1")), Detail: got.Detail,
		}, got)
		require.JSONEq(t, `{"n": 1}`, string(got.Detail))
	})
	t.Run("names an API token instead of a user", func(t *testing.T) {
		t.Parallel()
		got := record(t, withToken, audit.Entry{Action: "test.token"})
		require.Equal(t, &token, got.TokenID)
		require.Nil(t, got.ActorID)
		require.Nil(t, got.ActorRole)
	})
	t.Run("takes the entry's actor, without an impersonator", func(t *testing.T) {
		t.Parallel()
		got := record(t, scope, audit.Entry{Action: "test.actor", Actor: &other, ActorRole: tenancy.RoleStaff})
		require.Equal(t, &other, got.ActorID)
		require.Equal(t, tenancy.RoleStaff, *got.ActorRole)
		require.Nil(t, got.ImpersonatorID)
	})
	t.Run("takes the entry's tenant, without another one's environment", func(t *testing.T) {
		t.Parallel()
		got := record(t, scope, audit.Entry{Action: "test.elsewhere", TenantID: &other})
		require.Equal(t, &other, got.TenantID)
		require.Nil(t, got.EnvID)
		got = record(t, scope, audit.Entry{Action: "test.here", TenantID: &tenant.ID})
		require.Equal(t, &env.ID, got.EnvID)
	})
	t.Run("leaves out what an anonymous scope does not have", func(t *testing.T) {
		t.Parallel()
		got := record(t, anonymous, audit.Entry{Action: "test.anonymous"})
		require.Equal(t, audit.Recorded{ID: got.ID, OccurredAt: start, Action: got.Action, Outcome: audit.Success, Detail: got.Detail}, got)
		require.JSONEq(t, `{}`, string(got.Detail))
	})
	t.Run("refuses a detail that is not JSON", func(t *testing.T) {
		t.Parallel()
		entry := audit.Entry{Action: "test.unencodable", Outcome: audit.Success, Detail: map[string]any{"f": func() {}}}
		require.ErrorContains(t, audit.Record(t.Context(), db.AppPool(), &anonymous, entry), "encode audit detail")
	})
}

// An entry commits with the change that it records, or not at all.
func TestRecord_InTransaction(t *testing.T) {
	t.Parallel()
	e := envtest.New(t)
	refused := errors.New("refused")
	for _, result := range []error{refused, nil} {
		err := e.Store.InEnv(t.Context(), e.A, func(tx *store.Tx) error {
			return errors.Join(audit.Record(t.Context(), tx, e.A, audit.Entry{Action: "test.done", Outcome: audit.Success}), result)
		})
		require.ErrorIs(t, err, result)
		list, err := audit.List(t.Context(), e.DB.PlatformPool(), audit.Filter{TenantID: &e.A.Tenant.ID}, keyset.Page{Limit: 9})
		require.NoError(t, err)
		require.Equal(t, result == nil, len(list.Data) == 1)
	}
}
