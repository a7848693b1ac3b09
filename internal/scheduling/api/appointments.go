package api

import (
	"context"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListAppointments implements the operation.
func (s *Server) ListAppointments(ctx context.Context, req schedulingoapi.ListAppointmentsRequestObject) (schedulingoapi.ListAppointmentsResponseObject, error) {
	filter := FromAPIListAppointments(req.Params)
	page := keyset.NewPage(req.Params.Limit, req.Params.Cursor)
	list, err := s.appointments.List(ctx, tenancy.ScopeFrom(ctx), filter, page)
	if err != nil {
		return nil, err
	}
	return appointmentPage(list), nil
}

// CreateAppointment implements the operation.
func (s *Server) CreateAppointment(ctx context.Context, req schedulingoapi.CreateAppointmentRequestObject) (schedulingoapi.CreateAppointmentResponseObject, error) {
	created, err := s.appointments.Create(ctx, tenancy.ScopeFrom(ctx), FromAPIAppointmentCreate(*req.Body))
	if err != nil {
		return nil, err
	}
	return appointmentAnswer{created}, nil
}

// GetAppointment implements the operation.
func (s *Server) GetAppointment(ctx context.Context, req schedulingoapi.GetAppointmentRequestObject) (schedulingoapi.GetAppointmentResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	found, err := s.appointments.Get(ctx, scope, viewer.Of(scope), req.ID)
	if err != nil {
		return nil, err
	}
	return appointmentAnswer{found}, nil
}

// UpdateAppointment implements the operation.
func (s *Server) UpdateAppointment(ctx context.Context, req schedulingoapi.UpdateAppointmentRequestObject) (schedulingoapi.UpdateAppointmentResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	updated, err := s.appointments.Update(ctx, tenancy.ScopeFrom(ctx), req.ID, version, booking.AppointmentPatch{Notes: req.Body.Notes})
	if err != nil {
		return nil, err
	}
	return schedulingoapi.UpdateAppointment200JSONResponse{
		Body: ToAPIAppointment(*updated), Headers: schedulingoapi.UpdateAppointment200ResponseHeaders{ETag: etag.Format(updated.Version)},
	}, nil
}

// DeleteAppointment implements the operation.
func (s *Server) DeleteAppointment(ctx context.Context, req schedulingoapi.DeleteAppointmentRequestObject) (schedulingoapi.DeleteAppointmentResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.appointments.Delete(ctx, tenancy.ScopeFrom(ctx), req.ID, version); err != nil {
		return nil, err
	}
	return schedulingoapi.DeleteAppointment204Response{}, nil
}

// RescheduleAppointment implements the operation.
func (s *Server) RescheduleAppointment(ctx context.Context, req schedulingoapi.RescheduleAppointmentRequestObject) (schedulingoapi.RescheduleAppointmentResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	to := booking.RescheduleInput{StartAt: req.Body.StartAt, ResourceIDs: or(req.Body.ResourceIds, nil)}
	scope := tenancy.ScopeFrom(ctx)
	moved, err := s.appointments.Reschedule(ctx, scope, viewer.Of(scope), req.ID, version, to)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.RescheduleAppointment200JSONResponse{
		Body: ToAPIAppointment(*moved), Headers: schedulingoapi.RescheduleAppointment200ResponseHeaders{ETag: etag.Format(moved.Version)},
	}, nil
}

// CancelAppointment implements the operation.
func (s *Server) CancelAppointment(ctx context.Context, req schedulingoapi.CancelAppointmentRequestObject) (schedulingoapi.CancelAppointmentResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	in := booking.CancelInput{}
	if req.Body != nil {
		in = booking.CancelInput{Reason: or(req.Body.Reason, ""), WaiveFee: or(req.Body.WaiveFee, false)}
	}
	scope := tenancy.ScopeFrom(ctx)
	cancelled, err := s.appointments.Cancel(ctx, scope, viewer.Of(scope), req.ID, version, in)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.CancelAppointment200JSONResponse{
		Body: ToAPIAppointment(*cancelled), Headers: schedulingoapi.CancelAppointment200ResponseHeaders{ETag: etag.Format(cancelled.Version)},
	}, nil
}

// ConfirmAppointment implements the operation.
func (s *Server) ConfirmAppointment(ctx context.Context, req schedulingoapi.ConfirmAppointmentRequestObject) (schedulingoapi.ConfirmAppointmentResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	force := req.Body != nil && or(req.Body.Force, false)
	confirmed, err := s.appointments.Confirm(ctx, tenancy.ScopeFrom(ctx), req.ID, version, force)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ConfirmAppointment200JSONResponse{
		Body: ToAPIAppointment(*confirmed), Headers: schedulingoapi.ConfirmAppointment200ResponseHeaders{ETag: etag.Format(confirmed.Version)},
	}, nil
}

// DeclineAppointment implements the operation.
func (s *Server) DeclineAppointment(ctx context.Context, req schedulingoapi.DeclineAppointmentRequestObject) (schedulingoapi.DeclineAppointmentResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	reason := ""
	if req.Body != nil {
		reason = or(req.Body.Reason, "")
	}
	declined, err := s.appointments.Decline(ctx, tenancy.ScopeFrom(ctx), req.ID, version, reason)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.DeclineAppointment200JSONResponse{
		Body: ToAPIAppointment(*declined), Headers: schedulingoapi.DeclineAppointment200ResponseHeaders{ETag: etag.Format(declined.Version)},
	}, nil
}

// GetAppointmentCancellation implements the operation.
func (s *Server) GetAppointmentCancellation(
	ctx context.Context, req schedulingoapi.GetAppointmentCancellationRequestObject,
) (schedulingoapi.GetAppointmentCancellationResponseObject, error) {
	scope := tenancy.ScopeFrom(ctx)
	terms, err := s.appointments.Terms(ctx, scope, viewer.Of(scope), req.ID)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.GetAppointmentCancellation200JSONResponse(ToAPICancellationTerms(terms)), nil
}

// CompleteAppointment implements the operation.
func (s *Server) CompleteAppointment(ctx context.Context, req schedulingoapi.CompleteAppointmentRequestObject) (schedulingoapi.CompleteAppointmentResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	completed, err := s.appointments.Complete(ctx, tenancy.ScopeFrom(ctx), req.ID, version)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.CompleteAppointment200JSONResponse{
		Body: ToAPIAppointment(*completed), Headers: schedulingoapi.CompleteAppointment200ResponseHeaders{ETag: etag.Format(completed.Version)},
	}, nil
}

// MarkAppointmentNoShow implements the operation.
func (s *Server) MarkAppointmentNoShow(ctx context.Context, req schedulingoapi.MarkAppointmentNoShowRequestObject) (schedulingoapi.MarkAppointmentNoShowResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	missed, err := s.appointments.MarkNoShow(ctx, tenancy.ScopeFrom(ctx), req.ID, version)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.MarkAppointmentNoShow200JSONResponse{
		Body: ToAPIAppointment(*missed), Headers: schedulingoapi.MarkAppointmentNoShow200ResponseHeaders{ETag: etag.Format(missed.Version)},
	}, nil
}

// ListAppointmentChanges implements the operation.
func (s *Server) ListAppointmentChanges(
	ctx context.Context, req schedulingoapi.ListAppointmentChangesRequestObject,
) (schedulingoapi.ListAppointmentChangesResponseObject, error) {
	page := keyset.NewPage(req.Params.Limit, req.Params.Cursor)
	list, err := s.appointments.History(ctx, tenancy.ScopeFrom(ctx), req.ID, page)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ListAppointmentChanges200JSONResponse{
		Data: toSlice(list.Data, ToAPIAppointmentChange), NextCursor: orNull(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}
