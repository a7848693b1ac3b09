package api

import (
	"context"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListWaitlist implements the operation.
func (s *Server) ListWaitlist(ctx context.Context, req schedulingoapi.ListWaitlistRequestObject) (schedulingoapi.ListWaitlistResponseObject, error) {
	filter := booking.WaitlistFilter{
		Status: toString(req.Params.Status), ServiceID: req.Params.ServiceID, CustomerID: req.Params.CustomerID,
	}
	list, err := s.waitlist.List(ctx, tenancy.ScopeFrom(ctx), filter, keyset.NewPage(req.Params.Limit, req.Params.Cursor))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ListWaitlist200JSONResponse{
		Data: toSlice(list.Data, ToAPIWaitlistEntry), NextCursor: orNull(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// JoinWaitlist implements the operation.
func (s *Server) JoinWaitlist(ctx context.Context, req schedulingoapi.JoinWaitlistRequestObject) (schedulingoapi.JoinWaitlistResponseObject, error) {
	joined, err := s.waitlist.Join(ctx, tenancy.ScopeFrom(ctx), booking.WaitlistInput{
		ServiceID: req.Body.ServiceID, CustomerID: req.Body.CustomerID, From: req.Body.From, To: req.Body.To,
		ResourceIDs: or(req.Body.ResourceIds, nil),
	})
	if err != nil {
		return nil, err
	}
	return schedulingoapi.JoinWaitlist201JSONResponse(ToAPIWaitlistEntry(*joined)), nil
}

// GetWaitlistEntry implements the operation.
func (s *Server) GetWaitlistEntry(ctx context.Context, req schedulingoapi.GetWaitlistEntryRequestObject) (schedulingoapi.GetWaitlistEntryResponseObject, error) {
	found, err := s.waitlist.Get(ctx, tenancy.ScopeFrom(ctx), req.ID)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.GetWaitlistEntry200JSONResponse(ToAPIWaitlistEntry(*found)), nil
}

// LeaveWaitlist implements the operation.
func (s *Server) LeaveWaitlist(ctx context.Context, req schedulingoapi.LeaveWaitlistRequestObject) (schedulingoapi.LeaveWaitlistResponseObject, error) {
	if err := s.waitlist.Leave(ctx, tenancy.ScopeFrom(ctx), req.ID); err != nil {
		return nil, err
	}
	return schedulingoapi.LeaveWaitlist204Response{}, nil
}

// ToAPIWaitlistEntry converts an entry of the waitlist.
func ToAPIWaitlistEntry(e booking.WaitlistEntry) schedulingoapi.WaitlistEntry {
	return schedulingoapi.WaitlistEntry{
		ID: e.ID, Status: schedulingoapi.WaitlistStatus(e.Status), ServiceID: e.ServiceID, CustomerID: e.CustomerID,
		Service:  schedulingoapi.ServiceReference{ID: e.Service.ID, Name: e.Service.Name},
		Customer: schedulingoapi.CustomerReference{ID: e.Customer.ID, Name: e.Customer.Name},
		From:     e.From, To: e.To, ResourceIds: notNil(e.ResourceIDs), HoldID: orNull(e.HoldID),
		OfferExpiresAt: orNull(e.OfferExpiresAt), AppointmentID: orNull(e.AppointmentID), CreatedAt: e.CreatedAt,
		UpdatedAt: e.UpdatedAt, Version: int(e.Version),
	}
}
