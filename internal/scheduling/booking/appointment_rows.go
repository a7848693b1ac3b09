package booking

import (
	"context"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// appointmentRow is what every query for appointments returns.
type appointmentRow = schedulingdb.ListAppointmentsInRangeRow

// namedAppointments are appointments, and the catalog with the names in them.
type namedAppointments struct {
	list  []Appointment
	known *catalog.Catalog
}

// named returns the appointments of a query's rows with the names of their services and resources, which
// the catalog has. Errors: Busy if the catalog changes all the time.
func (e *engine) named(
	ctx context.Context, db catalog.DB, scope *tenancy.Scope, query func() ([]appointmentRow, error),
) (*namedAppointments, error) {
	found := &namedAppointments{}
	complete := false
	err := e.catalogs.WithCurrent(ctx, db, scope.Env.ID, scope.Now, func(known *catalog.Catalog) (uuid.UUID, error) {
		rows, err := query()
		if err != nil {
			return uuid.Nil, err
		}
		found.known = known
		found.list, complete = newAppointments(rows, known)
		if len(rows) == 0 {
			return known.Version(), nil
		}
		return rows[0].CatalogVersion, nil
	})
	if err != nil {
		return nil, err
	}
	if !complete {
		return nil, apperr.New(apperr.Busy, "The data changed while your request ran. Try again.")
	}
	if !seesContacts(scope) {
		hideContacts(found.list)
	}
	return found, nil
}

// shows reports whether staff may see the nth appointment, as one of its resources; the queries check other
// viewers.
func (n *namedAppointments) shows(v viewer.Viewer, i int) bool {
	if !v.IsStaff() {
		return true
	}
	for _, id := range n.list[i].ResourceIDs {
		if user := n.known.Resource(id).UserID; user != nil && *user == v.UserID() {
			return true
		}
	}
	return false
}

// newAppointments reports false if a service or a resource is not in the catalog.
func newAppointments(rows []appointmentRow, known *catalog.Catalog) (list []Appointment, ok bool) {
	n := 0
	for i := range rows {
		n += len(rows[i].ResourceIds)
	}
	list, resources, ids := make([]Appointment, len(rows)), make([]ResourceReference, 0, n), make([]uuid.UUID, 0, n)
	for i := range rows {
		row, a := &rows[i], &list[i]
		service := known.Service(row.ServiceID)
		if service == nil {
			return nil, false
		}
		a.set(row, service.Name)
		resources = resources[len(resources):]
		for _, id := range row.ResourceIds {
			r := known.Resource(id)
			if r == nil {
				return nil, false
			}
			resources = append(resources, ResourceReference{ID: id, Name: r.Name, Type: r.Type})
		}
		a.Resources = resources
		ids = a.arrange(ids[len(ids):])
	}
	return list, true
}

// set takes everything but the resources from a row.
func (a *Appointment) set(row *appointmentRow, serviceName string) {
	*a = Appointment{
		ID: row.ID, SeriesID: row.SeriesID, Status: row.Status, StartAt: row.StartAt.UTC(), EndAt: row.EndAt.UTC(),
		ServiceID: row.ServiceID, CustomerID: row.CustomerID,
		Service:             Reference{ID: row.ServiceID, Name: serviceName},
		Customer:            Reference{ID: row.CustomerID, Name: row.CustomerName},
		BufferBeforeMinutes: row.BufferBeforeMinutes, BufferAfterMinutes: row.BufferAfterMinutes,
		Price: money.Money{Amount: row.PriceAmount, Currency: row.PriceCurrency}, Notes: row.Notes,
		CancellationReason: row.CancellationReason, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
		Version: row.Version,
	}
	if row.AttendeeName != nil {
		a.Attendee = &Attendee{Name: *row.AttendeeName, Email: row.AttendeeEmail, Phone: row.AttendeePhone}
	}
	if row.CancelledAt != nil {
		at := row.CancelledAt.UTC()
		a.CancelledAt = &at
	}
	if row.CancelledLate != nil {
		a.Cancellation = &Cancellation{
			Late: *row.CancelledLate, Fee: money.Money{Amount: *row.CancellationFeeAmount, Currency: row.PriceCurrency},
			FeePercent: *row.CancellationFeePercent, WindowHours: *row.CancellationWindowHours, Waived: *row.CancellationFeeWaived,
		}
	}
}

// times are the duration and buffers of the booking, in the form of a service.
func (a *Appointment) times() availability.Service {
	return availability.Service{
		Active:       true,
		Duration:     a.EndAt.Sub(a.StartAt),
		BufferBefore: catalog.Minutes(a.BufferBeforeMinutes),
		BufferAfter:  catalog.Minutes(a.BufferAfterMinutes),
	}
}
