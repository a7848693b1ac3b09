// Package adminapi owns the HTTP side of the platform's administration: it turns
// requests of the contract (gen/api/admin) into calls of the services in
// internal/platform/admin, and their results into answers.
//
// Invariants: no rules and no SQL here; every handler converts, calls once, and
// converts back. The gates and the validation of the contract have run before.
//
// A compile error after regenerating the contract means that an operation was added or
// changed: the handler belongs in the file of its noun.
package adminapi

import (
	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
)

// Dependencies are what the handlers call. All are required.
type Dependencies struct {
	Plans         *businesses.Plans
	Offers        *businesses.Offers
	Businesses    *businesses.Businesses
	Subscriptions *businesses.Subscriptions
	Overrides     *businesses.Overrides
	Users         *businesses.Users
	Overview      *businesses.Overview
	// APICalls are what the numbers of Overview include.
	APICalls *businesses.APICalls
}

// Server implements the operations of the admin module.
type Server struct {
	Dependencies
}

var _ adminoapi.StrictServerInterface = (*Server)(nil)

// New returns the handlers.
func New(d Dependencies) *Server { return &Server{Dependencies: d} }
