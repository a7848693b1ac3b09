package catalog_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

func TestResourceLife(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	userID := b.User(tenancy.RoleStaff)

	created := b.Resource(scope, "STAFF", "Ana", schedulingtest.Login(userID))
	got, err := b.Resources.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, created, got)
	assert.Equal(t, &userID, got.UserID)
	assert.Equal(t, catalog.DefaultWeight, got.Weight)
	assert.Nil(t, got.MaxPerDay)
	assert.Equal(t, 1, b.Used(scope, entitle.MaxResources))

	updated, err := b.Resources.Update(ctx, scope, created.ID, &created.Version, catalog.ResourcePatch{
		Name: new("Anna"), Type: new("ROOM"), Description: new("Moved"), Capacity: new(int32(3)), IsActive: new(false), UserID: patch.NewClearable[uuid.UUID](nil),
		Weight: new(int32(0)), MaxPerDay: patch.NewClearable(new(int32(4))), MaxPerWeek: patch.NewClearable(new(int32(9))),
	})
	require.NoError(t, err)
	want := *created
	want.Name, want.Type, want.Description, want.Capacity, want.IsActive, want.UserID, want.Version =
		"Anna", "ROOM", "Moved", 3, false, nil, 2
	want.Weight, want.MaxPerDay, want.MaxPerWeek = 0, new(int32(4)), new(int32(9))
	assert.Equal(t, &want, updated)
	got, err = b.Resources.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, updated, got)

	same, err := b.Resources.Update(ctx, scope, created.ID, nil, catalog.ResourcePatch{Name: new("Anna")})
	require.NoError(t, err)
	assert.Equal(t, "Moved", same.Description, "what is not given stays")
	assert.Equal(t, new(int32(9)), same.MaxPerWeek)

	_, err = b.Resources.Update(ctx, scope, created.ID, new(int32(1)), catalog.ResourcePatch{Name: new("late")})
	assert.Equal(t, int32(3), schedulingtest.Refusal(t, apperr.VersionMismatch, err).Members["current_version"])
	schedulingtest.RequireCode(t, apperr.VersionMismatch, b.Resources.Delete(ctx, scope, created.ID, new(int32(1))))

	require.NoError(t, b.Resources.Delete(ctx, scope, created.ID, new(int32(3))))
	_, err = b.Resources.Get(ctx, scope, created.ID)
	schedulingtest.RequireCode(t, apperr.NotFound, err)
	assert.Equal(t, 0, b.Used(scope, entitle.MaxResources))
	assert.Equal(t, []string{"resource.created", "resource.updated", "resource.updated", "resource.deleted"}, b.EventTypes(scope))
	assert.Contains(t, b.LastEvent(scope), created.ID.String())
}

func TestResourceThatDoesNotExist(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	other := b.Resource(b.Sandbox(), "STAFF", "Ana")
	for name, id := range map[string]uuid.UUID{"unknown": uuid.New(), "of the other mode": other.ID} {
		_, err := b.Resources.Get(ctx, scope, id)
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		_, err = b.Resources.Update(ctx, scope, id, nil, catalog.ResourcePatch{Name: new("x")})
		schedulingtest.RequireCode(t, apperr.NotFound, err)
		schedulingtest.RequireCode(t, apperr.NotFound, b.Resources.Delete(ctx, scope, id, nil))
		assert.Empty(t, b.EventTypes(scope), name)
	}
	_, err := b.Resources.Get(ctx, b.Sandbox(), other.ID)
	require.NoError(t, err)
}

func TestListResources(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	for _, name := range []string{"Cleo", "Ana", "Bob", "Ana", "Dora"} {
		b.Resource(scope, "STAFF", name)
	}
	b.Resource(scope, "ROOM", "Attic", func(in *catalog.ResourceInput) { in.IsActive = false })
	b.Resource(b.Sandbox(), "STAFF", "Nobody")

	names := func(filter catalog.ResourceFilter, limit int) (names []string) {
		for _, r := range schedulingtest.Collect(t, limit, func(p keyset.Page) (keyset.List[catalog.Resource], error) {
			return b.Resources.List(ctx, scope, filter, p)
		}) {
			names = append(names, r.Name)
		}
		return names
	}
	all := []string{"Ana", "Ana", "Attic", "Bob", "Cleo", "Dora"}
	for limit := 1; limit <= 7; limit++ {
		assert.Equal(t, all, names(catalog.ResourceFilter{}, limit))
	}
	assert.Equal(t, []string{"Attic"}, names(catalog.ResourceFilter{Type: new("ROOM")}, 2))
	assert.Equal(t, []string{"Attic"}, names(catalog.ResourceFilter{IsActive: new(false)}, 2))
	assert.Len(t, names(catalog.ResourceFilter{Type: new("STAFF"), IsActive: new(true)}, 2), 5)
	assert.Empty(t, names(catalog.ResourceFilter{Type: new("EQUIPMENT")}, 2))

	first, err := b.Resources.List(ctx, scope, catalog.ResourceFilter{}, keyset.Page{Limit: 1})
	require.NoError(t, err)
	_, err = b.Resources.List(ctx, scope, catalog.ResourceFilter{Type: new("ROOM")}, keyset.Page{Cursor: *first.NextCursor})
	schedulingtest.RequireCode(t, apperr.InvalidCursor, err)
}

