package availability

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Nearest returns up to n alternatives to a request that was refused: starts on the grid,
// or the very start of the request, that Decide accepts at the instant now.
//
// First come those with all of the requested resources, then others, which keep as many
// of them as are free; in each group the nearest first, and of two that are equally near
// the earlier. Others get up to half of the n places, and what the first leave over. A
// start occurs once. There are none if no time would do. Errors: that of ctx, once it is
// done.
func Nearest(ctx context.Context, snapshot *Snapshot, request *Request, now time.Time, n int) ([]Slot, error) {
	same, ok, err := nearest(ctx, snapshot, request, now, n)
	if len(request.Requested) == 0 || !ok || err != nil {
		return same, err
	}
	others, _, err := nearest(ctx, snapshot.relaxed(request), &Request{
		Start: request.Start, Preferred: slices.Concat(request.Requested, request.Preferred),
	}, now, n+len(same))
	if err != nil {
		return nil, err
	}
	others = slices.DeleteFunc(others, func(s Slot) bool {
		return s.takes(request.Requested) || slices.ContainsFunc(same, func(t Slot) bool { return t.Start.Equal(s.Start) })
	})
	same = same[:min(len(same), n-min(len(others), n/2))]
	return append(same, others[:min(len(others), n-len(same))]...), nil
}

// Substitute returns the slot that comes nearest to a request that was refused: other
// resources at its very start, else the nearest start on the grid within From and To of
// the snapshot, and of two that are equally near the earlier. It takes the required
// resources, and keeps as many of the requested ones as are free. It is not ok if there
// is none. Errors: that of ctx, once it is done.
func Substitute(
	ctx context.Context, snapshot *Snapshot, request *Request, required []uuid.UUID, now time.Time,
) (slot Slot, ok bool, err error) {
	slots, _, err := nearest(ctx, snapshot.relaxed(request), &Request{
		Start: request.Start, Requested: required, Preferred: slices.Concat(request.Requested, request.Preferred),
	}, now, 1)
	if len(slots) == 0 || err != nil {
		return Slot{}, false, err
	}
	return slots[0], true, nil
}

// relaxed returns the snapshot with requirements that other resources than the requested
// ones can meet: without any it would take one resource, whatever was requested.
func (s *Snapshot) relaxed(request *Request) *Snapshot {
	relaxed := *s
	if len(s.Service.Requirements) > 0 {
		return &relaxed
	}
	for _, id := range distinct(request.Requested) {
		for i := range s.Resources {
			if s.Resources[i].ID == id {
				q := Requirement{Types: []ResourceType{s.Resources[i].Type}}
				relaxed.Service.Requirements = append(relaxed.Service.Requirements, q)
			}
		}
	}
	return &relaxed
}

func (s *Slot) takes(ids []uuid.UUID) bool {
	for _, id := range ids {
		if !slices.ContainsFunc(s.Assignments, func(a Assignment) bool { return a.ResourceID == id }) {
			return false
		}
	}
	return true
}

// nearest returns the n slots that are nearest to the start of the request, and take what
// it requests. It is not ok if no time would do, or none is known.
func nearest(
	ctx context.Context, snapshot *Snapshot, request *Request, now time.Time, n int,
) (slots []Slot, ok bool, err error) {
	starts := snapshot.bounded(snapshot.From, snapshot.To)
	if snapshot.From.IsZero() || starts.from >= starts.to || n <= 0 {
		return nil, false, nil
	}
	p := newPlan(snapshot, request.Requested, request.Preferred, now, starts)
	if len(p.refused) > 0 {
		return nil, false, nil
	}
	var found []micros
	wanted, after := microsOf(request.Start), 0
	if starts.from <= wanted && wanted < starts.to {
		if _, ok := p.decide(wanted, false); ok {
			found, after = append(found, wanted), 1
		}
	}
	for at := range p.grid(ctx, span{max(starts.from, p.earliest), starts.to}) {
		if after == n {
			break
		}
		if _, ok := p.decide(at, false); !ok || at == wanted {
			continue
		}
		found = append(found, at)
		if at > wanted {
			after++
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	slices.SortFunc(found, func(a, b micros) int {
		return cmp.Or(cmp.Compare(max(a-wanted, wanted-a), max(b-wanted, wanted-b)), cmp.Compare(a, b))
	})
	slots = make([]Slot, min(n, len(found)))
	for i := range slots {
		p.decide(found[i], false)
		slots[i], _ = p.slot(nil)
	}
	return slots, true, nil
}
