package booking

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// snapshot is what the database says, at one moment, about a wish to book.
type snapshot struct {
	availability.Snapshot
	// catalogue is where the service and the resources are from.
	catalogue *catalog.Catalog
	// open says that resources may be taken that the wish does not name.
	open bool
	// now is the instant of the request.
	now      time.Time
	service  *bookedService  // nil if it does not exist
	customer *bookedCustomer // nil if they do not exist
	// resources are the candidates, in the order of Snapshot.Resources.
	resources []candidate
	// sequence is that of the last event of the environment, if it was asked for.
	sequence int64
	// expired are holds that are over but still have lanes in the window.
	expired []uuid.UUID
}

// bookedService has what an appointment keeps of its service.
type bookedService struct {
	Reference
	version          int32
	bufferBefore     int32
	bufferAfter      int32
	price            money.Money
	requiresApproval bool
}

type bookedCustomer struct {
	Reference
	status string
}

type candidate struct {
	ResourceReference
	userID *uuid.UUID
}

// wish says what to take a snapshot for.
type wish struct {
	serviceID, customerID uuid.UUID
	// startAt is the start, or the first of several; until is the last.
	startAt, until time.Time
	requested      []uuid.UUID
	// kept are the resources of the appointment that shall be moved, if it is to keep them
	// where it can.
	kept []uuid.UUID
	// only says that there is no choice but among the requested resources.
	only bool
	// moving is the appointment that shall be moved, whose lanes count as free and
	// whose times count instead of the service's; nil for a new one.
	moving *Appointment
	// explain asks for what only explanations need.
	explain bool
	// rivals are resources to lock first, because others were faster too often.
	rivals []uuid.UUID
}

// snapshot takes a snapshot of the start of a wish, in the transaction that shall fulfil it.
func (s *Appointments) snapshot(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, w wish) (*snapshot, error) {
	if err := s.lockRivals(ctx, tx, scope, w); err != nil {
		return nil, err
	}
	w.until = w.startAt
	taken, err := s.essentials(ctx, tx, scope, w)
	if err != nil {
		return nil, err
	}
	from, to := w.window(taken.Service)
	if taken.limited() {
		if err := s.lockLimits(ctx, tx, scope, taken, w, from, to); err != nil {
			return nil, err
		}
		if taken, err = s.essentials(ctx, tx, scope, w); err != nil {
			return nil, err
		}
		from, to = w.window(taken.Service)
	}
	return taken, s.count(ctx, tx, scope, taken, w, from, to)
}

// essentials takes the part of a snapshot that every booking needs: everything but how often
// is booked already.
func (s *Appointments) essentials(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, w wish) (*snapshot, error) {
	taken, err := s.take(ctx, tx, scope, w, nothingElse)
	if err != nil {
		return nil, fmt.Errorf("take booking snapshot: %w", err)
	}
	return taken, nil
}

type (
	// database runs queries, also several in one round trip: a transaction or a reader.
	database interface {
		schedulingdb.DBTX
		catalog.DB
	}
)

// nothingElse is for take.
func nothingElse(*snapshot) []batch.Statement { return nil }

// maxReadings bounds how often a request reads a catalogue that changes all the time.
const maxReadings = 4

// take takes a snapshot. Nearly always that is one round trip, because the catalogue is
// known; what is asked for tells whether it still is what there is. In the same trip, and before
// that, it reads what also returns for the snapshot, which has only the catalogue then.
func (s *Appointments) take(
	ctx context.Context, db database, scope *tenancy.Scope, w wish, also func(*snapshot) []batch.Statement,
) (*snapshot, error) {
	known := s.catalogs.Cached(scope.Env.ID)
	for readings := 0; ; {
		if known == nil {
			var err error
			if known, err = s.catalogs.Read(ctx, db, scope.Env.ID, scope.Now); err != nil {
				return nil, err
			}
			readings++
		}
		taken := newSnapshot(w, known, scope)
		done, err := s.complete(ctx, db, scope, w, taken, also(taken), readings == maxReadings)
		if err != nil || done {
			return taken, err
		}
		known = nil
	}
}

