package api

import (
	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/httpapi"
)

// Module has the operations of openapi/scheduling.yaml.
func (s *Server) Module() httpapi.Module {
	return httpapi.Module{
		Optimistic: true,
		Routes:     httpapi.Routes(schedulingoapi.StrictServerInterface(s), schedulingoapi.NewStrictHandler, schedulingoapi.RegisterHandlersWithOptions),
	}
}
