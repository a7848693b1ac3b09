package availability

import "slices"

// The rules are asked in the order of this file, and the first that objects decides:
// what is wrong with the request itself comes before what is wrong with the start, and
// that before what is wrong with the time of a resource.

// examine looks at what is the same at every start.
func (p *plan) examine() []Reason {
	if !p.service.Active {
		return []Reason{{Code: ServiceInactive}}
	}
	for _, objects := range []func(*plan) []Reason{
		requestedExist,
		requestedAreActive,
		requestedAreNeeded,
		requirementsCanBeMet,
	} {
		if reasons := objects(p); len(reasons) > 0 {
			return reasons
		}
	}
	return nil
}

func requestedExist(p *plan) (reasons []Reason) {
	for i, c := range p.requested {
		if c < 0 {
			reasons = append(reasons, Reason{Code: ResourceNotFound, ResourceID: p.requestedIDs[i]})
		}
	}
	return reasons
}

func requestedAreActive(p *plan) (reasons []Reason) {
	for _, c := range p.requested {
		if !p.resources[c].Active {
			reasons = append(reasons, Reason{Code: ResourceInactive, ResourceID: p.resources[c].ID})
		}
	}
	return reasons
}

// requestedAreNeeded gives each requested resource a requirement of its own. From here
// on each keeps one, because placing others only moves it from one to another.
func requestedAreNeeded(p *plan) (reasons []Reason) {
	for _, c := range p.requested {
		if !p.match.placeResource(c) {
			reasons = append(reasons, Reason{Code: ResourceNotEligible, ResourceID: p.resources[c].ID})
		}
	}
	p.match.keep()
	return reasons
}

func requirementsCanBeMet(p *plan) (reasons []Reason) {
	for q := range p.requirements {
		if !p.match.placeRequirement(q, sometime) {
			reasons = append(reasons, Reason{Code: RequirementUnmet, Requirement: q})
		}
	}
	return reasons
}

// decide says whether the appointment can be at a start, and leaves the resources that
// it takes in the matching. Reasons are given only if it shall explain.
func (p *plan) decide(start micros, explain bool) (reasons []Reason, ok bool) {
	if len(p.refused) > 0 {
		if explain {
			reasons = slices.Clone(p.refused)
		}
		return reasons, false
	}
	p.seek(start)
	if code := p.startCode(); code != "" {
		if explain {
			reasons = []Reason{{Code: code}}
		}
		return reasons, false
	}
	p.match.rank()
	p.match.reset()
	if reasons, ok = p.requestedAreFree(explain); !ok {
		return reasons, false
	}
	return p.requirementsAreMet(explain)
}

// startCode says what is wrong with the start, whoever is there.
func (p *plan) startCode() Code {
	switch {
	case p.at < p.earliest:
		return InPast
	case p.at < p.soonest:
		return MinNotice
	case p.service.Horizon > 0 && p.at > p.latest:
		return Horizon
	case p.gridOnly && !p.onGrid(p.at):
		return OffGrid
	case !p.service.exist():
		return ""
	}
	if p.countedDay != p.day {
		p.countedDay, p.exceeded = p.day, p.service.reached(p.date())
	}
	return p.exceeded
}

func (p *plan) requestedAreFree(explain bool) (reasons []Reason, ok bool) {
	ok = true
	for _, c := range p.requested {
		if p.isFree(c) {
			continue
		}
		if ok = false; !explain {
			break
		}
		reasons = append(reasons, p.obstacle(c))
	}
	return reasons, ok
}

// requirementsAreMet finds a resource for every requirement. If one finds none, it
// names the resources of which one would be enough if it were free.
func (p *plan) requirementsAreMet(explain bool) (reasons []Reason, ok bool) {
	for q := range p.requirements {
		if p.match.placeRequirement(q, (*plan).isFree) {
			continue
		}
		if !explain {
			return nil, false
		}
		reasons = make([]Reason, 0, len(p.match.accepted[q]))
		for c := range p.resources {
			if p.match.askedAccept(c) && sometime(p, c) && !p.isFree(c) {
				reasons = append(reasons, p.obstacle(c))
			}
		}
		return reasons, false
	}
	return nil, true
}
