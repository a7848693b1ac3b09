package availability

import (
	"time"
)

// Decision is the answer to a Request.
type Decision struct {
	OK bool
	// Assignments are in the order of the requirements; empty unless OK.
	Assignments []Assignment
	// Reasons are all that the first rule to object has to say; empty if OK.
	Reasons []Reason
}

// Decide says whether the request can be granted on the snapshot at the instant now, and
// with which resources and lanes: requested ones first, then preferred ones, then those
// with the highest weight, then those with the lowest load, then the lowest id; of each
// the lowest free lane.
func Decide(snapshot *Snapshot, request *Request, now time.Time) Decision {
	var refused Decision
	for _, way := range request.ways(snapshot) {
		decision := way.decide(request, now)
		if decision.OK {
			return decision
		}
		// The last way is the rule book for everybody; but that another time may do is said
		// rather than that none would.
		if refused.Reasons == nil || decision.Reasons[0].Code.Temporal() || !refused.Reasons[0].Code.Temporal() {
			refused = decision
		}
	}
	return refused
}

// Possible reports whether the request could be granted at some time, whatever is booked.
func Possible(snapshot *Snapshot, request *Request, now time.Time) bool {
	start := microsOf(request.Start)
	for _, way := range request.ways(snapshot) {
		if p := newPlan(way.snapshot, way.requested, way.preferred, now, span{start, start + 1}); len(p.refused) == 0 {
			return true
		}
	}
	return false
}

func (w *way) decide(request *Request, now time.Time) Decision {
	start := microsOf(request.Start)
	p := newPlan(w.snapshot, w.requested, w.preferred, now, span{start, start + 1})
	p.gridOnly = !request.OffGrid
	if reasons, ok := p.decide(start, true); !ok {
		return Decision{Reasons: reasons}
	}
	return Decision{OK: true, Assignments: p.assignments(nil)}
}
