package availability

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// ResourceStarts are the starts at which a resource can be booked by name.
type ResourceStarts struct {
	ResourceID uuid.UUID
	// Starts are what the customer sees, in order: seconds since 1970 in UTC, of which the grid
	// has whole ones. There are thousands.
	Starts []int64
	// Truncated says that there are more of them than the limit.
	Truncated bool
}

// SearchPerResource offers the starts on the grid for each resource by itself, in the order
// of their ids: with every resource that is requested or, if none is, that will do, those
// that Decide accepts when only it is requested. A resource that nobody can book at any
// time, for instance because it is not active, is not in the result. The limit is that of
// each resource. The service must take one resource; for others there is no result.
// Preferred and Explain are ignored. Errors: that of ctx, once it is done.
func SearchPerResource(ctx context.Context, snapshot *Snapshot, request *SearchRequest, now time.Time) ([]ResourceStarts, error) {
	starts := snapshot.bounded(request.From, request.To)
	if starts.from >= starts.to || len(snapshot.Service.Requirements) > 1 {
		return nil, nil
	}
	plans := plansPerResource(snapshot, request.Requested, now, starts)
	if len(plans) == 0 {
		return nil, nil
	}
	starts = plans[0].inTime(starts)
	grid := make([]micros, 0, max(0, starts.to-starts.from)/length(snapshot.Service.step())+1)
	for at := range plans[0].grid(ctx, starts) {
		grid = append(grid, at)
	}
	result := make([]ResourceStarts, len(plans))
	scratch := make([]micros, 0, len(grid))
	for i, p := range plans {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		result[i] = p.startsAlone(p.freeOf(0, grid, scratch), request.Limit)
	}
	return result, nil
}

// freeOf writes to scratch the starts on the grid at which a resource is free, leaving
// limits aside.
func (p *plan) freeOf(c int, grid, scratch []micros) []micros {
	free := scratch[:0]
	for _, s := range p.candidates[c].starts {
		grid = grid[indexFrom(grid, s.from):]
		n := indexFrom(grid, s.to)
		free, grid = append(free, grid[:n]...), grid[n:]
	}
	return free
}

// inTime leaves of starts those that are neither too soon nor too far ahead.
func (p *plan) inTime(starts span) span {
	starts.from = max(starts.from, p.soonest, p.earliest)
	if p.service.Horizon > 0 {
		starts.to = min(starts.to, p.latest+1)
	}
	return starts
}

// startsAlone are those of the free starts of a plan with one resource, which is requested,
// that the rules allow: nothing is to be matched then, and of what is in time only limits
// are left to object.
func (p *plan) startsAlone(free []micros, limit int) ResourceStarts {
	result := ResourceStarts{ResourceID: p.resources[0].ID, Starts: make([]int64, 0, len(free))}
	limited := p.service.exist() || p.resources[0].exist()
	for _, at := range free {
		if limited {
			if p.seek(at); p.startCode() != "" || !p.isFree(0) {
				continue
			}
		}
		if limit > 0 && len(result.Starts) == limit {
			result.Truncated = true
			break
		}
		result.Starts = append(result.Starts, at.unix())
	}
	return result
}

// indexFrom returns the index of the first of the starts, which are in order, that is not
// before at.
func indexFrom(starts []micros, at micros) int {
	i, _ := slices.BinarySearch(starts, at)
	return i
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
