package booking

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
)

// Conflict names a resource that an appointment would need and cannot have. It says
// nothing about who has it.
type Conflict struct {
	ResourceID   uuid.UUID `json:"resource_id"`
	ResourceName string    `json:"resource_name"`
	// Reason is the code of availability that says why.
	Reason string `json:"reason"`
}

// decide asks the rule book, for staff in such a way that they are one of the resources, and
// for customers on the grid only.
// Errors: SlotTaken with conflicts, OffGrid, LimitDay and LimitWeek, ValidationFailed with pointers into resource_ids, of
// which given are those that the client sent, RoleNotAllowed for staff who are not one of
// the resources.
func (s *snapshot) decide(v viewer.Viewer, request availability.Request, given []uuid.UUID) ([]availability.Assignment, error) {
	decision, err := s.ask(v, request)
	if err != nil {
		return nil, err
	}
	if !decision.OK {
		return nil, s.refusal(v, decision.Reasons, given)
	}
	return decision.Assignments, nil
}

// ask is decide for those who want to hear the reasons. Errors: RoleNotAllowed.
func (s *snapshot) ask(v viewer.Viewer, request availability.Request) (availability.Decision, error) {
	request.OffGrid = !v.IsCustomer()
	if !v.IsStaff() {
		return availability.Decide(&s.Snapshot, &request, s.now), nil
	}
	decision, ok := s.decideWithOwn(s.resourcesOf(v.UserID()), request)
	if !ok {
		return decision, apperr.New(apperr.RoleNotAllowed, "You can only book appointments that you are a resource of yourself.")
	}
	return decision, nil
}

// decideWithOwn requests one of the caller's own resources in addition, unless the
// request has one. It returns false if the appointment has no place for any.
func (s *snapshot) decideWithOwn(own []uuid.UUID, request availability.Request) (availability.Decision, bool) {
	if slices.ContainsFunc(request.Requested, func(id uuid.UUID) bool { return slices.Contains(own, id) }) {
		return availability.Decide(&s.Snapshot, &request, s.now), true
	}
	if len(s.Service.Requirements) == 0 && len(request.Requested) > 0 {
		return availability.Decision{}, false
	}
	var refused *availability.Decision
	for _, id := range keptFirst(own, request.Kept) {
		with := request
		with.Required = []uuid.UUID{id}
		decision := availability.Decide(&s.Snapshot, &with, s.now)
		noPlace := availability.Reason{Code: availability.ResourceNotEligible, ResourceID: id}
		switch {
		case decision.OK:
			return decision, true
		case refused == nil && !slices.Contains(decision.Reasons, noPlace):
			refused = &decision
		}
	}
	if refused == nil {
		return availability.Decision{}, false
	}
	return *refused, true
}

// requestsWithOwn are the request with each of the viewer's own resources, one of which staff
// must be.
func (s *snapshot) requestsWithOwn(v viewer.Viewer, request availability.Request) []availability.Request {
	if !v.IsStaff() {
		return nil
	}
	var requests []availability.Request
	for _, id := range keptFirst(s.resourcesOf(v.UserID()), request.Kept) {
		with := request
		with.Required = []uuid.UUID{id}
		requests = append(requests, with)
	}
	return requests
}

// keptFirst are the ids with those that are kept in front.
func keptFirst(ids, kept []uuid.UUID) []uuid.UUID {
	var first, rest []uuid.UUID
	for _, id := range ids {
		if slices.Contains(kept, id) {
			first = append(first, id)
		} else {
			rest = append(rest, id)
		}
	}
	return append(first, rest...)
}

// resourcesOf returns the candidates that the user signs in as.
func (s *snapshot) resourcesOf(userID uuid.UUID) []uuid.UUID {
	var own []uuid.UUID
	for i := range s.resources {
		if id := s.resources[i].userID; id != nil && *id == userID {
			own = append(own, s.resources[i].ID)
		}
	}
	return own
}

