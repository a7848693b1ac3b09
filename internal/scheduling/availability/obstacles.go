package availability

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/google/uuid"
)

// blocker is one thing that may stand in the way.
type blocker struct {
	span
	// core is the span without the blocker's own buffers.
	core   span
	lane   int
	hold   bool
	object uuid.UUID
}

// timeline is a list of blockers in the order of their starts.
type timeline struct {
	known bool
	list  []blocker
	// longest is the length of the longest of them.
	longest micros
}

// around returns a part of the list that has all blockers that meet the window.
func (t *timeline) around(w span) []blocker {
	byStart := func(b blocker, from micros) int { return cmp.Compare(b.from, from) }
	first, _ := slices.BinarySearchFunc(t.list, w.from-t.longest, byStart)
	last, _ := slices.BinarySearchFunc(t.list, w.to, byStart)
	return t.list[first:max(first, last)]
}

// order leaves out blockers without length, and puts the others in order.
func (t *timeline) order() {
	t.known = true
	t.list = slices.DeleteFunc(t.list, func(b blocker) bool { return b.from >= b.to })
	slices.SortFunc(t.list, func(a, b blocker) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), bytes.Compare(a.object[:], b.object[:]))
	})
	for i := range t.list {
		t.longest = max(t.longest, t.list[i].to-t.list[i].from)
	}
}

// of makes the timeline of spans, the first time that it is asked for.
func (t *timeline) of(spans []Span) *timeline {
	if !t.known {
		t.list = make([]blocker, len(spans))
		for i, s := range spans {
			at := span{microsOf(s.Start), microsOf(s.End)}
			t.list[i] = blocker{span: at, core: at, object: s.ObjectID}
		}
		t.order()
	}
	return t
}

// takenOf makes the timeline of what has taken lanes of a resource.
func (p *plan) takenOf(c int) *timeline {
	t, busy := &p.candidates[c].taken, p.resources[c].Busy
	if !t.known {
		t.list = make([]blocker, len(busy))
		for i := range busy {
			b := &busy[i]
			at := span{microsOf(b.Start), microsOf(b.End)}
			t.list[i] = blocker{
				span: at, core: span{at.from + length(b.BufferBefore), at.to - length(b.BufferAfter)},
				lane: b.Lane, hold: b.Kind == Hold, object: b.ObjectID,
			}
		}
		t.order()
	}
	return t
}

// obstacle says what keeps a resource, which is active but not free, from being taken at
// the start in question: the first thing that is in the way of the appointment itself,
// else that which is in the way of a buffer.
func (p *plan) obstacle(c int) Reason {
	r, known := &p.resources[c], &p.candidates[c]
	closed, off, busy := p.closed.of(p.closures), known.off.of(r.TimeOff), known.busy.of(r.External)
	reason := func(code Code, object uuid.UUID) Reason {
		return Reason{Code: code, ResourceID: r.ID, ObjectID: object}
	}
	if b := closed.first(p.core()); b != nil {
		return reason(Closed, b.object)
	}
	if !p.isOpen(c) {
		return reason(OutsideHours, uuid.Nil)
	}
	if b := off.first(p.core()); b != nil {
		return reason(TimeOff, b.object)
	}
	if code, object := p.takenBy(c); code != "" {
		return reason(code, object)
	}
	if b := busy.first(p.core()); b != nil {
		return reason(ExternalBusy, b.object)
	}
	if code := p.limitOf(c); code != "" {
		return reason(code, uuid.Nil)
	}
	for _, t := range []*timeline{closed, off, busy} {
		if b := t.first(p.window()); b != nil {
			return reason(Buffer, b.object)
		}
	}
	return reason(Buffer, p.nearlyTakenBy(c))
}

// first returns the first blocker that meets the window, or nil.
func (t *timeline) first(w span) *blocker {
	around := t.around(w)
	for i := range around {
		if around[i].meets(w) {
			return &around[i]
		}
	}
	return nil
}

func (p *plan) isOpen(c int) bool {
	_, ok := slices.BinarySearchFunc(p.openStarts(&p.resources[c]), p.at, func(s span, at micros) int {
		switch {
		case s.to <= at:
			return -1
		case s.from > at:
			return 1
		}
		return 0
	})
	return ok
}

// takenBy says what has taken the lanes of a resource for the appointment itself. If only
// buffers meet on one of the lanes, it says nothing.
func (p *plan) takenBy(c int) (Code, uuid.UUID) {
	capacity := p.resources[c].Capacity
	if capacity < 1 {
		return Booked, uuid.Nil
	}
	around := p.takenOf(c).around(p.window())
	var taken, booked lanes
	for i := range around {
		if b := &around[i]; b.core.meets(p.core()) {
			taken.add(b.lane)
			if !b.hold {
				booked.add(b.lane)
			}
		}
	}
	if taken.lowestFree() < capacity {
		return "", uuid.Nil
	}
	code, lane, hold := Booked, 0, false
	switch free := booked.lowestFree(); {
	case free < capacity:
		code, lane, hold = Held, free, true
	case capacity > 1:
		code = Capacity
	}
	i := slices.IndexFunc(around, func(b blocker) bool {
		return b.lane == lane && b.hold == hold && b.core.meets(p.core())
	})
	return code, around[i].object
}

// nearlyTakenBy returns what is in the way of a buffer on the lowest lane that is free
// for the appointment itself.
func (p *plan) nearlyTakenBy(c int) uuid.UUID {
	around := p.takenOf(c).around(p.window())
	var taken lanes
	for i := range around {
		if around[i].core.meets(p.core()) {
			taken.add(around[i].lane)
		}
	}
	lane := taken.lowestFree()
	for i := range around {
		if around[i].lane == lane && around[i].meets(p.window()) {
			return around[i].object
		}
	}
	return uuid.Nil
}
