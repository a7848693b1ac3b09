package api

import (
	"context"

	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListPlatformPlans lists every plan.
func (s *Console) ListPlatformPlans(
	ctx context.Context, _ adminoapi.ListPlatformPlansRequestObject,
) (adminoapi.ListPlatformPlansResponseObject, error) {
	plans, err := s.Plans.List(ctx)
	if err != nil {
		return nil, err
	}
	return adminoapi.ListPlatformPlans200JSONResponse{Data: convert.All(plans, ToAPIPlan)}, nil
}

// CreatePlan adds a plan.
func (s *Console) CreatePlan(ctx context.Context, r adminoapi.CreatePlanRequestObject) (adminoapi.CreatePlanResponseObject, error) {
	plan, err := s.Plans.Create(ctx, tenancy.ScopeFrom(ctx), FromAPIPlanCreate(*r.Body))
	if err != nil {
		return nil, err
	}
	return adminoapi.CreatePlan201JSONResponse(ToAPIPlan(plan)), nil
}

// GetPlatformPlan returns a plan.
func (s *Console) GetPlatformPlan(
	ctx context.Context, r adminoapi.GetPlatformPlanRequestObject,
) (adminoapi.GetPlatformPlanResponseObject, error) {
	plan, err := s.Plans.Get(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return adminoapi.GetPlatformPlan200JSONResponse(ToAPIPlan(plan)), nil
}

// CreatePlanDraft begins a new version of a plan.
func (s *Console) CreatePlanDraft(
	ctx context.Context, r adminoapi.CreatePlanDraftRequestObject,
) (adminoapi.CreatePlanDraftResponseObject, error) {
	draft, err := s.Plans.CreateDraft(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return adminoapi.CreatePlanDraft201JSONResponse{
		Body: ToAPIPlanVersion(draft), Headers: adminoapi.CreatePlanDraft201ResponseHeaders{ETag: etag.Format(draft.Revision)},
	}, nil
}

// UpdatePlanDraft changes a draft.
func (s *Console) UpdatePlanDraft(
	ctx context.Context, r adminoapi.UpdatePlanDraftRequestObject,
) (adminoapi.UpdatePlanDraftResponseObject, error) {
	revision, err := etag.Parse(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	draft, err := s.Plans.UpdateDraft(ctx, tenancy.ScopeFrom(ctx), r.ID, r.Version, revision, FromAPIPlanVersionUpdate(*r.Body))
	if err != nil {
		return nil, err
	}
	return adminoapi.UpdatePlanDraft200JSONResponse{
		Body: ToAPIPlanVersion(draft), Headers: adminoapi.UpdatePlanDraft200ResponseHeaders{ETag: etag.Format(draft.Revision)},
	}, nil
}

// DeletePlanDraft discards a draft.
func (s *Console) DeletePlanDraft(
	ctx context.Context, r adminoapi.DeletePlanDraftRequestObject,
) (adminoapi.DeletePlanDraftResponseObject, error) {
	if err := s.Plans.DeleteDraft(ctx, tenancy.ScopeFrom(ctx), r.ID, r.Version); err != nil {
		return nil, err
	}
	return adminoapi.DeletePlanDraft204Response{}, nil
}

// PublishPlanVersion makes a draft the version that can be bought.
func (s *Console) PublishPlanVersion(
	ctx context.Context, r adminoapi.PublishPlanVersionRequestObject,
) (adminoapi.PublishPlanVersionResponseObject, error) {
	version, err := s.Plans.Publish(ctx, tenancy.ScopeFrom(ctx), r.ID, r.Version)
	if err != nil {
		return nil, err
	}
	return adminoapi.PublishPlanVersion200JSONResponse{
		Body: ToAPIPlanVersion(version), Headers: adminoapi.PublishPlanVersion200ResponseHeaders{ETag: etag.Format(version.Revision)},
	}, nil
}

// ArchivePlanVersion takes a version off the market.
func (s *Console) ArchivePlanVersion(
	ctx context.Context, r adminoapi.ArchivePlanVersionRequestObject,
) (adminoapi.ArchivePlanVersionResponseObject, error) {
	version, err := s.Plans.Archive(ctx, tenancy.ScopeFrom(ctx), r.ID, r.Version)
	if err != nil {
		return nil, err
	}
	return adminoapi.ArchivePlanVersion200JSONResponse{
		Body: ToAPIPlanVersion(version), Headers: adminoapi.ArchivePlanVersion200ResponseHeaders{ETag: etag.Format(version.Revision)},
	}, nil
}
