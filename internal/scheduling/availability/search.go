package availability

import (
	"context"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// SearchRequest is what somebody would like to choose from.
type SearchRequest struct {
	// From and To bound the starts; From belongs to them, To does not.
	From, To time.Time
	// Requested and Preferred are as in Request.
	Requested []uuid.UUID
	Preferred []uuid.UUID
	// Limit is the greatest number of slots; zero is no limit.
	Limit int
	// Explain asks for the refusals too, up to where the slots end.
	Explain bool
}

// Slot is a time that can be booked.
type Slot struct {
	// Start and End are what the customer sees, in UTC.
	Start, End time.Time
	// Assignments are those of Decide.
	Assignments []Assignment
}

// ResourceIDs returns the resources that are taken, in the order of the requirements.
func (s *Slot) ResourceIDs() []uuid.UUID {
	ids := make([]uuid.UUID, len(s.Assignments))
	for i, a := range s.Assignments {
		ids[i] = a.ResourceID
	}
	return ids
}

// Refusal is a time that cannot be booked, and why.
type Refusal struct {
	// Start and End are as in Slot.
	Start, End time.Time
	// Reasons are those of Decide.
	Reasons []Reason
}

// Result is what a search finds, in the order of time.
type Result struct {
	Slots []Slot
	// Refused are the other starts on the grid, MaxRefused at the most; empty unless they are
	// asked for.
	Refused []Refusal
	// Truncated says that there are more slots than the limit.
	Truncated bool
}

// An explanation is for people: it lists the first MaxRefused starts that are refused, each with
// MaxReasons reasons at the most. There can be a hundred resources at every minute of two months.
const (
	MaxRefused = 1000
	MaxReasons = 20
)

// Search offers the starts on the grid that Decide accepts at the instant now, with the
// same resources and lanes. Errors: that of ctx, once it is done.
func Search(ctx context.Context, snapshot *Snapshot, request *SearchRequest, now time.Time) (Result, error) {
	var result Result
	starts := snapshot.bounded(request.From, request.To)
	if starts.from >= starts.to {
		return result, nil
	}
	p := newPlan(snapshot, request.Requested, request.Preferred, now, starts)
	if !request.Explain {
		// What is refused for all is not looked at one by one.
		if starts.from = max(starts.from, p.soonest, p.earliest); len(p.refused) > 0 || starts.from >= starts.to {
			return result, nil
		}
	}
	var arena []Assignment
	for at := range p.grid(ctx, starts) {
		explain := request.Explain && len(result.Refused) < MaxRefused
		reasons, ok := p.decide(at, explain)
		switch {
		case !ok && explain:
			refusal := Refusal{Start: at.time(), End: (at + p.duration).time(), Reasons: reasons[:min(len(reasons), MaxReasons)]}
			result.Refused = append(result.Refused, refusal)
		case !ok:
		case request.Limit > 0 && len(result.Slots) == request.Limit:
			result.Truncated = true
			return result, nil
		default:
			var slot Slot
			slot, arena = p.slot(arena)
			result.Slots = append(result.Slots, slot)
		}
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	return result, nil
}

// bounded returns the starts from from, up to but without to, that the snapshot knows
// about.
func (s *Snapshot) bounded(from, to time.Time) span {
	if !s.From.IsZero() && s.From.After(from) {
		from = s.From
	}
	if !s.To.IsZero() && s.To.Before(to) {
		to = s.To
	}
	return span{microsOf(from), microsOf(to)}
}

// slot is the start that has just been granted. Its assignments are cut from the arena,
// which it returns.
func (p *plan) slot(arena []Assignment) (Slot, []Assignment) {
	const slots = 64
	n := len(p.requirements)
	if cap(arena)-len(arena) < n {
		arena = make([]Assignment, 0, slots*n)
	}
	first := len(arena)
	arena = p.assignments(arena)
	return Slot{Start: p.at.time(), End: (p.at + p.duration).time(), Assignments: arena[first:len(arena):len(arena)]}, arena
}

// onGrid reports whether Search could offer the start.
func (p *plan) onGrid(start micros) bool {
	for range p.grid(context.Background(), span{start, start + 1}) {
		return true
	}
	return false
}

// grid yields the starts on the grid, and ends early once ctx is done: whoever needs all of
// them asks it afterwards.
func (p *plan) grid(ctx context.Context, starts span) iter.Seq[micros] {
	const pace = 16 // starts between two looks at ctx
	return func(yield func(micros) bool) {
		n := 0
		for at := range localtime.Grid(starts.from.time(), starts.to.time(), p.service.step(), p.location) {
			if n++; n%pace == 0 && ctx.Err() != nil || !yield(microsOf(at)) {
				return
			}
		}
	}
}
