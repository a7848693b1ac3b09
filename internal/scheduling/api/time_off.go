package api

import (
	"context"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListTimeOff implements the operation.
func (s *Server) ListTimeOff(ctx context.Context, req schedulingoapi.ListTimeOffRequestObject) (schedulingoapi.ListTimeOffResponseObject, error) {
	filter := catalog.TimeOffFilter{From: req.Params.From, To: req.Params.To, ResourceID: req.Params.ResourceID}
	page := keyset.NewPage(req.Params.Limit, req.Params.Cursor)
	list, err := s.timeOffs.List(ctx, tenancy.ScopeFrom(ctx), filter, page)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ListTimeOff200JSONResponse{
		Data: toSlice(list.Data, ToAPITimeOff), NextCursor: orNull(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreateTimeOff implements the operation.
func (s *Server) CreateTimeOff(ctx context.Context, req schedulingoapi.CreateTimeOffRequestObject) (schedulingoapi.CreateTimeOffResponseObject, error) {
	created, err := s.timeOffs.Create(ctx, tenancy.ScopeFrom(ctx), FromAPITimeOffCreate(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.CreateTimeOff201JSONResponse{
		Body: ToAPITimeOff(*created), Headers: schedulingoapi.CreateTimeOff201ResponseHeaders{ETag: etag.Format(created.Version)},
	}, nil
}

// GetTimeOff implements the operation.
func (s *Server) GetTimeOff(ctx context.Context, req schedulingoapi.GetTimeOffRequestObject) (schedulingoapi.GetTimeOffResponseObject, error) {
	found, err := s.timeOffs.Get(ctx, tenancy.ScopeFrom(ctx), req.ID)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.GetTimeOff200JSONResponse{
		Body: ToAPITimeOff(*found), Headers: schedulingoapi.GetTimeOff200ResponseHeaders{ETag: etag.Format(found.Version)},
	}, nil
}

// UpdateTimeOff implements the operation.
func (s *Server) UpdateTimeOff(ctx context.Context, req schedulingoapi.UpdateTimeOffRequestObject) (schedulingoapi.UpdateTimeOffResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	updated, err := s.timeOffs.Update(ctx, tenancy.ScopeFrom(ctx), req.ID, version, FromAPITimeOffUpdate(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.UpdateTimeOff200JSONResponse{
		Body: ToAPITimeOff(*updated), Headers: schedulingoapi.UpdateTimeOff200ResponseHeaders{ETag: etag.Format(updated.Version)},
	}, nil
}

// DeleteTimeOff implements the operation.
func (s *Server) DeleteTimeOff(ctx context.Context, req schedulingoapi.DeleteTimeOffRequestObject) (schedulingoapi.DeleteTimeOffResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.timeOffs.Delete(ctx, tenancy.ScopeFrom(ctx), req.ID, version); err != nil {
		return nil, err
	}
	return schedulingoapi.DeleteTimeOff204Response{}, nil
}
