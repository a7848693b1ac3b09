package availability

import (
	"bytes"
	"slices"
	"time"

	"github.com/google/uuid"
)

// SearchPerResource offers the starts on the grid for each resource by itself: with every
// resource that is requested or, if none is, that will do, the starts that Decide accepts
// when only it is requested. Slots of the same start are in the order of the ids. The
// service must take one resource; for others there is no result. Preferred and Explain
// are ignored.
func SearchPerResource(snapshot *Snapshot, request *SearchRequest, now time.Time) Result {
	var result Result
	starts := snapshot.bounded(request.From, request.To)
	if starts.from >= starts.to || len(snapshot.Service.Requirements) > 1 {
		return result
	}
	plans := plansPerResource(snapshot, request.Requested, now, starts)
	if len(plans) == 0 {
		return result
	}
	starts.from = max(starts.from, plans[0].soonest, plans[0].earliest)
	var arena []Assignment
	for at := range plans[0].grid(starts) {
		for _, p := range plans {
			// To look into the list of starts first saves most of the decisions.
			if p.seekFree(at); !p.isNext(at) {
				continue
			}
			if _, ok := p.decide(at, false); !ok {
				continue
			}
			if request.Limit > 0 && len(result.Slots) == request.Limit {
				result.Truncated = true
				return result
			}
			var slot Slot
			slot, arena = p.slot(arena)
			result.Slots = append(result.Slots, slot)
		}
	}
	return result
}

// plansPerResource makes a plan for each resource that can be taken at all, in the order
// of their ids. As the service takes one resource, the others do not matter to it. The
// plans share what is the same for all of them.
func plansPerResource(snapshot *Snapshot, requested []uuid.UUID, now time.Time, starts span) []*plan {
	kind := effectiveRequirements(snapshot.Service.Requirements, 0)[0]
	plans := make([]*plan, 0, len(snapshot.Resources))
	for i := range snapshot.Resources {
		r := &snapshot.Resources[i]
		if len(requested) > 0 && !slices.Contains(requested, r.ID) || len(requested) == 0 && !kind.accepts(r) {
			continue
		}
		alone := *snapshot
		alone.Resources = snapshot.Resources[i : i+1]
		p := newPlan(&alone, []uuid.UUID{r.ID}, nil, now, starts)
		if len(p.refused) > 0 {
			continue
		}
		if len(plans) > 0 {
			p.clock, p.open = plans[0].clock, plans[0].open
		} else {
			p.open = map[*Schedule][]span{}
		}
		p.find(0)
		plans = append(plans, p)
	}
	slices.SortFunc(plans, func(a, b *plan) int { return bytes.Compare(a.resources[0].ID[:], b.resources[0].ID[:]) })
	return plans
}

// seekFree leaves behind what has ended at a start, and isNext reports whether the start is
// in what comes next. Both are about a plan with one resource, whose starts are known.
func (p *plan) seekFree(at micros) {
	for c := &p.candidates[0]; c.next < len(c.starts) && c.starts[c.next].to <= at; {
		c.next++
	}
}

func (p *plan) isNext(at micros) bool {
	c := &p.candidates[0]
	return c.next < len(c.starts) && c.starts[c.next].from <= at
}
