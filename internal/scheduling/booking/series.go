package booking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Series is a booking of recurring appointments. It does not change when single appointments of it change. Its JSON
// form is the data of the events series.created, series.updated and series.cancelled.
type Series struct {
	ID         uuid.UUID `json:"id"`
	ServiceID  uuid.UUID `json:"service_id"`
	CustomerID uuid.UUID `json:"customer_id"`
	Service    Reference `json:"service"`
	Customer   Reference `json:"customer"`
	// StartAt is the first start that the rule gives.
	StartAt time.Time `json:"start_at"`
	// RRule is the value of an RRULE (RFC 5545) by which it recurs on the clock of
	// Timezone: that of the business when it was booked.
	RRule    string `json:"rrule"`
	Timezone string `json:"timezone"`
	// ResourceIDs are those that were requested; never nil.
	ResourceIDs []uuid.UUID `json:"resource_ids"`
	Notes       string      `json:"notes"`
	CreatedAt   time.Time   `json:"created_at"`
	UpdatedAt   time.Time   `json:"updated_at"`
	Version     int32       `json:"version"`
}

// SeriesDetail is a series with those of its appointments that the viewer may see, in the
// order of their start.
type SeriesDetail struct {
	Series
	Appointments []Appointment
}

// SeriesFilter narrows a list of series; nil means all.
type SeriesFilter struct {
	CustomerID *uuid.UUID `json:"customer_id"`
	ServiceID  *uuid.UUID `json:"service_id"`
}

// SeriesBookings is the service for series. It books, moves and cancels all appointments of a series in one
// transaction, by the rules for single ones.
type SeriesBookings struct{ engine *engine }

// lastID is after every id of a series.
var lastID = uuid.Max

// List returns series, the newest first; for staff those of which they have an
// appointment, for customers their own. Errors: InvalidCursor.
func (s *SeriesBookings) List(ctx context.Context, scope *tenancy.Scope, filter SeriesFilter, page keyset.Page) (keyset.List[Series], error) {
	before := lastID
	if err := keyset.Decode(page.Cursor, filter, &before); err != nil {
		return keyset.List[Series]{}, err
	}
	v := viewer.Of(scope)
	rows, err := queries.ListSeries(ctx, s.engine.store.Reader(scope), schedulingdb.ListSeriesParams{
		EnvID: scope.Env.ID, BeforeID: before, CustomerID: filter.CustomerID, ServiceID: filter.ServiceID,
		OnlyCustomerUserID: v.OnlyCustomer(), OnlyStaffUserID: v.OnlyStaff(), RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Series]{}, fmt.Errorf("list series: %w", err)
	}
	convert := func(row schedulingdb.ListSeriesRow) Series { return newSeries(schedulingdb.GetSeriesRow(row)) }
	return keyset.NewList(page, rows, filter, convert, func(v Series) any { return v.ID }), nil
}

// Get returns a series with its appointments. Errors: NotFound, also for those that the
// caller may not see.
func (s *SeriesBookings) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*SeriesDetail, error) {
	return s.detail(ctx, s.engine.store.Reader(scope), scope, id)
}

