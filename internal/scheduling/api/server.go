// Package api owns the handlers of the contract's scheduling module: they
// convert a request, call one function of a service, and convert what it returns.
//
// It calls internal/scheduling and nothing else. Invariants: no rules and no SQL here;
// errors are returned as they are, because httpapi is where they become answers; lists
// are never null. A compile error after regenerating the contract means that an
// operation was added or changed: its handler belongs into the file of its noun.
package api

import (
	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
)

// Dependencies are the services behind the operations. All are required.
type Dependencies struct {
	Resources     *scheduling.Resources
	Services      *scheduling.Services
	Schedules     *scheduling.Schedules
	TimeOffs      *scheduling.TimeOffs
	Customers     *scheduling.Customers
	Appointments  *scheduling.Appointments
	Series        *scheduling.SeriesBookings
	Waitlist      *scheduling.Waitlist
	PublicBooking *scheduling.PublicBooking
	Facts         Facts
}

// Server answers the operations of openapi/scheduling.yaml.
type Server struct {
	resources     *scheduling.Resources
	services      *scheduling.Services
	schedules     *scheduling.Schedules
	timeOffs      *scheduling.TimeOffs
	customers     *scheduling.Customers
	appointments  *scheduling.Appointments
	series        *scheduling.SeriesBookings
	waitlist      *scheduling.Waitlist
	publicBooking *scheduling.PublicBooking
	facts         Facts
}

var _ schedulingoapi.StrictServerInterface = (*Server)(nil)

// New returns the server of the services.
func New(d Dependencies) *Server {
	return &Server{
		resources: d.Resources, services: d.Services, schedules: d.Schedules, timeOffs: d.TimeOffs, customers: d.Customers,
		appointments: d.Appointments, series: d.Series, waitlist: d.Waitlist, publicBooking: d.PublicBooking, facts: d.Facts,
	}
}
