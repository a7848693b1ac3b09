package catalog

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Requirement is one resource that an appointment for a service takes.
type Requirement struct {
	ResourceType string `json:"resource_type"`
	// ResourceIDs are those of the type that will do; none means any active one. Never
	// nil, without repetitions, in ascending order.
	ResourceIDs []uuid.UUID `json:"resource_ids"`
}

// normalise brings requirements into the form in which they are read back.
func normalise(list []Requirement) []Requirement {
	normal := make([]Requirement, len(list))
	for i, q := range list {
		ids := append([]uuid.UUID{}, q.ResourceIDs...)
		slices.SortFunc(ids, CompareIDs)
		normal[i] = Requirement{ResourceType: q.ResourceType, ResourceIDs: slices.Compact(ids)}
	}
	return normal
}

// CompareIDs orders ids as PostgreSQL does.
func CompareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

// newRequirements folds the arrays that queries return; position n is the nth type.
func newRequirements(types []string, positions []int32, resourceIDs []uuid.UUID) []Requirement {
	list := make([]Requirement, len(types))
	for i, t := range types {
		list[i] = Requirement{ResourceType: t, ResourceIDs: []uuid.UUID{}}
	}
	for i, position := range positions {
		q := &list[position-1]
		q.ResourceIDs = append(q.ResourceIDs, resourceIDs[i])
	}
	return list
}

func (s *Services) replaceRequirements(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, serviceID uuid.UUID, given []Requirement) error {
	err := s.queries.DeleteServiceRequirements(ctx, tx, schedulingdb.DeleteServiceRequirementsParams{
		EnvID: scope.Env.ID, ServiceID: serviceID,
	})
	if err != nil {
		return fmt.Errorf("delete requirements: %w", err)
	}
	return s.insertRequirements(ctx, tx, scope, serviceID, given)
}

// insertRequirements returns a ValidationFailed error that points at every resource
// that does not exist or is not of the type, in the order in which they were given.
func (s *Services) insertRequirements(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, serviceID uuid.UUID, given []Requirement) error {
	if len(given) == 0 {
		return nil
	}
	list := normalise(given)
	types := make([]string, len(list))
	named := schedulingdb.InsertServiceRequirementResourcesParams{EnvID: scope.Env.ID, ServiceID: serviceID}
	for i, q := range list {
		types[i] = q.ResourceType
		for _, id := range q.ResourceIDs {
			named.Positions = append(named.Positions, int32(i+1))
			named.ResourceIds = append(named.ResourceIds, id)
		}
	}
	err := s.queries.InsertServiceRequirements(ctx, tx, schedulingdb.InsertServiceRequirementsParams{
		EnvID: scope.Env.ID, ServiceID: serviceID, ResourceTypes: types,
	})
	if err != nil {
		return fmt.Errorf("insert requirements: %w", err)
	}
	if len(named.ResourceIds) == 0 {
		return nil
	}
	inserted, err := s.queries.InsertServiceRequirementResources(ctx, tx, named)
	if err != nil {
		return fmt.Errorf("insert resources of requirements: %w", err)
	}
	if len(inserted) == len(named.ResourceIds) {
		return nil
	}
	return missingResources(given, inserted)
}

func missingResources(given []Requirement, inserted []schedulingdb.InsertServiceRequirementResourcesRow) error {
	var fields []apperr.Field
	for i, q := range given {
		for j, id := range q.ResourceIDs {
			row := schedulingdb.InsertServiceRequirementResourcesRow{Position: int32(i + 1), ResourceID: id}
			if !slices.Contains(inserted, row) {
				fields = append(fields, apperr.Field{
					Pointer: fmt.Sprintf("/requirements/%d/resource_ids/%d", i, j),
					Detail:  fmt.Sprintf("There is no resource of type %s with the id %s.", q.ResourceType, id),
				})
			}
		}
	}
	const detail = "A requirement names resources that do not exist or are of another type."
	return apperr.New(apperr.ValidationFailed, detail).WithFields(fields...)
}
