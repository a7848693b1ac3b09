package catalog_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/testkit/schedulingtest"
)

func TestServiceLife(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	ana, bob := b.Resource(scope, "STAFF", "Ana"), b.Resource(scope, "STAFF", "Bob")

	created := b.ServiceOf(scope, catalog.ServiceInput{
		Name: "Massage", Description: "Hot stones", DurationMinutes: 60, BufferBeforeMinutes: 5, BufferAfterMinutes: 15,
		RequiresApproval: true, IsActive: true,
		Requirements: []catalog.Requirement{
			{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{bob.ID, ana.ID, bob.ID}},
			{ResourceType: "ROOM"},
			{ResourceType: "STAFF"},
		},
	})
	assert.Equal(t, money.Money{Amount: 0, Currency: "EUR"}, created.Price, "nothing, in the currency of the business")
	assert.Equal(t, catalog.DefaultSlotStepMinutes, created.SlotStepMinutes)
	assert.Equal(t, []catalog.Requirement{
		{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{ana.ID, bob.ID}},
		{ResourceType: "ROOM", ResourceIDs: []uuid.UUID{}},
		{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{}},
	}, created.Requirements)
	got, err := b.Services.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, created, got)

	updated, err := b.Services.Update(ctx, scope, created.ID, new(int32(1)), catalog.ServicePatch{
		Name: new("Long massage"), Description: new(""), DurationMinutes: new(int32(90)), BufferBeforeMinutes: new(int32(0)),
		BufferAfterMinutes: new(int32(1)), Price: &money.Money{Amount: 1, Currency: "EUR"}, RequiresApproval: new(false),
		IsActive: new(false), SlotStepMinutes: new(int32(20)), MinNoticeMinutes: new(int32(60)),
		HorizonDays: patch.NewClearable(new(int32(30))), MaxPerDay: patch.NewClearable(new(int32(4))),
		MaxPerWeek: patch.NewClearable(new(int32(9))), Requirements: &[]catalog.Requirement{{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{ana.ID}}},
	})
	require.NoError(t, err)
	assert.Equal(t, int32(2), updated.Version)
	assert.Equal(t, []int32{20, 60, 30, 4, 9}, []int32{
		updated.SlotStepMinutes, updated.MinNoticeMinutes, *updated.HorizonDays, *updated.MaxPerDay, *updated.MaxPerWeek,
	})
	got, err = b.Services.Get(ctx, scope, created.ID)
	require.NoError(t, err)
	assert.Equal(t, updated, got)

	got, err = b.Services.Update(ctx, scope, created.ID, nil, catalog.ServicePatch{Name: new("Massage")})
	require.NoError(t, err)
	assert.Equal(t, updated.Requirements, got.Requirements, "what is not given stays")
	assert.Equal(t, new(int32(30)), got.HorizonDays)
	got, err = b.Services.Update(ctx, scope, created.ID, nil, catalog.ServicePatch{
		Requirements: &[]catalog.Requirement{}, HorizonDays: patch.NewClearable[int32](nil),
	})
	require.NoError(t, err)
	assert.Nil(t, got.HorizonDays)
	assert.Empty(t, got.Requirements)
	assert.NotNil(t, got.Requirements)

	_, err = b.Services.Update(ctx, scope, created.ID, new(int32(3)), catalog.ServicePatch{Name: new("late")})
	schedulingtest.RequireCode(t, apperr.VersionMismatch, err)
	schedulingtest.RequireCode(t, apperr.VersionMismatch, b.Services.Delete(ctx, scope, created.ID, new(int32(3))))
	require.NoError(t, b.Services.Delete(ctx, scope, created.ID, new(int32(4))))
	_, err = b.Services.Get(ctx, scope, created.ID)
	schedulingtest.RequireCode(t, apperr.NotFound, err)
	schedulingtest.RequireCode(t, apperr.NotFound, b.Services.Delete(ctx, scope, created.ID, nil))
	assert.Equal(t, 0, b.Used(scope, entitle.MaxServices))
	assert.Equal(t, []string{
		"resource.created", "resource.created", "service.created", "service.updated", "service.updated", "service.updated", "service.deleted",
	}, b.EventTypes(scope))
}

