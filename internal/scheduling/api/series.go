package api

import (
	"context"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListSeries implements the operation.
func (s *Server) ListSeries(ctx context.Context, req schedulingoapi.ListSeriesRequestObject) (schedulingoapi.ListSeriesResponseObject, error) {
	filter := booking.SeriesFilter{CustomerID: req.Params.CustomerID, ServiceID: req.Params.ServiceID}
	list, err := s.series.List(ctx, tenancy.ScopeFrom(ctx), filter, keyset.NewPage(req.Params.Limit, req.Params.Cursor))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.ListSeries200JSONResponse{
		Data: toSlice(list.Data, ToAPISeries), NextCursor: orNull(list.NextCursor), HasMore: list.NextCursor != nil,
	}, nil
}

// CreateSeries implements the operation.
func (s *Server) CreateSeries(ctx context.Context, req schedulingoapi.CreateSeriesRequestObject) (schedulingoapi.CreateSeriesResponseObject, error) {
	outcome, err := s.series.Create(ctx, tenancy.ScopeFrom(ctx), FromAPISeriesCreate(*req.Body))
	if err != nil {
		return nil, err
	}
	if outcome.DryRun {
		return schedulingoapi.CreateSeries200JSONResponse(ToAPISeriesOutcome(*outcome)), nil
	}
	return schedulingoapi.CreateSeries201JSONResponse(ToAPISeriesOutcome(*outcome)), nil
}

// GetSeries implements the operation.
func (s *Server) GetSeries(ctx context.Context, req schedulingoapi.GetSeriesRequestObject) (schedulingoapi.GetSeriesResponseObject, error) {
	found, err := s.series.Get(ctx, tenancy.ScopeFrom(ctx), req.ID)
	if err != nil {
		return nil, err
	}
	return schedulingoapi.GetSeries200JSONResponse{
		Body: ToAPISeriesDetail(*found), Headers: schedulingoapi.GetSeries200ResponseHeaders{ETag: etag.Format(found.Version)},
	}, nil
}

// RescheduleSeries implements the operation.
func (s *Server) RescheduleSeries(ctx context.Context, req schedulingoapi.RescheduleSeriesRequestObject) (schedulingoapi.RescheduleSeriesResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	outcome, err := s.series.Reschedule(ctx, tenancy.ScopeFrom(ctx), req.ID, version, FromAPISeriesReschedule(*req.Body))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.RescheduleSeries200JSONResponse(ToAPISeriesOutcome(*outcome)), nil
}

// CancelSeries implements the operation.
func (s *Server) CancelSeries(ctx context.Context, req schedulingoapi.CancelSeriesRequestObject) (schedulingoapi.CancelSeriesResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	selection := booking.SeriesSelection{Scope: booking.SeriesScope(req.Body.Scope), AppointmentID: req.Body.AppointmentID}
	cancelled, err := s.series.Cancel(ctx, tenancy.ScopeFrom(ctx), req.ID, version, selection, or(req.Body.Reason, ""))
	if err != nil {
		return nil, err
	}
	return schedulingoapi.CancelSeries200JSONResponse{
		Body: ToAPISeriesDetail(*cancelled), Headers: schedulingoapi.CancelSeries200ResponseHeaders{ETag: etag.Format(cancelled.Version)},
	}, nil
}

// ToAPISeries converts a series.
func ToAPISeries(v booking.Series) schedulingoapi.Series {
	return schedulingoapi.Series{
		ID: v.ID, ServiceID: v.ServiceID, CustomerID: v.CustomerID,
		Service:  schedulingoapi.ServiceReference{ID: v.Service.ID, Name: v.Service.Name},
		Customer: schedulingoapi.CustomerReference{ID: v.Customer.ID, Name: v.Customer.Name},
		StartAt:  v.StartAt, Rrule: v.RRule, Timezone: v.Timezone, ResourceIds: notNil(v.ResourceIDs), Notes: v.Notes,
		CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, Version: int(v.Version),
	}
}

// ToAPISeriesDetail converts a series with its appointments.
func ToAPISeriesDetail(d booking.SeriesDetail) schedulingoapi.SeriesDetail {
	v := ToAPISeries(d.Series)
	return schedulingoapi.SeriesDetail{
		ID: v.ID, ServiceID: v.ServiceID, CustomerID: v.CustomerID, Service: v.Service, Customer: v.Customer, StartAt: v.StartAt,
		Rrule: v.Rrule, Timezone: v.Timezone, ResourceIds: v.ResourceIds, Notes: v.Notes, CreatedAt: v.CreatedAt,
		UpdatedAt: v.UpdatedAt, Version: v.Version, Appointments: toSlice(d.Appointments, ToAPIAppointment),
	}
}

// FromAPISeriesCreate fills in the contract's defaults.
func FromAPISeriesCreate(in schedulingoapi.SeriesCreate) booking.SeriesInput {
	return booking.SeriesInput{
		ServiceID: in.ServiceID, CustomerID: in.CustomerID, ResourceIDs: or(in.ResourceIds, nil), Notes: or(in.Notes, ""),
		StartAt: in.StartAt, RRule: in.Rrule, DryRun: or(in.DryRun, false),
		OnConflict: booking.OnConflict(or(in.OnConflict, schedulingoapi.SeriesCreateOnConflict(booking.ConflictFails))),
	}
}

// FromAPISeriesReschedule fills in the contract's defaults. The contract has checked the
// form of the time.
func FromAPISeriesReschedule(in schedulingoapi.SeriesReschedule) booking.SeriesMove {
	return booking.SeriesMove{
		SeriesSelection: booking.SeriesSelection{Scope: booking.SeriesScope(in.Scope), AppointmentID: in.AppointmentID},
		StartTime:       in.StartTime, ShiftDays: or(in.ShiftDays, 0), ResourceIDs: or(in.ResourceIds, nil), DryRun: or(in.DryRun, false),
		OnConflict: booking.OnConflict(or(in.OnConflict, schedulingoapi.SeriesRescheduleOnConflict(booking.ConflictFails))),
	}
}

// ToAPISeriesOutcome converts what was decided about a series.
func ToAPISeriesOutcome(o booking.SeriesOutcome) schedulingoapi.SeriesOutcome {
	return schedulingoapi.SeriesOutcome{
		ID: orNull(o.ID), DryRun: o.DryRun, Timezone: o.Timezone, Rrule: o.RRule, Occurrences: toSlice(o.Occurrences, ToAPIOccurrence),
	}
}

// ToAPIOccurrence converts an occurrence.
func ToAPIOccurrence(o booking.Occurrence) schedulingoapi.Occurrence {
	return schedulingoapi.Occurrence{
		WantedStartAt: o.WantedStartAt, StartAt: o.StartAt, EndAt: o.EndAt, Verdict: schedulingoapi.Verdict(o.Verdict),
		ResourceIds: notNil(o.ResourceIDs), AppointmentID: orNull(o.AppointmentID),
		Reasons: toSlice(o.Reasons, func(r booking.OccurrenceReason) schedulingoapi.RefusalReason {
			return schedulingoapi.RefusalReason{Code: schedulingoapi.ReasonCode(r.Code), ResourceID: r.ResourceID, ObjectID: r.ObjectID}
		}),
		Alternatives: toSlice(o.Alternatives, func(a booking.Slot) schedulingoapi.Slot {
			return schedulingoapi.Slot{StartAt: a.StartAt, EndAt: a.EndAt, ResourceIds: notNil(a.ResourceIDs)}
		}),
	}
}
