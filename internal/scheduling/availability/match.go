package availability

import (
	"slices"

	"github.com/google/uuid"
)

const none = -1

// Assignment is a lane of a resource that the appointment takes.
type Assignment struct {
	ResourceID uuid.UUID
	Lane       int
}

// matching gives resources to requirements, one each, by augmenting paths: when what a
// requirement could take is given away already, the other requirement is asked to take
// something else. A resource that has been given never becomes idle again by that.
type matching struct {
	p *plan
	// accepted has the resources that each requirement accepts, from the best to the worst
	// on rankedDay.
	accepted  [][]int
	rankedDay int
	// taken is the resource of each requirement, and givenTo the requirement of each
	// resource; both may be none.
	taken, givenTo []int
	// kept is what both of them, one after the other, go back to.
	kept []int
	// askedRequirements and askedResources are those of the present path.
	askedRequirements, askedResources []bool
}

func newMatching(p *plan) matching {
	requirements, resources := len(p.requirements), len(p.resources)
	places := slices.Repeat([]int{none}, requirements+resources)
	asked := make([]bool, requirements+resources)
	m := matching{
		p: p, accepted: make([][]int, requirements),
		taken: places[:requirements], givenTo: places[requirements:], kept: slices.Clone(places),
		askedRequirements: asked[:requirements], askedResources: asked[requirements:],
	}
	p.day = p.firstDay
	m.rankedDay = p.day
	for q := range p.requirements {
		for c := range p.resources {
			if p.requirements[q].accepts(&p.resources[c]) {
				m.accepted[q] = append(m.accepted[q], c)
			}
		}
		p.rank(m.accepted[q])
	}
	return m
}

// rank puts the best of the date in question first, where there is a choice.
func (m *matching) rank() {
	if m.p.loads == nil || m.rankedDay == m.p.day {
		return
	}
	m.rankedDay = m.p.day
	for _, accepted := range m.accepted {
		m.p.rank(accepted)
	}
}

// keep makes the present matching the one to go back to.
func (m *matching) keep() {
	copy(m.kept[copy(m.kept, m.taken):], m.givenTo)
}

// reset goes back to the matching that was kept.
func (m *matching) reset() {
	copy(m.givenTo, m.kept[copy(m.taken, m.kept):])
}

// placeResource finds a requirement for a resource that must be taken, busy or not.
func (m *matching) placeResource(c int) bool {
	clear(m.askedRequirements)
	return m.giveAway(c)
}

func (m *matching) giveAway(c int) bool {
	for _, open := range []bool{true, false} {
		for q := range m.taken {
			if (m.taken[q] == none) != open || m.askedRequirements[q] || !m.p.requirements[q].accepts(&m.p.resources[c]) {
				continue
			}
			m.askedRequirements[q] = true
			if open || m.giveAway(m.taken[q]) {
				m.give(c, q)
				return true
			}
		}
	}
	return false
}

// usable says which resources may be taken.
type usable func(*plan, int) bool

// sometime are those that could be taken at another time.
func sometime(p *plan, c int) bool { return p.resources[c].Active }

// placeRequirement finds a resource for a requirement, unless it has one.
func (m *matching) placeRequirement(q int, ok usable) bool {
	if m.taken[q] != none {
		return true
	}
	clear(m.askedRequirements)
	clear(m.askedResources)
	return m.take(q, ok)
}

// take prefers idle resources to those that others would have to do without.
func (m *matching) take(q int, ok usable) bool {
	m.askedRequirements[q] = true
	for _, idle := range []bool{true, false} {
		for _, c := range m.accepted[q] {
			if (m.givenTo[c] == none) != idle || m.askedResources[c] || !ok(m.p, c) {
				continue
			}
			m.askedResources[c] = true
			if idle || m.take(m.givenTo[c], ok) {
				m.give(c, q)
				return true
			}
		}
	}
	return false
}

func (m *matching) give(c, q int) {
	m.taken[q], m.givenTo[c] = c, q
}

// askedAccept reports whether one of the requirements that the last path asked
// accepts the resource. After a failure, all that those accept among the usable
// resources has been given to the others of them.
func (m *matching) askedAccept(c int) bool {
	for q, asked := range m.askedRequirements {
		if asked && m.p.requirements[q].accepts(&m.p.resources[c]) {
			return true
		}
	}
	return false
}
