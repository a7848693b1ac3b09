package booking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Appointment statuses. Only the first two hold the appointment's time.
const (
	StatusPending   = "PENDING"
	StatusConfirmed = "CONFIRMED"
	StatusCompleted = "COMPLETED"
	StatusCancelled = "CANCELLED"
	StatusDeclined  = "DECLINED"
	StatusNoShow    = "NO_SHOW"
)

// Appointment is a service for a customer at a time. Its JSON form is the data of the
// events appointment.created, .updated, .rescheduled, .confirmed, .completed,
// .cancelled, .declined, .no_show and .deleted.
type Appointment struct {
	// ID stays the same through all changes.
	ID uuid.UUID `json:"id"`
	// SeriesID is the series that it was booked with; nil for an appointment by itself.
	SeriesID *uuid.UUID `json:"series_id"`
	Status   string     `json:"status"`
	// StartAt and EndAt are what the customer sees, without buffers.
	StartAt    time.Time `json:"start_at"`
	EndAt      time.Time `json:"end_at"`
	ServiceID  uuid.UUID `json:"service_id"`
	CustomerID uuid.UUID `json:"customer_id"`
	// ResourceIDs and Resources are in the same order: staff, rooms, equipment, and by
	// name. Neither is ever empty.
	ResourceIDs []uuid.UUID         `json:"resource_ids"`
	Service     Reference           `json:"service"`
	Customer    Reference           `json:"customer"`
	Resources   []ResourceReference `json:"resources"`
	// Attendee is who comes, if whoever booked it said so: the customer may be known by an
	// address that several people share.
	Attendee *Attendee `json:"attendee,omitempty"`
	// Buffers and price are as they were when it was booked.
	BufferBeforeMinutes int32       `json:"buffer_before_minutes"`
	BufferAfterMinutes  int32       `json:"buffer_after_minutes"`
	Price               money.Money `json:"price"`
	Notes               string      `json:"notes"`
	// CancellationReason is also that of declining.
	CancellationReason string `json:"cancellation_reason"`
	// CancelledAt is set exactly if the status is CANCELLED, and Cancellation then has the
	// terms.
	CancelledAt  *time.Time    `json:"cancelled_at"`
	Cancellation *Cancellation `json:"cancellation"`
	CreatedAt    time.Time     `json:"created_at"`
	UpdatedAt    time.Time     `json:"updated_at"`
	Version      int32         `json:"version"`
}

// Attendee is who comes to an appointment. Its JSON form, which is that of events, tells only the
// name: whoever reads events need not be allowed to read how customers are reached.
type Attendee struct {
	Name string `json:"name"`
	// Email and Phone are nil for whoever may not see how customers are reached, and empty if
	// they were not given.
	Email *string `json:"-"`
	Phone *string `json:"-"`
}

// columns are the attendee as they are kept.
func (a *Attendee) columns() (name, email, phone *string) {
	if a == nil {
		return nil, nil, nil
	}
	none := ""
	return &a.Name, cmp.Or(a.Email, &none), cmp.Or(a.Phone, &none)
}

// seesContacts reports whether somebody may see how those are reached who come: who works for the
// business, a token that may read customers, and nobody in particular, who has been let in to the
// appointment itself.
func seesContacts(scope *tenancy.Scope) bool {
	if scope.Principal == nil {
		return true
	}
	if token := scope.Principal.Token; token != nil {
		return slices.Contains(token.Scopes, readCustomers)
	}
	return !viewer.Of(scope).IsCustomer()
}

// readCustomers is the scope that lets a token read customers.
const readCustomers apitoken.Scope = "customers:read"

// hideContacts leaves of those who come only their names.
func hideContacts(list []Appointment) {
	for i := range list {
		if list[i].Attendee != nil {
			list[i].Attendee = &Attendee{Name: list[i].Attendee.Name}
		}
	}
}

// Reference names a service or a customer.
type Reference struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
}

// ResourceReference names a resource.
type ResourceReference struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
	Type string    `json:"type"`
}

// AppointmentPatch changes the fields that are not nil.
type AppointmentPatch struct {
	Notes *string
}

// AppointmentFilter narrows a list of appointments; nil means all.
type AppointmentFilter struct {
	// From is inclusive, To exclusive; both are about the start.
	From       *time.Time `json:"from"`
	To         *time.Time `json:"to"`
	Statuses   []string   `json:"statuses"`
	ResourceID *uuid.UUID `json:"resource_id"`
	CustomerID *uuid.UUID `json:"customer_id"`
	ServiceID  *uuid.UUID `json:"service_id"`
	SeriesID   *uuid.UUID `json:"series_id"`
}