func (s *SeriesBookings) detail(ctx context.Context, db database, scope *tenancy.Scope, id uuid.UUID) (*SeriesDetail, error) {
	v := viewer.Of(scope)
	row, err := queries.GetSeries(ctx, db, schedulingdb.GetSeriesParams{
		EnvID: scope.Env.ID, ID: id, OnlyCustomerUserID: v.OnlyCustomerOf(id), OnlyStaffUserID: v.OnlyStaff(),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, apperr.NewNotFound("series")
	}
	if err != nil {
		return nil, fmt.Errorf("get series: %w", err)
	}
	found, err := s.engine.named(ctx, db, scope, func() ([]appointmentRow, error) {
		rows, err := queries.ListAppointmentsOfSeries(ctx, db, schedulingdb.ListAppointmentsOfSeriesParams{
			EnvID: scope.Env.ID, SeriesID: id, OnlyCustomerUserID: v.OnlyCustomerOf(id), OnlyStaffUserID: v.OnlyStaff(),
		})
		return convert.All(rows, func(r schedulingdb.ListAppointmentsOfSeriesRow) appointmentRow { return appointmentRow(r) }), err
	})
	if err != nil {
		return nil, fmt.Errorf("list appointments of series: %w", err)
	}
	return &SeriesDetail{Series: newSeries(row), Appointments: found.list}, nil
}

func newSeries(row schedulingdb.GetSeriesRow) Series {
	return Series{
		ID: row.ID, ServiceID: row.ServiceID, CustomerID: row.CustomerID,
		Service:  Reference{ID: row.ServiceID, Name: row.ServiceName},
		Customer: Reference{ID: row.CustomerID, Name: row.CustomerName},
		StartAt:  row.StartAt.UTC(), RRule: row.Rrule, Timezone: row.Timezone, ResourceIDs: row.ResourceIds, Notes: row.Notes,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(), Version: row.Version,
	}
}

// lock reads a series after locking it and all its appointments, always in this order (appointments by id), so
// that there are no deadlocks.
func (s *SeriesBookings) lock(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, version *int32,
) (*SeriesDetail, error) {
	if err := queries.LockSeries(ctx, tx, schedulingdb.LockSeriesParams{EnvID: scope.Env.ID, ID: id}); err != nil {
		return nil, fmt.Errorf("lock series: %w", err)
	}
	err := queries.LockAppointmentsOfSeries(ctx, tx, schedulingdb.LockAppointmentsOfSeriesParams{EnvID: scope.Env.ID, SeriesID: id})
	if err != nil {
		return nil, fmt.Errorf("lock appointments of series: %w", err)
	}
	current, err := s.detail(ctx, tx, scope, id)
	if err != nil {
		return nil, err
	}
	return current, etag.Check(version, current.Version, "series")
}

// writeSeries writes the next version of a series that is locked, and its event.
func writeSeries(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, current *Series, event string) error {
	current.Version, current.UpdatedAt = current.Version+1, scope.Now
	err := queries.UpdateSeries(ctx, tx, schedulingdb.UpdateSeriesParams{
		EnvID: scope.Env.ID, ID: current.ID, Version: current.Version, Now: scope.Now,
	})
	if err != nil {
		return fmt.Errorf("update series: %w", err)
	}
	tx.Emit(event, *current)
	return nil
}

// SeriesScope selects the appointments of a series for a change. Following and all include only pending and confirmed
// ones that have not started.
type SeriesScope string

// The scopes of changes.
const (
	ScopeThis      SeriesScope = "this"
	ScopeFollowing SeriesScope = "following"
	ScopeAll       SeriesScope = "all"
)

// SeriesSelection names appointments of a series.
type SeriesSelection struct {
	Scope SeriesScope
	// AppointmentID is the only, or the first, selected one. It is required unless the scope is ScopeAll.
	AppointmentID *uuid.UUID
}

// of returns the selected appointments in the order of their start. Errors: ValidationFailed for an unknown appointment.
func (v SeriesSelection) of(series *SeriesDetail, now time.Time) ([]Appointment, error) {
	from := time.Time{}
	if v.Scope != ScopeAll {
		if v.AppointmentID == nil {
			return nil, apperr.NewInvalid("/appointment_id", "Which appointment? It is needed unless the scope is all.")
		}
		i := slices.IndexFunc(series.Appointments, func(a Appointment) bool { return a.ID == *v.AppointmentID })
		if i < 0 {
			return nil, apperr.NewInvalid("/appointment_id", "The series has no appointment with this id.")
		}
		if v.Scope == ScopeThis {
			return series.Appointments[i : i+1 : i+1], nil
		}
		from = series.Appointments[i].StartAt
	}
	var selected []Appointment
	for i := range series.Appointments {
		if a := &series.Appointments[i]; isOpen[a.Status] && a.StartAt.After(now) && !a.StartAt.Before(from) {
			selected = append(selected, *a)
		}
	}
	return selected, nil
}

// Cancel cancels the selected appointments, each on its terms; cancelled ones stay as they are. It returns the
// changed series. Errors: NotFound, VersionMismatch, ValidationFailed for the selection, InvalidTransition for a
// single appointment that is not open.
func (s *SeriesBookings) Cancel(
	ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, selection SeriesSelection, reason string,
) (*SeriesDetail, error) {
	var result *SeriesDetail
	err := s.engine.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		result = current
		selected, err := selection.of(current, scope.Now)
		if err != nil {
			return err
		}
		terms, cancelled := onTerms(ctx, scope, viewer.Of(scope), CancelInput{Reason: reason}), 0
		for i := range selected {
			next, err := cancelling.apply(ctx, tx, scope, &selected[i], terms)
			if err != nil {
				return err
			}
			if next.Version != selected[i].Version {
				cancelled++
			}
			current.replace(next)
		}
		if cancelled == 0 {
			return nil
		}
		return writeSeries(ctx, tx, scope, &current.Series, "series.cancelled")
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// replace replaces the appointment with the same id.
func (d *SeriesDetail) replace(next *Appointment) {
	for i := range d.Appointments {
		if d.Appointments[i].ID == next.ID {
			d.Appointments[i] = *next
		}
	}
}
