package api

import (
	"context"

	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListOverrides lists the exceptions of a business.
func (s *Console) ListOverrides(
	ctx context.Context, r adminoapi.ListOverridesRequestObject,
) (adminoapi.ListOverridesResponseObject, error) {
	list, err := s.Overrides.List(ctx, r.ID, keyset.NewPage(r.Params.Limit, r.Params.Cursor))
	if err != nil {
		return nil, err
	}
	data := make([]adminoapi.Override, len(list.Data))
	for i, override := range list.Data {
		if data[i], err = ToAPIOverride(override, tenancy.ScopeFrom(ctx).Now); err != nil {
			return nil, err
		}
	}
	return adminoapi.ListOverrides200JSONResponse{
		Data: data, NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreateOverride makes an exception.
func (s *Console) CreateOverride(
	ctx context.Context, r adminoapi.CreateOverrideRequestObject,
) (adminoapi.CreateOverrideResponseObject, error) {
	input, err := FromAPIOverrideCreate(*r.Body)
	if err != nil {
		return nil, err
	}
	scope := tenancy.ScopeFrom(ctx)
	override, err := s.Overrides.Create(ctx, scope, r.ID, input)
	if err != nil {
		return nil, err
	}
	created, err := ToAPIOverride(override, scope.Now)
	return adminoapi.CreateOverride201JSONResponse(created), err
}

// EndOverride ends an exception.
func (s *Console) EndOverride(ctx context.Context, r adminoapi.EndOverrideRequestObject) (adminoapi.EndOverrideResponseObject, error) {
	if err := s.Overrides.End(ctx, tenancy.ScopeFrom(ctx), r.ID, r.OverrideID); err != nil {
		return nil, err
	}
	return adminoapi.EndOverride204Response{}, nil
}
