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
	start := microsOf(request.Start)
	p := newPlan(snapshot, request.Requested, request.Preferred, now, span{start, start + 1})
	if reasons, ok := p.decide(start, true); !ok {
		return Decision{Reasons: reasons}
	}
	return Decision{OK: true, Assignments: p.assignments(nil)}
}
