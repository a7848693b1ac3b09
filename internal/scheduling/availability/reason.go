package availability

import (
	"slices"

	"github.com/google/uuid"
)

// Code says what stands in the way. Codes are stable and meant for programs.
type Code string

// The codes that are about the request, which no other time would help.
const (
	ServiceInactive     Code = "service_inactive"
	ResourceNotFound    Code = "resource_not_found"
	ResourceInactive    Code = "resource_inactive"
	ResourceNotEligible Code = "resource_not_eligible"
	RequirementUnmet    Code = "requirement_unmet"
)

// The codes that are about the start, whoever is there.
const (
	InPast    Code = "in_past"
	MinNotice Code = "min_notice"
	Horizon   Code = "horizon"
	// OffGrid is said of a start that Search does not offer, whatever is booked.
	OffGrid Code = "off_grid"
)

// The codes that are about the time of a resource.
const (
	// Closed is said of closures of the business, OutsideHours of hours and overrides.
	Closed       Code = "closed"
	OutsideHours Code = "outside_hours"
	TimeOff      Code = "time_off"
	// Booked, Capacity and Held all mean that no lane is free. Held is said if one would
	// be without holds, else Booked of a resource that has only one lane.
	Booked       Code = "booked"
	Capacity     Code = "capacity"
	Held         Code = "held"
	ExternalBusy Code = "external_busy"
	// Buffer means that only buffers, of this appointment or of what is there, are in
	// the way.
	Buffer Code = "buffer"
)

// The codes of Limits; without a resource, they are about those of the service.
const (
	LimitDay  Code = "limit_day"
	LimitWeek Code = "limit_week"
)

// NotAvailable is what customers are told instead of reasons that are not their
// business; see PublicReasons.
const NotAvailable Code = "not_available"

// Temporal reports whether another time may do where this one does not.
func (c Code) Temporal() bool {
	switch c {
	case InPast, MinNotice, Horizon, OffGrid, Closed, OutsideHours, TimeOff, Booked, Capacity, Held, ExternalBusy, Buffer,
		LimitDay, LimitWeek, NotAvailable:
		return true
	default:
		return false
	}
}

// Reason is one thing that stands in the way.
type Reason struct {
	Code Code
	// ResourceID is the resource in question; the zero UUID if it is none.
	ResourceID uuid.UUID
	// ObjectID is the appointment, hold, time off, closure or calendar entry that
	// stands in the way, if it is one and the snapshot has its id; of several, one.
	ObjectID uuid.UUID
	// Requirement is the index of the requirement in question, for RequirementUnmet.
	Requirement int
}

// PublicReasons returns what customers may know: the rules that are the same for
// everybody, and NotAvailable for whatever would tell about other people. Each code
// occurs once, without resource and object.
func PublicReasons(reasons []Reason) []Reason {
	public := make([]Reason, 0, len(reasons))
	for _, r := range reasons {
		code := NotAvailable
		switch r.Code {
		case InPast, MinNotice, Horizon, OffGrid, OutsideHours, Closed:
			code = r.Code
		default:
		}
		if told := (Reason{Code: code}); !slices.Contains(public, told) {
			public = append(public, told)
		}
	}
	return public
}
