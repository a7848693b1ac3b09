package api

import (
	"context"

	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// GetEntitlements shows what the plan of the business includes.
func (s *Console) GetEntitlements(
	ctx context.Context, _ adminoapi.GetEntitlementsRequestObject,
) (adminoapi.GetEntitlementsResponseObject, error) {
	entitlements, err := s.Subscriptions.Entitlements(ctx, tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return adminoapi.GetEntitlements200JSONResponse(ToAPIEntitlements(entitlements)), nil
}

// PreviewPlan shows what another plan would change.
func (s *Console) PreviewPlan(ctx context.Context, r adminoapi.PreviewPlanRequestObject) (adminoapi.PreviewPlanResponseObject, error) {
	preview, err := s.Subscriptions.Preview(ctx, tenancy.ScopeFrom(ctx), r.Params.Plan)
	if err != nil {
		return nil, err
	}
	return adminoapi.PreviewPlan200JSONResponse(ToAPIPlanPreview(preview)), nil
}

// ChangePlan gives a business another plan.
func (s *Console) ChangePlan(ctx context.Context, r adminoapi.ChangePlanRequestObject) (adminoapi.ChangePlanResponseObject, error) {
	change, err := s.Subscriptions.Change(ctx, tenancy.ScopeFrom(ctx), r.ID, FromAPIPlanChange(*r.Body))
	if err != nil {
		return nil, err
	}
	return adminoapi.ChangePlan200JSONResponse(ToAPIPlanChange(change)), nil
}

// CancelPlanChange forgets a scheduled change of plan.
func (s *Console) CancelPlanChange(
	ctx context.Context, r adminoapi.CancelPlanChangeRequestObject,
) (adminoapi.CancelPlanChangeResponseObject, error) {
	if err := s.Subscriptions.Cancel(ctx, tenancy.ScopeFrom(ctx), r.ID); err != nil {
		return nil, err
	}
	return adminoapi.CancelPlanChange204Response{}, nil
}
