package availability

import (
	"slices"

	"github.com/google/uuid"
)

// way is one of the ways in which a request can be granted.
type way struct {
	// snapshot has the requirements that count for it.
	snapshot             *Snapshot
	requested, preferred []uuid.UUID
}

// ways returns the ways of a request, the one to try first first. There is one, unless the
// request keeps resources: then it is granted with all of them, else with others of their
// types if the service states no requirements, else as if it were for a new appointment, so
// that whatever Search offers can be moved to.
func (r *Request) ways(snapshot *Snapshot) []way {
	required := r.Requested
	if len(r.Required) > 0 {
		required = slices.Concat(r.Requested, r.Required)
	}
	if len(r.Kept) == 0 {
		return []way{{snapshot, required, r.Preferred}}
	}
	preferred := slices.Concat(r.Kept, r.Preferred)
	ways := []way{{snapshot.keeping(r.Kept), slices.Concat(r.Kept, required), r.Preferred}}
	if len(snapshot.Service.Requirements) == 0 {
		ways = append(ways, way{snapshot.relaxed(r.Kept), required, preferred})
	}
	return append(ways, way{snapshot, required, preferred})
}

// keeping returns the snapshot with requirements that exactly these resources meet, whatever
// the service has come to require.
func (s *Snapshot) keeping(ids []uuid.UUID) *Snapshot {
	kept := *s
	kept.Service.Requirements = nil
	for _, id := range distinct(ids) {
		kept.Service.Requirements = append(kept.Service.Requirements, Requirement{ResourceIDs: []uuid.UUID{id}})
	}
	return &kept
}

// relaxed returns the snapshot with requirements that other resources than the named ones can
// meet: without any it would take one resource, whatever was named.
func (s *Snapshot) relaxed(ids []uuid.UUID) *Snapshot {
	relaxed := *s
	if len(s.Service.Requirements) > 0 {
		return &relaxed
	}
	for _, id := range distinct(ids) {
		for i := range s.Resources {
			if s.Resources[i].ID == id {
				q := Requirement{Types: []ResourceType{s.Resources[i].Type}}
				relaxed.Service.Requirements = append(relaxed.Service.Requirements, q)
			}
		}
	}
	return &relaxed
}