// refusal says to the client why not: what is wrong with the start, whoever is there; a
// conflict if another time may do, else what is wrong with the request. Customers hear
// that a resource is not free, but nothing about others.
func (s *snapshot) refusal(v viewer.Viewer, reasons []availability.Reason, given []uuid.UUID) error {
	if code := reasons[0].Code; code.Temporal() && reasons[0].ResourceID == uuid.Nil {
		return startRefused(v, code)
	}
	if reasons[0].Code.Temporal() {
		if v.IsCustomer() {
			reasons = publicly(reasons)
		}
		conflicts := make([]Conflict, len(reasons))
		for i, r := range reasons {
			conflicts[i] = Conflict{ResourceID: r.ResourceID, ResourceName: s.reference(r.ResourceID).Name, Reason: string(r.Code)}
		}
		detail := conflicts[0].ResourceName + " " + state(reasons[0].Code) + " at this time."
		if len(conflicts) > 1 {
			detail = fmt.Sprintf("%s and %d more are not free at this time.", conflicts[0].ResourceName, len(conflicts)-1)
		}
		return apperr.New(apperr.SlotTaken, "%s", detail).With("conflicts", conflicts)
	}
	fields := make([]apperr.Field, len(reasons))
	for i, r := range reasons {
		fields[i] = s.field(r, given)
	}
	return apperr.New(apperr.ValidationFailed, "%s", fields[0].Detail).WithFields(fields...)
}

// startRefused says what is wrong with a start, whoever is there. How often others have
// booked is not for customers to know.
func startRefused(v viewer.Viewer, code availability.Code) error {
	limit, isLimit := limitCodes[code]
	switch {
	case isLimit && v.IsCustomer():
		return apperr.New(apperr.SlotTaken, notFree).With("conflicts", []Conflict{})
	case isLimit:
		return apperr.New(limit, "%s", startDetails[code])
	case code == availability.OffGrid:
		return apperr.New(apperr.OffGrid, "%s", startDetails[code])
	}
	return apperr.NewInvalid("/start_at", "%s", startDetails[code])
}

// limitCodes are the errors of limits of the service.
var limitCodes = map[availability.Code]apperr.Code{
	availability.LimitDay:  apperr.LimitDay,
	availability.LimitWeek: apperr.LimitWeek,
}

// anotherMayDo returns the error if another start may do where one was refused with it.
func anotherMayDo(err error) (*apperr.Error, bool) {
	refusal, ok := errors.AsType[*apperr.Error](err)
	if !ok {
		return nil, false
	}
	switch refusal.Code.Name {
	case apperr.SlotTaken.Name, apperr.OffGrid.Name, apperr.LimitDay.Name, apperr.LimitWeek.Name:
		return refusal, true
	}
	return nil, false
}

// publicly leaves of each reason what customers may know.
func publicly(reasons []availability.Reason) []availability.Reason {
	public := make([]availability.Reason, len(reasons))
	for i, r := range reasons {
		public[i] = availability.Reason{Code: availability.PublicReasons([]availability.Reason{r})[0].Code, ResourceID: r.ResourceID}
	}
	return public
}

// state says to people what a resource is.
func state(code availability.Code) string {
	switch code {
	case availability.Booked, availability.Capacity, availability.Buffer:
		return "is taken"
	case availability.OutsideHours, availability.Closed:
		return "is not open"
	case availability.TimeOff:
		return "is away"
	default:
		return "is not free"
	}
}

// startDetails say what is wrong with a start.
var startDetails = map[availability.Code]string{
	availability.InPast:    "The start is in the past.",
	availability.MinNotice: "The start is too soon.",
	availability.Horizon:   "The start is too far ahead.",
	availability.OffGrid:   "The service does not start at this time of day.",
	availability.LimitDay:  "The service is booked as often as it can be on this day.",
	availability.LimitWeek: "The service is booked as often as it can be in this week.",
}

func (s *snapshot) field(r availability.Reason, given []uuid.UUID) apperr.Field {
	pointer := "/resource_ids"
	if i := slices.Index(given, r.ResourceID); i >= 0 {
		pointer = fmt.Sprintf("/resource_ids/%d", i)
	}
	name := ""
	if c := s.reference(r.ResourceID); c != nil {
		name = c.Name
	}
	switch r.Code {
	case availability.ServiceInactive:
		return apperr.Field{Pointer: "/service_id", Detail: "The service is not active."}
	case availability.ResourceNotFound:
		return apperr.Field{Pointer: pointer, Detail: "There is no resource with this id."}
	case availability.ResourceInactive:
		return apperr.Field{Pointer: pointer, Detail: name + " is not active."}
	case availability.ResourceNotEligible:
		return apperr.Field{Pointer: pointer, Detail: name + " is not what the service needs."}
	default:
		return apperr.Field{Pointer: pointer, Detail: "There is no active resource for " + s.need(r.Requirement) + "."}
	}
}

// need describes a requirement to people; a service without requirements has one that
// is not stated.
func (s *snapshot) need(requirement int) string {
	if requirement >= len(s.Service.Requirements) {
		return "the service"
	}
	q := s.Service.Requirements[requirement]
	return fmt.Sprintf("requirement %d of the service (%s)", requirement+1, q.Types[0])
}