// complete adds to a snapshot, which has the catalogue, what is busy and what surrounds it. It
// reports false, and the snapshot is good for nothing, if the catalogue is not the one there
// is and need be.
func (s *Appointments) complete(
	ctx context.Context, db database, scope *tenancy.Scope, w wish, taken *snapshot, also []batch.Statement, anyVersion bool,
) (done bool, err error) {
	from, to := w.window(taken.Service)
	var state schedulingdb.GetBookingStateRow
	var busy []schedulingdb.ListBusyRow
	var around []catalog.CalendarEntry
	reads := append(also, batch.Read(s.queries.GetBookingState,
		schedulingdb.GetBookingStateParams{EnvID: scope.Env.ID, CustomerID: w.customerID}, &state))
	if len(taken.resources) > 0 {
		reads = append(reads, batch.Read(s.queries.ListBusy, w.busy(scope, taken, from, to), &busy))
	}
	known := taken.catalogue.Covers(from)
	if !known {
		reads = append(reads, batch.Read(s.queries.ListCalendarEntries,
			schedulingdb.ListCalendarEntriesParams{EnvID: scope.Env.ID, FromAt: from, ToAt: to}, &around))
	}
	if err := db.Batch(ctx, reads...); err != nil {
		return false, err
	}
	if !anyVersion && !taken.catalogue.Is(state.CatalogVersion) {
		return false, nil
	}
	taken.addState(w, &state)
	taken.addBusy(busy, from, to)
	if known {
		return true, taken.catalogue.AddCalendar(ctx, &taken.Snapshot, from, to)
	}
	return true, taken.catalogue.AddCalendarEntries(ctx, &taken.Snapshot, around, from, to)
}

// busy says for which time it must be known what is busy: that of the starts and, where there
// is a choice, all of their days, by which those are found who have least to do.
func (w *wish) busy(scope *tenancy.Scope, taken *snapshot, from, to time.Time) schedulingdb.ListBusyParams {
	if taken.open {
		dayFrom, _ := dayOf(w.startAt, scope.Tenant.Location)
		_, dayTo := dayOf(w.until, scope.Tenant.Location)
		if dayFrom.Before(from) {
			from = dayFrom
		}
		if dayTo.After(to) {
			to = dayTo
		}
	}
	params := schedulingdb.ListBusyParams{
		EnvID: scope.Env.ID, ResourceIds: taken.ids(), EarliestStart: from.Add(-longestAllocation), FromAt: from, ToAt: to, Now: scope.Now,
	}
	if w.moving != nil {
		params.ExceptOwnerID = w.moving.ID
	}
	return params
}

// window is the time that the starts of the wish could take, buffers included.
func (w *wish) window(service availability.Service) (from, to time.Time) {
	from, _ = service.Window(w.startAt)
	_, to = service.Window(w.until)
	return from, to
}

// lockRivals locks resources for which others were faster too often; before them the
// service, if it has limits.
func (s *Appointments) lockRivals(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, w wish) error {
	if len(w.rivals) == 0 {
		return nil
	}
	if err := s.lockLimitedService(ctx, tx, scope, w); err != nil {
		return err
	}
	err := s.queries.LockResources(ctx, tx, schedulingdb.LockResourcesParams{EnvID: scope.Env.ID, Ids: w.rivals})
	if err != nil {
		return fmt.Errorf("lock resources: %w", err)
	}
	return nil
}

// times are the facts of a service as the appointment was booked with them.
func (a *Appointment) times() availability.Service {
	return availability.Service{
		Active:       true,
		Duration:     a.EndAt.Sub(a.StartAt),
		BufferBefore: minutes(a.BufferBeforeMinutes),
		BufferAfter:  minutes(a.BufferAfterMinutes),
	}
}

func minutes(n int32) time.Duration { return time.Duration(n) * time.Minute }

