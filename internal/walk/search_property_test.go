package walk

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// randomBusiness is one with whatever can be in the way: hours, holidays, time off,
// buffers, limits, capacities, appointments, holds and series around the days in question.
type randomBusiness struct {
	*apitest.Client
	random            *rand.Rand
	service, customer string
	resources         []string
	first             time.Time
}

func newRandomBusiness(t *testing.T, c *apitest.Client, seed uint64, first time.Time) *randomBusiness {
	t.Helper()
	b := &randomBusiness{Client: c, random: rand.New(rand.NewPCG(seed, 7)), first: first}
	b.customer = c.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201).ID(t)
	types := []string{"STAFF", "ROOM"}
	for i := range 2 + b.random.IntN(3) {
		body := m{"name": fmt.Sprint("R", i), "type": types[i%2], "capacity": 1 + b.random.IntN(2), "weight": b.random.IntN(3)}
		if b.random.IntN(3) == 0 {
			body["max_per_day"] = 2 + b.random.IntN(4)
		}
		b.resources = append(b.resources, c.Post(t, "/api/v1/resources", body).Require(t, 201).ID(t))
	}
	service := m{
		"name": "S", "duration_minutes": 20 + 5*b.random.IntN(20), "buffer_before_minutes": 5 * b.random.IntN(3),
		"buffer_after_minutes": 5 * b.random.IntN(4), "slot_step_minutes": 15 + 15*b.random.IntN(3), "max_per_day": 4 + b.random.IntN(6),
	}
	if b.random.IntN(2) == 0 {
		service["requirements"] = []m{{"resource_type": "STAFF"}, {"resource_type": "ROOM"}}
	}
	b.service = c.Post(t, "/api/v1/services", service).Require(t, 201).ID(t)
	b.openHours(t)
	for range 12 {
		b.occupy(t)
	}
	return b
}

// openHours makes weekly hours that may be split, or go over midnight, and a holiday.
func (b *randomBusiness) openHours(t *testing.T) {
	t.Helper()
	var weekly []m
	for _, day := range []string{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"} {
		open := 6 + b.random.IntN(4)
		intervals := []m{{"start": fmt.Sprintf("%02d:30", open), "end": fmt.Sprintf("%02d:00", open+4)}}
		if b.random.IntN(2) == 0 {
			intervals = append(intervals, m{"start": fmt.Sprintf("%02d:00", open+5), "end": fmt.Sprintf("%02d:15", open+8)})
		}
		if b.random.IntN(4) == 0 {
			intervals = []m{{"start": "20:00", "end": "03:30"}}
		}
		weekly = append(weekly, m{"day": day, "intervals": intervals})
	}
	holiday := b.first.AddDate(0, 0, b.random.IntN(9)).Format(time.DateOnly)
	b.Do(t, http.MethodPut, "/api/v1/business/hours", m{
		"weekly": weekly, "overrides": []m{{"date": holiday, "intervals": []m{}}},
	}).Require(t, 200)
}

// occupy puts something somewhere; where there is something already, nothing comes of it.
func (b *randomBusiness) occupy(t *testing.T) {
	t.Helper()
	at := b.first.Add(time.Duration(b.random.IntN(4*24*12)) * 5 * time.Minute)
	start, end := at.Format(time.RFC3339), at.Add(time.Duration(1+b.random.IntN(10))*15*time.Minute).Format(time.RFC3339)
	wish := m{"service_id": b.service, "start_at": start}
	switch b.random.IntN(5) {
	case 0:
		b.Post(t, "/api/v1/holds", wish)
	case 1:
		wish["customer_id"], wish["rrule"], wish["on_conflict"] = b.customer, "FREQ=DAILY;COUNT=3", "substitute"
		b.Post(t, "/api/v1/series", wish)
	case 2:
		b.Post(t, "/api/v1/time-off", m{
			"resource_id": b.resources[b.random.IntN(len(b.resources))], "start_at": start, "end_at": end, "rrule": "FREQ=DAILY;COUNT=4",
		}).Require(t, 201)
	default:
		wish["customer_id"] = b.customer
		b.Post(t, "/api/v1/appointments", wish)
	}
}

// Search and booking agree, both ways, through the front door: what is offered can be
// held, booked, and be a series of one, and what is not offered none of them. One of the
// days is that on which the clocks of New York change.
func TestSearchIsBooking(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := apitest.New(t)
			first := time.Date(2027, time.March, 13, 5, 0, 0, 0, time.UTC)
			b := newRandomBusiness(t, s.Tenant(t, "a").Client(t, tenancy.RoleOwner), seed, first)
			var found slots
			b.Get(t, "/api/v1/availability?explain=true&from=2027-03-13&to=2027-03-15&service_id="+b.service).Require(t, 200).Decode(t, &found)
			require.NotEmpty(t, found.Refused)
			for _, slot := range found.Data {
				b.try(t, slot.StartAt, strings.Join(slot.ResourceIDs, " "))
			}
			for _, slot := range found.Refused {
				b.try(t, slot.StartAt, "")
			}
		})
	}
}

// try books a start in every way there is, with the resources that were offered, and undoes
// it; or with any, and must be refused, if none were.
func (b *randomBusiness) try(t *testing.T, start, offered string) {
	t.Helper()
	wish := m{"service_id": b.service, "start_at": start, "resource_ids": strings.Fields(offered)}
	for _, noun := range []string{"holds", "appointments"} {
		response := b.Post(t, "/api/v1/"+noun, wish)
		if offered == "" {
			require.Contains(t, []int{409, 422}, response.Status, "%s at %s: %s", noun, start, response.Body)
		} else {
			require.Equal(t, 201, response.Status, "%s at %s: %s", noun, start, response.Body)
			require.ElementsMatch(t, strings.Fields(offered), response.Object(t)["resource_ids"], noun)
			b.Do(t, http.MethodDelete, "/api/v1/"+noun+"/"+response.ID(t), nil).Require(t, 204)
		}
		wish["customer_id"] = b.customer
	}
	wish["rrule"], wish["dry_run"] = "FREQ=DAILY;COUNT=1", true
	occurrence := b.Post(t, "/api/v1/series", wish).Require(t, 200).Object(t)["occurrences"].([]any)[0].(m)
	require.Equal(t, map[bool]any{true: "available", false: "conflict"}[offered != ""], occurrence["verdict"], start)
}
