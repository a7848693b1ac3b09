package booking

import (
	"context"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// engine books, moves and searches for all services of the package. A booking is
//
//	plan    read what decides, and lock where limits demand it   plan.go, series_plan.go
//	decide  ask the rule book                                    decide.go
//	expire  take the lanes of expired holds                      expire_holds.go
//	claim   write the appointment and its lanes                  claim.go
//
// in one transaction, which retry.go runs again if another booking took a lane in between. search.go
// and alternatives.go decide in the same way, without locks.
type engine struct {
	store    *store.Store
	catalogs *catalog.Cache
	// onHoldsEnded is told, in the transaction, which holds have been booked, released or have expired.
	onHoldsEnded func(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, end holdsEnd) error
}

// holdsEnd says what became of holds.
type holdsEnd struct {
	ids []uuid.UUID
	// appointmentID is what the hold has become; nil if it was released or has expired.
	appointmentID *uuid.UUID
}

// queries have no state.
var queries = schedulingdb.New()

// database runs queries, also several in one round trip: a store.Tx or a store.Reader.
type database interface {
	schedulingdb.DBTX
	catalog.DB
}

// Dependencies are what the services of the package need. All are required.
type Dependencies struct {
	Store     *store.Store
	Catalogs  *catalog.Cache
	Services  *catalog.Services
	Customers *customers.Customers
	Notifier  Notifier
}

// Services are the services of the package, which share one engine.
type Services struct {
	Appointments  *Appointments
	Holds         *Holds
	Series        *SeriesBookings
	Waitlist      *Waitlist
	Search        *Search
	PublicBooking *PublicBooking
	TimeZones     *TimeZones
}

// New returns the services.
func New(d Dependencies) *Services {
	e := &engine{store: d.Store, catalogs: d.Catalogs}
	waitlist := &Waitlist{engine: e, notifier: d.Notifier}
	e.onHoldsEnded = waitlist.endOffers
	search, holds := &Search{engine: e}, &Holds{engine: e}
	return &Services{
		Appointments: &Appointments{engine: e}, Holds: holds, Series: &SeriesBookings{engine: e}, Waitlist: waitlist,
		Search: search, TimeZones: &TimeZones{engine: e},
		PublicBooking: &PublicBooking{engine: e, search: search, holds: holds, services: d.Services, customers: d.Customers},
	}
}
