// Package catalogue owns what an environment offers, as bookings and lists need it:
// services, resources, and when they can be booked. It is kept in memory, because it is
// needed by every request and changes seldom.
//
// It calls its queries (gen/db/schedulingdb) through whoever asks. Invariants: nobody goes by what
// is kept without having learned from the database, in a statement of the same request,
// that it is the version there is (Catalogue.Is); the database gives a new version with every
// change, whoever makes it (schema/00055_catalogue_versions.sql); and what a
// transaction has read after changing it is kept by nobody. A Catalogue is never changed.
package catalogue

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
)

// Catalogue is what one environment offers.
type Catalogue struct {
	// version is zero if it was read by a transaction that has changed it.
	version uuid.UUID
	// since is where time off and overrides begin to be known.
	since     time.Time
	services  map[uuid.UUID]*Service
	resources []Resource // in the order of their ids
	byID      map[uuid.UUID]*Resource
	// surroundings are those of the business (zero) and of resources, schedules before their
	// overrides.
	surroundings map[uuid.UUID][]Surrounding
	rows         int
	// derived is what Derive has made, by its key.
	derived sync.Map
}

// Service is a service as it is booked.
type Service struct {
	Name                string
	Version             int32
	BufferBeforeMinutes int32
	BufferAfterMinutes  int32
	PriceAmount         int64
	PriceCurrency       string
	RequiresApproval    bool
	// Rules are what decides about its bookings, without counts.
	Rules availability.Service
}

// Resource is a resource as it is booked.
type Resource struct {
	Name string
	Type string
	// UserID is the user it signs in as; nil is none.
	UserID *uuid.UUID
	// Rules are what decides about its bookings, without what is booked, and without
	// surroundings.
	Rules availability.Resource
}

// Surrounding is one of the hours, overrides and times off of the business or a resource.
type Surrounding = schedulingdb.ListSurroundingsRow

// Kinds of surroundings.
const (
	KindHours    = "HOURS"
	KindOverride = "OVERRIDE"
	KindTimeOff  = "TIME_OFF"
)

// Derive returns what derive returns for the key, which must follow from the key alone. It is made
// once for a catalogue, and kept as long as that. Errors are those of derive, and not kept.
func Derive[K comparable, V any](c *Catalogue, key K, derive func() (V, error)) (V, error) {
	if made, ok := c.derived.Load(key); ok {
		return made.(V), nil
	}
	made, err := derive()
	if err == nil {
		c.derived.Store(key, made)
	}
	return made, err
}

// Is reports whether this is the version that the database has named.
func (c *Catalogue) Is(version uuid.UUID) bool { return c.version == version }

// Service returns the service with the id, or nil.
func (c *Catalogue) Service(id uuid.UUID) *Service { return c.services[id] }

// Resource returns the resource with the id, or nil.
func (c *Catalogue) Resource(id uuid.UUID) *Resource { return c.byID[id] }

// Resources are all there are, in the order of their ids. They must not be changed.
func (c *Catalogue) Resources() []Resource { return c.resources }

// Knows reports whether Surroundings has everything from an instant on.
func (c *Catalogue) Knows(from time.Time) bool { return !from.Before(c.since) }

// Surroundings returns what there is between two instants for the business (uuid.Nil) or a
// resource, schedules before their overrides; it may also return what lies outside.
func (c *Catalogue) Surroundings(resourceID uuid.UUID, from, to time.Time) []Surrounding {
	all := c.surroundings[resourceID]
	var list []Surrounding
	for i := range all {
		if touches(&all[i], from, to) {
			list = append(list, all[i])
		}
	}
	return list
}

// margin is that of ListSurroundings for dates.
const margin = 4 * 24 * time.Hour

func touches(s *Surrounding, from, to time.Time) bool {
	switch s.Kind {
	case KindOverride:
		return !s.Date.Before(from.Add(-margin).Truncate(24*time.Hour)) && !s.Date.After(to.Add(margin))
	case KindTimeOff:
		return s.StartAt.Before(to) && (s.Rrule != nil || s.EndAt.After(from))
	default:
		return true
	}
}