func TestServiceRequirementsMustFit(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	ana, room := b.Resource(scope, "STAFF", "Ana"), b.Resource(scope, "ROOM", "Attic")
	foreign := b.Resource(b.Sandbox(), "STAFF", "Nobody")
	requirements := []catalog.Requirement{
		{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{ana.ID}},
		{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{room.ID, ana.ID, foreign.ID, uuid.New()}},
	}
	wrong := []string{"/requirements/1/resource_ids/0", "/requirements/1/resource_ids/2", "/requirements/1/resource_ids/3"}

	check := func(err error) {
		t.Helper()
		var pointers []string
		for _, f := range schedulingtest.Refusal(t, apperr.ValidationFailed, err).Fields {
			pointers = append(pointers, f.Pointer)
		}
		assert.Equal(t, wrong, pointers)
	}
	_, err := b.Services.Create(ctx, scope, catalog.ServiceInput{Name: "Massage", DurationMinutes: 60, Requirements: requirements})
	check(err)
	assert.Equal(t, 0, b.Used(scope, entitle.MaxServices))
	service := b.Service(scope, "STAFF")
	_, err = b.Services.Update(ctx, scope, service.ID, nil, catalog.ServicePatch{Requirements: &requirements})
	check(err)
	got, err := b.Services.Get(ctx, scope, service.ID)
	require.NoError(t, err)
	assert.Equal(t, service, got, "nothing was changed")
}

func TestListServices(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	ctx, scope := t.Context(), b.Owner()
	room := b.Resource(scope, "ROOM", "Attic")
	for i, name := range []string{"C", "A", "B", "A"} {
		b.ServiceOf(scope, catalog.ServiceInput{
			Name: name, DurationMinutes: 10, IsActive: i != 0,
			Requirements: []catalog.Requirement{{ResourceType: "ROOM", ResourceIDs: []uuid.UUID{room.ID}}},
		})
	}
	b.Service(b.Sandbox())
	names := func(filter catalog.ServiceFilter, limit int) (names []string) {
		for _, v := range schedulingtest.Collect(t, limit, func(p keyset.Page) (keyset.List[catalog.Service], error) {
			return b.Services.List(ctx, scope, filter, p)
		}) {
			names = append(names, v.Name)
			assert.Equal(t, []uuid.UUID{room.ID}, v.Requirements[0].ResourceIDs)
		}
		return names
	}
	for limit := 1; limit <= 5; limit++ {
		assert.Equal(t, []string{"A", "A", "B", "C"}, names(catalog.ServiceFilter{}, limit))
	}
	assert.Equal(t, []string{"C"}, names(catalog.ServiceFilter{IsActive: new(false)}, 5))
}

func TestServiceInUseAndQuota(t *testing.T) {
	t.Parallel()
	b := schedulingtest.New(t)
	b.Limit(entitle.MaxServices, 1)
	ctx, scope := t.Context(), b.Owner()
	b.Resource(scope, "STAFF", "Ana")
	service := b.Service(scope)
	_, err := b.Services.Create(ctx, scope, catalog.ServiceInput{Name: "More", DurationMinutes: 1})
	schedulingtest.RequireCode(t, apperr.QuotaExceeded, err)
	b.Book(scope, booking.AppointmentInput{ServiceID: service.ID, CustomerID: b.Customer(scope, "Carla").ID, StartAt: schedulingtest.Noon})
	schedulingtest.RequireCode(t, apperr.InUse, b.Services.Delete(ctx, scope, service.ID, nil))
	assert.Equal(t, 1, b.Used(scope, entitle.MaxServices))
	_, err = b.Services.Get(ctx, b.Sandbox(), service.ID)
	schedulingtest.RequireCode(t, apperr.NotFound, err)
	_, err = b.Services.Update(ctx, b.Sandbox(), service.ID, nil, catalog.ServicePatch{Name: new("x")})
	schedulingtest.RequireCode(t, apperr.NotFound, err)
}
