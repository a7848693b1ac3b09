package availability

func serviceIsActive(d *deliberation) []Reason {
	if d.service.Active {
		return nil
	}
	return []Reason{{Code: ServiceInactive}}
}

func requestedExist(d *deliberation) (reasons []Reason) {
	for i, c := range d.requested {
		if c < 0 {
			reasons = append(reasons, Reason{Code: ResourceNotFound, ResourceID: d.requestedIDs[i]})
		}
	}
	return reasons
}

func requestedAreActive(d *deliberation) (reasons []Reason) {
	for _, c := range d.requested {
		if !d.resources[c].Active {
			reasons = append(reasons, Reason{Code: ResourceInactive, ResourceID: d.resources[c].ID})
		}
	}
	return reasons
}

// requestedAreNeeded gives each requested resource a requirement of its own. From here
// on each keeps one, because requirementsAreMet only moves it from one to another.
func requestedAreNeeded(d *deliberation) (reasons []Reason) {
	for _, c := range d.requested {
		if !d.match.placeResource(c) {
			reasons = append(reasons, Reason{Code: ResourceNotEligible, ResourceID: d.resources[c].ID})
		}
	}
	return reasons
}

func requestedAreFree(d *deliberation) (reasons []Reason) {
	for _, c := range d.requested {
		if code := d.candidates[c].obstacle; code != "" {
			reasons = append(reasons, Reason{Code: code, ResourceID: d.resources[c].ID})
		}
	}
	if len(reasons) == 0 {
		return nil
	}
	return d.unlessUnmeetable(reasons)
}

// requirementsAreMet finds a resource for every requirement. If one finds none, it
// names the resources of which one would be enough if it were free.
func requirementsAreMet(d *deliberation) (reasons []Reason) {
	for q := range d.requirements {
		if d.match.placeRequirement(q, free) {
			continue
		}
		for c := range d.candidates {
			code := d.candidates[c].obstacle
			if code.Temporal() && d.match.askedAccept(c) {
				reasons = append(reasons, Reason{Code: code, ResourceID: d.resources[c].ID})
			}
		}
		return d.unlessUnmeetable(reasons)
	}
	return nil
}

// unlessUnmeetable returns the reasons, which are about the time, unless there are
// requirements that cannot be met at any time: then it names those.
func (d *deliberation) unlessUnmeetable(reasons []Reason) []Reason {
	var unmeetable []Reason
	for q := range d.requirements {
		if !d.match.placeRequirement(q, sometime) {
			unmeetable = append(unmeetable, Reason{Code: RequirementUnmet, Requirement: q})
		}
	}
	if len(unmeetable) > 0 {
		return unmeetable
	}
	return reasons
}

func isInactive(d *deliberation, c int) Code {
	if d.resources[c].Active {
		return ""
	}
	return ResourceInactive
}

func hasNoFreeLane(d *deliberation, c int) Code {
	r := &d.resources[c]
	var taken lanes
	for i := range r.Busy {
		if b := &r.Busy[i]; b.Start.Before(d.to) && b.End.After(d.from) {
			taken.add(b.Lane)
		}
	}
	d.candidates[c].load = taken.count()
	d.candidates[c].lane = taken.lowestFree()
	switch {
	case d.candidates[c].lane < r.Capacity:
		return ""
	case r.Capacity > 1:
		return Capacity
	}
	return Booked
}
