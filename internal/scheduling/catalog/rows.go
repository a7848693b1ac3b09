package catalog

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
)

func newCatalog(
	version uuid.UUID, since time.Time, services []schedulingdb.ListCatalogServicesRow,
	resources []schedulingdb.ListCatalogResourcesRow, calendar []CalendarEntry,
) *Catalog {
	c := &Catalog{
		version: version, since: since,
		services: make(map[uuid.UUID]*ServiceEntry, len(services)), byID: make(map[uuid.UUID]*ResourceEntry, len(resources)),
		resources: make([]ResourceEntry, len(resources)), calendar: map[uuid.UUID][]CalendarEntry{},
		rows: len(services) + len(resources) + len(calendar),
	}
	for i := range services {
		c.services[services[i].ID] = newServiceEntry(&services[i])
	}
	for i := range resources {
		c.resources[i] = newResourceEntry(&resources[i])
		c.byID[resources[i].ID] = &c.resources[i]
	}
	for _, row := range calendar {
		var of uuid.UUID
		if row.ResourceID != nil {
			of = *row.ResourceID
		}
		c.calendar[of] = append(c.calendar[of], row)
	}
	for of := range c.calendar {
		c.calendar[of] = slices.Clip(c.calendar[of])
	}
	return c
}

func newServiceEntry(row *schedulingdb.ListCatalogServicesRow) *ServiceEntry {
	s := &ServiceEntry{
		Name: row.Name, Version: row.Version, BufferBeforeMinutes: row.BufferBeforeMinutes, BufferAfterMinutes: row.BufferAfterMinutes,
		PriceAmount: row.PriceAmount, PriceCurrency: row.PriceCurrency, RequiresApproval: row.RequiresApproval,
		Rules: availability.Service{
			Active: row.IsActive, Duration: Minutes(row.DurationMinutes),
			BufferBefore: Minutes(row.BufferBeforeMinutes), BufferAfter: Minutes(row.BufferAfterMinutes),
			Requirements: make([]availability.Requirement, len(row.RequirementTypes)),
			SlotStep:     Minutes(row.SlotStepMinutes), MinNotice: Minutes(row.MinNoticeMinutes),
			Limits: limits(row.MaxPerDay, row.MaxPerWeek),
		},
	}
	if row.HorizonDays != nil {
		s.Rules.Horizon = time.Duration(*row.HorizonDays) * 24 * time.Hour
	}
	for i, resourceType := range row.RequirementTypes {
		s.Rules.Requirements[i].Types = []availability.ResourceType{availability.ResourceType(resourceType)}
	}
	for i, position := range row.NamedPositions {
		q := &s.Rules.Requirements[position-1]
		q.ResourceIDs = append(q.ResourceIDs, row.NamedResourceIds[i])
	}
	return s
}

func newResourceEntry(row *schedulingdb.ListCatalogResourcesRow) ResourceEntry {
	return ResourceEntry{
		Name: row.Name, Type: row.Type, UserID: row.UserID,
		Rules: availability.Resource{
			ID: row.ID, Type: availability.ResourceType(row.Type), Active: row.IsActive, Capacity: int(row.Capacity),
			Weight: int(row.Weight), Limits: limits(row.MaxPerDay, row.MaxPerWeek),
		},
	}
}

func limits(perDay, perWeek *int32) (l availability.Limits) {
	if perDay != nil {
		l.MaxPerDay = int(*perDay)
	}
	if perWeek != nil {
		l.MaxPerWeek = int(*perWeek)
	}
	return l
}

// Minutes converts a number of minutes.
func Minutes(n int32) time.Duration { return time.Duration(n) * time.Minute }
