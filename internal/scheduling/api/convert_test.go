package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"

	schedulingapi "github.com/smoothschedule/smoothschedule/internal/scheduling/api"
)

// decode reads a body as the generated server does.
func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(body), &v))
	return v
}

func encode(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}

func TestCreateDefaults(t *testing.T) {
	t.Parallel()
	assert.Equal(t, catalog.ResourceInput{Name: "Ana", Type: "STAFF", Capacity: 1, IsActive: true},
		schedulingapi.FromAPIResourceCreate(decode[schedulingoapi.ResourceCreate](t, `{"name": "Ana", "type": "STAFF", "user_id": null}`)))
	assert.Equal(t, catalog.ServiceInput{Name: "Cut", DurationMinutes: 45, IsActive: true, Requirements: []catalog.Requirement{}},
		schedulingapi.FromAPIServiceCreate(decode[schedulingoapi.ServiceCreate](t, `{"name": "Cut", "duration_minutes": 45}`)))
	assert.Equal(t, customers.Input{Name: "Carla", Status: "ACTIVE"},
		schedulingapi.FromAPICustomerCreate(decode[schedulingoapi.CustomerCreate](t, `{"name": "Carla"}`)))
}

func TestMergePatchTellsNullFromAbsent(t *testing.T) {
	t.Parallel()
	id := uuid.New()
	for body, want := range map[string]catalog.ResourcePatch{
		`{}`:                                 {},
		`{"user_id": null}`:                  {UserID: patch.NewClearable[uuid.UUID](nil)},
		`{"user_id": "` + id.String() + `"}`: {UserID: patch.NewClearable(&id)},
		`{"max_per_day": null, "max_per_week": 3}`: {
			MaxPerDay: patch.NewClearable[int32](nil), MaxPerWeek: patch.NewClearable(new(int32(3))),
		},
		`{"capacity": 2, "is_active": false, "type": "ROOM"}`: {Capacity: new(int32(2)), IsActive: new(false), Type: new("ROOM")},
	} {
		assert.Equal(t, want, schedulingapi.FromAPIResourceUpdate(decode[schedulingoapi.ResourceUpdate](t, body)), body)
	}
	assert.Equal(t, customers.Patch{UserID: patch.NewClearable[uuid.UUID](nil), Tags: &[]string{}},
		schedulingapi.FromAPICustomerUpdate(decode[schedulingoapi.CustomerUpdate](t, `{"user_id": null, "tags": []}`)))
	assert.Equal(t, catalog.TimeOffPatch{ResourceID: patch.NewClearable[uuid.UUID](nil), RRule: patch.NewClearable(new("FREQ=DAILY"))},
		schedulingapi.FromAPITimeOffUpdate(decode[schedulingoapi.TimeOffUpdate](t, `{"resource_id": null, "rrule": "FREQ=DAILY"}`)))
	assert.Nil(t, schedulingapi.FromAPIServiceUpdate(decode[schedulingoapi.ServiceUpdate](t, `{"name": "x"}`)).Requirements)
	assert.Equal(t, &[]catalog.Requirement{},
		schedulingapi.FromAPIServiceUpdate(decode[schedulingoapi.ServiceUpdate](t, `{"requirements": []}`)).Requirements)
}

func TestListsAreNeverNull(t *testing.T) {
	t.Parallel()
	assert.Contains(t, encode(t, schedulingapi.ToAPIService(catalog.Service{})), `"requirements":[]`)
	assert.Contains(t, encode(t, schedulingapi.ToAPIServiceRequirement(catalog.Requirement{})), `"resource_ids":[]`)
	assert.Contains(t, encode(t, schedulingapi.ToAPIAppointment(booking.Appointment{})), `"resource_ids":[],"resources":[]`)
	assert.Contains(t, encode(t, schedulingapi.ToAPICustomer(customers.Customer{Tags: []string{}})), `"tags":[]`)
	assert.Contains(t, encode(t, schedulingapi.ToAPIBusinessHours(catalog.Hours{})), `"overrides":[]`)
	assert.Contains(t, encode(t, schedulingapi.ToAPIBusinessHours(catalog.Hours{})), `"weekly":[]`)
}

// What events carry and what the API answers are the same representation.
func TestEventsLookLikeTheAPI(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	id := uuid.New()
	resource := catalog.Resource{ID: id, Name: "Ana", Type: "STAFF", Capacity: 1, UserID: &id, CreatedAt: at, UpdatedAt: at, Version: 1}
	assert.JSONEq(t, encode(t, resource), encode(t, schedulingapi.ToAPIResource(resource)))
	service := catalog.Service{
		ID: id, Name: "Cut", DurationMinutes: 45, Price: money.Money{Amount: 1, Currency: "USD"},
		Requirements: []catalog.Requirement{{ResourceType: "STAFF", ResourceIDs: []uuid.UUID{id}}}, Version: 2,
	}
	assert.JSONEq(t, encode(t, service), encode(t, schedulingapi.ToAPIService(service)))
	hours := catalog.Hours{
		IsSet: true, Timezone: "UTC", Weekly: []catalog.DayHours{{Day: "MONDAY", Intervals: []catalog.TimeInterval{{Start: "09:00", End: "17:00"}}}},
		Overrides: []catalog.DateHours{{Date: "2026-12-24", Name: "Christmas Eve", Intervals: []catalog.TimeInterval{}}}, Version: 2,
	}
	assert.JSONEq(t, encode(t, hours), encode(t, schedulingapi.ToAPIBusinessHours(hours)))
	hours.ResourceID = &id
	assert.JSONEq(t, encode(t, hours), encode(t, schedulingapi.ToAPIResourceHours(hours)))
	timeOff := catalog.TimeOff{
		ID: id, ResourceID: &id, Title: "Lunch", StartAt: at, EndAt: at, RRule: new("FREQ=DAILY"), Timezone: new("UTC"), Version: 1,
	}
	assert.JSONEq(t, encode(t, timeOff), encode(t, schedulingapi.ToAPITimeOff(timeOff)))
	timeOff.ResourceID, timeOff.RRule, timeOff.Timezone = nil, nil, nil
	assert.JSONEq(t, encode(t, timeOff), encode(t, schedulingapi.ToAPITimeOff(timeOff)))
	customer := customers.Customer{ID: id, Name: "Carla", Notes: new("early"), Tags: []string{"vip"}, Version: 3}
	assert.JSONEq(t, encode(t, customer), encode(t, schedulingapi.ToAPICustomer(customer)))
	customer.Notes = nil
	assert.NotContains(t, encode(t, schedulingapi.ToAPICustomer(customer)), `"notes"`)
	appointment := booking.Appointment{
		ID: id, Status: "CANCELLED", StartAt: at, EndAt: at, ServiceID: id, CustomerID: id, ResourceIDs: []uuid.UUID{id},
		Service: booking.Reference{ID: id, Name: "Cut"}, Customer: booking.Reference{ID: id, Name: "Carla"},
		Resources:   []booking.ResourceReference{{ID: id, Name: "Ana", Type: "STAFF"}},
		CancelledAt: &at, CancellationReason: "ill", BufferAfterMinutes: 5, Version: 4,
	}
	assert.JSONEq(t, encode(t, appointment), encode(t, schedulingapi.ToAPIAppointment(appointment)))
	appointment.CancelledAt = nil
	assert.JSONEq(t, encode(t, appointment), encode(t, schedulingapi.ToAPIAppointment(appointment)))
	assert.Equal(t, 1, strings.Count(encode(t, schedulingapi.ToAPIAppointment(appointment)), `"start_at":`))
}
