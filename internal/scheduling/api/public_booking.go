package api

import (
	"context"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListBookingServices implements the operation.
func (s *Server) ListBookingServices(ctx context.Context, req schedulingoapi.ListBookingServicesRequestObject) (schedulingoapi.ListBookingServicesResponseObject, error) {
	list, err := s.publicBooking.Services(ctx, tenancy.ScopeFrom(ctx), keyset.NewPage(req.Params.Limit, req.Params.Cursor))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ListBookingServices200JSONResponse{
		Data: toSlice(list.Data, ToAPIBookingService), NextCursor: orNull(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// GetBookingAvailability implements the operation.
func (s *Server) GetBookingAvailability(ctx context.Context, req schedulingoapi.GetBookingAvailabilityRequestObject) (schedulingoapi.GetBookingAvailabilityResponseObject, error) {
	in := booking.AvailabilityInput{
		ServiceID: req.Params.ServiceID, From: req.Params.From, To: req.Params.To, Timezone: req.Params.Timezone,
		Limit: or(req.Params.Limit, maxSlots), Explain: or(req.Params.Explain, false),
	}
	found, err := s.publicBooking.Search(ctx, tenancy.ScopeFrom(ctx), in)
	if err != nil {
		return nil, err
	}
	answer := schedulingoapi.GetBookingAvailability200JSONResponse{
		ServiceID: in.ServiceID, Timezone: found.Timezone, Truncated: found.Truncated,
		Data: toSlice(found.Slots, func(v availability.Slot) schedulingoapi.BookingSlot {
			return schedulingoapi.BookingSlot{StartAt: v.Start, EndAt: v.End}
		}),
	}
	if in.Explain {
		refused := toSlice(found.Refused, ToAPIBookingRefusedSlot)
		answer.Refused = &refused
	}
	return answer, nil
}

// CreateBookingHold implements the operation.
func (s *Server) CreateBookingHold(ctx context.Context, req schedulingoapi.CreateBookingHoldRequestObject) (schedulingoapi.CreateBookingHoldResponseObject, error) {
	token, held, err := s.publicBooking.Hold(ctx, tenancy.ScopeFrom(ctx), booking.HoldInput{
		ServiceID: req.Body.ServiceID, StartAt: req.Body.StartAt, TTL: time.Duration(or(req.Body.TTLSeconds, 0)) * time.Second,
	})
	if err != nil {
		return nil, err
	}
	return schedulingoapi.CreateBookingHold201JSONResponse{
		ID: token, ServiceID: held.ServiceID, StartAt: held.StartAt, EndAt: held.EndAt, Price: ToAPIMoney(held.Price), ExpiresAt: held.ExpiresAt,
	}, nil
}

// DeleteBookingHold implements the operation.
func (s *Server) DeleteBookingHold(ctx context.Context, req schedulingoapi.DeleteBookingHoldRequestObject) (schedulingoapi.DeleteBookingHoldResponseObject, error) {
	if err := s.publicBooking.Release(ctx, tenancy.ScopeFrom(ctx), req.Token); err != nil {
		return nil, err
	}
	return schedulingoapi.DeleteBookingHold204Response{}, nil
}

// CreateBookingAppointment implements the operation.
func (s *Server) CreateBookingAppointment(ctx context.Context, req schedulingoapi.CreateBookingAppointmentRequestObject) (schedulingoapi.CreateBookingAppointmentResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	token, booked, err := s.publicBooking.Book(ctx, scope, booking.PublicBookingInput{
		HoldToken: or(req.Body.HoldID, ""), ServiceID: req.Body.ServiceID, StartAt: req.Body.StartAt, Notes: or(req.Body.Notes, ""),
		Customer: booking.PublicCustomer{
			Name: string(req.Body.Customer.Name), Email: string(req.Body.Customer.Email), Phone: or(req.Body.Customer.Phone, ""),
		},
	})
	if err != nil {
		return nil, err
	}
	return schedulingoapi.CreateBookingAppointment201JSONResponse{Token: token, Appointment: ToAPIBookingAppointment(scope, booked)}, nil
}

// GetBookingAppointment implements the operation.
func (s *Server) GetBookingAppointment(ctx context.Context, req schedulingoapi.GetBookingAppointmentRequestObject) (schedulingoapi.GetBookingAppointmentResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	found, err := s.publicBooking.Find(ctx, scope, req.Token)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.GetBookingAppointment200JSONResponse(ToAPIBookingAppointment(scope, found)), nil
}

// RescheduleBookingAppointment implements the operation.
func (s *Server) RescheduleBookingAppointment(
	ctx context.Context, req schedulingoapi.RescheduleBookingAppointmentRequestObject,
) (schedulingoapi.RescheduleBookingAppointmentResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	moved, err := s.publicBooking.Reschedule(ctx, scope, req.Token, req.Body.StartAt)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.RescheduleBookingAppointment200JSONResponse(ToAPIBookingAppointment(scope, moved)), nil
}

// CancelBookingAppointment implements the operation.
func (s *Server) CancelBookingAppointment(
	ctx context.Context, req schedulingoapi.CancelBookingAppointmentRequestObject,
) (schedulingoapi.CancelBookingAppointmentResponseObject, error) {
	scope, reason := tenancy.ScopeFrom(ctx), ""
	if req.Body != nil {
		reason = or(req.Body.Reason, "")
	}
	cancelled, err := s.publicBooking.Cancel(ctx, scope, req.Token, reason)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.CancelBookingAppointment200JSONResponse(ToAPIBookingAppointment(scope, cancelled)), nil
}

// ToAPIBookingService keeps what is for the public.
func ToAPIBookingService(v catalog.Service) schedulingoapi.BookingService {
	return schedulingoapi.BookingService{
		ID: v.ID, Name: v.Name, Description: v.Description, DurationMinutes: int(v.DurationMinutes), Price: ToAPIMoney(v.Price),
		RequiresApproval: v.RequiresApproval,
	}
}

// ToAPIBookingRefusedSlot keeps the codes of the reasons.
func ToAPIBookingRefusedSlot(r availability.Refusal) schedulingoapi.BookingRefusedSlot {
	return schedulingoapi.BookingRefusedSlot{
		StartAt: r.Start, EndAt: r.End, Reasons: toSlice(r.Reasons, func(v availability.Reason) schedulingoapi.BookingReasonCode {
			return schedulingoapi.BookingReasonCode(v.Code)
		}),
	}
}

// ToAPIBookingAppointment keeps what is for whoever has the token: nothing about the
// customer, of whom the business may know more than they have said.
func ToAPIBookingAppointment(scope *tenancy.Scope, a *booking.PublicAppointment) schedulingoapi.BookingAppointment {
	return schedulingoapi.BookingAppointment{
		Status: schedulingoapi.AppointmentStatus(a.Status), StartAt: a.StartAt, EndAt: a.EndAt, Timezone: scope.Tenant.Timezone,
		Service: schedulingoapi.ServiceReference{ID: a.Service.ID, Name: a.Service.Name}, Price: ToAPIMoney(a.Price),
		CancelledAt: orNull(a.CancelledAt), Attendee: toAPIAttendee(a.Attendee),
		Resources: toSlice(a.Resources, func(r booking.ResourceReference) schedulingoapi.BookingResource {
			return schedulingoapi.BookingResource{Name: r.Name, Type: schedulingoapi.ResourceType(r.Type)}
		}),
		Terms: schedulingoapi.BookingTerms{
			CanCancel: a.Terms.CanCancel, CanReschedule: a.CanReschedule, FreeUntil: a.Terms.FreeUntil, Late: a.Terms.Late,
			Fee: ToAPIMoney(a.Terms.Fee),
		},
	}
}
