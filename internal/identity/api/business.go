package api

import (
	"context"

	"github.com/oapi-codegen/nullable"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// GetBusiness implements the operation.
func (s *Server) GetBusiness(ctx context.Context, _ identityoapi.GetBusinessRequestObject) (identityoapi.GetBusinessResponseObject, error) {
	found, err := s.Businesses.Get(ctx, tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return identityoapi.GetBusiness200JSONResponse{
		Body: ToAPIBusiness(found), Headers: identityoapi.GetBusiness200ResponseHeaders{ETag: etag.Format(found.Version)},
	}, nil
}

// UpdateBusiness implements the operation.
func (s *Server) UpdateBusiness(ctx context.Context, req identityoapi.UpdateBusinessRequestObject) (identityoapi.UpdateBusinessResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	updated, err := s.Businesses.Update(ctx, tenancy.ScopeFrom(ctx), version, FromAPIBusinessUpdate(*req.Body))
	if err != nil {
		return nil, err
	}
	return identityoapi.UpdateBusiness200JSONResponse{
		Body: ToAPIBusiness(updated), Headers: identityoapi.UpdateBusiness200ResponseHeaders{ETag: etag.Format(updated.Version)},
	}, nil
}

// ToAPIBusiness converts the settings of a business.
func ToAPIBusiness(b identity.Business) identityoapi.Business {
	return identityoapi.Business{
		ID: b.ID, Name: b.Name, Timezone: b.Timezone, Currency: b.Currency, PrimaryColor: b.PrimaryColor,
		SecondaryColor: b.SecondaryColor, LogoURL: convert.Nullable(b.LogoURL), ContactEmail: b.ContactEmail,
		ContactPhone: b.ContactPhone, Address: b.Address, CancellationWindowHours: int(b.CancellationWindowHours),
		LateCancellationFeePercent: int(b.LateCancellationFeePercent), ResourcesCanReschedule: b.ResourcesCanReschedule,
		CustomersCanCancel: b.CustomersCanCancel, CustomersCanReschedule: b.CustomersCanReschedule,
		WaitlistOfferMinutes: int(b.WaitlistOfferMinutes), MaxHoldsPerCustomer: int(b.MaxHoldsPerCustomer),
		MaxBookingsPerEmail: int(b.MaxBookingsPerEmail), MaxBookingsPerAddress: int(b.MaxBookingsPerAddress), WhiteLabelEnabled: b.WhiteLabelEnabled,
		CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt, Version: int(b.Version),
	}
}

// FromAPIBusinessUpdate keeps a logo that is absent apart from one that is null.
func FromAPIBusinessUpdate(in identityoapi.BusinessUpdate) identity.BusinessPatch {
	return identity.BusinessPatch{
		Name: (*string)(in.Name), Timezone: in.Timezone, Currency: in.Currency, PrimaryColor: in.PrimaryColor,
		SecondaryColor: in.SecondaryColor, LogoURLGiven: in.LogoURL.IsSpecified(), LogoURL: fromNullable(in.LogoURL),
		ContactEmail: in.ContactEmail, ContactPhone: in.ContactPhone, Address: in.Address,
		CancellationWindowHours:    toInt32(in.CancellationWindowHours),
		LateCancellationFeePercent: toInt32(in.LateCancellationFeePercent),
		ResourcesCanReschedule:     in.ResourcesCanReschedule, CustomersCanCancel: in.CustomersCanCancel,
		CustomersCanReschedule: in.CustomersCanReschedule, WaitlistOfferMinutes: toInt32(in.WaitlistOfferMinutes),
		MaxHoldsPerCustomer: toInt32(in.MaxHoldsPerCustomer),
		MaxBookingsPerEmail: toInt32(in.MaxBookingsPerEmail), MaxBookingsPerAddress: toInt32(in.MaxBookingsPerAddress), WhiteLabelEnabled: in.WhiteLabelEnabled,
	}
}

func fromNullable[T any](v nullable.Nullable[T]) *T {
	if !v.IsSpecified() || v.IsNull() {
		return nil
	}
	value := v.MustGet()
	return &value
}

func toInt32(v *int) *int32 {
	if v == nil {
		return nil
	}
	n := int32(*v)
	return &n
}
