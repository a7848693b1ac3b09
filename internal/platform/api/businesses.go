package api

import (
	"context"

	adminoapi "github.com/smoothschedule/smoothschedule/gen/api/admin"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListPlatformBusinesses lists the businesses of the platform.
func (s *Console) ListPlatformBusinesses(
	ctx context.Context, r adminoapi.ListPlatformBusinessesRequestObject,
) (adminoapi.ListPlatformBusinessesResponseObject, error) {
	page := keyset.NewPage(r.Params.Limit, r.Params.Cursor)
	list, err := s.Businesses.List(ctx, tenancy.ScopeFrom(ctx), FromAPIBusinessFilter(r.Params), page)
	if err != nil {
		return nil, err
	}
	return adminoapi.ListPlatformBusinesses200JSONResponse{
		Data: convert.All(list.Data, ToAPIBusiness), NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreatePlatformBusiness makes a business.
func (s *Console) CreatePlatformBusiness(
	ctx context.Context, r adminoapi.CreatePlatformBusinessRequestObject,
) (adminoapi.CreatePlatformBusinessResponseObject, error) {
	input, password := FromAPIBusinessCreate(*r.Body)
	business, err := s.Businesses.Create(ctx, tenancy.ScopeFrom(ctx), input, password)
	if err != nil {
		return nil, err
	}
	return adminoapi.CreatePlatformBusiness201JSONResponse{
		Body: ToAPIBusiness(business), Headers: adminoapi.CreatePlatformBusiness201ResponseHeaders{ETag: etag.Format(business.Version)},
	}, nil
}

// GetPlatformBusiness returns a business.
func (s *Console) GetPlatformBusiness(ctx context.Context, r adminoapi.GetPlatformBusinessRequestObject) (adminoapi.GetPlatformBusinessResponseObject, error) {
	business, err := s.Businesses.Get(ctx, tenancy.ScopeFrom(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return adminoapi.GetPlatformBusiness200JSONResponse{
		Body: ToAPIBusiness(business), Headers: adminoapi.GetPlatformBusiness200ResponseHeaders{ETag: etag.Format(business.Version)},
	}, nil
}

// UpdatePlatformBusiness changes a business.
func (s *Console) UpdatePlatformBusiness(
	ctx context.Context, r adminoapi.UpdatePlatformBusinessRequestObject,
) (adminoapi.UpdatePlatformBusinessResponseObject, error) {
	version, err := etag.Parse(r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	business, err := s.Businesses.Update(ctx, tenancy.ScopeFrom(ctx), r.ID, version, FromAPIBusinessUpdate(*r.Body))
	if err != nil {
		return nil, err
	}
	return adminoapi.UpdatePlatformBusiness200JSONResponse{
		Body: ToAPIBusiness(business), Headers: adminoapi.UpdatePlatformBusiness200ResponseHeaders{ETag: etag.Format(business.Version)},
	}, nil
}
