package booking

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/customers"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// snapshot is the input of the rule book for a request, as the database has it at one moment, and what an
// appointment keeps of it.
type snapshot struct {
	availability.Snapshot
	// catalog has the service and the resources.
	catalog *catalog.Catalog
	// canChoose says that resources may be taken that are not requested.
	canChoose bool
	// now is the instant of the request.
	now      time.Time
	service  *bookedService  // nil if it does not exist
	customer *bookedCustomer // nil if they do not exist
	// resources are the candidates, in the order of Snapshot.Resources.
	resources []candidate
	// sequence is that of the last event of the environment; only searches have it.
	sequence int64
	// expired are expired holds that still have lanes in the window.
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

// publicHorizon is how far ahead the public can search and book, whatever the service allows: it limits
// the work that anonymous requests can cause.
const publicHorizon = 5 * 366 * 24 * time.Hour

// newSnapshot returns the part of a snapshot that the catalog has.
func newSnapshot(req bookingRequest, known *catalog.Catalog, scope *tenancy.Scope) *snapshot {
	s := &snapshot{now: scope.Now, catalog: known}
	s.Location = scope.Tenant.Location
	s.addService(req)
	if scope.Principal == nil {
		s.limitHorizon()
	}
	s.canChoose = !req.onlyRequested && s.service != nil && len(req.requested) < max(len(s.Service.Requirements), 1)
	if !s.canChoose {
		for _, id := range inOrder(req.requested) {
			if r := known.Resource(id); r != nil {
				s.addResource(r)
			}
		}
		return s
	}
	var instead []availability.ResourceType // may replace kept resources
	if len(s.Service.Requirements) == 0 {
		instead = s.typesOf(req.kept)
	}
	all := known.Resources()
	for i := range all {
		r := &all[i]
		named := slices.Contains(req.requested, r.Rules.ID) || slices.Contains(req.kept, r.Rules.ID)
		if named || r.Rules.Active && (s.accepts(r) || slices.Contains(instead, r.Rules.Type)) {
			s.addResource(r)
		}
	}
	return s
}

// limitHorizon applies publicHorizon.
func (s *snapshot) limitHorizon() {
	if s.Service.Horizon == 0 || s.Service.Horizon > publicHorizon {
		s.Service.Horizon = publicHorizon
	}
}

// inOrder returns the ids in ascending order, each once.
func inOrder(ids []uuid.UUID) []uuid.UUID {
	if len(ids) < 2 {
		return ids
	}
	ids = slices.Clone(ids)
	slices.SortFunc(ids, catalog.CompareIDs)
	return slices.Compact(ids)
}

func (s *snapshot) addService(req bookingRequest) {
	service := s.catalog.Service(req.serviceID)
	if service == nil {
		return
	}
	s.service = &bookedService{
		Reference: Reference{ID: req.serviceID, Name: service.Name}, version: service.Version,
		bufferBefore: service.BufferBeforeMinutes, bufferAfter: service.BufferAfterMinutes,
		price: money.Money{Amount: service.PriceAmount, Currency: service.PriceCurrency}, requiresApproval: service.RequiresApproval,
	}
	s.Service = service.Rules
	if req.moving != nil {
		booked := req.moving.times()
		s.Service.Active, s.Service.Duration = booked.Active, booked.Duration
		s.Service.BufferBefore, s.Service.BufferAfter = booked.BufferBefore, booked.BufferAfter
	}
}

func (s *snapshot) addResource(r *catalog.ResourceEntry) {
	s.resources = append(s.resources, candidate{
		ResourceReference: ResourceReference{ID: r.Rules.ID, Name: r.Name, Type: r.Type}, userID: r.UserID,
	})
	s.Resources = append(s.Resources, r.Rules)
}

// addResources adds the resources that only the other snapshot has.
func addResources(s, other *snapshot) {
	for i := range other.resources {
		if s.reference(other.resources[i].ID) == nil {
			s.resources = append(s.resources, other.resources[i])
			s.Resources = append(s.Resources, other.Resources[i])
		}
	}
}

// accepts reports whether a requirement of the service accepts the resource.
func (s *snapshot) accepts(r *catalog.ResourceEntry) bool {
	if len(s.Service.Requirements) == 0 {
		return r.Rules.Type != availability.Equipment
	}
	return slices.ContainsFunc(s.Service.Requirements, func(q availability.Requirement) bool {
		return slices.Contains(q.Types, r.Rules.Type) && (len(q.ResourceIDs) == 0 || slices.Contains(q.ResourceIDs, r.Rules.ID))
	})
}

// typesOf are the types of resources, whether candidates or not.
func (s *snapshot) typesOf(ids []uuid.UUID) []availability.ResourceType {
	var types []availability.ResourceType
	for _, id := range ids {
		if r := s.catalog.Resource(id); r != nil {
			types = append(types, r.Rules.Type)
		}
	}
	return types
}

// sameTypes are all active resources, whether candidates or not, with a type of the given ones.
func (s *snapshot) sameTypes(ids []uuid.UUID) []uuid.UUID {
	types := s.typesOf(ids)
	var same []uuid.UUID
	for i := range s.catalog.Resources() {
		if r := &s.catalog.Resources()[i].Rules; r.Active && slices.Contains(types, r.Type) {
			same = append(same, r.ID)
		}
	}
	return same
}

// addState adds the customer.
func (s *snapshot) addState(req bookingRequest, state *schedulingdb.GetBookingStateRow) {
	if state.CustomerName != nil {
		s.customer = &bookedCustomer{Reference: Reference{ID: req.customerID, Name: *state.CustomerName}, status: *state.CustomerStatus}
	}
}

// Values of the column state of ListBusy.
const (
	stateHeld    = 1
	stateExpired = 2
)

// addBusy adds allocations. Those of expired holds count as free; the holds must be expired if they are
// between from and to.
func (s *snapshot) addBusy(rows []schedulingdb.ListBusyRow, from, to time.Time) {
	var r *availability.Resource // rows of one resource follow each other
	for i := range rows {
		row := &rows[i]
		if r == nil || r.ID != row.ResourceID {
			if r = s.resource(row.ResourceID); r == nil {
				continue // it is no longer a candidate
			}
			others := slices.IndexFunc(rows[i:], func(other schedulingdb.ListBusyRow) bool { return other.ResourceID != row.ResourceID })
			if others < 0 {
				others = len(rows) - i
			}
			r.Busy = slices.Grow(r.Busy, others)
		}
		busy := availability.Interval{Lane: int(row.Lane), Start: row.StartAt, End: row.EndAt, ObjectID: row.OwnerID}
		switch row.State {
		case stateExpired:
			if busy.Start.Before(to) && busy.End.After(from) {
				s.expired = append(s.expired, busy.ObjectID)
			}
			continue
		case stateHeld:
			busy.Kind = availability.Hold
		}
		r.Busy = append(r.Busy, busy)
	}
}

// addBuffers adds the buffers of allocations, for explanations.
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
				busy.BufferBefore, busy.BufferAfter = catalog.Minutes(row.BufferBeforeMinutes), catalog.Minutes(row.BufferAfterMinutes)
			}
		}
	}
}

