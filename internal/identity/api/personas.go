package api

import (
	"context"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListPersonas lists who can be signed in without a password at this host.
func (s *Server) ListPersonas(
	ctx context.Context, _ identityoapi.ListPersonasRequestObject,
) (identityoapi.ListPersonasResponseObject, error) {
	personas, err := s.Personas.List(ctx, tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return identityoapi.ListPersonas200JSONResponse{Data: convert.All(personas, ToAPIPersona)}, nil
}

// QuickLogin signs in as a persona.
func (s *Server) QuickLogin(
	ctx context.Context, r identityoapi.QuickLoginRequestObject,
) (identityoapi.QuickLoginResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	signedIn, err := s.Personas.Login(ctx, scope, r.Body.Persona)
	if err != nil {
		return nil, err
	}
	return identityoapi.QuickLogin200JSONResponse{
		Body:    ToAPISignedIn(signedIn, scope.AtHost().Tenant),
		Headers: identityoapi.QuickLogin200ResponseHeaders{SetCookie: s.cookie(signedIn.Token, signedIn.ExpiresAt)},
	}, nil
}
