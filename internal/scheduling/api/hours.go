package api

import (
	"context"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// GetBusinessHours implements the operation.
func (s *Server) GetBusinessHours(ctx context.Context, _ schedulingoapi.GetBusinessHoursRequestObject) (schedulingoapi.GetBusinessHoursResponseObject, error) {
	hours, err := s.schedules.Get(ctx, tenancy.ScopeFrom(ctx), nil)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.GetBusinessHours200JSONResponse{
		Body: ToAPIBusinessHours(*hours), Headers: schedulingoapi.GetBusinessHours200ResponseHeaders{ETag: etag.Format(hours.Version)},
	}, nil
}

// ReplaceBusinessHours implements the operation.
func (s *Server) ReplaceBusinessHours(ctx context.Context, req schedulingoapi.ReplaceBusinessHoursRequestObject) (schedulingoapi.ReplaceBusinessHoursResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	hours, err := s.schedules.Replace(ctx, tenancy.ScopeFrom(ctx), nil, version, FromAPIBusinessHours(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ReplaceBusinessHours200JSONResponse{
		Body: ToAPIBusinessHours(*hours), Headers: schedulingoapi.ReplaceBusinessHours200ResponseHeaders{ETag: etag.Format(hours.Version)},
	}, nil
}

// DeleteBusinessHours implements the operation.
func (s *Server) DeleteBusinessHours(ctx context.Context, req schedulingoapi.DeleteBusinessHoursRequestObject) (schedulingoapi.DeleteBusinessHoursResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.schedules.Delete(ctx, tenancy.ScopeFrom(ctx), nil, version); err != nil {
		return nil, err
	}
	return schedulingoapi.DeleteBusinessHours204Response{}, nil
}

// GetResourceHours implements the operation.
func (s *Server) GetResourceHours(ctx context.Context, req schedulingoapi.GetResourceHoursRequestObject) (schedulingoapi.GetResourceHoursResponseObject, error) {
	hours, err := s.schedules.Get(ctx, tenancy.ScopeFrom(ctx), &req.ID)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.GetResourceHours200JSONResponse{
		Body: ToAPIResourceHours(*hours), Headers: schedulingoapi.GetResourceHours200ResponseHeaders{ETag: etag.Format(hours.Version)},
	}, nil
}

// ReplaceResourceHours implements the operation.
func (s *Server) ReplaceResourceHours(ctx context.Context, req schedulingoapi.ReplaceResourceHoursRequestObject) (schedulingoapi.ReplaceResourceHoursResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	hours, err := s.schedules.Replace(ctx, tenancy.ScopeFrom(ctx), &req.ID, version, FromAPIResourceHours(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ReplaceResourceHours200JSONResponse{
		Body: ToAPIResourceHours(*hours), Headers: schedulingoapi.ReplaceResourceHours200ResponseHeaders{ETag: etag.Format(hours.Version)},
	}, nil
}

// DeleteResourceHours implements the operation.
func (s *Server) DeleteResourceHours(ctx context.Context, req schedulingoapi.DeleteResourceHoursRequestObject) (schedulingoapi.DeleteResourceHoursResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.schedules.Delete(ctx, tenancy.ScopeFrom(ctx), &req.ID, version); err != nil {
		return nil, err
	}
	return schedulingoapi.DeleteResourceHours204Response{}, nil
}
