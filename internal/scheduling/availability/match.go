package availability

import (
	"bytes"
	"cmp"
	"slices"
)

const none = -1

// matching gives resources to requirements, one each, by augmenting paths: when what a
// requirement could take is given away already, the other requirement is asked to take
// something else. A resource that has been given never becomes idle again by that.
type matching struct {
	d *deliberation
	// taken is the resource of each requirement, and givenTo the requirement of each
	// resource; both may be none.
	taken, givenTo []int
	// order has the resources from the best to the worst.
	order []int
	// askedRequirements and askedResources are those of the present path.
	askedRequirements, askedResources []bool
}

func newMatching(d *deliberation) matching {
	m := matching{
		d:                 d,
		taken:             slices.Repeat([]int{none}, len(d.requirements)),
		givenTo:           slices.Repeat([]int{none}, len(d.resources)),
		askedRequirements: make([]bool, len(d.requirements)),
		askedResources:    make([]bool, len(d.resources)),
	}
	m.rank()
	return m
}

// rank puts the resources in the order in which they are tried.
func (m *matching) rank() {
	m.order = make([]int, len(m.d.resources))
	for i := range m.order {
		m.order[i] = i
	}
	slices.SortFunc(m.order, func(a, b int) int {
		ca, cb := &m.d.candidates[a], &m.d.candidates[b]
		if ca.preferred != cb.preferred {
			if ca.preferred {
				return -1
			}
			return 1
		}
		ra, rb := &m.d.resources[a], &m.d.resources[b]
		return cmp.Or(cmp.Compare(ca.load, cb.load), bytes.Compare(ra.ID[:], rb.ID[:]))
	})
}

// placeResource finds a requirement for a resource that must be taken, busy or not.
func (m *matching) placeResource(c int) bool {
	clear(m.askedRequirements)
	return m.giveAway(c)
}

func (m *matching) giveAway(c int) bool {
	for _, open := range []bool{true, false} {
		for q := range m.d.requirements {
			if (m.taken[q] == none) != open || m.askedRequirements[q] || !m.d.requirements[q].accepts(&m.d.resources[c]) {
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

// usable says which candidates may be taken.
type usable func(*candidate) bool

// free are those that nothing keeps from being taken.
func free(c *candidate) bool { return c.obstacle == "" }

// sometime are those that could be taken at another time.
func sometime(c *candidate) bool { return c.obstacle == "" || c.obstacle.Temporal() }

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
		for _, c := range m.order {
			if (m.givenTo[c] == none) != idle || m.askedResources[c] ||
				!ok(&m.d.candidates[c]) || !m.d.requirements[q].accepts(&m.d.resources[c]) {
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
		if asked && m.d.requirements[q].accepts(&m.d.resources[c]) {
			return true
		}
	}
	return false
}
