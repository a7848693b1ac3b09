package api

import (
	developeroapi "github.com/smoothschedule/smoothschedule/gen/api/developer"
	"github.com/smoothschedule/smoothschedule/internal/httpapi"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
)

// DeveloperServices are what the handlers of Developer call. All are required.
type DeveloperServices struct {
	Tokens   *developer.Tokens
	Events   *developer.Events
	Webhooks *developer.Webhooks
	Clocks   *developer.SandboxClocks
	Outbox   *developer.Outbox
	Samples  *developer.Samples
}

// Developer implements the operations of openapi/developer.yaml, which programs of third parties and
// their developers use.
type Developer struct {
	DeveloperServices
}

var _ developeroapi.StrictServerInterface = (*Developer)(nil)

// NewDeveloper returns the handlers.
func NewDeveloper(s DeveloperServices) *Developer { return &Developer{DeveloperServices: s} }

// Module has the operations of openapi/developer.yaml.
func (s *Developer) Module() httpapi.Module {
	return httpapi.Module{
		Routes: httpapi.Routes(developeroapi.StrictServerInterface(s), developeroapi.NewStrictHandler, developeroapi.RegisterHandlersWithOptions),
	}
}