// Appointments is the service for appointments.
type Appointments struct{ engine *engine }

// Get returns an appointment. Errors: NotFound, also for one that the viewer may not see.
func (s *Appointments) Get(ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID) (*Appointment, error) {
	return s.engine.readAppointment(ctx, s.engine.store.Reader(scope), scope, v, id)
}

func (e *engine) readAppointment(
	ctx context.Context, db database, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID,
) (*Appointment, error) {
	found, err := e.named(ctx, db, scope, func() ([]appointmentRow, error) {
		row, err := queries.GetAppointment(ctx, db, schedulingdb.GetAppointmentParams{
			EnvID: scope.Env.ID, ID: id, OnlyCustomerUserID: v.OnlyCustomerOf(id),
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, nil
		}
		return []appointmentRow{appointmentRow(row)}, err
	})
	if err != nil {
		return nil, fmt.Errorf("get appointment: %w", err)
	}
	if len(found.list) == 0 || !found.shows(v, 0) {
		return nil, apperr.NewNotFound("appointment")
	}
	return &found.list[0], nil
}

// Update changes an appointment; with a version, only if it is at that version. Errors:
// NotFound, VersionMismatch.
func (s *Appointments) Update(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, change AppointmentPatch) (*Appointment, error) {
	var updated *Appointment
	err := s.engine.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.engine.lockAppointment(ctx, tx, scope, viewer.Of(scope), id, version)
		if err != nil {
			return err
		}
		next := *current
		patch.Set(&next.Notes, change.Notes)
		updated, err = writeAppointment(ctx, tx, scope, ActionUpdated, current, &next)
		return err
	})
	if err != nil {
		return nil, err
	}
	return updated, nil
}

// Delete removes an appointment with its history, and gives its quota back to the month
// it was booked in. Errors: NotFound, VersionMismatch.
func (s *Appointments) Delete(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) error {
	return s.engine.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.engine.lockAppointment(ctx, tx, scope, viewer.Of(scope), id, version)
		if err != nil {
			return err
		}
		period, err := queries.DeleteAppointment(ctx, tx, schedulingdb.DeleteAppointmentParams{EnvID: scope.Env.ID, ID: id})
		if err != nil {
			return fmt.Errorf("delete appointment: %w", err)
		}
		if err := entitle.Release(ctx, tx, scope.Entitlements, entitle.MaxAppointments, period, 1); err != nil {
			return err
		}
		tx.Emit("appointment.deleted", current)
		return current.enqueueVacancy(ctx, tx, scope)
	})
}

// lockAppointment reads an appointment after locking it, if the viewer may see it. The lock is a statement
// of its own: only a later statement sees what the transaction that was waited for has written to other tables.
// Errors: NotFound, VersionMismatch.
func (e *engine) lockAppointment(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, version *int32,
) (*Appointment, error) {
	_, err := queries.LockAppointment(ctx, tx, schedulingdb.LockAppointmentParams{EnvID: scope.Env.ID, ID: id})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, apperr.NewNotFound("appointment")
	}
	if err != nil {
		return nil, fmt.Errorf("lock appointment: %w", err)
	}
	current, err := e.readAppointment(ctx, tx, scope, v, id)
	if err != nil {
		return nil, err
	}
	return current, etag.Check(version, current.Version, "appointment")
}

// List returns appointments in the order of their start; for staff those they are a
// resource of, for customers their own. Errors: InvalidCursor.
func (s *Appointments) List(ctx context.Context, scope *tenancy.Scope, filter AppointmentFilter, page keyset.Page) (keyset.List[Appointment], error) {
	from, to := keyset.ClampRange(&filter.From, &filter.To, localtime.Earliest, localtime.Latest)
	after := keyset.ByTime{At: from}
	if err := keyset.Decode(page.Cursor, filter, &after); err != nil {
		return keyset.List[Appointment]{}, err
	}
	db := s.engine.store.Reader(scope)
	found, err := s.engine.named(ctx, db, scope, func() ([]appointmentRow, error) {
		return listAppointmentRows(ctx, db, scope, filter, schedulingdb.ListAppointmentsInRangeParams{
			EnvID: scope.Env.ID, AfterStartAt: after.At, AfterID: after.ID, ToStartAt: to, RowLimit: page.RowLimit(),
		})
	})
	if err != nil {
		return keyset.List[Appointment]{}, fmt.Errorf("list appointments: %w", err)
	}
	return keyset.ListOf(page, found.list, filter, func(a Appointment) any { return keyset.ByTime{At: a.StartAt, ID: a.ID} }), nil
}

