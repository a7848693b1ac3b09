package scheduling

import (
	"context"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalogue"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// appointmentRow is what every query for appointments returns.
type appointmentRow = schedulingdb.ListAppointmentsInRangeRow

// namedAppointments are appointments, and the catalogue that has the names in them.
type namedAppointments struct {
	list      []Appointment
	catalogue *catalogue.Catalogue
}

// named makes appointments of the rows of a query. The names of services and resources are
// those of the catalogue, at the version that the rows say. Somebody may have deleted what
// is in the rows before the catalogue was read: then the rows are asked for again.
func (s *Appointments) named(
	ctx context.Context, db catalogue.Database, scope *tenancy.Scope, query func() ([]appointmentRow, error),
) (*namedAppointments, error) {
	for range maxReadings {
		rows, err := query()
		if err != nil || len(rows) == 0 {
			return &namedAppointments{list: []Appointment{}}, err
		}
		known, err := s.catalogues.At(ctx, db, scope.Env.ID, rows[0].CatalogueVersion, scope.Now)
		if err != nil {
			return nil, err
		}
		if list, ok := newAppointments(rows, known); ok {
			if !seesContacts(scope) {
				hideContacts(list)
			}
			return &namedAppointments{list, known}, nil
		}
		s.catalogues.Forget(scope.Env.ID)
	}
	return nil, apperr.New(apperr.Busy, "What is booked is being deleted all the time. Try again.")
}

// shows reports whether staff may see the nth appointment, because they are one of its
// resources; what others may see, the queries know.
func (n *namedAppointments) shows(viewer viewer, i int) bool {
	if !viewer.staff() {
		return true
	}
	for _, id := range n.list[i].ResourceIDs {
		if user := n.catalogue.Resource(id).UserID; user != nil && *user == viewer.id {
			return true
		}
	}
	return false
}

// newAppointments reports false if the catalogue does not have a service or a resource.
func newAppointments(rows []appointmentRow, known *catalogue.Catalogue) (list []Appointment, ok bool) {
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
		Price: Money{Amount: row.PriceAmount, Currency: row.PriceCurrency}, Notes: row.Notes,
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
			Late: *row.CancelledLate, Fee: Money{Amount: *row.CancellationFeeAmount, Currency: row.PriceCurrency},
			FeePercent: *row.CancellationFeePercent, WindowHours: *row.CancellationWindowHours, Waived: *row.CancellationFeeWaived,
		}
	}
}
