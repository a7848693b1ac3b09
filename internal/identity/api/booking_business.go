package api

import (
	"context"

	identityoapi "github.com/smoothschedule/smoothschedule/gen/api/identity"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// GetBookingBusiness implements the operation.
func (s *Server) GetBookingBusiness(ctx context.Context, _ identityoapi.GetBookingBusinessRequestObject) (identityoapi.GetBookingBusinessResponseObject, error) {
	found, err := s.Businesses.Card(ctx, tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return identityoapi.GetBookingBusiness200JSONResponse(ToAPIBusinessCard(found)), nil
}

// ToAPIBusinessCard keeps what is for the public.
func ToAPIBusinessCard(b identity.Business) identityoapi.BusinessCard {
	return identityoapi.BusinessCard{
		Name: b.Name, Timezone: b.Timezone, Currency: b.Currency, PrimaryColor: b.PrimaryColor, SecondaryColor: b.SecondaryColor,
		LogoURL: convert.Nullable(b.LogoURL), ContactEmail: b.ContactEmail, ContactPhone: b.ContactPhone, Address: b.Address,
		CancellationWindowHours: int(b.CancellationWindowHours), LateCancellationFeePercent: int(b.LateCancellationFeePercent),
		CustomersCanCancel: b.CustomersCanCancel, CustomersCanReschedule: b.CustomersCanReschedule,
	}
}
