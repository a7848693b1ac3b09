package booking

import (
	"context"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ReadAsZeroViewer reads an appointment, a hold, a series and a waitlist entry as the zero
// viewer, and returns the error of each.
func ReadAsZeroViewer(ctx context.Context, s *Appointments, scope *tenancy.Scope, appointment, hold, entry uuid.UUID) map[string]error {
	var nobody viewer.Viewer
	db := s.store.Reader(scope)
	_, ofAppointment := s.readAs(ctx, db, scope, nobody, appointment)
	_, ofHold := s.readHold(ctx, db, scope, hold, nobody)
	_, ofEntry := s.readEntry(ctx, db, scope, entry, nobody)
	return map[string]error{
		"appointment": ofAppointment, "hold": ofHold, "waitlist entry": ofEntry,
		"release of a hold": s.releaseHold(ctx, scope, hold, nobody), "fee": allowWaive(nobody),
	}
}

// SeenByLink reports whether the bearer of the link to one appointment can read another.
func SeenByLink(ctx context.Context, s *Appointments, scope *tenancy.Scope, link, other uuid.UUID) error {
	_, err := s.readAs(ctx, s.store.Reader(scope), scope, viewer.Bearer(link), other)
	return err
}

// NotesForZeroViewer reports whether the zero viewer is shown the notes about a customer.
func NotesForZeroViewer(c *customers.Customer) bool {
	var nobody viewer.Viewer
	return !nobody.IsCustomer() && c.Notes != nil
}
