package availability

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// plan is a snapshot made ready to be asked about many starts, one after the other. It
// is what all functions of the package decide by.
type plan struct {
	service *Service
	// resources, and a candidate for each of them.
	resources    []Resource
	candidates   []candidate
	requirements []Requirement
	// requested are indices of resources, or -1 for an id that is none of them.
	requested    []int
	requestedIDs []uuid.UUID
	match        matching
	// refused is what is wrong with the request itself, so that no start will do.
	refused []Reason

	// gridOnly refuses starts that are not on the grid.
	gridOnly bool
	// starts bounds those that can be asked about.
	starts                  span
	duration, before, after micros
	earliest, soonest       micros // now, and with notice
	latest                  micros // with the horizon
	location                *time.Location
	clock                   *localtime.Clock
	// open has the schedules that have been looked at.
	business *Schedule
	open     map[*Schedule][]span
	closures []Span
	closed   timeline
	// arena has the lists of spans that live as long as the plan; scratch and rest are for
	// those that do not.
	arena, scratch, rest []span

	// at is the start in question, and day its date in the zone of the business.
	at  micros
	day int
	// loads has, for each resource and each date of the starts, from firstDay on, how often
	// the resource is booked on it; nil if there is nothing to choose.
	loads    []int32
	firstDay int
	// exceeded is what the limits of the service say about countedDay.
	exceeded   Code
	countedDay int
}

// noDay is a day on which nothing has been counted yet.
const noDay = -1 << 62

// candidate is what is found out about a resource.
type candidate struct {
	preferred bool
	// starts are those at which the resource, leaving limits aside, can be taken. They are
	// found out when they are asked for first; next is the first of those that have not
	// ended at the last start asked about.
	known  bool
	starts []span
	next   int
	// exceeded is what the limits say about countedDay.
	exceeded   Code
	countedDay int
	// taken, off and busy are what is in the way, for reasons and lanes.
	taken, off, busy timeline
}

func newPlan(snapshot *Snapshot, requested, preferred []uuid.UUID, now time.Time, starts span) *plan {
	s := &snapshot.Service
	p := &plan{
		service: s, resources: snapshot.Resources, candidates: make([]candidate, len(snapshot.Resources)),
		starts: starts, duration: length(s.Duration), before: length(s.BufferBefore), after: length(s.BufferAfter),
		earliest: microsOf(now), soonest: microsOf(now.Add(s.MinNotice)), latest: microsOf(now.Add(s.Horizon)),
		location: orUTC(snapshot.Location), clock: localtime.NewClock(orUTC(snapshot.Location)), business: snapshot.Business, closures: snapshot.Closures,
		countedDay: noDay,
	}
	for i := range p.candidates {
		p.candidates[i].countedDay = noDay
	}
	p.requestedIDs = distinct(requested)
	p.requested = make([]int, len(p.requestedIDs))
	for i, id := range p.requestedIDs {
		p.requested[i] = p.index(id)
	}
	for _, id := range preferred {
		if i := p.index(id); i >= 0 {
			p.candidates[i].preferred = true
		}
	}
	p.requirements = effectiveRequirements(s.Requirements, len(p.requested))
	if len(p.requested) < len(p.requirements) && len(p.resources) > 1 {
		p.countLoads()
	}
	p.match = newMatching(p)
	p.refused = p.examine()
	return p
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

func (p *plan) index(id uuid.UUID) int {
	return slices.IndexFunc(p.resources, func(r Resource) bool { return r.ID == id })
}

// countLoads counts the bookings of each resource by the dates on which they start.
func (p *plan) countLoads() {
	p.firstDay = p.clock.Ordinal(p.starts.from.unix())
	days := p.clock.Ordinal((p.starts.to - 1).unix()) - p.firstDay + 1
	p.loads = make([]int32, days*len(p.resources))
	for c := range p.resources {
		busy, loads := p.resources[c].Busy, p.loads[c*days:(c+1)*days]
		for i := range busy {
			if !busy[i].Start.Before(busy[i].End) {
				continue
			}
			if day := p.clock.Ordinal(busy[i].Start.Unix()) - p.firstDay; 0 <= day && day < days {
				loads[day]++
			}
		}
	}
}

// load is how often a resource is booked on the date in question.
func (p *plan) load(c int) int32 {
	if p.loads == nil {
		return 0
	}
	return p.loads[c*(len(p.loads)/len(p.resources))+p.day-p.firstDay]
}

// rank puts resources into the order in which they are tried on the date in question.
func (p *plan) rank(order []int) {
	slices.SortFunc(order, func(a, b int) int {
		if pa, pb := p.candidates[a].preferred, p.candidates[b].preferred; pa != pb {
			if pa {
				return -1
			}
			return 1
		}
		ra, rb := &p.resources[a], &p.resources[b]
		return cmp.Or(cmp.Compare(rb.Weight, ra.Weight), cmp.Compare(p.load(a), p.load(b)), bytes.Compare(ra.ID[:], rb.ID[:]))
	})
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
