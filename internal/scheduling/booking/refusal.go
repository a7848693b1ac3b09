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

// Conflict is a resource that an appointment needs and cannot have. It does not say who has it.
type Conflict struct {
	ResourceID   uuid.UUID `json:"resource_id"`
	ResourceName string    `json:"resource_name"`
	// Reason is a code of availability.
	Reason string `json:"reason"`
}

// refusal is the error for reasons: about the start, if no resource could take it; SlotTaken with conflicts if
// another start may be possible; else about the request. Customers learn that a resource is not free, and nothing
// about other customers.
func (d decider) refusal(reasons []availability.Reason, given []uuid.UUID) error {
	if code := reasons[0].Code; code.Temporal() && reasons[0].ResourceID == uuid.Nil {
		return startRefused(d.viewer, code)
	}
	if reasons[0].Code.Temporal() {
		if d.viewer.IsCustomer() {
			reasons = redactForCustomer(reasons)
		}
		conflicts := make([]Conflict, len(reasons))
		for i, r := range reasons {
			conflicts[i] = Conflict{ResourceID: r.ResourceID, ResourceName: d.reference(r.ResourceID).Name, Reason: string(r.Code)}
		}
		detail := conflicts[0].ResourceName + " " + state(reasons[0].Code) + " at this time."
		if len(conflicts) > 1 {
			detail = fmt.Sprintf("%s and %d more are not free at this time.", conflicts[0].ResourceName, len(conflicts)-1)
		}
		return apperr.New(apperr.SlotTaken, "%s", detail).With("conflicts", conflicts)
	}
	fields := make([]apperr.Field, len(reasons))
	for i, r := range reasons {
		fields[i] = d.field(r, given)
	}
	return apperr.New(apperr.ValidationFailed, "%s", fields[0].Detail).WithFields(fields...)
}

// startRefused is the error for a start that no resource could take. Customers do not learn how often
// others have booked.
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

// notFree is the text of a refusal that gives no reason.
const notFree = "This time is not free any more."

// limitCodes are the errors of the limits of the service.
var limitCodes = map[availability.Code]apperr.Code{
	availability.LimitDay:  apperr.LimitDay,
	availability.LimitWeek: apperr.LimitWeek,
}

// anotherStartMayDo returns the error if a request refused with it may succeed with another start.
func anotherStartMayDo(err error) (*apperr.Error, bool) {
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

// redactForCustomer removes from the reasons what customers may not know.
func redactForCustomer(reasons []availability.Reason) []availability.Reason {
	public := make([]availability.Reason, len(reasons))
	for i, r := range reasons {
		public[i] = availability.Reason{Code: availability.PublicReasons([]availability.Reason{r})[0].Code, ResourceID: r.ResourceID}
	}
	return public
}

// state completes a sentence about a resource.
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

// startDetails are the texts about a start.
var startDetails = map[availability.Code]string{
	availability.InPast:    "The start is in the past.",
	availability.MinNotice: "The start is too soon.",
	availability.Horizon:   "The start is too far ahead.",
	availability.OffGrid:   "The service does not start at this time of day.",
	availability.LimitDay:  "The service is booked as often as it can be on this day.",
	availability.LimitWeek: "The service is booked as often as it can be in this week.",
}

func (d decider) field(r availability.Reason, given []uuid.UUID) apperr.Field {
	pointer := "/resource_ids"
	if i := slices.Index(given, r.ResourceID); i >= 0 {
		pointer = fmt.Sprintf("/resource_ids/%d", i)
	}
	name := ""
	if c := d.reference(r.ResourceID); c != nil {
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
		return apperr.Field{Pointer: pointer, Detail: "There is no active resource for " + d.need(r.Requirement) + "."}
	}
}

// need describes a requirement in a sentence; a service without requirements has one implicitly.
func (d decider) need(requirement int) string {
	if requirement >= len(d.Service.Requirements) {
		return "the service"
	}
	q := d.Service.Requirements[requirement]
	return fmt.Sprintf("requirement %d of the service (%s)", requirement+1, q.Types[0])
}
