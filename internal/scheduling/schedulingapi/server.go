// Package schedulingapi owns the handlers of the contract's scheduling module: they
// convert a request, call one function of a service, and convert what it returns.
//
// It calls internal/scheduling and nothing else. Invariants: no rules and no SQL here;
// errors are returned as they are, because httpapi is where they become answers; lists
// are never null. A compile error after regenerating the contract means that an
// operation was added or changed: its handler belongs into the file of its noun.
package schedulingapi

import (
	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/scheduling"
)

// Server answers the operations of openapi/scheduling.yaml.
type Server struct {
	resources    *scheduling.Resources
	services     *scheduling.Services
	schedules    *scheduling.Schedules
	timeOffs     *scheduling.TimeOffs
	customers    *scheduling.Customers
	appointments *scheduling.Appointments
	series       *scheduling.SeriesBookings
	waitlist     *scheduling.Waitlist
	facts        Facts

	publicBooking *scheduling.PublicBooking
}

var _ schedulingoapi.StrictServerInterface = (*Server)(nil)

// New serves the services.
func New(
	resources *scheduling.Resources, services *scheduling.Services, schedules *scheduling.Schedules, timeOffs *scheduling.TimeOffs,
	customers *scheduling.Customers, appointments *scheduling.Appointments, series *scheduling.SeriesBookings,
	waitlist *scheduling.Waitlist, publicBooking *scheduling.PublicBooking, facts Facts,
) *Server {
	return &Server{
		resources: resources, services: services, schedules: schedules, timeOffs: timeOffs, customers: customers,
		appointments: appointments, series: series, waitlist: waitlist, facts: facts, publicBooking: publicBooking,
	}
}
