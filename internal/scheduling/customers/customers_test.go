package customers_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

func TestCustomerLife(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	userID := b.User(tenancy.RoleCustomer)
	created := b.CustomerOf(scope, customers.Input{
		Name: "Carla", Email: "carla@example.com", Phone: "+1 555", City: "New York", State: "NY", Zip: "10001", Notes: "early",
		Status: "ACTIVE", Tags: []string{"regular", "vip"}, UserID: &userID,
	})
	got, err := b.Customers.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, created, got)
	assert.Equal(t, new("early"), got.Notes)

	updated, err := b.Customers.Update(ctx, scope, created.ID, new(int32(1)), customers.Patch{
		Name: new("Clara"), Email: new(""), Phone: new("1"), City: new("2"), State: new("3"), Zip: new("4"), Notes: new("late"),
		Status: new("BLOCKED"), Tags: &[]string{}, UserID: patch.NewClearable[uuid.UUID](nil),
	})
	require.NoError(t, err)
	assert.Equal(t, []string{}, updated.Tags)
	assert.Nil(t, updated.UserID)
	got, err = b.Customers.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, updated, got)
	got, err = b.Customers.Update(ctx, scope, created.ID, nil, customers.Patch{Name: new("Carla")})
	require.NoError(t, err)
	assert.Equal(t, new("late"), got.Notes, "what is not given stays")

	_, err = b.Customers.Update(ctx, scope, created.ID, new(int32(2)), customers.Patch{Name: new("late")})
	schedulingtest.RequireCode(t, apperr.VersionMismatch, err)
	schedulingtest.RequireCode(t, apperr.VersionMismatch, b.Customers.Delete(ctx, scope, created.ID, new(int32(2))))
	_, err = b.Customers.Get(ctx, b.Sandbox(), created.ID)
	schedulingtest.RequireCode(t, apperr.NotFound, err)
	require.NoError(t, b.Customers.Delete(ctx, scope, created.ID, new(int32(3))))
	schedulingtest.RequireCode(t, apperr.NotFound, b.Customers.Delete(ctx, scope, created.ID, nil))
	_, err = b.Customers.Update(ctx, scope, created.ID, nil, customers.Patch{Name: new("x")})
	schedulingtest.RequireCode(t, apperr.NotFound, err)
	assert.Equal(t, []string{"customer.created", "customer.updated", "customer.updated", "customer.deleted"}, b.EventTypes(scope))
}

func TestCustomerLogins(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	userID := b.User(tenancy.RoleCustomer)
	b.CustomerOf(scope, customers.Input{Name: "Carla", Status: "ACTIVE", UserID: &userID})
	other := b.Customer(scope, "Other")
	_, err := b.Customers.Create(ctx, scope, customers.Input{Name: "Twin", Status: "ACTIVE", UserID: &userID})
	schedulingtest.RequireCode(t, apperr.AlreadyExists, err)
	_, err = b.Customers.Update(ctx, scope, other.ID, nil, customers.Patch{UserID: patch.NewClearable(&userID)})
	schedulingtest.RequireCode(t, apperr.AlreadyExists, err)
	foreign := b.UserIn(b.Tenant, b.Tenant.Sandbox, tenancy.RoleCustomer)
	_, err = b.Customers.Update(ctx, scope, other.ID, nil, customers.Patch{UserID: patch.NewClearable(&foreign)})
	schedulingtest.RequireField(t, "/user_id", err)
}

func TestCustomersSeeOnlyThemselves(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	userID := b.User(tenancy.RoleCustomer)
	own := b.CustomerOf(scope, customers.Input{Name: "Carla", Status: "ACTIVE", Notes: "difficult", UserID: &userID})
	other := b.Customer(scope, "Other")

	self := b.As(tenancy.RoleCustomer, userID)
	got, err := b.Customers.Get(ctx, self, own.ID)
	require.NoError(t, err)
	assert.Nil(t, got.Notes, "notes are for those who work for the business")
	_, err = b.Customers.Get(ctx, self, other.ID)
	schedulingtest.RequireCode(t, apperr.NotFound, err)
	list, err := b.Customers.List(ctx, self, customers.Filter{}, keyset.Page{})
	require.NoError(t, err)
	require.Len(t, list.Data, 1)
	assert.Equal(t, own.ID, list.Data[0].ID)
	assert.Nil(t, list.Data[0].Notes)

	nobody := b.Owner()
	nobody.Principal = nil
	for name, blind := range map[string]*tenancy.Scope{
		"a customer without record": b.As(tenancy.RoleCustomer, uuid.New()),
		"an unknown role":           b.As("WIZARD", uuid.New()),
		"nobody":                    nobody,
	} {
		list, err := b.Customers.List(ctx, blind, customers.Filter{}, keyset.Page{})
		require.NoError(t, err)
		assert.Empty(t, list.Data, name)
	}
	staff, err := b.Customers.Get(ctx, b.As(tenancy.RoleStaff, uuid.New()), own.ID)
	require.NoError(t, err)
	assert.Equal(t, new("difficult"), staff.Notes)
}

func TestListCustomers(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	for i, in := range []customers.Input{
		{Name: "Zoe 100%", Email: "zoe@example.com", Status: "ACTIVE", Tags: []string{"vip"}},
		{Name: "Adam", Phone: "+1 555_1", Status: "INACTIVE"},
		{Name: "Eve", Email: "EVE@example.com", Status: "BLOCKED", Tags: []string{"vip", "late"}},
		{Name: `Back\slash`, Status: "ACTIVE"},
	} {
		at := *scope
		at.Now = schedulingtest.Now.Add(time.Duration(i/2) * time.Minute)
		b.CustomerOf(&at, in)
	}
	b.Customer(b.Sandbox(), "Nobody")
	names := func(filter customers.Filter, limit int) []string {
		names := []string{}
		for _, c := range schedulingtest.Collect(t, limit, func(p keyset.Page) (keyset.List[customers.Customer], error) {
			return b.Customers.List(ctx, scope, filter, p)
		}) {
			names = append(names, c.Name)
		}
		return names
	}
	for limit := 1; limit <= 5; limit++ {
		assert.Equal(t, []string{`Back\slash`, "Eve", "Adam", "Zoe 100%"}, names(customers.Filter{}, limit))
	}
	for search, want := range map[string][]string{
		"eve@": {"Eve"}, "%": {"Zoe 100%"}, "_": {"Adam"}, `\`: {`Back\slash`}, "555": {"Adam"}, "nobody": {}, "EXAMPLE": {"Eve", "Zoe 100%"},
	} {
		assert.Equal(t, want, names(customers.Filter{Search: &search}, 1), search)
	}
	assert.Equal(t, []string{"Eve", "Zoe 100%"}, names(customers.Filter{Tag: new("vip")}, 1))
	assert.Equal(t, []string{"Zoe 100%"}, names(customers.Filter{Tag: new("vip"), Status: new("ACTIVE")}, 1))
}

func TestCustomerInUse(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	b.Resource(scope, "STAFF", "Ana")
	customer := b.Customer(scope, "Carla")
	appointment := b.Book(scope, booking.AppointmentInput{ServiceID: b.Service(scope).ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon})
	schedulingtest.RequireCode(t, apperr.InUse, b.Customers.Delete(ctx, scope, customer.ID, nil))
	require.NoError(t, b.Appointments.Delete(ctx, scope, appointment.ID, nil))
	require.NoError(t, b.Customers.Delete(ctx, scope, customer.ID, nil))
}
