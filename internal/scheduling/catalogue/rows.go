package catalogue

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
)

func newCatalogue(
	version uuid.UUID, since time.Time, services []schedulingdb.ListServicesOfCatalogueRow,
	resources []schedulingdb.ListResourcesOfCatalogueRow, surroundings []Surrounding,
) *Catalogue {
	c := &Catalogue{
		version: version, since: since,
		services: make(map[uuid.UUID]*Service, len(services)), byID: make(map[uuid.UUID]*Resource, len(resources)),
		resources: make([]Resource, len(resources)), surroundings: map[uuid.UUID][]Surrounding{},
		rows: len(services) + len(resources) + len(surroundings),
	}
	for i := range services {
		c.services[services[i].ID] = newService(&services[i])
	}
	for i := range resources {
		c.resources[i] = newResource(&resources[i])
		c.byID[resources[i].ID] = &c.resources[i]
	}
	for _, row := range surroundings {
		var of uuid.UUID
		if row.ResourceID != nil {
			of = *row.ResourceID
		}
		c.surroundings[of] = append(c.surroundings[of], row)
	}
	for of := range c.surroundings {
		c.surroundings[of] = slices.Clip(c.surroundings[of])
	}
	return c
}

func newService(row *schedulingdb.ListServicesOfCatalogueRow) *Service {
	s := &Service{
		Name: row.Name, Version: row.Version, BufferBeforeMinutes: row.BufferBeforeMinutes, BufferAfterMinutes: row.BufferAfterMinutes,
		PriceAmount: row.PriceAmount, PriceCurrency: row.PriceCurrency, RequiresApproval: row.RequiresApproval,
		Rules: availability.Service{
			Active: row.IsActive, Duration: minutes(row.DurationMinutes),
			BufferBefore: minutes(row.BufferBeforeMinutes), BufferAfter: minutes(row.BufferAfterMinutes),
			Requirements: make([]availability.Requirement, len(row.RequirementTypes)),
			SlotStep:     minutes(row.SlotStepMinutes), MinNotice: minutes(row.MinNoticeMinutes),
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

func newResource(row *schedulingdb.ListResourcesOfCatalogueRow) Resource {
	return Resource{
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

func minutes(n int32) time.Duration { return time.Duration(n) * time.Minute }
