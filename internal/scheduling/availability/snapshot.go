package availability

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// ResourceType is what a resource is.
type ResourceType string

// The types of resources.
const (
	Staff     ResourceType = "STAFF"
	Room      ResourceType = "ROOM"
	Equipment ResourceType = "EQUIPMENT"
)

// Snapshot is everything that Decide looks at, as it was at one moment.
type Snapshot struct {
	Service Service
	// Resources are those that may be taken, and all that the request names; each
	// occurs once.
	Resources []Resource
}

// Service is what shall take place.
type Service struct {
	Active bool
	// Duration is what the customer sees; resources are taken for it and both buffers.
	Duration     time.Duration
	BufferBefore time.Duration
	BufferAfter  time.Duration
	// Requirements say which resources it takes: one for each. Without any it takes
	// the requested ones, whatever they are, or one that is staff or a room.
	Requirements []Requirement
}

// Requirement says which resources will do; one of them is taken.
type Requirement struct {
	// ResourceIDs, if there are any, are the only ones that will do.
	ResourceIDs []uuid.UUID
	// Types will do if no ids are given; no types either means every resource.
	Types []ResourceType
}

// Resource is a candidate.
type Resource struct {
	ID     uuid.UUID
	Type   ResourceType
	Active bool
	// Capacity n means that it has the lanes 0 to n-1, each for one appointment at a
	// time; n is at most MaxCapacity.
	Capacity int
	// Busy is what is taken already, in any order; intervals outside of the time in
	// question do no harm.
	Busy []Interval
}

// MaxCapacity is the largest capacity a resource can have.
const MaxCapacity = 1000

// Interval is a time at which a lane of a resource is taken, buffers included. The
// start belongs to it, the end does not.
type Interval struct {
	Lane  int
	Start time.Time
	End   time.Time
}

// Request is what somebody wants.
type Request struct {
	// Start is what the customer sees; the buffer before lies before it.
	Start time.Time
	// Requested resources are taken, or the decision is negative.
	Requested []uuid.UUID
	// Preferred resources are taken for what Requested leaves open, if they are free.
	Preferred []uuid.UUID
}

// Window returns the time for which resources are taken, buffers included.
func (s Service) Window(start time.Time) (from, to time.Time) {
	return start.Add(-s.BufferBefore), start.Add(s.Duration + s.BufferAfter)
}

// accepts reports whether the resource will do, busy or not.
func (q *Requirement) accepts(r *Resource) bool {
	if len(q.ResourceIDs) > 0 {
		return slices.Contains(q.ResourceIDs, r.ID)
	}
	return len(q.Types) == 0 || slices.Contains(q.Types, r.Type)
}