// addCounts adds the rows of CountBookingsByDate.
func (s *snapshot) addCounts(rows []schedulingdb.CountBookingsByDateRow) {
	s.Service.Counts = map[localtime.Date]int{}
	for i := range s.Resources {
		s.Resources[i].Counts = map[localtime.Date]int{}
	}
	for _, row := range rows {
		date := localtime.DateOf(row.Date, time.UTC)
		if row.ResourceID == uuid.Nil {
			s.Service.Counts[date] += int(row.N)
			continue
		}
		if r := s.resource(row.ResourceID); r != nil {
			r.Counts[date] += int(row.N)
		}
	}
}

// removeCounts removes an appointment that will be decided again from the counts of the limits.
func (s *snapshot) removeCounts(a *Appointment) {
	date := localtime.DateOf(a.StartAt, s.Location)
	if s.Service.Counts != nil {
		s.Service.Counts[date]--
	}
	for _, id := range a.ResourceIDs {
		if r := s.resource(id); r != nil && r.Counts != nil {
			r.Counts[date]--
		}
	}
}

// limited reports whether the service or a candidate has limits.
func (s *snapshot) limited() bool { return hasLimit(s.Service.Limits) || s.hasLimitedResources() }

func (s *snapshot) hasLimitedResources() bool {
	for i := range s.Resources {
		if hasLimit(s.Resources[i].Limits) {
			return true
		}
	}
	return false
}

func hasLimit(l availability.Limits) bool { return l.MaxPerDay > 0 || l.MaxPerWeek > 0 }

// checkReferences returns a ValidationFailed error if the service or the customer does not exist, or the
// customer gets no new appointments. customerID is nil if the customer is not known yet.
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

// check returns why the customer, who may be nil, cannot book.
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

// resource returns the candidate's rules, or nil.
func (s *snapshot) resource(id uuid.UUID) *availability.Resource {
	for i := range s.Resources {
		if s.Resources[i].ID == id {
			return &s.Resources[i]
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

// references returns the resources of assignments.
func (s *snapshot) references(assignments []availability.Assignment) []ResourceReference {
	list := make([]ResourceReference, len(assignments))
	for i, a := range assignments {
		list[i] = s.reference(a.ResourceID).ResourceReference
	}
	return list
}

// dayOf returns the local day of an instant.
func dayOf(at time.Time, loc *time.Location) (from, to time.Time) {
	clock := localtime.NewClock(loc)
	date := clock.DateOf(at)
	return clock.At(date, 0), clock.At(date.AddDays(1), 0)
}
