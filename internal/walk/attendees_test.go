package walk

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// attendee is that of an answer.
func attendee(t *testing.T, answer *apitest.Response) any {
	t.Helper()
	return answer.Object(t)["attendee"]
}

// data are the objects of a page.
func data(t *testing.T, answer *apitest.Response) []m {
	t.Helper()
	var page struct{ Data []m }
	answer.Require(t, 200).Decode(t, &page)
	return page.Data
}

// Two people may share the address by which the business knows a customer. Each appointment says
// who comes; the customer stays as they are.
func TestAppointmentsKeepWhoComes(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, anyone := tenant.Client(t, tenancy.RoleOwner), tenant.Anonymous()
	o := populate(t, owner)
	book := func(start, name, phone string) string {
		held := anyone.Post(t, publicly+"holds", m{"service_id": o["service"], "start_at": start}).Require(t, 201).Object(t)
		_, token := bookPublicly(t, anyone, m{"hold_id": held["id"], "customer": m{"name": name, "email": "house@example.com", "phone": phone}})
		return token
	}
	_, first := bookPublicly(t, anyone, m{
		"service_id": o["service"], "start_at": "2027-05-03T14:00:00Z", "customer": m{"name": "Nina", "email": "house@example.com"},
	})
	second := book("2027-05-04T14:00:00Z", "Otto", "+1 555 0177")
	nina, otto := m{"name": "Nina", "email": "house@example.com"}, m{"name": "Otto", "email": "house@example.com", "phone": "+1 555 0177"}
	require.Equal(t, nina, attendee(t, anyone.Get(t, publicly+"appointments/"+first)))
	moved := anyone.Post(t, publicly+"appointments/"+second+"/reschedule", m{"start_at": "2027-05-05T14:00:00Z"}).Require(t, 200)
	require.Equal(t, otto, attendee(t, moved))

	// Those who work there see both, in all forms of the list.
	staff := tenant.Client(t, tenancy.RoleManager)
	list := data(t, staff.Get(t, "/api/v1/appointments?from=2027-05-01T00:00:00Z"))
	require.Len(t, list, 2)
	require.Equal(t, []any{nina, otto}, []any{list[0]["attendee"], list[1]["attendee"]})
	require.Equal(t, m{"id": list[0]["customer_id"], "name": "Nina"}, list[1]["customer"], "the customer is who came first")
	one := "/api/v1/appointments/" + list[1]["id"].(string)
	require.Equal(t, otto, attendee(t, staff.Get(t, one)))
	filtered := data(t, staff.Get(t, "/api/v1/appointments?from=2027-05-01T00:00:00Z&customer_id="+list[0]["customer_id"].(string)))
	require.Equal(t, otto, filtered[1]["attendee"])
	noted := staff.Do(t, http.MethodPatch, one, m{"notes": "by the window"}).Require(t, 200)
	require.Equal(t, otto, attendee(t, noted))

	// How they are reached is for whoever may read customers.
	require.Equal(t, otto, attendee(t, owner.APIToken(t, false, "appointments:read", "customers:read").Get(t, one)))
	require.Equal(t, m{"name": "Otto"}, attendee(t, owner.APIToken(t, false, "appointments:read").Get(t, one)))
	events := owner.APIToken(t, false, "events:read", "appointments:read").Get(t, "/api/v1/events?types=appointment.*&limit=100").Require(t, 200)
	require.Contains(t, string(events.Body), `"attendee":{"name":"Otto"}`)
	require.NotContains(t, string(events.Body), "555 0177")
	require.NotContains(t, string(events.Body), "house@example.com")

	// Those who work there may say who comes as well.
	created := staff.Post(t, "/api/v1/appointments", m{
		"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-05-06T14:00:00Z", "attendee": m{"name": "Pia", "phone": "7"},
	}).Require(t, 201)
	require.Equal(t, m{"name": "Pia", "phone": "7"}, attendee(t, created))
	require.Equal(t, m{"name": "Pia", "phone": "7"}, attendee(t, staff.Get(t, "/api/v1/appointments/"+created.ID(t))))
}
