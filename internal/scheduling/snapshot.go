package scheduling

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// snapshot is what the database says, at one moment, about a wish to book.
type snapshot struct {
	availability.Snapshot
	// now is the instant of the request.
	now      time.Time
	service  *bookedService  // nil if it does not exist
	customer *bookedCustomer // nil if they do not exist
	// resources are the candidates, in the order of Snapshot.Resources.
	resources []candidate
	// sequence is that of the last event of the environment.
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
	price            Money
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
func (s *Appointments) snapshot(ctx context.Context, tx *tenancy.Tx, scope *tenancy.Scope, w wish) (*snapshot, error) {
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
// is booked already. The requested resources nearly always fill every requirement; if not,
// it is asked again for all.
func (s *Appointments) essentials(ctx context.Context, tx *tenancy.Tx, scope *tenancy.Scope, w wish) (*snapshot, error) {
	w.only = len(w.requested) > 0
	taken, err := s.take(ctx, tx, scope, w)
	if err == nil && w.only && len(w.requested) < len(taken.Service.Requirements) {
		w.only = false
		taken, err = s.take(ctx, tx, scope, w)
	}
	if err != nil {
		return nil, fmt.Errorf("take booking snapshot: %w", err)
	}
	return taken, nil
}

type (
	read     = func(db tenancy.DB) error
	termsRow = schedulingdb.GetTermsOfRequestedRow
	busyRow  = schedulingdb.ListBusyOfRequestedRow
	// together runs queries in one round trip: a transaction or a reader.
	together interface {
		Together(ctx context.Context, reads ...read) error
	}
)

// margin is longer than any appointment with its buffers, which allocations bound. What
// surrounds a snapshot is asked for before it is known which service it is about; time off
// that does not reach into the window does no harm.
const margin = longestAllocation

// take takes a snapshot in one round trip, in which it also reads something else.
func (s *Appointments) take(ctx context.Context, db together, scope *tenancy.Scope, w wish, also ...read) (*snapshot, error) {
	var terms []termsRow
	var busy []busyRow
	var around []schedulingdb.ListSurroundingsRow
	reads := append([]read{func(db tenancy.DB) (err error) {
		terms, err = s.bookingTerms(ctx, db, scope, w)
		return err
	}, func(db tenancy.DB) (err error) {
		busy, err = s.busy(ctx, db, scope, w)
		return err
	}, func(db tenancy.DB) (err error) {
		around, err = s.queries.ListSurroundings(ctx, db, schedulingdb.ListSurroundingsParams{
			EnvID: scope.Env.ID, ResourceIds: w.candidates(), FromAt: w.startAt.Add(-margin), ToAt: w.until.Add(margin),
		})
		return err
	}}, also...)
	if err := db.Together(ctx, reads...); err != nil {
		return nil, err
	}
	taken := newSnapshot(w, terms, scope.Now)
	taken.Location = scope.Tenant.Location
	from, to := w.window(taken.Service)
	taken.addBusy(busy, from, to)
	return taken, taken.addSurroundings(around, from, to)
}

// bookingTerms asks for the service, the customer and the resources.
func (s *Appointments) bookingTerms(ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, w wish) ([]termsRow, error) {
	if w.only {
		return s.queries.GetTermsOfRequested(ctx, db, schedulingdb.GetTermsOfRequestedParams{
			EnvID: scope.Env.ID, ServiceID: w.serviceID, CustomerID: w.customerID, RequestedIds: w.requested,
		})
	}
	rows, err := s.queries.GetBookingTerms(ctx, db, schedulingdb.GetBookingTermsParams{
		EnvID: scope.Env.ID, ServiceID: w.serviceID, CustomerID: w.customerID, RequestedIds: w.named(),
	})
	return convertRows(rows, func(r schedulingdb.GetBookingTermsRow) termsRow { return termsRow(r) }), err
}

// busy asks for what has lanes of the resources.
func (s *Appointments) busy(ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, w wish) ([]busyRow, error) {
	params := schedulingdb.ListBusyOfRequestedParams{
		EnvID: scope.Env.ID, ServiceID: w.serviceID, RequestedIds: w.named(), FirstStart: w.startAt, LastStart: w.until, Now: scope.Now,
	}
	if w.moving != nil {
		from, to := w.window(w.moving.times())
		params.ExceptOwnerID, params.FromAt, params.ToAt = w.moving.ID, &from, &to
	}
	if w.only {
		return s.queries.ListBusyOfRequested(ctx, db, params)
	}
	dayFrom, _ := dayOf(w.startAt, scope.Tenant.Location)
	_, dayTo := dayOf(w.until, scope.Tenant.Location)
	rows, err := s.queries.ListBusy(ctx, db, schedulingdb.ListBusyParams{
		EnvID: params.EnvID, ServiceID: params.ServiceID, RequestedIds: params.RequestedIds, FirstStart: params.FirstStart,
		LastStart: params.LastStart, DayFrom: dayFrom, DayTo: dayTo, FromAt: params.FromAt, ToAt: params.ToAt,
		ExceptOwnerID: params.ExceptOwnerID, Now: params.Now,
	})
	return convertRows(rows, func(r schedulingdb.ListBusyRow) busyRow { return busyRow(r) }), err
}

// named are the requested resources, which may be none, but not null.
func (w *wish) named() []uuid.UUID {
	if w.requested == nil {
		return []uuid.UUID{}
	}
	return w.requested
}

// candidates are the resources that may be taken; nil if they are not known yet.
func (w *wish) candidates() []uuid.UUID {
	if w.only {
		return w.requested
	}
	return nil
}

// window is the time that the starts of the wish could take, buffers included.
func (w *wish) window(service availability.Service) (from, to time.Time) {
	from, _ = service.Window(w.startAt)
	_, to = service.Window(w.until)
	return from, to
}

// lockRivals locks resources for which others were faster too often; before them the
// service, if it has limits.
func (s *Appointments) lockRivals(ctx context.Context, tx *tenancy.Tx, scope *tenancy.Scope, w wish) error {
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

func limits(perDay, perWeek *int32) (l availability.Limits) {
	if perDay != nil {
		l.MaxPerDay = int(*perDay)
	}
	if perWeek != nil {
		l.MaxPerWeek = int(*perWeek)
	}
	return l
}

func minutes(n int32) time.Duration { return time.Duration(n) * time.Minute }

// newSnapshot takes the terms: service and customer are on each of them.
func newSnapshot(w wish, rows []termsRow, now time.Time) *snapshot {
	s := &snapshot{now: now, sequence: rows[0].Sequence}
	s.addServiceAndCustomer(w, &rows[0])
	s.resources, s.Resources = make([]candidate, 0, len(rows)), make([]availability.Resource, 0, len(rows))
	for i := range rows {
		row := &rows[i]
		if row.ResourceID == nil {
			continue
		}
		s.resources = append(s.resources, candidate{
			ResourceReference: ResourceReference{ID: *row.ResourceID, Name: *row.ResourceName, Type: *row.ResourceType},
			userID:            row.ResourceUserID,
		})
		s.Resources = append(s.Resources, availability.Resource{
			ID: *row.ResourceID, Type: availability.ResourceType(*row.ResourceType), Active: *row.ResourceIsActive,
			Capacity: int(*row.ResourceCapacity), Weight: int(*row.ResourceWeight),
			Limits: limits(row.ResourceMaxPerDay, row.ResourceMaxPerWeek),
		})
	}
	return s
}

// States of what is busy, as the queries say them.
const (
	stateHeld    = 1
	stateExpired = 2
)

// addBusy adds what has lanes. A hold that is over has none; it must be cleared away if it
// is between from and to.
func (s *snapshot) addBusy(rows []busyRow, from, to time.Time) {
	var r *availability.Resource // rows of one resource follow each other
	for i := range rows {
		row := &rows[i]
		if r == nil || r.ID != row.ResourceID {
			if r = s.resource(row.ResourceID); r == nil {
				continue // it is no candidate any more
			}
			others := slices.IndexFunc(rows[i:], func(other busyRow) bool { return other.ResourceID != row.ResourceID })
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

func (s *snapshot) addServiceAndCustomer(w wish, row *termsRow) {
	if row.ServiceName != nil {
		s.service = &bookedService{
			Reference: Reference{ID: w.serviceID, Name: *row.ServiceName}, version: *row.ServiceVersion,
			bufferBefore: *row.BufferBeforeMinutes, bufferAfter: *row.BufferAfterMinutes,
			price: Money{Amount: *row.PriceAmount, Currency: *row.PriceCurrency}, requiresApproval: *row.RequiresApproval,
		}
		s.Service = availability.Service{
			Active: *row.ServiceIsActive, Duration: minutes(*row.DurationMinutes),
			BufferBefore: minutes(*row.BufferBeforeMinutes), BufferAfter: minutes(*row.BufferAfterMinutes),
		}
		if w.moving != nil {
			s.Service = w.moving.times()
		}
		s.Service.SlotStep, s.Service.MinNotice = minutes(*row.SlotStepMinutes), minutes(*row.MinNoticeMinutes)
		if row.HorizonDays != nil {
			s.Service.Horizon = time.Duration(*row.HorizonDays) * 24 * time.Hour
		}
		s.Service.Limits = limits(row.MaxPerDay, row.MaxPerWeek)
		for _, q := range newRequirements(row.RequirementTypes, row.NamedPositions, row.NamedResourceIds) {
			s.Service.Requirements = append(s.Service.Requirements, availability.Requirement{
				ResourceIDs: q.ResourceIDs, Types: []availability.ResourceType{availability.ResourceType(q.ResourceType)},
			})
		}
	}
	if row.CustomerName != nil {
		s.customer = &bookedCustomer{Reference: Reference{ID: w.customerID, Name: *row.CustomerName}, status: *row.CustomerStatus}
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
	case c.status != CustomerActive:
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