// listAppointmentRows runs the query for the filter and the viewer.
func listAppointmentRows(
	ctx context.Context, db database, scope *tenancy.Scope, filter AppointmentFilter, page schedulingdb.ListAppointmentsInRangeParams,
) ([]appointmentRow, error) {
	narrowed, own, err := narrowToViewer(ctx, db, scope, filter)
	switch {
	case errors.Is(err, errNothingVisible):
		return nil, nil
	case err != nil:
		return nil, err
	case narrowed.SeriesID != nil:
		rows, err := queries.ListAppointmentsOfSeriesFiltered(ctx, db, schedulingdb.ListAppointmentsOfSeriesFilteredParams{
			EnvID: page.EnvID, SeriesID: *narrowed.SeriesID, AfterStartAt: page.AfterStartAt, AfterID: page.AfterID,
			ToStartAt: page.ToStartAt, Statuses: narrowed.Statuses, CustomerID: narrowed.CustomerID, ServiceID: narrowed.ServiceID,
			ResourceIds: own, ResourceID: narrowed.ResourceID, RowLimit: page.RowLimit,
		})
		return convert.All(rows, func(r schedulingdb.ListAppointmentsOfSeriesFilteredRow) appointmentRow { return appointmentRow(r) }), err
	case narrowed.CustomerID != nil:
		rows, err := queries.ListAppointmentsOfCustomer(ctx, db, schedulingdb.ListAppointmentsOfCustomerParams{
			EnvID: page.EnvID, CustomerID: *narrowed.CustomerID, AfterStartAt: page.AfterStartAt, AfterID: page.AfterID,
			ToStartAt: page.ToStartAt, Statuses: narrowed.Statuses, ServiceID: narrowed.ServiceID, ResourceIds: own,
			ResourceID: narrowed.ResourceID, RowLimit: page.RowLimit,
		})
		return convert.All(rows, func(r schedulingdb.ListAppointmentsOfCustomerRow) appointmentRow { return appointmentRow(r) }), err
	case own != nil || narrowed.Statuses != nil || narrowed.ServiceID != nil || narrowed.ResourceID != nil:
		rows, err := queries.ListAppointmentsFiltered(ctx, db, schedulingdb.ListAppointmentsFilteredParams{
			EnvID: page.EnvID, AfterStartAt: page.AfterStartAt, AfterID: page.AfterID, ToStartAt: page.ToStartAt,
			Statuses: narrowed.Statuses, ServiceID: narrowed.ServiceID, ResourceIds: own, ResourceID: narrowed.ResourceID,
			RowLimit: page.RowLimit,
		})
		return convert.All(rows, func(r schedulingdb.ListAppointmentsFilteredRow) appointmentRow { return appointmentRow(r) }), err
	}
	return queries.ListAppointmentsInRange(ctx, db, page)
}

var errNothingVisible = errors.New("the caller may not see any appointment")

// narrowToViewer limits the filter to the customer of the viewer; own are the resources of staff. Error:
// errNothingVisible if there is no such customer or resource.
func narrowToViewer(
	ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, filter AppointmentFilter,
) (narrowed AppointmentFilter, own []uuid.UUID, err error) {
	v := viewer.Of(scope)
	if v.IsStaff() {
		own, err = queries.ListResourceIDsOfUser(ctx, db, schedulingdb.ListResourceIDsOfUserParams{
			EnvID: scope.Env.ID, UserID: v.UserID(),
		})
		if err == nil && len(own) == 0 {
			err = errNothingVisible
		}
		return filter, own, err
	}
	if only := v.OnlyCustomer(); only != nil {
		id, err := queries.GetCustomerIDOfUser(ctx, db, schedulingdb.GetCustomerIDOfUserParams{
			EnvID: scope.Env.ID, UserID: *only,
		})
		if errors.Is(err, pgx.ErrNoRows) || err == nil && filter.CustomerID != nil && *filter.CustomerID != id {
			return filter, nil, errNothingVisible
		}
		filter.CustomerID = &id
		return filter, nil, err
	}
	return filter, nil, nil
}

// arrange puts the resources in their order and writes their ids to the empty slice ids.
func (a *Appointment) arrange(ids []uuid.UUID) []uuid.UUID {
	slices.SortFunc(a.Resources, compareReferences)
	for _, r := range a.Resources {
		ids = append(ids, r.ID)
	}
	a.Resources, a.ResourceIDs = slices.Clip(a.Resources), slices.Clip(ids)
	return ids
}

func compareReferences(x, y ResourceReference) int {
	return cmp.Or(cmp.Compare(typeRank[x.Type], typeRank[y.Type]), cmp.Compare(x.Name, y.Name), catalog.CompareIDs(x.ID, y.ID))
}

var typeRank = map[string]int{"STAFF": 1, "ROOM": 2, "EQUIPMENT": 3}