func TestResourceUserMustBeOfTheSameWorld(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	resource := b.Resource(scope, "STAFF", "Ana")
	other := b.NewTenant("other")
	for name, userID := range map[string]uuid.UUID{
		"unknown":             uuid.New(),
		"of the other mode":   b.UserIn(b.Tenant, b.Tenant.Sandbox, tenancy.RoleStaff),
		"of another business": b.UserIn(other, other.Live, tenancy.RoleStaff),
	} {
		_, err := b.Resources.Create(ctx, scope, catalog.ResourceInput{Name: "Bob", Type: "STAFF", Capacity: 1, UserID: &userID})
		schedulingtest.RequireField(t, "/user_id", err)
		_, err = b.Resources.Update(ctx, scope, resource.ID, nil, catalog.ResourcePatch{UserID: patch.NewClearable(&userID)})
		schedulingtest.RequireField(t, "/user_id", err)
		assert.Equal(t, 1, b.Used(scope, entitle.MaxResources), name)
	}
}

func TestResourceInUse(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	booked, named := b.Resource(scope, "STAFF", "Ana"), b.Resource(scope, "ROOM", "Attic")
	service := b.Service(scope)
	customer := b.Customer(scope, "Carla")
	appointment := b.Book(scope, booking.AppointmentInput{
		ServiceID: service.ID, CustomerID: customer.ID, StartAt: schedulingtest.Noon, ResourceIDs: []uuid.UUID{booked.ID},
	})
	naming := b.ServiceOf(scope, catalog.ServiceInput{
		Name: "In the attic", DurationMinutes: 5, Requirements: []catalog.Requirement{{ResourceType: "ROOM", ResourceIDs: []uuid.UUID{named.ID}}},
	})

	for _, id := range []uuid.UUID{booked.ID, named.ID} {
		schedulingtest.RequireCode(t, apperr.InUse, b.Resources.Delete(ctx, scope, id, nil))
	}
	assert.Equal(t, 2, b.Used(scope, entitle.MaxResources))
	_, err := b.Resources.Update(ctx, scope, named.ID, nil, catalog.ResourcePatch{Type: new("STAFF")})
	schedulingtest.RequireCode(t, apperr.InUse, err)
	_, err = b.Resources.Update(ctx, scope, booked.ID, nil, catalog.ResourcePatch{Type: new("ROOM"), IsActive: new(false)})
	require.NoError(t, err, "appointments do not rely on the type, nor on being active")

	require.NoError(t, b.Appointments.Delete(ctx, scope, appointment.ID, nil))
	require.NoError(t, b.Resources.Delete(ctx, scope, booked.ID, nil))
	require.NoError(t, b.Services.Delete(ctx, scope, naming.ID, nil))
	require.NoError(t, b.Resources.Delete(ctx, scope, named.ID, nil))
	assert.Equal(t, 0, b.Used(scope, entitle.MaxResources))
}

func TestCapacityCannotGoBelowLanesInUse(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	class := b.Resource(scope, "ROOM", "Class", schedulingtest.Capacity(4))
	in := booking.AppointmentInput{
		ServiceID: b.Service(scope, "ROOM").ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: schedulingtest.Noon,
	}
	booked := []*booking.Appointment{b.Book(scope, in), b.Book(scope, in), b.Book(scope, in)}

	set := func(n int32) error {
		_, err := b.Resources.Update(ctx, scope, class.ID, nil, catalog.ResourcePatch{Capacity: &n})
		return err
	}
	err := set(2)
	assert.Equal(t, int32(3), schedulingtest.Refusal(t, apperr.InUse, err).Members["required_capacity"])
	require.NoError(t, set(3))
	_, err = b.Appointments.Cancel(ctx, scope, viewer.Of(scope), booked[2].ID, nil, booking.CancelInput{})
	require.NoError(t, err)
	require.NoError(t, set(2), "a cancelled appointment needs no lane")
	schedulingtest.RequireCode(t, apperr.InUse, set(1))

	later := b.Owner()
	later.Now = schedulingtest.Noon.Add(time.Hour)
	_, err = b.Resources.Update(ctx, later, class.ID, nil, catalog.ResourcePatch{Capacity: new(int32(1))})
	require.NoError(t, err, "nor does one that is over")
}

func TestResourceQuota(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	b.Limit(entitle.MaxResources, 2)
	scope := b.Owner()
	errs := schedulingtest.Parallel(16, func(int) error {
		_, err := b.Resources.Create(t.Context(), scope, catalog.ResourceInput{Name: "Ana", Type: "STAFF", Capacity: 1})
		return err
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		assert.Equal(t, "max_resources", schedulingtest.Refusal(t, apperr.QuotaExceeded, err).Members["quota"])
	}
	assert.Equal(t, 2, won)
	assert.Equal(t, 2, b.Count("SELECT count(*) FROM resources"))
	b.Resource(b.Sandbox(), "STAFF", "Ana")
}
