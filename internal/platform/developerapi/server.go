// Package developerapi owns the handlers of what programs of third parties need: it turns
// requests into calls of internal/platform/developer and results into answers.
//
// Invariants: no rules and no SQL here; every handler converts, calls once, and
// converts back. The gates and the validation of the contract have run before.
//
// A compile error after regenerating the contract means that an operation was added or
// changed: the handler belongs in the file of its noun.
package developerapi

import (
	developeroapi "github.com/smoothschedule/smoothschedule/gen/api/developer"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
)

// Dependencies are what the handlers call. All are required.
type Dependencies struct {
	Tokens   *developer.Tokens
	Events   *developer.Events
	Webhooks *developer.Webhooks
	Clocks   *developer.SandboxClocks
	Outbox   *developer.Outbox
	Samples  *developer.Samples
}

// Server implements the operations of the developer module.
type Server struct {
	Dependencies
}

var _ developeroapi.StrictServerInterface = (*Server)(nil)

// New returns the handlers.
func New(d Dependencies) *Server { return &Server{Dependencies: d} }
