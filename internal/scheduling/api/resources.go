package api

import (
	"context"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListResources implements the operation.
func (s *Server) ListResources(ctx context.Context, req schedulingoapi.ListResourcesRequestObject) (schedulingoapi.ListResourcesResponseObject, error) {
	filter := catalog.ResourceFilter{Type: toString(req.Params.Type), IsActive: req.Params.IsActive}
	page := keyset.NewPage(req.Params.Limit, req.Params.Cursor)
	list, err := s.resources.List(ctx, tenancy.ScopeFrom(ctx), filter, page)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ListResources200JSONResponse{
		Data: toSlice(list.Data, ToAPIResource), NextCursor: orNull(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreateResource implements the operation.
func (s *Server) CreateResource(ctx context.Context, req schedulingoapi.CreateResourceRequestObject) (schedulingoapi.CreateResourceResponseObject, error) {
	created, err := s.resources.Create(ctx, tenancy.ScopeFrom(ctx), FromAPIResourceCreate(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.CreateResource201JSONResponse{
		Body: ToAPIResource(*created), Headers: schedulingoapi.CreateResource201ResponseHeaders{ETag: etag.Format(created.Version)},
	}, nil
}

// GetResource implements the operation.
func (s *Server) GetResource(ctx context.Context, req schedulingoapi.GetResourceRequestObject) (schedulingoapi.GetResourceResponseObject, error) {
	found, err := s.resources.Get(ctx, tenancy.ScopeFrom(ctx), req.ID)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.GetResource200JSONResponse{
		Body: ToAPIResource(*found), Headers: schedulingoapi.GetResource200ResponseHeaders{ETag: etag.Format(found.Version)},
	}, nil
}

// UpdateResource implements the operation.
func (s *Server) UpdateResource(ctx context.Context, req schedulingoapi.UpdateResourceRequestObject) (schedulingoapi.UpdateResourceResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	updated, err := s.resources.Update(ctx, tenancy.ScopeFrom(ctx), req.ID, version, FromAPIResourceUpdate(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.UpdateResource200JSONResponse{
		Body: ToAPIResource(*updated), Headers: schedulingoapi.UpdateResource200ResponseHeaders{ETag: etag.Format(updated.Version)},
	}, nil
}

// DeleteResource implements the operation.
func (s *Server) DeleteResource(ctx context.Context, req schedulingoapi.DeleteResourceRequestObject) (schedulingoapi.DeleteResourceResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.resources.Delete(ctx, tenancy.ScopeFrom(ctx), req.ID, version); err != nil {
		return nil, err
	}
	return schedulingoapi.DeleteResource204Response{}, nil
}
