package adminapi

import (
	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	"github.com/smoothschedule/smoothschedule/internal/httpapi"
)

// Module has the operations of openapi/admin.yaml.
func (s *Server) Module() httpapi.Module {
	return httpapi.Module{
		Name:   "admin",
		Routes: httpapi.Routes(adminoapi.StrictServerInterface(s), adminoapi.NewStrictHandler, adminoapi.RegisterHandlersWithOptions),
	}
}
