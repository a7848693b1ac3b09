package availability

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
)

// ResourceType is what a resource is.
type ResourceType string

// The types of resources.
const (
	Staff     ResourceType = "STAFF"
	Room      ResourceType = "ROOM"
	Equipment ResourceType = "EQUIPMENT"
)

// Snapshot is everything that the rules look at, as it was at one moment. What stands
// in the way of a start may lie before and after it; see Service.Window.
type Snapshot struct {
	Service Service
	// Location is the zone of the business, in which the grid of Search and the days and
	// weeks of Limits are counted; nil is UTC.
	Location *time.Location
	// Business has the hours of the resources that have none of their own; nil is open
	// around the clock.
	Business *Schedule
	// Closures are times at which the whole business is closed, in any order.
	Closures []Span
	// Resources are those that may be taken, and all that the request names; each
	// occurs once.
	Resources []Resource
	// From and To bound the starts for which the snapshot has everything; Search and
	// Nearest look at no others. Zero is no bound, which Nearest cannot do with.
	From, To time.Time
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
	// SlotStep is the grid of the starts that Search offers, in whole seconds from local
	// midnight; zero is DefaultSlotStep. Decide accepts no others, unless the request is
	// OffGrid.
	SlotStep time.Duration
	// MinNotice is the least time from now to the start.
	MinNotice time.Duration
	// Horizon is the greatest time from now to the start; zero is no limit.
	Horizon time.Duration
	// Limits of the service, whoever provides it.
	Limits
}

// DefaultSlotStep is the grid of services that have none.
const DefaultSlotStep = 15 * time.Minute

// Limits bound how many appointments start on a local date, and in an ISO week (from
// Monday), of the business.
type Limits struct {
	// MaxPerDay and MaxPerWeek are at least 1; zero is no limit.
	MaxPerDay  int
	MaxPerWeek int
	// Counts are the appointments that there are already by the date of their start. They
	// include every day of the weeks in question.
	Counts map[localtime.Date]int
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
	// Weight decides who is taken when several will do: the highest. Of those it is the one
	// with the fewest bookings that start, buffers included, on the date of the start in the
	// zone of the business; so Busy has to have all of that date where there is a choice.
	Weight int
	// Schedule has its hours; nil are those of the business.
	Schedule *Schedule
	// Busy is what is taken already, TimeOff when it is away, and External what calendars
	// elsewhere say; in any order, of which that of the start is the fastest. What lies
	// outside of the time in question, or has no length, does no harm.
	Busy     []Interval
	TimeOff  []Span
	External []Span
	// Limits of the resource, whatever it does.
	Limits
}

// MaxCapacity is the largest capacity a resource can have.
const MaxCapacity = 1000

// Span is a time. The start belongs to it, the end does not.
type Span struct {
	Start time.Time
	End   time.Time
	// ObjectID is what it is the time of, for reasons to name; it may be zero.
	ObjectID uuid.UUID
}

// Kind is what an Interval is the time of.
type Kind uint8

// The kinds of intervals. A hold may give its lane back by itself.
const (
	Appointment Kind = iota
	Hold
)

// Interval is a time at which a lane of a resource is taken, buffers included. The
// start belongs to it, the end does not.
type Interval struct {
	Lane  int
	Start time.Time
	End   time.Time
	// BufferBefore and BufferAfter are the parts of it that are buffers. They only
	// matter for what a reason says.
	BufferBefore time.Duration
	BufferAfter  time.Duration
	Kind         Kind
	// ObjectID is the appointment or the hold, for reasons to name; it may be zero.
	ObjectID uuid.UUID
}

// Request is what somebody wants.
type Request struct {
	// Start is what the customer sees; the buffer before lies before it.
	Start time.Time
	// Requested resources are taken, or the decision is negative.
	Requested []uuid.UUID
	// Preferred resources are taken for what Requested leaves open, if they are free.
	Preferred []uuid.UUID
	// Required resources are taken too; alternatives have all of them, whatever else they have.
	Required []uuid.UUID
	// Kept are the resources of the appointment that shall move. If all of them are free, it
	// keeps them, whatever its service requires by now; else it takes others as a new
	// appointment would, and of these as many as it can. With Requested there are none.
	Kept []uuid.UUID
	// OffGrid accepts a start that is not on the grid, and that Search does not offer.
	OffGrid bool
}

// Window returns the time for which resources are taken, buffers included.
func (s Service) Window(start time.Time) (from, to time.Time) {
	return start.Add(-s.BufferBefore), start.Add(s.Duration + s.BufferAfter)
}

// step is the grid of Search.
func (s *Service) step() time.Duration {
	if s.SlotStep < time.Second {
		return DefaultSlotStep
	}
	return s.SlotStep
}

// reached says which of the limits another appointment on the date would exceed, or "".
func (l *Limits) reached(date localtime.Date) Code {
	if l.MaxPerDay > 0 && l.Counts[date] >= l.MaxPerDay {
		return LimitDay
	}
	if l.MaxPerWeek <= 0 {
		return ""
	}
	monday, week := date.Monday().Ordinal(), 0
	for n := range 7 {
		week += l.Counts[localtime.OfOrdinal(monday+n)]
	}
	if week >= l.MaxPerWeek {
		return LimitWeek
	}
	return ""
}

// exist reports whether there are any limits.
func (l *Limits) exist() bool { return l.MaxPerDay > 0 || l.MaxPerWeek > 0 }

// accepts reports whether the resource will do, busy or not.
func (q *Requirement) accepts(r *Resource) bool {
	if len(q.ResourceIDs) > 0 {
		return slices.Contains(q.ResourceIDs, r.ID)
	}
	return len(q.Types) == 0 || slices.Contains(q.Types, r.Type)
}
