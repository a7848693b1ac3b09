// Package api owns the HTTP side of identity: it turns requests of the
// contract (gen/api/identity) into calls of the services in internal/identity, and
// their results into answers.
//
// Invariants: no rules and no SQL here; every handler converts, calls once, and
// converts back. The gates and the validation of the contract have run before.
//
// A compile error after regenerating the contract means that an operation was added or
// changed: the handler belongs in the file of its noun.
package api

import (
	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/identity"
)

// Dependencies are what the handlers call. All are required.
type Dependencies struct {
	Sessions    *identity.Sessions
	Users       *identity.Users
	Businesses  *identity.Businesses
	Personas    *identity.Personas
	Sandbox     *identity.Sandbox
	Invitations *identity.Invitations
	// PasswordResets give users a new password at the instance of those above them.
	PasswordResets *identity.PasswordResets
	AuditTrail     *identity.AuditTrail
	Domains        *identity.Domains
	// SecureCookies keeps the session cookie to HTTPS; false is for development.
	SecureCookies bool
}

// Server implements the operations of the identity module.
type Server struct {
	Dependencies
}

var _ identityoapi.StrictServerInterface = (*Server)(nil)

// New returns the handlers.
func New(d Dependencies) *Server { return &Server{Dependencies: d} }
