package api

import (
	"context"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// StartMasquerade begins a session as another user.
func (s *Server) StartMasquerade(
	ctx context.Context, r identityoapi.StartMasqueradeRequestObject,
) (identityoapi.StartMasqueradeResponseObject, error) {
	started, err := s.Sessions.StartMasquerade(ctx, tenancy.ScopeFrom(ctx), r.Body.UserID)
	if err != nil {
		return nil, err
	}
	return identityoapi.StartMasquerade200JSONResponse{
		Token: started.Token, TokenType: identityoapi.MasqueradeStartedTokenTypeBearer, ExpiresAt: started.SignedIn.ExpiresAt,
		User: ToAPIUser(started.User), Tenant: ToAPITenantReference(started.Tenant), Masquerade: *ToAPIMasquerade(&started.Masquerade),
	}, nil
}

// EndMasquerade ends the session as another user.
func (s *Server) EndMasquerade(
	ctx context.Context, _ identityoapi.EndMasqueradeRequestObject,
) (identityoapi.EndMasqueradeResponseObject, error) {
	ended, err := s.Sessions.EndMasquerade(ctx, tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return identityoapi.EndMasquerade200JSONResponse{User: ToAPIUser(ended.User), Masquerade: ToAPIMasquerade(ended.Masquerade)}, nil
}