// publicHorizon is how far ahead the public can search and book, whatever the service
// allows: nobody plans farther, and work for the far future is for those who are known.
const publicHorizon = 5 * 366 * 24 * time.Hour

// newSnapshot takes from the catalogue what a wish is about.
func newSnapshot(w wish, known *catalog.Catalog, scope *tenancy.Scope) *snapshot {
	s := &snapshot{now: scope.Now, catalogue: known}
	s.Location = scope.Tenant.Location
	s.addService(w)
	if scope.Principal == nil && (s.Service.Horizon == 0 || s.Service.Horizon > publicHorizon) {
		s.Service.Horizon = publicHorizon
	}
	s.open = !w.only && s.service != nil && len(w.requested) < max(len(s.Service.Requirements), 1)
	if !s.open {
		for _, id := range inOrder(w.requested) {
			if r := known.Resource(id); r != nil {
				s.addResource(r)
			}
		}
		return s
	}
	instead := s.typesInstead(w.kept)
	all := known.Resources()
	for i := range all {
		r := &all[i]
		named := slices.Contains(w.requested, r.Rules.ID) || slices.Contains(w.kept, r.Rules.ID)
		if named || r.Rules.Active && (s.accepts(r) || slices.Contains(instead, r.Rules.Type)) {
			s.addResource(r)
		}
	}
	return s
}

// typesInstead are the types of the resources that may be taken instead of kept ones, which the
// service does not state.
func (s *snapshot) typesInstead(kept []uuid.UUID) []availability.ResourceType {
	if len(s.Service.Requirements) > 0 {
		return nil
	}
	return s.typesOf(kept)
}

// typesOf are the types of resources, whether candidates or not.
func (s *snapshot) typesOf(ids []uuid.UUID) []availability.ResourceType {
	var types []availability.ResourceType
	for _, id := range ids {
		if r := s.catalogue.Resource(id); r != nil {
			types = append(types, r.Rules.Type)
		}
	}
	return types
}

// inOrder are the ids in the order of snapshots, each once.
func inOrder(ids []uuid.UUID) []uuid.UUID {
	if len(ids) < 2 {
		return ids
	}
	ids = slices.Clone(ids)
	slices.SortFunc(ids, catalog.CompareIDs)
	return slices.Compact(ids)
}

// accepts reports whether one of the requirements of the service accepts the resource.
func (s *snapshot) accepts(r *catalog.ResourceEntry) bool {
	if len(s.Service.Requirements) == 0 {
		return r.Rules.Type != availability.Equipment
	}
	return slices.ContainsFunc(s.Service.Requirements, func(q availability.Requirement) bool {
		return slices.Contains(q.Types, r.Rules.Type) && (len(q.ResourceIDs) == 0 || slices.Contains(q.ResourceIDs, r.Rules.ID))
	})
}

func (s *snapshot) addResource(r *catalog.ResourceEntry) {
	s.resources = append(s.resources, candidate{
		ResourceReference: ResourceReference{ID: r.Rules.ID, Name: r.Name, Type: r.Type}, userID: r.UserID,
	})
	s.Resources = append(s.Resources, r.Rules)
}

// States of what is busy, as the queries say them.
const (
	stateHeld    = 1
	stateExpired = 2
)

// addBusy adds what has lanes. A hold that is over has none; it must be cleared away if it
// is between from and to.
func (s *snapshot) addBusy(rows []schedulingdb.ListBusyRow, from, to time.Time) {
	var r *availability.Resource // rows of one resource follow each other
	for i := range rows {
		row := &rows[i]
		if r == nil || r.ID != row.ResourceID {
			if r = s.resource(row.ResourceID); r == nil {
				continue // it is no candidate any more
			}
			others := slices.IndexFunc(rows[i:], func(other schedulingdb.ListBusyRow) bool { return other.ResourceID != row.ResourceID })
			if others < 0 {
				others = len(rows) - i
			}
			r.Busy = slices.Grow(r.Busy, others)
		}
		taken := availability.Interval{Lane: int(row.Lane), Start: row.StartAt, End: row.EndAt, ObjectID: row.OwnerID}
		switch row.State {
		case stateExpired:
			if taken.Start.Before(to) && taken.End.After(from) {
				s.expired = append(s.expired, taken.ObjectID)
			}
			continue
		case stateHeld:
			taken.Kind = availability.Hold
		}
		r.Busy = append(r.Busy, taken)
	}
}

