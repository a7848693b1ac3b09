package availability

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Code says what stands in the way. Codes are stable and meant for programs.
type Code string

// The codes. The first group is about the request, which no other time would help;
// the second about the time.
const (
	ServiceInactive     Code = "service_inactive"
	ResourceNotFound    Code = "resource_not_found"
	ResourceInactive    Code = "resource_inactive"
	ResourceNotEligible Code = "resource_not_eligible"
	RequirementUnmet    Code = "requirement_unmet"

	// Booked and Capacity both mean that no lane is free; Booked is said of a
	// resource that has only one.
	Booked   Code = "booked"
	Capacity Code = "capacity"
)

// Temporal reports whether another time may do where this one does not.
func (c Code) Temporal() bool { return c == Booked || c == Capacity }

// Reason is one thing that stands in the way.
type Reason struct {
	Code Code
	// ResourceID is the resource in question; the zero UUID if it is none.
	ResourceID uuid.UUID
	// Requirement is the index of the requirement in question, for RequirementUnmet.
	Requirement int
}

// Assignment is a lane of a resource that the appointment takes.
type Assignment struct {
	ResourceID uuid.UUID
	Lane       int
}

// Decision is the answer to a Request.
type Decision struct {
	OK bool
	// Assignments are in the order of the requirements; empty unless OK.
	Assignments []Assignment
	// Reasons are all that the first rule to object has to say; empty if OK.
	Reasons []Reason
}

// rule objects to a request with reasons, or does not.
type rule func(*deliberation) []Reason

// rules are asked in this order, and the first that objects decides: what is wrong
// with the request itself comes before what is wrong with the time.
var rules = []rule{
	serviceIsActive,
	requestedExist,
	requestedAreActive,
	requestedAreNeeded,
	requestedAreFree,
	requirementsAreMet,
}

// obstacle keeps a resource from being taken in the deliberation's window. It
// returns "" if there is none, and otherwise why.
type obstacle func(*deliberation, int) Code

// obstacles are asked about every candidate; the first that objects decides.
var obstacles = []obstacle{
	isInactive,
	hasNoFreeLane,
}

// Decide says whether the request can be granted on the snapshot, and with which
// resources and lanes: requested ones first, then preferred ones, then those with the
// fewest lanes taken in the window, then the lowest id; of each the lowest free lane.
func Decide(snapshot *Snapshot, request *Request) Decision {
	d := deliberate(snapshot, request)
	for _, objects := range rules {
		if reasons := objects(d); len(reasons) > 0 {
			return Decision{Reasons: reasons}
		}
	}
	assignments := make([]Assignment, len(d.requirements))
	for q := range d.requirements {
		c := d.match.taken[q]
		assignments[q] = Assignment{ResourceID: d.resources[c].ID, Lane: d.candidates[c].lane}
	}
	return Decision{OK: true, Assignments: assignments}
}

// deliberation is the working state of one Decide.
type deliberation struct {
	service      *Service
	requirements []Requirement
	resources    []Resource
	// candidates has an entry for each of resources.
	candidates []candidate
	// requested are indices of resources, or -1 for an id that is none of them.
	requested    []int
	requestedIDs []uuid.UUID
	from, to     time.Time
	match        matching
}

// candidate is what is found out about a resource.
type candidate struct {
	obstacle Code
	// load is the number of lanes taken in the window, and lane the lowest free one.
	load, lane int
	preferred  bool
}

func deliberate(snapshot *Snapshot, request *Request) *deliberation {
	d := &deliberation{
		service:    &snapshot.Service,
		resources:  snapshot.Resources,
		candidates: make([]candidate, len(snapshot.Resources)),
	}
	d.from, d.to = snapshot.Service.Window(request.Start)
	d.requestedIDs = distinct(request.Requested)
	d.requested = make([]int, len(d.requestedIDs))
	for i, id := range d.requestedIDs {
		d.requested[i] = d.index(id)
	}
	for _, id := range request.Preferred {
		if i := d.index(id); i >= 0 {
			d.candidates[i].preferred = true
		}
	}
	for i := range d.candidates {
		for _, ask := range obstacles {
			if d.candidates[i].obstacle = ask(d, i); d.candidates[i].obstacle != "" {
				break
			}
		}
	}
	d.requirements = effectiveRequirements(snapshot.Service.Requirements, len(d.requested))
	d.match = newMatching(d)
	return d
}

// effectiveRequirements is what a service without requirements takes: the requested
// resources, else one that is staff or a room.
func effectiveRequirements(stated []Requirement, requested int) []Requirement {
	switch {
	case len(stated) > 0:
		return stated
	case requested > 0:
		return make([]Requirement, requested)
	}
	return []Requirement{{Types: []ResourceType{Staff, Room}}}
}

func (d *deliberation) index(id uuid.UUID) int {
	for i := range d.resources {
		if d.resources[i].ID == id {
			return i
		}
	}
	return -1
}

// distinct returns the ids without repetitions; nearly always they are its argument.
func distinct(ids []uuid.UUID) []uuid.UUID {
	for i := range ids {
		if slices.Contains(ids[:i], ids[i]) {
			rest := slices.DeleteFunc(slices.Clone(ids[i:]), func(id uuid.UUID) bool { return id == ids[i] })
			return distinct(slices.Concat(ids[:i], rest))
		}
	}
	return ids
}
