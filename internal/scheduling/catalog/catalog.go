package catalog

import (
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
)

// Catalog is what one environment offers. It is immutable.
type Catalog struct {
	// version is zero if it was read by a transaction that has changed the catalog.
	version uuid.UUID
	// since is from when time off and overrides are included.
	since     time.Time
	services  map[uuid.UUID]*ServiceEntry
	resources []ResourceEntry // in the order of their ids
	byID      map[uuid.UUID]*ResourceEntry
	// calendar has the entries of the business (zero id) and of resources, schedules before their overrides.
	calendar map[uuid.UUID][]CalendarEntry
	rows     int
	// derived are the values of Derive by key.
	derived sync.Map
}

// ServiceEntry is a service with what bookings need of it.
type ServiceEntry struct {
	Name                string
	Version             int32
	BufferBeforeMinutes int32
	BufferAfterMinutes  int32
	PriceAmount         int64
	PriceCurrency       string
	RequiresApproval    bool
	// Rules are its part in the rule book, without counts.
	Rules availability.Service
}

// ResourceEntry is a resource with what bookings need of it.
type ResourceEntry struct {
	Name string
	Type string
	// UserID is its login; nil is none.
	UserID *uuid.UUID
	// Rules are its part in the rule book, without bookings and without calendar.
	Rules availability.Resource
}

// CalendarEntry is a schedule, an override or a time off, of the business or a resource.
type CalendarEntry = schedulingdb.ListCalendarEntriesRow

// Kinds of calendar entries.
const (
	KindHours    = "HOURS"
	KindOverride = "OVERRIDE"
	KindTimeOff  = "TIME_OFF"
)

// Derive returns the result of derive, which must depend on the key alone. It is cached with the
// catalog. Errors are those of derive, and are not cached.
func Derive[K comparable, V any](c *Catalog, key K, derive func() (V, error)) (V, error) {
	if value, ok := c.derived.Load(key); ok {
		return value.(V), nil
	}
	value, err := derive()
	if err == nil {
		c.derived.Store(key, value)
	}
	return value, err
}

// Version returns the version; zero if it was read by a transaction that has changed the catalog.
func (c *Catalog) Version() uuid.UUID { return c.version }

// Is reports whether the catalog has a version that the database has reported.
func (c *Catalog) Is(version uuid.UUID) bool { return c.version == version }

// Service returns the service with the id, or nil.
func (c *Catalog) Service(id uuid.UUID) *ServiceEntry { return c.services[id] }

// Resource returns the resource with the id, or nil.
func (c *Catalog) Resource(id uuid.UUID) *ResourceEntry { return c.byID[id] }

// Resources returns all resources in the order of their ids. The caller must not change them.
func (c *Catalog) Resources() []ResourceEntry { return c.resources }

// Covers reports whether Calendar is complete from an instant on.
func (c *Catalog) Covers(from time.Time) bool { return !from.Before(c.since) }

// Calendar returns the entries between two instants of the business (uuid.Nil) or a resource, schedules
// before their overrides. It may include entries outside.
func (c *Catalog) Calendar(resourceID uuid.UUID, from, to time.Time) []CalendarEntry {
	all := c.calendar[resourceID]
	var list []CalendarEntry
	for i := range all {
		if overlapsRange(&all[i], from, to) {
			list = append(list, all[i])
		}
	}
	return list
}

// dateMargin is that of ListCalendarEntries for dates.
const dateMargin = 4 * 24 * time.Hour

func overlapsRange(s *CalendarEntry, from, to time.Time) bool {
	switch s.Kind {
	case KindOverride:
		return !s.Date.Before(from.Add(-dateMargin).Truncate(24*time.Hour)) && !s.Date.After(to.Add(dateMargin))
	case KindTimeOff:
		return s.StartAt.Before(to) && (s.Rrule != nil || s.EndAt.After(from))
	default:
		return true
	}
}
