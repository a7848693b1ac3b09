package api

import (
	"context"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/names"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListCustomers implements the operation.
func (s *Server) ListCustomers(ctx context.Context, req schedulingoapi.ListCustomersRequestObject) (schedulingoapi.ListCustomersResponseObject, error) {
	filter := customers.Filter{Status: toString(req.Params.Status), Search: req.Params.Search}
	if req.Params.Tag != nil {
		filter.Tag = new(names.Clean(string(*req.Params.Tag)))
	}
	page := keyset.NewPage(req.Params.Limit, req.Params.Cursor)
	list, err := s.customers.List(ctx, tenancy.ScopeFrom(ctx), filter, page)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ListCustomers200JSONResponse{
		Data: toSlice(list.Data, ToAPICustomer), NextCursor: orNull(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreateCustomer implements the operation.
func (s *Server) CreateCustomer(ctx context.Context, req schedulingoapi.CreateCustomerRequestObject) (schedulingoapi.CreateCustomerResponseObject, error) {
	created, err := s.customers.Create(ctx, tenancy.ScopeFrom(ctx), FromAPICustomerCreate(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.CreateCustomer201JSONResponse{
		Body: ToAPICustomer(*created), Headers: schedulingoapi.CreateCustomer201ResponseHeaders{ETag: etag.Format(created.Version)},
	}, nil
}

// GetCustomer implements the operation.
func (s *Server) GetCustomer(ctx context.Context, req schedulingoapi.GetCustomerRequestObject) (schedulingoapi.GetCustomerResponseObject, error) {
	found, err := s.customers.Get(ctx, tenancy.ScopeFrom(ctx), req.ID)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.GetCustomer200JSONResponse{
		Body: ToAPICustomer(*found), Headers: schedulingoapi.GetCustomer200ResponseHeaders{ETag: etag.Format(found.Version)},
	}, nil
}

// UpdateCustomer implements the operation.
func (s *Server) UpdateCustomer(ctx context.Context, req schedulingoapi.UpdateCustomerRequestObject) (schedulingoapi.UpdateCustomerResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	updated, err := s.customers.Update(ctx, tenancy.ScopeFrom(ctx), req.ID, version, FromAPICustomerUpdate(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.UpdateCustomer200JSONResponse{
		Body: ToAPICustomer(*updated), Headers: schedulingoapi.UpdateCustomer200ResponseHeaders{ETag: etag.Format(updated.Version)},
	}, nil
}

// DeleteCustomer implements the operation.
func (s *Server) DeleteCustomer(ctx context.Context, req schedulingoapi.DeleteCustomerRequestObject) (schedulingoapi.DeleteCustomerResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.customers.Delete(ctx, tenancy.ScopeFrom(ctx), req.ID, version); err != nil {
		return nil, err
	}
	return schedulingoapi.DeleteCustomer204Response{}, nil
}
