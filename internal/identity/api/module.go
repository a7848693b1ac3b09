package api

import (
	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/httpapi"
)

// Module has the operations of openapi/identity.yaml.
func (s *Server) Module() httpapi.Module {
	return httpapi.Module{
		Routes: httpapi.Routes(identityoapi.StrictServerInterface(s), identityoapi.NewStrictHandler, identityoapi.RegisterHandlersWithOptions),
	}
}
