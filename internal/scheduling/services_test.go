package scheduling_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
)

func TestServiceLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	ana, bob := b.resource(scope, "STAFF", "Ana"), b.resource(scope, "STAFF", "Bob")

	created := b.serviceOf(scope, scheduling.ServiceInput{
		Name: "Massage", Description: "Hot stones", DurationMinutes: 60, BufferBeforeMinutes: 5, BufferAfterMinutes: 15,
		RequiresApproval: true, IsActive: true,
		Requirements: []scheduling.Requirement{
			{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{bob.ID, ana.ID, bob.ID}},
			{ResourceType: "ROOM"},
			{ResourceType: "STAFF"},
		},
	})
	assert.Equal(t, scheduling.Money{Amount: 0, Currency: "EUR"}, created.Price, "nothing, in the currency of the business")
	assert.Equal(t, scheduling.DefaultSlotStepMinutes, created.SlotStepMinutes)
	assert.Equal(t, []scheduling.Requirement{
		{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{ana.ID, bob.ID}},
		{ResourceType: "ROOM", ResourceIDs: []uuid.UUID{}},
		{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{}},
	}, created.Requirements)
	got, err := b.services.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, created, got)

	updated, err := b.services.Update(ctx, scope, created.ID, new(int32(1)), scheduling.ServicePatch{
		Name: new("Long massage"), Description: new(""), DurationMinutes: new(int32(90)), BufferBeforeMinutes: new(int32(0)),
		BufferAfterMinutes: new(int32(1)), Price: &scheduling.Money{Amount: 1, Currency: "EUR"}, RequiresApproval: new(false),
		IsActive: new(false), SlotStepMinutes: new(int32(20)), MinNoticeMinutes: new(int32(60)),
		HorizonDays: scheduling.NewClearable(new(int32(30))), MaxPerDay: scheduling.NewClearable(new(int32(4))),
		MaxPerWeek: scheduling.NewClearable(new(int32(9))), Requirements: &[]scheduling.Requirement{{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{ana.ID}}},
	})
	require.NoError(t, err)
	assert.Equal(t, int32(2), updated.Version)
	assert.Equal(t, []int32{20, 60, 30, 4, 9}, []int32{
		updated.SlotStepMinutes, updated.MinNoticeMinutes, *updated.HorizonDays, *updated.MaxPerDay, *updated.MaxPerWeek,
	})
	got, err = b.services.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, updated, got)

	got, err = b.services.Update(ctx, scope, created.ID, nil, scheduling.ServicePatch{Name: new("Massage")})
	require.NoError(t, err)
	assert.Equal(t, updated.Requirements, got.Requirements, "what is not given stays")
	assert.Equal(t, new(int32(30)), got.HorizonDays)
	got, err = b.services.Update(ctx, scope, created.ID, nil, scheduling.ServicePatch{
		Requirements: &[]scheduling.Requirement{}, HorizonDays: scheduling.NewClearable[int32](nil),
	})
	require.NoError(t, err)
	assert.Nil(t, got.HorizonDays)
	assert.Empty(t, got.Requirements)
	assert.NotNil(t, got.Requirements)

	_, err = b.services.Update(ctx, scope, created.ID, new(int32(3)), scheduling.ServicePatch{Name: new("late")})
	requireCode(t, apperr.VersionMismatch, err)
	requireCode(t, apperr.VersionMismatch, b.services.Delete(ctx, scope, created.ID, new(int32(3))))
	require.NoError(t, b.services.Delete(ctx, scope, created.ID, new(int32(4))))
	_, err = b.services.Get(ctx, scope, created.ID)
	requireCode(t, apperr.NotFound, err)
	requireCode(t, apperr.NotFound, b.services.Delete(ctx, scope, created.ID, nil))
	assert.Equal(t, 0, b.used(scope, entitle.MaxServices))
	assert.Equal(t, []string{
		"resource.created", "resource.created", "service.created", "service.updated", "service.updated", "service.updated", "service.deleted",
	}, b.eventTypes(scope))
}

func TestServiceRequirementsMustFit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	ana, room := b.resource(scope, "STAFF", "Ana"), b.resource(scope, "ROOM", "Attic")
	foreign := b.resource(b.sandbox(), "STAFF", "Nobody")
	requirements := []scheduling.Requirement{
		{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{ana.ID}},
		{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{room.ID, ana.ID, foreign.ID, uuid.New()}},
	}
	wrong := []string{"/requirements/1/resource_ids/0", "/requirements/1/resource_ids/2", "/requirements/1/resource_ids/3"}

	check := func(err error) {
		t.Helper()
		var pointers []string
		for _, f := range refusal(t, apperr.ValidationFailed, err).Fields {
			pointers = append(pointers, f.Pointer)
		}
		assert.Equal(t, wrong, pointers)
	}
	_, err := b.services.Create(ctx, scope, scheduling.ServiceInput{Name: "Massage", DurationMinutes: 60, Requirements: requirements})
	check(err)
	assert.Equal(t, 0, b.used(scope, entitle.MaxServices))
	service := b.service(scope, "STAFF")
	_, err = b.services.Update(ctx, scope, service.ID, nil, scheduling.ServicePatch{Requirements: &requirements})
	check(err)
	got, err := b.services.Get(ctx, scope, service.ID)
	require.NoError(t, err)
	assert.Equal(t, service, got, "nothing was changed")
}

func TestListServices(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, scope := t.Context(), b.owner()
	room := b.resource(scope, "ROOM", "Attic")
	for i, name := range []string{"C", "A", "B", "A"} {
		b.serviceOf(scope, scheduling.ServiceInput{
			Name: name, DurationMinutes: 10, IsActive: i != 0,
			Requirements: []scheduling.Requirement{{ResourceType: "ROOM", ResourceIDs: []uuid.UUID{room.ID}}},
		})
	}
	b.service(b.sandbox())
	names := func(filter scheduling.ServiceFilter, limit int) (names []string) {
		for _, v := range collect(t, limit, func(p keyset.Page) (keyset.List[scheduling.Service], error) {
			return b.services.List(ctx, scope, filter, p)
		}) {
			names = append(names, v.Name)
			assert.Equal(t, []uuid.UUID{room.ID}, v.Requirements[0].ResourceIDs)
		}
		return names
	}
	for limit := 1; limit <= 5; limit++ {
		assert.Equal(t, []string{"A", "A", "B", "C"}, names(scheduling.ServiceFilter{}, limit))
	}
	assert.Equal(t, []string{"C"}, names(scheduling.ServiceFilter{IsActive: new(false)}, 5))
}

func TestServiceInUseAndQuota(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(entitle.MaxServices, 1)
	ctx, scope := t.Context(), b.owner()
	b.resource(scope, "STAFF", "Ana")
	service := b.service(scope)
	_, err := b.services.Create(ctx, scope, scheduling.ServiceInput{Name: "More", DurationMinutes: 1})
	requireCode(t, apperr.QuotaExceeded, err)
	b.book(scope, scheduling.AppointmentInput{ServiceID: service.ID, CustomerID: b.customer(scope, "Carla").ID, StartAt: noon})
	requireCode(t, apperr.InUse, b.services.Delete(ctx, scope, service.ID, nil))
	assert.Equal(t, 1, b.used(scope, entitle.MaxServices))
	_, err = b.services.Get(ctx, b.sandbox(), service.ID)
	requireCode(t, apperr.NotFound, err)
	_, err = b.services.Update(ctx, b.sandbox(), service.ID, nil, scheduling.ServicePatch{Name: new("x")})
	requireCode(t, apperr.NotFound, err)
}
