package availability

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Nearest returns up to n alternatives to a request that was refused: starts on the grid, or
// the very start of the request, that Decide accepts at the instant now. It takes the same
// resources there, if it is asked to keep what the request keeps, or for them by name.
//
// First come those with all of the requested, or kept, resources, then others, which keep as
// many of them as are free; in each group the nearest first, and of two that are equally near
// the earlier. Others get up to half of the n places, and what the first leave over. A
// start occurs once. There are none if no time would do. Errors: that of ctx, once it is done.
func Nearest(ctx context.Context, snapshot *Snapshot, request *Request, now time.Time, n int) ([]Slot, error) {
	same, others := request.alternatives(snapshot)
	first, ok, err := same.nearest(ctx, request, now, n)
	kept := func(start time.Time) bool {
		return len(request.Kept) > 0 && same.decide(&Request{Start: start, OffGrid: true}, now).OK
	}
	if err != nil || len(request.Requested) > 0 && !ok {
		return first, err
	}
	var rest []Slot
	for _, way := range others {
		found, _, err := way.nearest(ctx, request, now, n+len(first))
		if err != nil {
			return nil, err
		}
		rest = append(rest, slices.DeleteFunc(found, func(s Slot) bool {
			return s.takes(request.Requested) && len(request.Requested) > 0 || contains(first, s.Start) || contains(rest, s.Start) || kept(s.Start)
		})...)
	}
	slices.SortStableFunc(rest, request.nearer)
	first = first[:min(len(first), n-min(len(rest), n/2))]
	return append(first, rest[:min(len(rest), n-len(first))]...), nil
}

// alternatives returns the way with the same resources, and those with others.
func (r *Request) alternatives(snapshot *Snapshot) (same way, others []way) {
	ways := r.ways(snapshot)
	if len(r.Requested) > 0 {
		return ways[0], []way{{snapshot.relaxed(r.Requested), r.Required, slices.Concat(r.Requested, r.Preferred)}}
	}
	return ways[0], ways[1:]
}

func contains(slots []Slot, start time.Time) bool {
	return slices.ContainsFunc(slots, func(s Slot) bool { return s.Start.Equal(start) })
}

// nearer compares slots by their distance from the start of the request, the earlier first.
func (r *Request) nearer(a, b Slot) int {
	return cmp.Or(cmp.Compare(a.Start.Sub(r.Start).Abs(), b.Start.Sub(r.Start).Abs()), a.Start.Compare(b.Start))
}

// Substitute returns the slot that comes nearest to a request that was refused: other
// resources at its very start, else the nearest start on the grid within From and To of
// the snapshot, and of two that are equally near the earlier. It takes the required
// resources, and keeps as many of the requested, or kept, ones as are free. It is not ok if
// there is none. Errors: that of ctx, once it is done.
func Substitute(ctx context.Context, snapshot *Snapshot, request *Request, now time.Time) (slot Slot, ok bool, err error) {
	same, others := request.alternatives(snapshot)
	if len(request.Requested) == 0 {
		others = append([]way{same}, others...)
	}
	var slots []Slot
	for _, way := range others {
		found, _, err := way.nearest(ctx, request, now, 1)
		if err != nil {
			return Slot{}, false, err
		}
		slots = append(slots, found...)
	}
	if len(slots) == 0 {
		return Slot{}, false, nil
	}
	slices.SortStableFunc(slots, request.nearer)
	return slots[0], true, nil
}

func (s *Slot) takes(ids []uuid.UUID) bool {
	for _, id := range ids {
		if !slices.ContainsFunc(s.Assignments, func(a Assignment) bool { return a.ResourceID == id }) {
			return false
		}
	}
	return true
}

// nearest returns the n slots that are nearest to the start of the request in this way. It
// is not ok if no time would do, or none is known.
func (w *way) nearest(ctx context.Context, request *Request, now time.Time, n int) (slots []Slot, ok bool, err error) {
	snapshot := w.snapshot
	starts := snapshot.bounded(snapshot.From, snapshot.To)
	if snapshot.From.IsZero() || starts.from >= starts.to || n <= 0 {
		return nil, false, nil
	}
	p := newPlan(snapshot, w.requested, w.preferred, now, starts)
	if len(p.refused) > 0 {
		return nil, false, nil
	}
	wanted := microsOf(request.Start)
	found := p.candidatesAround(ctx, wanted, request.OffGrid, n)
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

// candidatesAround returns, in any order, starts that decide accepts: all before the wanted one,
// and up to n from it on. The n nearest are among them, unless ctx is done.
func (p *plan) candidatesAround(ctx context.Context, wanted micros, offGrid bool, n int) []micros {
	var found []micros
	after := 0
	if p.starts.from <= wanted && wanted < p.starts.to && (offGrid || p.onGrid(wanted)) {
		if _, ok := p.decide(wanted, false); ok {
			found, after = append(found, wanted), 1
		}
	}
	for at := range p.grid(ctx, span{max(p.starts.from, p.earliest), p.starts.to}) {
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
	return found
}
