package api

import (
	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	"github.com/smoothschedule/smoothschedule/internal/httpapi"
	"github.com/smoothschedule/smoothschedule/internal/platform/businesses"
)

// ConsoleServices are what the handlers of Console call. All are required.
type ConsoleServices struct {
	Plans         *businesses.Plans
	Offers        *businesses.Offers
	Businesses    *businesses.Businesses
	Subscriptions *businesses.Subscriptions
	Overrides     *businesses.Overrides
	Users         *businesses.Users
	Overview      *businesses.Overview
	// APICalls counts requests for Overview.
	APICalls *businesses.APICalls
}

// Console implements the operations of openapi/admin.yaml: the console of the platform's operator, and
// the plans that businesses see.
type Console struct {
	ConsoleServices
}

var _ adminoapi.StrictServerInterface = (*Console)(nil)

// NewConsole returns the handlers.
func NewConsole(s ConsoleServices) *Console { return &Console{ConsoleServices: s} }

// Module has the operations of openapi/admin.yaml.
func (s *Console) Module() httpapi.Module {
	return httpapi.Module{
		Routes: httpapi.Routes(adminoapi.StrictServerInterface(s), adminoapi.NewStrictHandler, adminoapi.RegisterHandlersWithOptions),
	}
}
