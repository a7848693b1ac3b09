package api

import (
	"context"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListHolds implements the operation.
func (s *Server) ListHolds(ctx context.Context, req schedulingoapi.ListHoldsRequestObject) (schedulingoapi.ListHoldsResponseObject, error) {
	list, err := s.holds.List(ctx, tenancy.ScopeFrom(ctx), keyset.NewPage(req.Params.Limit, req.Params.Cursor))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ListHolds200JSONResponse{
		Data: toSlice(list.Data, ToAPIHold), NextCursor: orNull(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreateHold implements the operation.
func (s *Server) CreateHold(ctx context.Context, req schedulingoapi.CreateHoldRequestObject) (schedulingoapi.CreateHoldResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	created, err := s.holds.Create(ctx, scope, viewer.Of(scope), FromAPIHoldCreate(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.CreateHold201JSONResponse(ToAPIHold(*created)), nil
}

// GetHold implements the operation.
func (s *Server) GetHold(ctx context.Context, req schedulingoapi.GetHoldRequestObject) (schedulingoapi.GetHoldResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	found, err := s.holds.Get(ctx, scope, viewer.Of(scope), req.ID)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.GetHold200JSONResponse(ToAPIHold(*found)), nil
}

// DeleteHold implements the operation.
func (s *Server) DeleteHold(ctx context.Context, req schedulingoapi.DeleteHoldRequestObject) (schedulingoapi.DeleteHoldResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	if err := s.holds.Release(ctx, scope, viewer.Of(scope), req.ID); err != nil {
		return nil, err
	}
	return schedulingoapi.DeleteHold204Response{}, nil
}
