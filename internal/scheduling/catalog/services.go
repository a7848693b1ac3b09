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
	"github.com/smoothschedule/smoothschedule/internal/currency"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/vacancy"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Service can be booked. Its JSON form is the data of the events
// service.created, service.updated and service.deleted.
type Service struct {
	ID          uuid.UUID `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	// DurationMinutes is what the customer sees; resources are taken for it and both
	// buffers. Duration from 1 to 1440, buffers from 0 to 720.
	DurationMinutes     int32 `json:"duration_minutes"`
	BufferBeforeMinutes int32 `json:"buffer_before_minutes"`
	BufferAfterMinutes  int32 `json:"buffer_after_minutes"`
	// SlotStepMinutes lie between the starts that are offered, from 1 to 1440.
	SlotStepMinutes int32 `json:"slot_step_minutes"`
	// MinNoticeMinutes lie at least between booking and start, up to a year.
	MinNoticeMinutes int32 `json:"min_notice_minutes"`
	// HorizonDays is how far ahead it can be booked; nil is no limit.
	HorizonDays *int32 `json:"horizon_days"`
	// MaxPerDay and MaxPerWeek are how many appointments it may have; nil is no limit.
	MaxPerDay  *int32      `json:"max_per_day"`
	MaxPerWeek *int32      `json:"max_per_week"`
	Price      money.Money `json:"price"`
	// RequiresApproval makes new appointments PENDING.
	RequiresApproval bool `json:"requires_approval"`
	IsActive         bool `json:"is_active"`
	// Requirements say which resources an appointment takes: one for each. Without any
	// it takes one: the one that is named when booking, else staff or a room. Never nil.
	Requirements []Requirement `json:"requirements"`
	CreatedAt    time.Time     `json:"created_at"`
	UpdatedAt    time.Time     `json:"updated_at"`
	Version      int32         `json:"version"`
}

// DefaultSlotStepMinutes is the step of a service for which none is given.
const DefaultSlotStepMinutes int32 = 15

// ServiceInput describes a new service.
type ServiceInput struct {
	Name                string
	Description         string
	DurationMinutes     int32
	BufferBeforeMinutes int32
	BufferAfterMinutes  int32
	// SlotStepMinutes is DefaultSlotStepMinutes if it is nil.
	SlotStepMinutes  *int32
	MinNoticeMinutes int32
	HorizonDays      *int32
	MaxPerDay        *int32
	MaxPerWeek       *int32
	// Price is zero in the currency of the business if it is nil.
	Price            *money.Money
	RequiresApproval bool
	IsActive         bool
	Requirements     []Requirement
}

// ServicePatch changes the fields that are not nil.
type ServicePatch struct {
	Name                *string
	Description         *string
	DurationMinutes     *int32
	BufferBeforeMinutes *int32
	BufferAfterMinutes  *int32
	SlotStepMinutes     *int32
	MinNoticeMinutes    *int32
	HorizonDays         patch.Clearable[int32]
	MaxPerDay           patch.Clearable[int32]
	MaxPerWeek          patch.Clearable[int32]
	Price               *money.Money
	RequiresApproval    *bool
	IsActive            *bool
	Requirements        *[]Requirement
}

// ServiceFilter narrows a list of services; nil means all.
type ServiceFilter struct {
	IsActive *bool `json:"is_active"`
}

// Services is the service for services.
type Services struct {
	store   *store.Store
	queries *schedulingdb.Queries
}

// NewServices keeps services in the store.
func NewServices(store *store.Store) *Services {
	return &Services{store: store, queries: schedulingdb.New()}
}

const serviceInUse = "The service has appointments. Set is_active to false instead."

// List returns services in the order of their names. Errors: InvalidCursor.
func (s *Services) List(ctx context.Context, scope *tenancy.Scope, filter ServiceFilter, page keyset.Page) (keyset.List[Service], error) {
	var after keyset.ByName
	if err := keyset.Decode(page.Cursor, filter, &after); err != nil {
		return keyset.List[Service]{}, err
	}
	rows, err := s.queries.ListServices(ctx, s.store.Reader(scope), schedulingdb.ListServicesParams{
		EnvID: scope.Env.ID, AfterName: after.Name, AfterID: after.ID, IsActive: filter.IsActive, RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Service]{}, fmt.Errorf("list services: %w", err)
	}
	convert := func(row schedulingdb.ListServicesRow) Service { return newService(schedulingdb.GetServiceRow(row)) }
	return keyset.NewList(page, rows, filter, convert, func(v Service) any { return keyset.ByName{Name: v.Name, ID: v.ID} }), nil
}

// Get returns a service. Errors: NotFound.
func (s *Services) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*Service, error) {
	return s.read(ctx, s.store.Reader(scope), scope, id)
}

func (s *Services) read(ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope, id uuid.UUID) (*Service, error) {
	row, err := s.queries.GetService(ctx, db, schedulingdb.GetServiceParams{EnvID: scope.Env.ID, ID: id})
	if err != nil {
		return nil, serviceError("get", err)
	}
	service := newService(row)
	return &service, nil
}

// Create adds a service. Errors: ValidationFailed for requirements that name resources
// which do not exist or are of another type, and for a price that is not in the currency of the
// business; QuotaExceeded.
func (s *Services) Create(ctx context.Context, scope *tenancy.Scope, in ServiceInput) (*Service, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make service id: %w", err)
	}
	created := in.newService(id, scope)
	if err := checkPrice(&created.Price, scope.Tenant); err != nil {
		return nil, err
	}
	err = s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		if err := s.insert(ctx, tx, scope, &created); err != nil {
			return serviceError("insert", err)
		}
		if err := s.insertRequirements(ctx, tx, scope, id, in.Requirements); err != nil {
			return err
		}
		if err := entitle.Reserve(ctx, tx, scope.Entitlements, entitle.MaxServices, 1); err != nil {
			return err
		}
		tx.Emit("service.created", created)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &created, nil
}

func (in ServiceInput) newService(id uuid.UUID, scope *tenancy.Scope) Service {
	v := Service{
		ID: id, Name: in.Name, Description: in.Description, DurationMinutes: in.DurationMinutes,
		BufferBeforeMinutes: in.BufferBeforeMinutes, BufferAfterMinutes: in.BufferAfterMinutes,
		SlotStepMinutes: DefaultSlotStepMinutes, MinNoticeMinutes: in.MinNoticeMinutes, HorizonDays: in.HorizonDays,
		MaxPerDay: in.MaxPerDay, MaxPerWeek: in.MaxPerWeek, Price: money.Money{Currency: scope.Tenant.Currency},
		RequiresApproval: in.RequiresApproval, IsActive: in.IsActive, Requirements: normalise(in.Requirements),
		CreatedAt: scope.Now, UpdatedAt: scope.Now, Version: 1,
	}
	patch.Set(&v.SlotStepMinutes, in.SlotStepMinutes)
	patch.Set(&v.Price, in.Price)
	return v
}

func (s *Services) insert(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v *Service) error {
	return s.queries.InsertService(ctx, tx, schedulingdb.InsertServiceParams{
		EnvID: scope.Env.ID, ID: v.ID, Name: v.Name, Description: v.Description, DurationMinutes: v.DurationMinutes,
		BufferBeforeMinutes: v.BufferBeforeMinutes, BufferAfterMinutes: v.BufferAfterMinutes,
		SlotStepMinutes: v.SlotStepMinutes, MinNoticeMinutes: v.MinNoticeMinutes, HorizonDays: v.HorizonDays,
		MaxPerDay: v.MaxPerDay, MaxPerWeek: v.MaxPerWeek, PriceAmount: v.Price.Amount, PriceCurrency: v.Price.Currency,
		RequiresApproval: v.RequiresApproval, IsActive: v.IsActive, Now: scope.Now,
	})
}

// Update changes a service; with a version, only if it is at that version.
// Appointments keep what they were booked with. Errors: NotFound, VersionMismatch,
// ValidationFailed as for Create.
func (s *Services) Update(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, change ServicePatch) (*Service, error) {
	var updated Service
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		updated = change.apply(*current)
		if updated.Price != current.Price {
			if err := checkPrice(&updated.Price, scope.Tenant); err != nil {
				return err
			}
		}
		updated.Version, updated.UpdatedAt = current.Version+1, scope.Now
		if err := s.write(ctx, tx, scope, &updated); err != nil {
			return serviceError("update", err)
		}
		if change.Requirements != nil {
			if err := s.replaceRequirements(ctx, tx, scope, id, *change.Requirements); err != nil {
				return err
			}
		}
		tx.Emit("service.updated", updated)
		if !change.opens() {
			return nil
		}
		return vacancy.EnqueueFromNow(ctx, tx, scope)
	})
	if err != nil {
		return nil, err
	}
	return &updated, nil
}

func (s *Services) write(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v *Service) error {
	return s.queries.UpdateService(ctx, tx, schedulingdb.UpdateServiceParams{
		EnvID: scope.Env.ID, ID: v.ID, Name: v.Name, Description: v.Description, DurationMinutes: v.DurationMinutes,
		BufferBeforeMinutes: v.BufferBeforeMinutes, BufferAfterMinutes: v.BufferAfterMinutes,
		SlotStepMinutes: v.SlotStepMinutes, MinNoticeMinutes: v.MinNoticeMinutes, HorizonDays: v.HorizonDays,
		MaxPerDay: v.MaxPerDay, MaxPerWeek: v.MaxPerWeek, PriceAmount: v.Price.Amount, PriceCurrency: v.Price.Currency,
		RequiresApproval: v.RequiresApproval, IsActive: v.IsActive, Version: v.Version, Now: scope.Now,
	})
}

// Delete removes a service and gives its quota back. Errors: NotFound,
// VersionMismatch, InUse when it has appointments.
func (s *Services) Delete(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) error {
	return s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		err = s.queries.DeleteService(ctx, tx, schedulingdb.DeleteServiceParams{EnvID: scope.Env.ID, ID: id})
		if err != nil {
			return store.InUse(fmt.Errorf("delete service: %w", err), serviceInUse)
		}
		if err := entitle.Release(ctx, tx, scope.Entitlements, entitle.MaxServices, entitle.StockPeriod, 1); err != nil {
			return err
		}
		tx.Emit("service.deleted", current)
		return nil
	})
}

// lock reads the service after locking it. The lock is a statement of its own: only a later statement sees the
// requirements as the transaction that was waited for has written them.
func (s *Services) lock(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, version *int32) (*Service, error) {
	current, err := s.queries.LockService(ctx, tx, schedulingdb.LockServiceParams{EnvID: scope.Env.ID, ID: id})
	if err != nil {
		return nil, serviceError("lock", err)
	}
	if err := etag.Check(version, current, "service"); err != nil {
		return nil, err
	}
	return s.read(ctx, tx, scope, id)
}

// opens reports whether the patch may make more time bookable.
func (p ServicePatch) opens() bool {
	return p.DurationMinutes != nil || p.BufferBeforeMinutes != nil || p.BufferAfterMinutes != nil || p.SlotStepMinutes != nil ||
		p.MinNoticeMinutes != nil || p.HorizonDays.Given || p.MaxPerDay.Given || p.MaxPerWeek.Given || p.IsActive != nil ||
		p.Requirements != nil
}

func (p ServicePatch) apply(v Service) Service {
	patch.Set(&v.Name, p.Name)
	patch.Set(&v.Description, p.Description)
	patch.Set(&v.DurationMinutes, p.DurationMinutes)
	patch.Set(&v.BufferBeforeMinutes, p.BufferBeforeMinutes)
	patch.Set(&v.BufferAfterMinutes, p.BufferAfterMinutes)
	patch.Set(&v.SlotStepMinutes, p.SlotStepMinutes)
	patch.Set(&v.MinNoticeMinutes, p.MinNoticeMinutes)
	p.HorizonDays.Apply(&v.HorizonDays)
	p.MaxPerDay.Apply(&v.MaxPerDay)
	p.MaxPerWeek.Apply(&v.MaxPerWeek)
	patch.Set(&v.Price, p.Price)
	patch.Set(&v.RequiresApproval, p.RequiresApproval)
	patch.Set(&v.IsActive, p.IsActive)
	if p.Requirements != nil {
		v.Requirements = normalise(*p.Requirements)
	}
	return v
}

func newService(row schedulingdb.GetServiceRow) Service {
	return Service{
		ID: row.ID, Name: row.Name, Description: row.Description, DurationMinutes: row.DurationMinutes,
		BufferBeforeMinutes: row.BufferBeforeMinutes, BufferAfterMinutes: row.BufferAfterMinutes,
		SlotStepMinutes: row.SlotStepMinutes, MinNoticeMinutes: row.MinNoticeMinutes, HorizonDays: row.HorizonDays,
		MaxPerDay: row.MaxPerDay, MaxPerWeek: row.MaxPerWeek, Price: money.Money{Amount: row.PriceAmount, Currency: row.PriceCurrency},
		RequiresApproval: row.RequiresApproval, IsActive: row.IsActive,
		Requirements: newRequirements(row.RequirementTypes, row.NamedPositions, row.NamedResourceIds),
		CreatedAt:    row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(), Version: row.Version,
	}
}

// serviceError translates the error of a query for one service.
func serviceError(doing string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewNotFound("service")
	}
	return violations.Translate(fmt.Errorf("%s service: %w", doing, err))
}

// checkPrice checks that a price is in the currency of the business; a constraint checks it again, in case the currency
// changes in between. A business whose currency is no longer in use can make its services free, in any currency.
// Errors: ValidationFailed.
func checkPrice(price *money.Money, business *tenancy.Tenant) error {
	if price.Amount == 0 && currency.Check(business.Currency) != nil {
		price.Currency = business.Currency
	}
	if price.Currency != business.Currency {
		return otherCurrency(business.Currency)
	}
	return nil
}
