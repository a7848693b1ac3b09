package api

import (
	"context"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListServices implements the operation.
func (s *Server) ListServices(ctx context.Context, req schedulingoapi.ListServicesRequestObject) (schedulingoapi.ListServicesResponseObject, error) {
	filter := catalog.ServiceFilter{IsActive: req.Params.IsActive}
	page := keyset.NewPage(req.Params.Limit, req.Params.Cursor)
	list, err := s.services.List(ctx, tenancy.ScopeFrom(ctx), filter, page)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ListServices200JSONResponse{
		Data: toSlice(list.Data, ToAPIService), NextCursor: orNull(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreateService implements the operation.
func (s *Server) CreateService(ctx context.Context, req schedulingoapi.CreateServiceRequestObject) (schedulingoapi.CreateServiceResponseObject, error) {
	created, err := s.services.Create(ctx, tenancy.ScopeFrom(ctx), FromAPIServiceCreate(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.CreateService201JSONResponse{
		Body: ToAPIService(*created), Headers: schedulingoapi.CreateService201ResponseHeaders{ETag: etag.Format(created.Version)},
	}, nil
}

// GetService implements the operation.
func (s *Server) GetService(ctx context.Context, req schedulingoapi.GetServiceRequestObject) (schedulingoapi.GetServiceResponseObject, error) {
	found, err := s.services.Get(ctx, tenancy.ScopeFrom(ctx), req.ID)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.GetService200JSONResponse{
		Body: ToAPIService(*found), Headers: schedulingoapi.GetService200ResponseHeaders{ETag: etag.Format(found.Version)},
	}, nil
}

// UpdateService implements the operation.
func (s *Server) UpdateService(ctx context.Context, req schedulingoapi.UpdateServiceRequestObject) (schedulingoapi.UpdateServiceResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	updated, err := s.services.Update(ctx, tenancy.ScopeFrom(ctx), req.ID, version, FromAPIServiceUpdate(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.UpdateService200JSONResponse{
		Body: ToAPIService(*updated), Headers: schedulingoapi.UpdateService200ResponseHeaders{ETag: etag.Format(updated.Version)},
	}, nil
}

// DeleteService implements the operation.
func (s *Server) DeleteService(ctx context.Context, req schedulingoapi.DeleteServiceRequestObject) (schedulingoapi.DeleteServiceResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.services.Delete(ctx, tenancy.ScopeFrom(ctx), req.ID, version); err != nil {
		return nil, err
	}
	return schedulingoapi.DeleteService204Response{}, nil
}
