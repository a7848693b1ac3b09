package availability

import "github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"

// seek makes a start the one in question. It is fast if starts are asked about in their
// order.
func (p *plan) seek(start micros) {
	if start < p.at {
		for c := range p.candidates {
			p.candidates[c].next = 0
		}
	}
	p.at = start
	p.day = p.clock.Ordinal(start.unix())
}

// date is that of the start in question.
func (p *plan) date() localtime.Date { return localtime.OfOrdinal(p.day) }

// isFree reports whether a resource can be taken at the start in question.
func (p *plan) isFree(c int) bool {
	known := &p.candidates[c]
	if !known.known {
		p.find(c)
	}
	for known.next < len(known.starts) && known.starts[known.next].to <= p.at {
		known.next++
	}
	if known.next == len(known.starts) || p.at < known.starts[known.next].from {
		return false
	}
	return p.limitOf(c) == ""
}

// limitOf says which limit of the resource is reached on the date in question.
func (p *plan) limitOf(c int) Code {
	r, known := &p.resources[c], &p.candidates[c]
	if !r.exist() {
		return ""
	}
	if known.countedDay != p.day {
		known.countedDay, known.exceeded = p.day, r.reached(p.date())
	}
	return known.exceeded
}

// find finds out the starts at which a resource can be taken, leaving limits aside.
func (p *plan) find(c int) {
	r, known := &p.resources[c], &p.candidates[c]
	known.known = true
	if !r.Active {
		return
	}
	// What is busy goes alone, because it is the most, and is in order if it comes from a
	// query: then there is nothing to sort.
	blocked := p.exclude(p.scratch[:0], p.closures)
	blocked = p.exclude(blocked, r.TimeOff)
	blocked = p.exclude(blocked, r.External)
	p.rest = subtract(p.rest[:0], p.openStarts(r), union(blocked))
	blocked = p.excludeTaken(blocked[:0], r)
	first := len(p.arena)
	p.arena = subtract(p.arena, p.rest, union(blocked))
	p.scratch = blocked
	known.starts = p.arena[first:]
}

// openStarts are those at which the appointment lies within the hours of the resource.
func (p *plan) openStarts(r *Resource) []span {
	schedule := r.Schedule
	if schedule == nil {
		schedule = p.business
	}
	if starts, ok := p.open[schedule]; ok {
		return starts
	}
	starts := []span{p.starts}
	if schedule != nil {
		starts = schedule.stretches(p.starts.from, p.starts.to+p.duration)
		for i := range starts {
			// The last start of a stretch is the one that ends with it.
			starts[i].to += 1 - p.duration
		}
		starts = intersect(nil, union(starts), []span{p.starts})
	}
	if p.open == nil {
		p.open = map[*Schedule][]span{}
	}
	p.open[schedule] = starts
	return starts
}

// excluded are the starts that something at a time makes impossible, because the
// appointment and its buffers would overlap it; empty if there are none to ask about.
func (p *plan) excluded(from, to micros) span {
	if from >= to {
		return span{}
	}
	e := span{from - p.duration - p.after + 1, to + p.before}
	if e.from >= p.starts.to || e.to <= p.starts.from {
		return span{}
	}
	return e
}

// exclude appends to list the starts that the spans make impossible.
func (p *plan) exclude(list []span, spans []Span) []span {
	for i := range spans {
		if e := p.excluded(microsOf(spans[i].Start), microsOf(spans[i].End)); e.from < e.to {
			list = append(list, e)
		}
	}
	return list
}

// excludeTaken appends to list the starts at which no lane of the resource is free.
func (p *plan) excludeTaken(list []span, r *Resource) []span {
	switch {
	case r.Capacity < 1:
		return append(list, p.starts)
	case r.Capacity == 1:
		for i := range r.Busy {
			if b := &r.Busy[i]; b.Lane == 0 {
				if e := p.excluded(microsOf(b.Start), microsOf(b.End)); e.from < e.to {
					list = append(list, e)
				}
			}
		}
		return list
	}
	lanes := map[int][]span{}
	for i := range r.Busy {
		if b := &r.Busy[i]; 0 <= b.Lane && b.Lane < r.Capacity {
			if e := p.excluded(microsOf(b.Start), microsOf(b.End)); e.from < e.to {
				lanes[b.Lane] = append(lanes[b.Lane], e)
			}
		}
	}
	if len(lanes) < r.Capacity {
		return list
	}
	all := []span{p.starts}
	for lane := range r.Capacity {
		all = intersect(nil, all, union(lanes[lane]))
	}
	return append(list, all...)
}

// assignments appends to list what the matching takes at the start in question.
func (p *plan) assignments(list []Assignment) []Assignment {
	for _, c := range p.match.taken {
		list = append(list, Assignment{ResourceID: p.resources[c].ID, Lane: p.lane(c)})
	}
	return list
}

// lane returns the lowest free lane of a resource that is free.
func (p *plan) lane(c int) int {
	if p.resources[c].Capacity == 1 {
		return 0
	}
	var taken lanes
	w := p.window()
	for _, b := range p.takenOf(c).around(w) {
		if b.meets(w) {
			taken.add(b.lane)
		}
	}
	return taken.lowestFree()
}

// window is the time of the appointment and its buffers, and core that without them.
func (p *plan) window() span { return span{p.at - p.before, p.at + p.duration + p.after} }
func (p *plan) core() span   { return span{p.at, p.at + p.duration} }
