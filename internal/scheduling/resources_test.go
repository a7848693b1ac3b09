package scheduling_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

func TestResourceLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	userID := b.user(tenancy.RoleStaff)

	created := b.resource(scope, "STAFF", "Ana", login(userID))
	got, err := b.resources.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, created, got)
	assert.Equal(t, &userID, got.UserID)
	assert.Equal(t, scheduling.DefaultWeight, got.Weight)
	assert.Nil(t, got.MaxPerDay)
	assert.Equal(t, 1, b.used(scope, entitle.MaxResources))

	updated, err := b.resources.Update(ctx, scope, created.ID, &created.Version, scheduling.ResourcePatch{
		Name: new("Anna"), Type: new("ROOM"), Description: new("Moved"), Capacity: new(int32(3)), IsActive: new(false), UserID: scheduling.NewClearable[uuid.UUID](nil),
		Weight: new(int32(0)), MaxPerDay: scheduling.NewClearable(new(int32(4))), MaxPerWeek: scheduling.NewClearable(new(int32(9))),
	})
	require.NoError(t, err)
	want := *created
	want.Name, want.Type, want.Description, want.Capacity, want.IsActive, want.UserID, want.Version =
		"Anna", "ROOM", "Moved", 3, false, nil, 2
	want.Weight, want.MaxPerDay, want.MaxPerWeek = 0, new(int32(4)), new(int32(9))
	assert.Equal(t, &want, updated)
	got, err = b.resources.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, updated, got)

	same, err := b.resources.Update(ctx, scope, created.ID, nil, scheduling.ResourcePatch{Name: new("Anna")})
	require.NoError(t, err)
	assert.Equal(t, "Moved", same.Description, "what is not given stays")
	assert.Equal(t, new(int32(9)), same.MaxPerWeek)

	_, err = b.resources.Update(ctx, scope, created.ID, new(int32(1)), scheduling.ResourcePatch{Name: new("late")})
	assert.Equal(t, int32(3), refusal(t, apperr.VersionMismatch, err).Members["current_version"])
	requireCode(t, apperr.VersionMismatch, b.resources.Delete(ctx, scope, created.ID, new(int32(1))))

	require.NoError(t, b.resources.Delete(ctx, scope, created.ID, new(int32(3))))
	_, err = b.resources.Get(ctx, scope, created.ID)
	requireCode(t, apperr.NotFound, err)
	assert.Equal(t, 0, b.used(scope, entitle.MaxResources))
	assert.Equal(t, []string{"resource.created", "resource.updated", "resource.updated", "resource.deleted"}, b.eventTypes(scope))
	assert.Contains(t, b.lastEvent(scope), created.ID.String())
}

func TestResourceThatDoesNotExist(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	other := b.resource(b.sandbox(), "STAFF", "Ana")
	for name, id := range map[string]uuid.UUID{"unknown": uuid.New(), "of the other mode": other.ID} {
		_, err := b.resources.Get(ctx, scope, id)
		requireCode(t, apperr.NotFound, err)
		_, err = b.resources.Update(ctx, scope, id, nil, scheduling.ResourcePatch{Name: new("x")})
		requireCode(t, apperr.NotFound, err)
		requireCode(t, apperr.NotFound, b.resources.Delete(ctx, scope, id, nil))
		assert.Empty(t, b.eventTypes(scope), name)
	}
	_, err := b.resources.Get(ctx, b.sandbox(), other.ID)
	require.NoError(t, err)
}

func TestListResources(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	for _, name := range []string{"Cleo", "Ana", "Bob", "Ana", "Dora"} {
		b.resource(scope, "STAFF", name)
	}
	b.resource(scope, "ROOM", "Attic", func(in *scheduling.ResourceInput) { in.IsActive = false })
	b.resource(b.sandbox(), "STAFF", "Nobody")

	names := func(filter scheduling.ResourceFilter, limit int) (names []string) {
		for _, r := range collect(t, limit, func(p keyset.Page) (keyset.List[scheduling.Resource], error) {
			return b.resources.List(ctx, scope, filter, p)
		}) {
			names = append(names, r.Name)
		}
		return names
	}
	all := []string{"Ana", "Ana", "Attic", "Bob", "Cleo", "Dora"}
	for limit := 1; limit <= 7; limit++ {
		assert.Equal(t, all, names(scheduling.ResourceFilter{}, limit))
	}
	assert.Equal(t, []string{"Attic"}, names(scheduling.ResourceFilter{Type: new("ROOM")}, 2))
	assert.Equal(t, []string{"Attic"}, names(scheduling.ResourceFilter{IsActive: new(false)}, 2))
	assert.Len(t, names(scheduling.ResourceFilter{Type: new("STAFF"), IsActive: new(true)}, 2), 5)
	assert.Empty(t, names(scheduling.ResourceFilter{Type: new("EQUIPMENT")}, 2))

	first, err := b.resources.List(ctx, scope, scheduling.ResourceFilter{}, keyset.Page{Limit: 1})
	require.NoError(t, err)
	_, err = b.resources.List(ctx, scope, scheduling.ResourceFilter{Type: new("ROOM")}, keyset.Page{Cursor: *first.NextCursor})
	requireCode(t, apperr.InvalidCursor, err)
}

