package walk

import (
	"testing"

	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// schedulingFixtures are those of openapi/scheduling.yaml.
var schedulingFixtures = map[string]fixture{
	"getMeta": {want: 200},

	"listBookingServices": {want: 200, lists: "service"},
	"getBookingAvailability": {query: func(o objects) string {
		return "service_id=" + o["service"] + "&from=2027-03-01&to=2027-03-02"
	}, want: 200, everyones: "instants, of a service that others cannot name"},
	"createBookingHold": {body: func(o objects) any {
		return m{"service_id": o["service"], "start_at": "2027-03-08T20:00:00Z"}
	}, want: 201},
	"deleteBookingHold": {id: "booking_hold", want: 204},
	"createBookingAppointment": {body: func(o objects) any {
		return m{
			"service_id": o["service"], "start_at": "2027-03-09T20:00:00Z", "customer": m{"name": "Paula Public", "email": "paula@example.com"},
		}
	}, want: 201},
	"getBookingAppointment":        {id: "booking", want: 200},
	"rescheduleBookingAppointment": {id: "booking", body: static(m{"start_at": "2027-03-10T20:00:00Z"}), want: 200},
	"cancelBookingAppointment":     {id: "booking", body: static(m{"reason": "ill"}), want: 200},

	"listResources":  {want: 200, lists: "resource"},
	"createResource": {body: static(m{"name": "Room 2", "type": "ROOM"}), want: 201},
	"getResource":    {id: "resource", want: 200},
	"updateResource": {id: "resource", body: static(m{"description": "with a view"}), want: 200},
	"deleteResource": {id: "spare_resource", want: 204},

	"listServices":  {want: 200, lists: "service"},
	"createService": {body: static(m{"name": "Beard trim", "duration_minutes": 20, "price": m{"amount": 1500, "currency": "USD"}}), want: 201},
	"getService":    {id: "service", want: 200},
	"updateService": {id: "service", body: static(m{"buffer_after_minutes": 10}), want: 200},
	"deleteService": {id: "spare_service", want: 204},

	"getBusinessHours":     {want: 200},
	"replaceBusinessHours": {body: static(hours), want: 200},
	"deleteBusinessHours":  {want: 204},
	"getResourceHours":     {id: "resource", want: 200},
	"replaceResourceHours": {id: "resource", body: static(hours), want: 200},
	"deleteResourceHours":  {id: "resource", want: 204},

	"listTimeOff": {want: 200, lists: "time_off"},
	"createTimeOff": {body: func(o objects) any {
		return m{
			"resource_id": o["resource"], "title": "Lunch", "start_at": "2027-03-01T12:00:00Z", "end_at": "2027-03-01T13:00:00Z",
			"rrule": "FREQ=DAILY;COUNT=5",
		}
	}, want: 201},
	"getTimeOff":    {id: "time_off", want: 200},
	"updateTimeOff": {id: "time_off", body: static(m{"title": "Holidays"}), want: 200},
	"deleteTimeOff": {id: "time_off", want: 204},

	"listCustomers":  {want: 200, lists: "customer"},
	"createCustomer": {body: static(m{"name": "Nina New", "email": "nina@example.com", "phone": "+1 555 0100"}), want: 201},
	"getCustomer":    {id: "customer", want: 200},
	"updateCustomer": {id: "customer", body: static(m{"tags": []string{"vip"}}), want: 200},
	"deleteCustomer": {id: "spare_customer", want: 204},

	"getAvailability": {query: func(o objects) string {
		return "service_id=" + o["service"] + "&from=2027-03-01&to=2027-03-02"
	}, want: 200, lists: "resource"},
	"listResourceAvailability": {query: func(o objects) string {
		return "service_id=" + o["service"] + "&from=2027-03-01&to=2027-03-02&resource_ids=" + o["resource"]
	}, want: 200, lists: "resource"},

	"listWaitlist": {want: 200, lists: "waitlist"},
	"joinWaitlist": {body: func(o objects) any {
		return m{"service_id": o["service"], "customer_id": o["customer"], "from": "2027-03-01T09:00:00Z", "to": "2027-03-02T09:00:00Z"}
	}, want: 201},
	"getWaitlistEntry": {id: "waitlist", want: 200},
	"leaveWaitlist":    {id: "waitlist", want: 204},

	"listHolds": {want: 200, lists: "hold"},
	"createHold": {body: func(o objects) any {
		return m{"service_id": o["service"], "start_at": "2027-03-03T09:00:00Z", "resource_ids": []string{o["resource"]}, "ttl_seconds": 60}
	}, want: 201},
	"getHold":    {id: "hold", want: 200},
	"deleteHold": {id: "hold", want: 204},

	"listAppointments": {want: 200, lists: "appointment"},
	"createAppointment": {body: func(o objects) any {
		return m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-03-01T09:00:00Z", "resource_ids": []string{o["resource"]}}
	}, want: 201},
	"getAppointment":        {id: "appointment", want: 200},
	"updateAppointment":     {id: "appointment", body: static(m{"notes": "window seat"}), want: 200},
	"deleteAppointment":     {id: "appointment", want: 204},
	"rescheduleAppointment": {id: "appointment", body: static(m{"start_at": "2027-03-02T09:00:00Z"}), want: 200},
	"cancelAppointment":     {id: "appointment", body: static(m{"reason": "ill"}), want: 200},
	"confirmAppointment":    {id: "appointment", body: static(m{"force": false}), want: 200},
	"declineAppointment": {id: "appointment", body: static(m{"reason": "full"}), want: 200, before: func(t *testing.T, c *apitest.Client, o objects) {
		t.Helper()
		service := c.Post(t, "/api/v1/services", m{"name": "Consultation", "duration_minutes": 30, "requires_approval": true}).Require(t, 201).ID(t)
		o["appointment"] = c.Post(t, "/api/v1/appointments", m{
			"service_id": service, "customer_id": o["customer"], "start_at": "2027-02-01T11:00:00Z",
		}).Require(t, 201).ID(t)
	}},
	"getAppointmentCancellation": {id: "appointment", want: 200},
	"completeAppointment":        {id: "appointment", want: 200},
	"markAppointmentNoShow":      {id: "appointment", want: 200},
	"listAppointmentChanges":     {id: "appointment", want: 200, lists: "change"},

	"listSeries": {want: 200, lists: "series"},
	"createSeries": {body: func(o objects) any {
		return m{
			"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-03-01T14:00:00Z",
			"rrule": "FREQ=WEEKLY;COUNT=3", "resource_ids": []string{o["resource"]},
		}
	}, want: 201},
	"getSeries":        {id: "series", want: 200},
	"rescheduleSeries": {id: "series", body: static(m{"scope": "all", "start_time": "16:00"}), want: 200},
	"cancelSeries":     {id: "series", body: static(m{"scope": "all", "reason": "moves away"}), want: 200},
}

// hours leave the time open at which the fixtures book.
var hours = m{
	"weekly": []m{
		{"day": "MONDAY", "intervals": []m{{"start": "00:00", "end": "24:00"}}},
		{"day": "TUESDAY", "intervals": []m{{"start": "04:00", "end": "12:00"}, {"start": "22:00", "end": "06:00"}}},
	},
	"overrides": []m{{"date": "2026-12-24", "name": "Christmas Eve", "intervals": []m{}}},
}

// populateScheduling adds the nouns of scheduling that need no others.
func populateScheduling(tb testing.TB, c *apitest.Client, o objects) {
	tb.Helper()
	o.create(tb, c, "resource", "/api/v1/resources", m{"name": "Chair", "type": "STAFF"})
	o.create(tb, c, "spare_resource", "/api/v1/resources", m{"name": "Spare", "type": "ROOM"})
	o.create(tb, c, "service", "/api/v1/services", m{
		"name": "Haircut", "duration_minutes": 30, "price": m{"amount": 3000, "currency": "USD"},
		"requirements": []m{{"resource_type": "STAFF", "resource_ids": []string{}}},
	})
	o.create(tb, c, "spare_service", "/api/v1/services", m{"name": "Spare", "duration_minutes": 30})
	o.create(tb, c, "customer", "/api/v1/customers", m{"name": "Carla", "email": "carla@example.com"})
	o.create(tb, c, "spare_customer", "/api/v1/customers", m{"name": "Spare"})
	o.create(tb, c, "appointment", "/api/v1/appointments", m{
		"service_id": o["service"], "customer_id": o["customer"],
		"start_at": "2027-02-01T09:00:00Z", "resource_ids": []string{o["resource"]},
	})
	o.create(tb, c, "waitlist", "/api/v1/waitlist", m{
		"service_id": o["service"], "customer_id": o["customer"], "from": "2027-02-04T09:00:00Z", "to": "2027-02-05T09:00:00Z",
	})
	o.create(tb, c, "hold", "/api/v1/holds", m{"service_id": o["service"], "start_at": "2027-02-03T09:00:00Z", "ttl_seconds": 3600})
	o.create(tb, c, "time_off", "/api/v1/time-off", m{
		"resource_id": o["resource"], "start_at": "2027-02-02T09:00:00Z", "end_at": "2027-02-02T10:00:00Z",
	})
}

// populateBookings adds what brings other objects along, such as a series with its appointments.
func populateBookings(tb testing.TB, c *apitest.Client, o objects) {
	tb.Helper()
	o["series"] = c.Post(tb, "/api/v1/series", m{
		"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-04-01T09:00:00Z", "rrule": "FREQ=DAILY;COUNT=2",
		"resource_ids": []string{o["resource"]},
	}).Require(tb, 201).ID(tb)
	o["booking_hold"] = c.Post(tb, "/api/v1/booking/holds", m{"service_id": o["service"], "start_at": "2027-05-03T20:00:00Z"}).Require(tb, 201).ID(tb)
	var booking struct{ Token string }
	c.Post(tb, "/api/v1/booking/appointments", m{
		"service_id": o["service"], "start_at": "2027-05-04T20:00:00Z", "customer": m{"name": "Petra Public", "email": "petra@example.com"},
	}).Require(tb, 201).Decode(tb, &booking)
	o["booking"] = booking.Token
}
