package scheduling_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestCustomerLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	userID := b.user(tenancy.RoleCustomer)
	created := b.customerOf(scope, scheduling.CustomerInput{
		Name: "Carla", Email: "carla@example.com", Phone: "+1 555", City: "New York", State: "NY", Zip: "10001", Notes: "early",
		Status: "ACTIVE", Tags: []string{"regular", "vip"}, UserID: &userID,
	})
	got, err := b.customers.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, created, got)
	assert.Equal(t, new("early"), got.Notes)

	updated, err := b.customers.Update(ctx, scope, created.ID, new(int32(1)), scheduling.CustomerPatch{
		Name: new("Clara"), Email: new(""), Phone: new("1"), City: new("2"), State: new("3"), Zip: new("4"), Notes: new("late"),
		Status: new("BLOCKED"), Tags: &[]string{}, UserID: scheduling.NewClearable[uuid.UUID](nil),
	})
	require.NoError(t, err)
	assert.Equal(t, []string{}, updated.Tags)
	assert.Nil(t, updated.UserID)
	got, err = b.customers.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, updated, got)
	got, err = b.customers.Update(ctx, scope, created.ID, nil, scheduling.CustomerPatch{Name: new("Carla")})
	require.NoError(t, err)
	assert.Equal(t, new("late"), got.Notes, "what is not given stays")

	_, err = b.customers.Update(ctx, scope, created.ID, new(int32(2)), scheduling.CustomerPatch{Name: new("late")})
	requireCode(t, apperr.VersionMismatch, err)
	requireCode(t, apperr.VersionMismatch, b.customers.Delete(ctx, scope, created.ID, new(int32(2))))
	_, err = b.customers.Get(ctx, b.sandbox(), created.ID)
	requireCode(t, apperr.NotFound, err)
	require.NoError(t, b.customers.Delete(ctx, scope, created.ID, new(int32(3))))
	requireCode(t, apperr.NotFound, b.customers.Delete(ctx, scope, created.ID, nil))
	_, err = b.customers.Update(ctx, scope, created.ID, nil, scheduling.CustomerPatch{Name: new("x")})
	requireCode(t, apperr.NotFound, err)
	assert.Equal(t, []string{"customer.created", "customer.updated", "customer.updated", "customer.deleted"}, b.eventTypes(scope))
}

func TestCustomerLogins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	userID := b.user(tenancy.RoleCustomer)
	b.customerOf(scope, scheduling.CustomerInput{Name: "Carla", Status: "ACTIVE", UserID: &userID})
	other := b.customer(scope, "Other")
	_, err := b.customers.Create(ctx, scope, scheduling.CustomerInput{Name: "Twin", Status: "ACTIVE", UserID: &userID})
	requireCode(t, apperr.AlreadyExists, err)
	_, err = b.customers.Update(ctx, scope, other.ID, nil, scheduling.CustomerPatch{UserID: scheduling.NewClearable(&userID)})
	requireCode(t, apperr.AlreadyExists, err)
	foreign := b.userIn(b.tenant, b.tenant.Sandbox, tenancy.RoleCustomer)
	_, err = b.customers.Update(ctx, scope, other.ID, nil, scheduling.CustomerPatch{UserID: scheduling.NewClearable(&foreign)})
	requireField(t, "/user_id", err)
}

func TestCustomersSeeOnlyThemselves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	userID := b.user(tenancy.RoleCustomer)
	own := b.customerOf(scope, scheduling.CustomerInput{Name: "Carla", Status: "ACTIVE", Notes: "difficult", UserID: &userID})
	other := b.customer(scope, "Other")

	self := b.as(tenancy.RoleCustomer, userID)
	got, err := b.customers.Get(ctx, self, own.ID)
	require.NoError(t, err)
	assert.Nil(t, got.Notes, "notes are for those who work for the business")
	_, err = b.customers.Get(ctx, self, other.ID)
	requireCode(t, apperr.NotFound, err)
	list, err := b.customers.List(ctx, self, scheduling.CustomerFilter{}, keyset.Page{})
	require.NoError(t, err)
	require.Len(t, list.Data, 1)
	assert.Equal(t, own.ID, list.Data[0].ID)
	assert.Nil(t, list.Data[0].Notes)

	nobody := b.owner()
	nobody.Principal = nil
	for name, blind := range map[string]*tenancy.Scope{
		"a customer without record": b.as(tenancy.RoleCustomer, uuid.New()),
		"an unknown role":           b.as("WIZARD", uuid.New()),
		"nobody":                    nobody,
	} {
		list, err := b.customers.List(ctx, blind, scheduling.CustomerFilter{}, keyset.Page{})
		require.NoError(t, err)
		assert.Empty(t, list.Data, name)
	}
	staff, err := b.customers.Get(ctx, b.as(tenancy.RoleStaff, uuid.New()), own.ID)
	require.NoError(t, err)
	assert.Equal(t, new("difficult"), staff.Notes)
}

func TestListCustomers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	for i, in := range []scheduling.CustomerInput{
		{Name: "Zoe 100%", Email: "zoe@example.com", Status: "ACTIVE", Tags: []string{"vip"}},
		{Name: "Adam", Phone: "+1 555_1", Status: "INACTIVE"},
		{Name: "Eve", Email: "EVE@example.com", Status: "BLOCKED", Tags: []string{"vip", "late"}},
		{Name: `Back\slash`, Status: "ACTIVE"},
	} {
		at := *scope
		at.Now = now.Add(time.Duration(i/2) * time.Minute)
		b.customerOf(&at, in)
	}
	b.customer(b.sandbox(), "Nobody")
	names := func(filter scheduling.CustomerFilter, limit int) []string {
		names := []string{}
		for _, c := range collect(t, limit, func(p keyset.Page) (keyset.List[scheduling.Customer], error) {
			return b.customers.List(ctx, scope, filter, p)
		}) {
			names = append(names, c.Name)
		}
		return names
	}
	for limit := 1; limit <= 5; limit++ {
		assert.Equal(t, []string{`Back\slash`, "Eve", "Adam", "Zoe 100%"}, names(scheduling.CustomerFilter{}, limit))
	}
	for search, want := range map[string][]string{
		"eve@": {"Eve"}, "%": {"Zoe 100%"}, "_": {"Adam"}, `\`: {`Back\slash`}, "555": {"Adam"}, "nobody": {}, "EXAMPLE": {"Eve", "Zoe 100%"},
	} {
		assert.Equal(t, want, names(scheduling.CustomerFilter{Search: &search}, 1), search)
	}
	assert.Equal(t, []string{"Eve", "Zoe 100%"}, names(scheduling.CustomerFilter{Tag: new("vip")}, 1))
	assert.Equal(t, []string{"Zoe 100%"}, names(scheduling.CustomerFilter{Tag: new("vip"), Status: new("ACTIVE")}, 1))
}

func TestCustomerInUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	b.resource(scope, "STAFF", "Ana")
	customer := b.customer(scope, "Carla")
	appointment := b.book(scope, scheduling.AppointmentInput{ServiceID: b.service(scope).ID, CustomerID: customer.ID, StartAt: noon})
	requireCode(t, apperr.InUse, b.customers.Delete(ctx, scope, customer.ID, nil))
	require.NoError(t, b.appointments.Delete(ctx, scope, appointment.ID, nil))
	require.NoError(t, b.customers.Delete(ctx, scope, customer.ID, nil))
}
