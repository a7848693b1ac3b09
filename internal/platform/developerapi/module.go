package developerapi

import (
	developeroapi "github.com/smoothschedule/smoothschedule/gen/api/developer"
	"github.com/smoothschedule/smoothschedule/internal/httpapi"
)

// Module has the operations of openapi/developer.yaml.
func (s *Server) Module() httpapi.Module {
	return httpapi.Module{
		Name:   "developer",
		Routes: httpapi.Routes(developeroapi.StrictServerInterface(s), developeroapi.NewStrictHandler, developeroapi.RegisterHandlersWithOptions),
	}
}