// addBuffers tells the buffers of what is busy, for explanations.
func (s *snapshot) addBuffers(rows []schedulingdb.ListBuffersRow) {
	if len(rows) == 0 {
		return
	}
	of := make(map[uuid.UUID]*schedulingdb.ListBuffersRow, len(rows))
	for i := range rows {
		of[rows[i].OwnerID] = &rows[i]
	}
	for i := range s.Resources {
		for j := range s.Resources[i].Busy {
			busy := &s.Resources[i].Busy[j]
			if row := of[busy.ObjectID]; row != nil {
				busy.BufferBefore, busy.BufferAfter = minutes(row.BufferBeforeMinutes), minutes(row.BufferAfterMinutes)
			}
		}
	}
}

func (s *snapshot) addService(w wish) {
	service := s.catalogue.Service(w.serviceID)
	if service == nil {
		return
	}
	s.service = &bookedService{
		Reference: Reference{ID: w.serviceID, Name: service.Name}, version: service.Version,
		bufferBefore: service.BufferBeforeMinutes, bufferAfter: service.BufferAfterMinutes,
		price: money.Money{Amount: service.PriceAmount, Currency: service.PriceCurrency}, requiresApproval: service.RequiresApproval,
	}
	s.Service = service.Rules
	if w.moving != nil {
		booked := w.moving.times()
		s.Service.Active, s.Service.Duration = booked.Active, booked.Duration
		s.Service.BufferBefore, s.Service.BufferAfter = booked.BufferBefore, booked.BufferAfter
	}
}

// addState adds what is not in the catalogue.
func (s *snapshot) addState(w wish, state *schedulingdb.GetBookingStateRow) {
	if state.CustomerName != nil {
		s.customer = &bookedCustomer{Reference: Reference{ID: w.customerID, Name: *state.CustomerName}, status: *state.CustomerStatus}
	}
}

// checkReferences returns a ValidationFailed error if the service or the customer does
// not exist here, or the customer gets no new appointments. Without customer (nil) only
// the service counts.
func (s *snapshot) checkReferences(customerID *uuid.UUID) error {
	var fields []apperr.Field
	if s.service == nil {
		fields = append(fields, apperr.Field{Pointer: "/service_id", Detail: "There is no service with this id."})
	}
	if customerID != nil {
		fields = append(fields, s.customer.check()...)
	}
	if len(fields) == 0 {
		return nil
	}
	return apperr.New(apperr.ValidationFailed, "%s", fields[0].Detail).WithFields(fields...)
}

// check says what keeps the customer, who is nil if there is none, from booking.
func (c *bookedCustomer) check() []apperr.Field {
	switch {
	case c == nil:
		return []apperr.Field{{Pointer: "/customer_id", Detail: "There is no customer with this id."}}
	case c.status != customers.Active:
		detail := fmt.Sprintf("The customer is %s and gets no new appointments.", c.status)
		return []apperr.Field{{Pointer: "/customer_id", Detail: detail}}
	}
	return nil
}

// reference returns the candidate with the id, or nil.
func (s *snapshot) reference(id uuid.UUID) *candidate {
	for i := range s.resources {
		if s.resources[i].ID == id {
			return &s.resources[i]
		}
	}
	return nil
}

// ids returns the ids of all candidates.
func (s *snapshot) ids() []uuid.UUID {
	ids := make([]uuid.UUID, len(s.resources))
	for i := range s.resources {
		ids[i] = s.resources[i].ID
	}
	return ids
}