func TestResourceUserMustBeOfTheSameWorld(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	resource := b.resource(scope, "STAFF", "Ana")
	other := b.newTenant("other")
	for name, userID := range map[string]uuid.UUID{
		"unknown":             uuid.New(),
		"of the other mode":   b.userIn(b.tenant, b.tenant.Sandbox, tenancy.RoleStaff),
		"of another business": b.userIn(other, other.Live, tenancy.RoleStaff),
	} {
		_, err := b.resources.Create(ctx, scope, scheduling.ResourceInput{Name: "Bob", Type: "STAFF", Capacity: 1, UserID: &userID})
		requireField(t, "/user_id", err)
		_, err = b.resources.Update(ctx, scope, resource.ID, nil, scheduling.ResourcePatch{UserID: scheduling.NewClearable(&userID)})
		requireField(t, "/user_id", err)
		assert.Equal(t, 1, b.used(scope, entitle.MaxResources), name)
	}
}

func TestResourceInUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	booked, named := b.resource(scope, "STAFF", "Ana"), b.resource(scope, "ROOM", "Attic")
	service := b.service(scope)
	customer := b.customer(scope, "Carla")
	appointment := b.book(scope, scheduling.AppointmentInput{
		ServiceID: service.ID, CustomerID: customer.ID, StartAt: noon, ResourceIDs: []uuid.UUID{booked.ID},
	})
	naming := b.serviceOf(scope, scheduling.ServiceInput{
		Name: "In the attic", DurationMinutes: 5, Requirements: []scheduling.Requirement{{ResourceType: "ROOM", ResourceIDs: []uuid.UUID{named.ID}}},
	})

	for _, id := range []uuid.UUID{booked.ID, named.ID} {
		requireCode(t, apperr.InUse, b.resources.Delete(ctx, scope, id, nil))
	}
	assert.Equal(t, 2, b.used(scope, entitle.MaxResources))
	_, err := b.resources.Update(ctx, scope, named.ID, nil, scheduling.ResourcePatch{Type: new("STAFF")})
	requireCode(t, apperr.InUse, err)
	_, err = b.resources.Update(ctx, scope, booked.ID, nil, scheduling.ResourcePatch{Type: new("ROOM"), IsActive: new(false)})
	require.NoError(t, err, "appointments do not rely on the type, nor on being active")

	require.NoError(t, b.appointments.Delete(ctx, scope, appointment.ID, nil))
	require.NoError(t, b.resources.Delete(ctx, scope, booked.ID, nil))
	require.NoError(t, b.services.Delete(ctx, scope, naming.ID, nil))
	require.NoError(t, b.resources.Delete(ctx, scope, named.ID, nil))
	assert.Equal(t, 0, b.used(scope, entitle.MaxResources))
}

func TestCapacityCannotGoBelowLanesInUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	class := b.resource(scope, "ROOM", "Class", capacity(4))
	in := scheduling.AppointmentInput{
		ServiceID: b.service(scope, "ROOM").ID, CustomerID: b.customer(scope, "Carla").ID, StartAt: noon,
	}
	booked := []*scheduling.Appointment{b.book(scope, in), b.book(scope, in), b.book(scope, in)}

	set := func(n int32) error {
		_, err := b.resources.Update(ctx, scope, class.ID, nil, scheduling.ResourcePatch{Capacity: &n})
		return err
	}
	err := set(2)
	assert.Equal(t, int32(3), refusal(t, apperr.InUse, err).Members["required_capacity"])
	require.NoError(t, set(3))
	_, err = b.appointments.Cancel(ctx, scope, booked[2].ID, nil, scheduling.CancelInput{})
	require.NoError(t, err)
	require.NoError(t, set(2), "a cancelled appointment needs no lane")
	requireCode(t, apperr.InUse, set(1))

	later := b.owner()
	later.Now = noon.Add(time.Hour)
	_, err = b.resources.Update(ctx, later, class.ID, nil, scheduling.ResourcePatch{Capacity: new(int32(1))})
	require.NoError(t, err, "nor does one that is over")
}

func TestResourceQuota(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(entitle.MaxResources, 2)
	scope := b.owner()
	errs := together(16, func(int) error {
		_, err := b.resources.Create(t.Context(), scope, scheduling.ResourceInput{Name: "Ana", Type: "STAFF", Capacity: 1})
		return err
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		assert.Equal(t, "max_resources", refusal(t, apperr.QuotaExceeded, err).Members["quota"])
	}
	assert.Equal(t, 2, won)
	assert.Equal(t, 2, b.count("SELECT count(*) FROM resources"))
	b.resource(b.sandbox(), "STAFF", "Ana")
}
