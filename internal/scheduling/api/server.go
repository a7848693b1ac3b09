// Package api owns the handlers of the contract's scheduling module: they
// convert a request, call one function of a service, and convert what it returns.
//
// It calls the services of scheduling and nothing else. Invariants: no rules and no SQL here;
// errors are returned as they are, because httpapi is where they become answers; lists
// are never null. A compile error after regenerating the contract means that an
// operation was added or changed: its handler belongs into the file of its noun.
package api

import (
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
)

// Dependencies are the services behind the operations. All are required.
type Dependencies struct {
	Resources *catalog.Resources
	Services  *catalog.Services
	Schedules *catalog.Schedules
	TimeOffs  *catalog.TimeOffs
	Customers *customers.Customers
	Booking   *booking.Services
	Facts     Facts
}

// Server answers the operations of openapi/scheduling.yaml.
type Server struct {
	resources     *catalog.Resources
	services      *catalog.Services
	schedules     *catalog.Schedules
	timeOffs      *catalog.TimeOffs
	customers     *customers.Customers
	appointments  *booking.Appointments
	holds         *booking.Holds
	series        *booking.SeriesBookings
	waitlist      *booking.Waitlist
	search        *booking.Search
	publicBooking *booking.PublicBooking
	facts         Facts
}

var _ schedulingoapi.StrictServerInterface = (*Server)(nil)

// New returns the server of the services.
func New(d Dependencies) *Server {
	return &Server{
		resources: d.Resources, services: d.Services, schedules: d.Schedules, timeOffs: d.TimeOffs, customers: d.Customers,
		appointments: d.Booking.Appointments, holds: d.Booking.Holds, series: d.Booking.Series, waitlist: d.Booking.Waitlist,
		search: d.Booking.Search, publicBooking: d.Booking.PublicBooking, facts: d.Facts,
	}
}
