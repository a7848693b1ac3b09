package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/vacancy"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Resource is a person, room or piece of equipment that appointments take. Its JSON form is the data
// of the events resource.created, resource.updated and resource.deleted.
type Resource struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
	// Type is STAFF, ROOM or EQUIPMENT.
	Type        string `json:"type"`
	Description string `json:"description"`
	// Capacity is how many appointments may hold it at the same time, from 1 to 1000.
	Capacity int32 `json:"capacity"`
	// Weight is the priority when several resources are eligible, from 0 to 100: the highest is taken, and of equal
	// ones the one with the fewest appointments.
	Weight int32 `json:"weight"`
	// MaxPerDay and MaxPerWeek are how many appointments it may have; nil is no limit.
	MaxPerDay  *int32 `json:"max_per_day"`
	MaxPerWeek *int32 `json:"max_per_week"`
	// IsActive is whether it can be booked; appointments that hold it keep it in any case.
	IsActive bool `json:"is_active"`
	// UserID is the login of the resource, if there is one.
	UserID    *uuid.UUID `json:"user_id"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	Version   int32      `json:"version"`
}

// DefaultWeight is the weight of a resource for which none is given.
const DefaultWeight int32 = 1

// ResourceInput describes a new resource.
type ResourceInput struct {
	Name        string
	Type        string
	Description string
	Capacity    int32
	// Weight is DefaultWeight if it is nil.
	Weight     *int32
	MaxPerDay  *int32
	MaxPerWeek *int32
	IsActive   bool
	UserID     *uuid.UUID
}

// ResourcePatch changes the fields that are not nil.
type ResourcePatch struct {
	Name        *string
	Type        *string
	Description *string
	Capacity    *int32
	Weight      *int32
	MaxPerDay   patch.Clearable[int32]
	MaxPerWeek  patch.Clearable[int32]
	IsActive    *bool
	UserID      patch.Clearable[uuid.UUID]
}

// ResourceFilter narrows a list of resources; nil means all.
type ResourceFilter struct {
	Type     *string `json:"type"`
	IsActive *bool   `json:"is_active"`
}

// Resources is the service for resources.
type Resources struct {
	store   *store.Store
	queries *schedulingdb.Queries
}

// NewResources keeps resources in the store.
func NewResources(store *store.Store) *Resources {
	return &Resources{store: store, queries: schedulingdb.New()}
}

const resourceInUse = "The resource is used by appointments or services. Set is_active to false instead."

// List returns resources in the order of their names. Errors: InvalidCursor.
func (s *Resources) List(ctx context.Context, scope *tenancy.Scope, filter ResourceFilter, page keyset.Page) (keyset.List[Resource], error) {
	var after keyset.ByName
	if err := keyset.Decode(page.Cursor, filter, &after); err != nil {
		return keyset.List[Resource]{}, err
	}
	rows, err := s.queries.ListResources(ctx, s.store.Reader(scope), schedulingdb.ListResourcesParams{
		EnvID: scope.Env.ID, AfterName: after.Name, AfterID: after.ID, Type: filter.Type, IsActive: filter.IsActive,
		RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Resource]{}, fmt.Errorf("list resources: %w", err)
	}
	convert := func(row schedulingdb.ListResourcesRow) Resource { return newResource(schedulingdb.GetResourceRow(row)) }
	return keyset.NewList(page, rows, filter, convert, func(r Resource) any { return keyset.ByName{Name: r.Name, ID: r.ID} }), nil
}

// Get returns a resource. Errors: NotFound.
func (s *Resources) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*Resource, error) {
	row, err := s.queries.GetResource(ctx, s.store.Reader(scope), schedulingdb.GetResourceParams{EnvID: scope.Env.ID, ID: id})
	if err != nil {
		return nil, resourceError("get", err)
	}
	resource := newResource(row)
	return &resource, nil
}

// Create adds a resource. Errors: ValidationFailed for a user of another business or
// mode, QuotaExceeded.
func (s *Resources) Create(ctx context.Context, scope *tenancy.Scope, in ResourceInput) (*Resource, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make resource id: %w", err)
	}
	created := Resource{
		ID: id, Name: in.Name, Type: in.Type, Description: in.Description, Capacity: in.Capacity, Weight: DefaultWeight,
		MaxPerDay: in.MaxPerDay, MaxPerWeek: in.MaxPerWeek, IsActive: in.IsActive, UserID: in.UserID, CreatedAt: scope.Now,
		UpdatedAt: scope.Now, Version: 1,
	}
	patch.Set(&created.Weight, in.Weight)
	err = s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		err := s.queries.InsertResource(ctx, tx, schedulingdb.InsertResourceParams{
			EnvID: scope.Env.ID, ID: id, Name: in.Name, Type: in.Type, Description: in.Description, Capacity: in.Capacity,
			Weight: created.Weight, MaxPerDay: in.MaxPerDay, MaxPerWeek: in.MaxPerWeek, IsActive: in.IsActive, UserID: in.UserID,
			Now: scope.Now,
		})
		if err != nil {
			return resourceError("insert", err)
		}
		if err := entitle.Reserve(ctx, tx, scope.Entitlements, entitle.MaxResources, 1); err != nil {
			return err
		}
		tx.Emit("resource.created", created)
		return vacancy.EnqueueFromNow(ctx, tx, scope)
	})
	if err != nil {
		return nil, err
	}
	return &created, nil
}

// Update changes a resource; with a version, only if it is at that version. Errors:
// NotFound, VersionMismatch, ValidationFailed as for Create, InUse when appointments to
// come need the lanes that a lower capacity would take away, or a service names the
// resource under its present type.
func (s *Resources) Update(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, change ResourcePatch) (*Resource, error) {
	var updated Resource
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		if updated, err = s.update(ctx, tx, scope, current, change); err != nil || !change.opens() {
			return err
		}
		return vacancy.EnqueueFromNow(ctx, tx, scope)
	})
	if err != nil {
		return nil, err
	}
	return &updated, nil
}

// update changes a resource that is locked.
func (s *Resources) update(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, current Resource, change ResourcePatch) (Resource, error) {
	updated := change.apply(current)
	updated.Version, updated.UpdatedAt = current.Version+1, scope.Now
	if err := s.allow(ctx, tx, scope, current, updated); err != nil {
		return Resource{}, err
	}
	err := s.queries.UpdateResource(ctx, tx, schedulingdb.UpdateResourceParams{
		EnvID: scope.Env.ID, ID: current.ID, Name: updated.Name, Type: updated.Type, Description: updated.Description,
		Capacity: updated.Capacity, Weight: updated.Weight, MaxPerDay: updated.MaxPerDay, MaxPerWeek: updated.MaxPerWeek,
		IsActive: updated.IsActive, UserID: updated.UserID, Version: updated.Version, Now: scope.Now,
	})
	if err != nil {
		return Resource{}, resourceError("update", err)
	}
	tx.Emit("resource.updated", updated)
	return updated, nil
}

// Delete removes a resource with its hours and its time off, and gives its quota back. Errors: NotFound,
// VersionMismatch, InUse when an appointment or a service refers to it.
func (s *Resources) Delete(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) error {
	return s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		err = s.queries.DeleteExpiredAllocations(ctx, tx, schedulingdb.DeleteExpiredAllocationsParams{
			EnvID: scope.Env.ID, ResourceID: id, Now: scope.Now,
		})
		if err != nil {
			return fmt.Errorf("delete expired allocations: %w", err)
		}
		err = s.queries.DeleteResource(ctx, tx, schedulingdb.DeleteResourceParams{EnvID: scope.Env.ID, ID: id})
		if err != nil {
			return store.InUse(fmt.Errorf("delete resource: %w", err), resourceInUse)
		}
		if err := entitle.Release(ctx, tx, scope.Entitlements, entitle.MaxResources, entitle.StockPeriod, 1); err != nil {
			return err
		}
		tx.Emit("resource.deleted", current)
		return nil
	})
}

func (s *Resources) lock(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, version *int32) (Resource, error) {
	row, err := s.queries.GetResourceForUpdate(ctx, tx, schedulingdb.GetResourceForUpdateParams{EnvID: scope.Env.ID, ID: id})
	if err != nil {
		return Resource{}, resourceError("lock", err)
	}
	return newResource(schedulingdb.GetResourceRow(row)), etag.Check(version, row.Version, "resource")
}

// LinkLogin makes the user the login of a resource, inside the transaction that makes the user.
// The caller has checked the rights. Errors: NotFound, AlreadyExists if the resource has a login.
func (s *Resources) LinkLogin(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id, userID uuid.UUID) error {
	current, err := s.lock(ctx, tx, scope, id, nil)
	if err != nil {
		return err
	}
	if current.UserID != nil {
		return apperr.New(apperr.AlreadyExists, "The resource has a login already.")
	}
	_, err = s.update(ctx, tx, scope, current, ResourcePatch{UserID: patch.NewClearable(&userID)})
	return err
}

// allow checks that no appointment or service relies on what changes. The resource is locked, so that none can begin to.
func (s *Resources) allow(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, from, to Resource) error {
	if to.Capacity < from.Capacity {
		lanes, err := s.queries.CountLanesToCome(ctx, tx, schedulingdb.CountLanesToComeParams{
			EnvID: scope.Env.ID, ResourceID: from.ID, Now: scope.Now,
		})
		if err != nil {
			return fmt.Errorf("count lanes: %w", err)
		}
		if to.Capacity < lanes {
			return apperr.New(apperr.InUse, "Appointments to come need a capacity of %d. Move or cancel them first.", lanes).
				With("required_capacity", lanes)
		}
	}
	if to.Type != from.Type {
		named, err := s.queries.IsResourceNamedByService(ctx, tx, schedulingdb.IsResourceNamedByServiceParams{
			EnvID: scope.Env.ID, ResourceID: from.ID,
		})
		if err != nil {
			return fmt.Errorf("look for services that name a resource: %w", err)
		}
		if named {
			return apperr.New(apperr.InUse, "A service names the resource as %s. Remove it from the service first.", from.Type)
		}
	}
	return nil
}

// opens reports whether the patch may make more time bookable.
func (p ResourcePatch) opens() bool {
	return p.Type != nil || p.Capacity != nil || p.MaxPerDay.Given || p.MaxPerWeek.Given || p.IsActive != nil
}

func (p ResourcePatch) apply(r Resource) Resource {
	patch.Set(&r.Name, p.Name)
	patch.Set(&r.Type, p.Type)
	patch.Set(&r.Description, p.Description)
	patch.Set(&r.Capacity, p.Capacity)
	patch.Set(&r.Weight, p.Weight)
	p.MaxPerDay.Apply(&r.MaxPerDay)
	p.MaxPerWeek.Apply(&r.MaxPerWeek)
	patch.Set(&r.IsActive, p.IsActive)
	p.UserID.Apply(&r.UserID)
	return r
}

func newResource(row schedulingdb.GetResourceRow) Resource {
	return Resource{
		ID: row.ID, Name: row.Name, Type: row.Type, Description: row.Description, Capacity: row.Capacity,
		Weight: row.Weight, MaxPerDay: row.MaxPerDay, MaxPerWeek: row.MaxPerWeek, IsActive: row.IsActive, UserID: row.UserID, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
		Version: row.Version,
	}
}

// resourceError translates the error of a query for one resource.
func resourceError(doing string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewNotFound("resource")
	}
	return violations.Translate(fmt.Errorf("%s resource: %w", doing, err))
}
