package communication_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/communication"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// kept is a notification as the database has it.
type kept struct {
	EnvID               uuid.UUID
	Kind, Channel, Data string
	CustomerID          *uuid.UUID
	Address             *string
	CreatedAt           time.Time
	RecordedAt          time.Time
}

func all(t *testing.T, s *apitest.Server) []kept {
	t.Helper()
	rows, err := s.DB.OwnerPool().Query(t.Context(),
		"SELECT env_id, kind, channel, data::text, customer_id, address, created_at, recorded_at FROM notifications ORDER BY env_id, address, kind")
	require.NoError(t, err)
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[kept])
	require.NoError(t, err)
	return list
}

func customer(t *testing.T, c *apitest.Client) uuid.UUID {
	t.Helper()
	return uuid.MustParse(c.Post(t, "/api/v1/customers", map[string]any{"name": "Carla", "email": "carla@example.com"}).Require(t, 201).ID(t))
}

func TestNotifications_NotifyCustomer(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	owner.Post(t, "/api/v1/sandbox/clock", map[string]any{"advance_seconds": 3600}).Require(t, 200)
	live, inSandbox := customer(t, owner), customer(t, owner.Sandbox())
	notifications := communication.NewNotifications()
	notify := func(sandbox bool, id uuid.UUID, result error) error {
		scope := tenant.Scope(t, sandbox)
		return s.App.Store.InEnv(t.Context(), scope, func(tx *store.Tx) error {
			return errors.Join(notifications.NotifyCustomer(t.Context(), tx, scope, "waitlist.offered", id, map[string]int{"n": 1}), result)
		})
	}
	changed := errors.New("the reason is gone")
	require.ErrorIs(t, notify(true, inSandbox, changed), changed)
	require.Empty(t, all(t, s))

	require.NoError(t, notify(true, inSandbox, nil))
	require.Equal(t, []kept{{
		EnvID: tenant.Scope(t, true).Env.ID, Kind: "waitlist.offered", Channel: communication.ChannelEmail, Data: `{"n": 1}`, CustomerID: &inSandbox,
		CreatedAt: apitest.Start.Add(time.Hour), RecordedAt: apitest.Start, // the clock of the sandbox, and the real one
	}}, utc(all(t, s)))

	// Customers of the other environment cannot be notified.
	var refused *pgconn.PgError
	require.ErrorAs(t, notify(true, live, nil), &refused)
	require.Equal(t, "notifications_customer", refused.ConstraintName)
	require.Len(t, all(t, s), 1)
}

func utc(list []kept) []kept {
	for i := range list {
		list[i].CreatedAt, list[i].RecordedAt = list[i].CreatedAt.UTC(), list[i].RecordedAt.UTC()
	}
	return list
}

// Active owners of the business are notified at their live address, also from the sandbox.
func TestNotifications_NotifyOwners(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant, stranger := s.Tenant(t, "a"), s.Tenant(t, "b")
	first, second := tenant.User(t, tenancy.RoleOwner, false), tenant.User(t, tenancy.RoleOwner, false)
	gone := tenant.User(t, tenancy.RoleOwner, false)
	tenant.User(t, tenancy.RoleOwner, true)
	tenant.User(t, tenancy.RoleManager, false)
	stranger.User(t, tenancy.RoleOwner, false)
	_, err := s.DB.OwnerPool().Exec(t.Context(), "UPDATE users SET is_active = false WHERE id = $1", gone.ID)
	require.NoError(t, err)
	scope := tenant.Scope(t, true)
	require.NoError(t, s.App.Store.InEnv(t.Context(), scope, func(tx *store.Tx) error {
		return communication.NewNotifications().NotifyOwners(t.Context(), tx, scope, "webhook.disabled", nil)
	}))
	notified := []string{}
	for _, n := range all(t, s) {
		require.Equal(t, scope.Env.ID, n.EnvID)
		require.Nil(t, n.CustomerID)
		notified = append(notified, *n.Address)
	}
	require.ElementsMatch(t, []string{first.Email, second.Email}, notified)
}
