package api

import (
	"context"

	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListPlans lists what the business can buy.
func (s *Console) ListPlans(ctx context.Context, _ adminoapi.ListPlansRequestObject) (adminoapi.ListPlansResponseObject, error) {
	offers, err := s.Offers.List(ctx, tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return adminoapi.ListPlans200JSONResponse{Data: convert.All(offers, ToAPICataloguePlan)}, nil
}
