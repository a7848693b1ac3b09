package booking

import (
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// bookingRequest says what a snapshot is for.
type bookingRequest struct {
	serviceID, customerID uuid.UUID
	// startAt is the start, or the first of several; until is the last.
	startAt, until time.Time
	requested      []uuid.UUID
	// kept are the resources of an appointment that moves and keeps them where it can.
	kept []uuid.UUID
	// onlyRequested says that no other resources may be chosen.
	onlyRequested bool
	// moving is the appointment that moves: its lanes count as free, and its duration and buffers count
	// instead of the service's. It is nil for a new one.
	moving *Appointment
	// searching also reads the tag of a search, and the counts of limits; explaining also buffers.
	searching, explaining bool
	// lockFirst are resources to lock before reading, after several lost races.
	lockFirst []uuid.UUID
}

// window is the time that the starts could take, including buffers.
func (r *bookingRequest) window(service availability.Service) (from, to time.Time) {
	from, _ = service.Window(r.startAt)
	_, to = service.Window(r.until)
	return from, to
}

// longestAllocation is what the database allows.
const longestAllocation = 48 * time.Hour

// busyParams are those of ListBusy for the window of the starts and, where resources can be chosen, for all of
// their days: of equal resources the one with the fewest appointments of the day is chosen.
func (r *bookingRequest) busyParams(scope *tenancy.Scope, s *snapshot, from, to time.Time) schedulingdb.ListBusyParams {
	if s.canChoose {
		dayFrom, _ := dayOf(r.startAt, scope.Tenant.Location)
		_, dayTo := dayOf(r.until, scope.Tenant.Location)
		if dayFrom.Before(from) {
			from = dayFrom
		}
		if dayTo.After(to) {
			to = dayTo
		}
	}
	params := schedulingdb.ListBusyParams{
		EnvID: scope.Env.ID, ResourceIds: s.ids(), EarliestStart: from.Add(-longestAllocation), FromAt: from, ToAt: to, Now: scope.Now,
	}
	if r.moving != nil {
		params.ExceptOwnerID = r.moving.ID
	}
	return params
}

// countParams are those of CountBookingsByDate for all weeks between from and to.
func (r *bookingRequest) countParams(scope *tenancy.Scope, resources []uuid.UUID, from, to time.Time) schedulingdb.CountBookingsByDateParams {
	const week = 8 * 24 * time.Hour // and a day, for time zones
	params := schedulingdb.CountBookingsByDateParams{
		Timezone: scope.Tenant.Timezone, EnvID: scope.Env.ID, ServiceID: r.serviceID, ResourceIds: resources,
		FromAt: from.Add(-week), ToAt: to.Add(week), Now: scope.Now,
	}
	if r.moving != nil {
		params.ExceptOwnerID = r.moving.ID
	}
	return params
}
