package identityapi

import (
	"context"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// GetEntitlements shows what the plan of the business includes.
func (s *Server) GetEntitlements(
	ctx context.Context, _ identityoapi.GetEntitlementsRequestObject,
) (identityoapi.GetEntitlementsResponseObject, error) {
	overview, err := s.Entitlements.Overview(ctx, tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return identityoapi.GetEntitlements200JSONResponse(ToAPIEntitlements(overview)), nil
}
