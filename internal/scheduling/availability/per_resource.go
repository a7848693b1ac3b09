package availability

import (
	"bytes"
	"slices"
	"sort"
	"time"

	"github.com/google/uuid"
)

// ResourceStarts are the starts at which a resource can be booked by name.
type ResourceStarts struct {
	ResourceID uuid.UUID
	// Starts are what the customer sees, in UTC and in order.
	Starts []time.Time
	// Truncated says that there are more of them than the limit.
	Truncated bool
}

// SearchPerResource offers the starts on the grid for each resource by itself, in the order
// of their ids: with every resource that is requested or, if none is, that will do, those
// that Decide accepts when only it is requested. A resource that nobody can book at any
// time, for instance because it is not active, is not in the result. The limit is that of
// each resource. The service must take one resource; for others there is no result.
// Preferred and Explain are ignored.
func SearchPerResource(snapshot *Snapshot, request *SearchRequest, now time.Time) []ResourceStarts {
	starts := snapshot.bounded(request.From, request.To)
	if starts.from >= starts.to || len(snapshot.Service.Requirements) > 1 {
		return nil
	}
	plans := plansPerResource(snapshot, request.Requested, now, starts)
	if len(plans) == 0 {
		return nil
	}
	starts.from = max(starts.from, plans[0].soonest, plans[0].earliest)
	grid := slices.Collect(plans[0].grid(starts))
	result := make([]ResourceStarts, len(plans))
	for i, p := range plans {
		result[i] = p.startsAlone(grid, request.Limit)
	}
	return result
}

// startsAlone are the starts of a plan with one resource, which is requested: nothing is to
// be matched then, and the rules about the start and the resource are all there are.
func (p *plan) startsAlone(grid []micros, limit int) ResourceStarts {
	result := ResourceStarts{ResourceID: p.resources[0].ID, Starts: make([]time.Time, 0, len(grid))}
	for _, free := range p.candidates[0].starts {
		first := sort.Search(len(grid), func(i int) bool { return grid[i] >= free.from })
		for _, at := range grid[first:] {
			if at >= free.to {
				break
			}
			if p.seek(at); p.startCode() != "" || !p.isFree(0) {
				continue
			}
			if limit > 0 && len(result.Starts) == limit {
				result.Truncated = true
				return result
			}
			result.Starts = append(result.Starts, at.time())
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
