package walk

import (
	"maps"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// mover is a business with two stylists, of whom either may do, and a customer of it.
type mover struct {
	owner, public, customer *apitest.Client
	staff                   *apitest.Client // who is Mia
	mia, noa                string
	service, person         string
}

func newMover(t *testing.T, s *apitest.Server, host string) *mover {
	t.Helper()
	tenant := s.Tenant(t, host)
	login, stylist := tenant.User(t, tenancy.RoleCustomer, false), tenant.User(t, tenancy.RoleStaff, false)
	v := &mover{
		owner: tenant.Client(t, tenancy.RoleOwner), public: tenant.Anonymous(),
		customer: s.Login(t, tenant.Host, login.Email), staff: s.Login(t, tenant.Host, stylist.Email),
	}
	resource := func(name string, userID *uuid.UUID, weight int) string {
		body := m{"name": name, "type": "STAFF", "weight": weight}
		if userID != nil {
			body["user_id"] = userID
		}
		return v.owner.Post(t, "/api/v1/resources", body).Require(t, 201).ID(t)
	}
	v.mia, v.noa = resource("Mia", &stylist.ID, 2), resource("Noa", nil, 1)
	v.service = v.owner.Post(t, "/api/v1/services", m{
		"name": "Beard", "duration_minutes": 40, "slot_step_minutes": 40, "requirements": []m{{"resource_type": "STAFF"}},
	}).Require(t, 201).ID(t)
	v.person = v.owner.Post(t, "/api/v1/customers", m{"name": "Cora", "user_id": login.ID}).Require(t, 201).ID(t)
	v.owner.Do(t, http.MethodPatch, "/api/v1/business", m{
		"cancellation_window_hours": 0, "resources_can_reschedule": true, "max_holds_per_customer": 10,
	}).Require(t, 200)
	return v
}

// away takes Mia away on the day in question.
func (v *mover) away(t *testing.T) {
	t.Helper()
	v.owner.Post(t, "/api/v1/time-off", m{
		"resource_id": v.mia, "start_at": "2027-05-04T00:00:00Z", "end_at": "2027-05-06T00:00:00Z",
	}).Require(t, 201)
}

// Beard starts at multiples of 40 minutes in New York: 14:00Z is 10:00 there, which is one.
const (
	moveFrom, moveTo = "2027-05-03T14:00:00Z", "2027-05-04T14:00:00Z"
	offGrid          = "2027-05-04T14:20:00Z"
)

func (v *mover) book(t *testing.T, c *apitest.Client, start string) *apitest.Response {
	t.Helper()
	return c.Post(t, "/api/v1/appointments", m{"service_id": v.service, "customer_id": v.person, "start_at": start})
}

func TestReschedule(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	movedTo := func(t *testing.T, response *apitest.Response, resource string) {
		t.Helper()
		moved := response.Require(t, 200).Object(t)
		require.Equal(t, []any{resource}, moved["resource_ids"])
	}
	t.Run("takes another resource when the present one is away", func(t *testing.T) {
		t.Parallel()
		v := newMover(t, s, "away")
		id := v.book(t, v.owner, moveFrom).Require(t, 201).ID(t)
		v.away(t)
		movedTo(t, v.owner.Post(t, "/api/v1/appointments/"+id+"/reschedule", m{"start_at": moveTo}), v.noa)
		movedTo(t, v.customer.Post(t, "/api/v1/appointments/"+id+"/reschedule", m{"start_at": "2027-05-04T14:40:00Z"}), v.noa)
	})
	t.Run("moves a link to what is offered when a resource is inactive", func(t *testing.T) {
		t.Parallel()
		v := newMover(t, s, "inactive")
		_, token := bookPublicly(t, v.public, m{"service_id": v.service, "start_at": moveFrom, "customer": somebody("a@b.example")})
		v.owner.Do(t, http.MethodPatch, "/api/v1/resources/"+v.mia, m{"is_active": false}).Require(t, 200)
		link := publicly + "appointments/" + token
		moved := v.public.Post(t, link+"/reschedule", m{"start_at": moveTo}).Require(t, 200).Object(t)
		require.Equal(t, []any{m{"name": "Noa", "type": "STAFF"}}, moved["resources"])
		require.Equal(t, true, moved["terms"].(m)["can_reschedule"])
		v.owner.Do(t, http.MethodPatch, "/api/v1/resources/"+v.noa, m{"is_active": false}).Require(t, 200)
		require.Equal(t, false, v.public.Get(t, link).Require(t, 200).Object(t)["terms"].(m)["can_reschedule"])
		v.public.Post(t, link+"/reschedule", m{"start_at": moveFrom}).RequireProblem(t, 422, "validation_failed")
	})
	t.Run("offers staff alternatives that staff get", func(t *testing.T) {
		t.Parallel()
		v := newMover(t, s, "staff")
		id := v.book(t, v.owner, moveFrom).Require(t, 201).ID(t)
		v.book(t, v.owner, moveTo).Require(t, 201) // Mia too
		problem := v.staff.Post(t, "/api/v1/appointments/"+id+"/reschedule", m{"start_at": moveTo}).RequireProblem(t, 409, "slot_taken")
		require.Len(t, problem["alternatives"], 3)
		for _, a := range problem["alternatives"].([]any) {
			require.Equal(t, []any{v.mia}, a.(m)["resource_ids"])
			movedTo(t, v.staff.Post(t, "/api/v1/appointments/"+id+"/reschedule", m{"start_at": a.(m)["start_at"]}), v.mia)
		}
		wish := m{"service_id": v.service, "customer_id": v.person, "start_at": moveTo}
		for _, a := range v.staff.Post(t, "/api/v1/holds", wish).RequireProblem(t, 409, "slot_taken")["alternatives"].([]any) {
			v.staff.Post(t, "/api/v1/holds", m{"service_id": v.service, "start_at": a.(m)["start_at"]}).Require(t, 201)
		}
	})
	t.Run("moves a series to others", func(t *testing.T) {
		t.Parallel()
		v := newMover(t, s, "series")
		id := v.owner.Post(t, "/api/v1/series", m{
			"service_id": v.service, "customer_id": v.person, "start_at": moveFrom, "rrule": "FREQ=DAILY;COUNT=3",
		}).Require(t, 201).ID(t)
		v.away(t)
		moved := v.owner.Post(t, "/api/v1/series/"+id+"/reschedule", m{"scope": "all", "start_time": "12:00"}).Require(t, 200).Object(t)
		var taken []any
		for _, o := range moved["occurrences"].([]any) {
			require.Equal(t, "available", o.(m)["verdict"])
			taken = append(taken, o.(m)["resource_ids"].([]any)...)
		}
		require.Equal(t, []any{v.mia, v.noa, v.noa}, taken)
	})
}

// Whoever is not of the business gets only what a search can offer, and hears what it is.
func TestOffGrid(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	v := newMover(t, s, "grid")
	_, token := bookPublicly(t, v.public, m{"service_id": v.service, "start_at": moveFrom, "customer": somebody("a@b.example")})
	own := v.book(t, v.customer, moveFrom).Require(t, 201).ID(t)
	wish := m{"service_id": v.service, "start_at": offGrid}
	with := func(more m) m {
		maps.Copy(more, wish)
		return more
	}
	for name, answer := range map[string]*apitest.Response{
		"public hold":                v.public.Post(t, publicly+"holds", wish),
		"public booking":             v.public.Post(t, publicly+"appointments", with(m{"customer": somebody("c@b.example")})),
		"move by link":               v.public.Post(t, publicly+"appointments/"+token+"/reschedule", m{"start_at": offGrid}),
		"signed in at public":        v.owner.Post(t, publicly+"holds", wish),
		"hold of a customer":         v.customer.Post(t, "/api/v1/holds", wish),
		"booking of a customer":      v.book(t, v.customer, offGrid),
		"move of a customer":         v.customer.Post(t, "/api/v1/appointments/"+own+"/reschedule", m{"start_at": offGrid}),
		"when clocks show it second": v.public.Post(t, publicly+"holds", m{"service_id": v.service, "start_at": "2027-11-07T06:21:00Z"}),
	} {
		problem := answer.RequireProblem(t, 409, "off_grid")
		require.Len(t, problem["alternatives"], 3, name)
	}
	// The clock shows 01:20, a multiple of 40 minutes, twice on that night.
	for _, start := range []string{"2027-11-07T05:20:00Z", "2027-11-07T06:20:00Z"} {
		v.public.Post(t, publicly+"holds", m{"service_id": v.service, "start_at": start}).Require(t, 201)
	}
	v.book(t, v.owner, offGrid).Require(t, 201)
	v.owner.Post(t, "/api/v1/appointments/"+own+"/reschedule", m{"start_at": "2027-05-05T14:20:00Z"}).Require(t, 200)
	v.owner.Post(t, "/api/v1/holds", m{"service_id": v.service, "start_at": "2027-05-05T16:20:00Z"}).Require(t, 201)
}
