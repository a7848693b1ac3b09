package businesses

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// Business is a tenant as the platform sees it.
type Business struct {
	ID     uuid.UUID
	Name   string
	Status string
	// SchemaName and SandboxSchemaName are the names of the environments; the
	// latter is empty while there is no sandbox.
	SchemaName, SandboxSchemaName string
	SandboxEnabled                bool
	// Domain is the primary one: a subdomain, or a host name of its own.
	Domain             string
	Timezone, Currency string
	Plan               PlanReference
	Subscription       Subscription
	// Features are what the business may use now.
	Features map[entitle.Feature]bool
	// Owner is the first active owner of the live environment, or nil.
	Owner *Person
	// UserCount counts owners, managers and staff of the live environment.
	UserCount   int64
	SuspendedAt *time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int32
}

// Person is a short reference to a user.
type Person struct {
	ID    uuid.UUID `json:"id"`
	Name  string    `json:"name"`
	Email string    `json:"email"`
}

// BusinessFilter narrows and orders the list of businesses; nil means all.
type BusinessFilter struct {
	// Search is part of a name, of a domain, of the name of the live environment, or of the
	// name or address of an owner, in any case.
	Search *string `json:"search"`
	Status *string `json:"status"`
	// PlanCode is that of the plan they have now.
	PlanCode *string `json:"plan"`
	Sort     Sort    `json:"sort"`
}

// BusinessInput is the input of Businesses.Create.
type BusinessInput struct {
	Name, Subdomain, PlanCode, Timezone, Currency string
	// Status is ACTIVE or TRIAL.
	Status string
	// Owner is nil for a business without one.
	Owner *OwnerInput
}

// OwnerInput is the first owner of a new business.
type OwnerInput struct {
	Email, Name string
	// PasswordHash is the result of Tenants.Hash.
	PasswordHash string
}

// BusinessPatch changes the fields that are not nil.
type BusinessPatch struct {
	Name           *string
	Status         *string
	SandboxEnabled *bool
	BillingStatus  *string
	GraceUntil     *time.Time
}

// Tenants creates tenants; internal/app implements it with identity.
type Tenants interface {
	// Hash hashes a new password; about has what an attacker would try, such as the user's name.
	// Errors: ValidationFailed for a password that is easily guessed.
	Hash(ctx context.Context, password string, about ...string) (string, error)
	// Make inserts a tenant with its environments, its subdomain and its owner. Errors:
	// ValidationFailed, AlreadyExists, QuotaExceeded if the plan has no room for an owner.
	Make(ctx context.Context, tx *store.PlatformTx, scope *tenancy.Scope, in BusinessInput) (uuid.UUID, error)
}

// defaultGrace is the grace period of a business that is past due, unless the patch has another.
const defaultGrace = 14 * 24 * time.Hour

const pastDue = "PAST_DUE"

// Businesses is the service for tenants across the platform.
type Businesses struct {
	store   *store.Store
	plans   *entitle.Plans
	tenants Tenants
}

// NewBusinesses keeps businesses in the store and makes new ones with tenants.
func NewBusinesses(store *store.Store, plans *entitle.Plans, tenants Tenants) *Businesses {
	return &Businesses{store: store, plans: plans, tenants: tenants}
}

// List returns businesses of the whole platform. Errors: InvalidCursor.
func (s *Businesses) List(ctx context.Context, scope *tenancy.Scope, filter BusinessFilter, page keyset.Page) (keyset.List[Business], error) {
	after, err := filter.Sort.start(page, filter)
	if err != nil {
		return keyset.List[Business]{}, err
	}
	var list []Business
	err = s.store.InPlatform(ctx, scope, func(tx pgx.Tx) (err error) {
		list, err = s.list(ctx, tx, admindb.ListBusinessesParams{
			Status: filter.Status, PlanCode: filter.PlanCode, Pattern: pattern(filter.Search), Sort: string(filter.Sort), Now: scope.RealNow(),
			FirstPage: page.Cursor == "", AfterCreatedAt: after.CreatedAt, AfterName: after.Name, AfterID: after.ID, RowLimit: page.RowLimit(),
		})
		return err
	})
	if err != nil {
		return keyset.List[Business]{}, err
	}
	return keyset.NewList(page, list, filter, func(b Business) Business { return b },
		func(b Business) position { return filter.Sort.position(b.CreatedAt, b.Name, b.ID) }), nil
}

// Get returns one business. Errors: NotFound.
func (s *Businesses) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (Business, error) {
	var business Business
	err := s.store.InPlatform(ctx, scope, func(tx pgx.Tx) (err error) {
		business, err = s.get(ctx, tx, scope, id)
		return err
	})
	return business, err
}

func (s *Businesses) get(ctx context.Context, tx pgx.Tx, scope *tenancy.Scope, id uuid.UUID) (Business, error) {
	list, err := s.list(ctx, tx, admindb.ListBusinessesParams{Sort: "id", AfterID: id, Now: scope.RealNow()})
	if err != nil {
		return Business{}, err
	}
	if len(list) == 0 {
		return Business{}, apperr.NewNotFound("business")
	}
	return list[0], nil
}

func (s *Businesses) list(ctx context.Context, tx pgx.Tx, params admindb.ListBusinessesParams) ([]Business, error) {
	params.StockPeriod = entitle.StockPeriod
	rows, err := queries.ListBusinesses(ctx, tx, params)
	if err != nil {
		return nil, fmt.Errorf("list businesses: %w", err)
	}
	list := make([]Business, len(rows))
	for i, row := range rows {
		if list[i], err = s.newBusiness(ctx, row, params.Now); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s *Businesses) newBusiness(ctx context.Context, row admindb.ListBusinessesRow, now time.Time) (Business, error) {
	b := Business{
		ID: row.ID, Name: row.Name, Status: row.Status, SchemaName: row.SchemaName, SandboxSchemaName: row.SandboxSchemaName,
		SandboxEnabled: row.SandboxEnabled, Domain: row.Domain, Timezone: row.Timezone, Currency: row.Currency,
		Plan:      PlanReference{Code: row.PlanCode, Name: row.PlanName, Version: row.PlanVersion},
		UserCount: row.UserCount, SuspendedAt: inUTC(row.SuspendedAt), CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
		Version: row.Version,
	}
	location, err := tzdata.Load(row.Timezone)
	if err != nil {
		location = time.UTC // a business in an unknown zone must not make the list fail
	}
	b.Subscription = Subscription{
		BillingStatus: row.BillingStatus, GraceUntil: inUTC(row.GraceUntil),
		PeriodEndsAt: entitle.PeriodEnd(anchor(row.BillingAnchorOn, row.CreatedAt, location), entitle.Interval(row.BillingInterval), location, now),
	}
	if err := decode(row.ScheduledPlan, &b.Subscription.Scheduled); err != nil {
		return Business{}, err
	}
	if err := decode(row.Owner, &b.Owner); err != nil {
		return Business{}, err
	}
	plan, err := s.plans.Version(ctx, row.PlanVersionID)
	if err != nil {
		return Business{}, err
	}
	grants := entitle.Grants{Suspended: row.Status == tenancy.StatusSuspended, GraceUntil: row.GraceUntil, Plan: plan}
	if err := decode(row.Overrides, &grants.Overrides); err != nil {
		return Business{}, err
	}
	b.Features = map[entitle.Feature]bool{}
	for _, f := range entitle.Features() {
		b.Features[f] = grants.Feature(f, now).Enabled
	}
	return b, nil
}

// decode reads a JSON column; null leaves into unchanged.
func decode(raw json.RawMessage, into any) error {
	if len(raw) == 0 {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("read a JSON column: %w", err)
	}
	return nil
}

// Create creates a business. Errors: ValidationFailed, AlreadyExists, QuotaExceeded.
func (s *Businesses) Create(ctx context.Context, scope *tenancy.Scope, in BusinessInput, ownerPassword string) (Business, error) {
	if in.Owner != nil {
		hash, err := s.tenants.Hash(ctx, ownerPassword, in.Owner.Email, in.Owner.Name, in.Name)
		if err != nil {
			return Business{}, ownerError(err)
		}
		in.Owner.PasswordHash = hash
	}
	var created Business
	err := s.store.Administer(ctx, scope, func(tx *store.PlatformTx) error {
		id, err := s.tenants.Make(ctx, tx, scope, in)
		if err != nil {
			return ownerError(err)
		}
		if in.Status == tenancy.StatusTrial {
			status := in.Status
			if err := queries.UpdateTenant(ctx, tx, admindb.UpdateTenantParams{ID: id, Status: &status, Now: scope.RealNow()}); err != nil {
				return fmt.Errorf("set status of a new business: %w", err)
			}
		}
		if created, err = s.get(ctx, tx, scope, id); err != nil {
			return err
		}
		return recordBusiness(ctx, tx, scope, "business.created", id, map[string]any{
			"schema_name": created.SchemaName, "plan": created.Plan.Code, "status": created.Status,
		})
	})
	return created, err
}

// ownerError rewrites the pointers of identity's errors to the fields of BusinessInput.
func ownerError(err error) error {
	var known *apperr.Error
	if !errors.As(err, &known) {
		return err
	}
	for i, field := range known.Fields {
		switch field.Pointer {
		case "/email", "/username", "/password":
			known.Fields[i].Pointer = "/owner" + field.Pointer
		case "/plan":
			known.Fields[i].Pointer = "/plan_code"
		}
	}
	return err
}

// Update changes a business; a version other than nil must be the current one. Errors:
// NotFound, VersionMismatch, ValidationFailed.
func (s *Businesses) Update(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, patch BusinessPatch) (Business, error) {
	var updated Business
	err := s.store.Administer(ctx, scope, func(tx *store.PlatformTx) error {
		before, err := lockTenant(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := etag.Check(version, before.Version, "business"); err != nil {
			return err
		}
		graceUntil, err := patch.graceUntil(before, scope.RealNow())
		if err != nil {
			return err
		}
		err = queries.UpdateTenant(ctx, tx, admindb.UpdateTenantParams{
			ID: id, Name: patch.Name, Status: patch.Status, SandboxEnabled: patch.SandboxEnabled, BillingStatus: patch.BillingStatus,
			GraceUntil: graceUntil, Now: scope.RealNow(),
		})
		if err != nil {
			return refused(fmt.Errorf("update business: %w", err))
		}
		if updated, err = s.get(ctx, tx, scope, id); err != nil {
			return err
		}
		patch.emit(tx, before, updated)
		return recordBusiness(ctx, tx, scope, "business.updated", id, patch.detail(before, updated))
	})
	return updated, err
}

// graceUntil returns the end of the grace period after the patch; nil if the business is not past
// due. Errors: ValidationFailed.
func (p BusinessPatch) graceUntil(before admindb.LockTenantRow, now time.Time) (*time.Time, error) {
	status := before.BillingStatus
	if p.BillingStatus != nil {
		status = *p.BillingStatus
	}
	if status != pastDue {
		if p.GraceUntil != nil {
			return nil, apperr.NewInvalid("/grace_until", "Only a subscription that is past due has a grace period.")
		}
		return nil, nil //nolint:nilnil // no grace period
	}
	switch {
	case p.GraceUntil != nil:
		return p.GraceUntil, nil
	case before.GraceUntil != nil:
		return before.GraceUntil, nil
	}
	until := now.Add(defaultGrace)
	return &until, nil
}

// BusinessChanged is the data of the events of changes by the operator: business.suspended, business.reactivated, business.administered,
// subscription.past_due and subscription.settled.
type BusinessChanged struct {
	ID             uuid.UUID  `json:"id"`
	Name           string     `json:"name"`
	Status         string     `json:"status"`
	SandboxEnabled bool       `json:"sandbox_enabled"`
	BillingStatus  string     `json:"billing_status"`
	GraceUntil     *time.Time `json:"grace_until"`
}

// emit adds the events of the changes to the feed of the live environment.
func (p BusinessPatch) emit(tx *store.PlatformTx, before admindb.LockTenantRow, after Business) {
	data := BusinessChanged{
		ID: after.ID, Name: after.Name, Status: after.Status, SandboxEnabled: after.SandboxEnabled,
		BillingStatus: after.Subscription.BillingStatus, GraceUntil: after.Subscription.GraceUntil,
	}
	emitIf := func(eventType string, changed bool) {
		if changed {
			tx.EmitIn(before.LiveEnvID, eventType, data)
		}
	}
	suspended, wasSuspended := after.Status == tenancy.StatusSuspended, before.Status == tenancy.StatusSuspended
	emitIf("business.suspended", suspended && !wasSuspended)
	emitIf("business.reactivated", !suspended && wasSuspended)
	emitIf("business.administered", after.Name != before.Name || after.SandboxEnabled != before.SandboxEnabled)
	emitIf("subscription.past_due", data.BillingStatus == pastDue && !sameInstant(data.GraceUntil, before.GraceUntil))
	emitIf("subscription.settled", data.BillingStatus != pastDue && before.BillingStatus == pastDue)
}

func sameInstant(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

// detail has the changes for the audit trail.
func (p BusinessPatch) detail(before admindb.LockTenantRow, after Business) map[string]any {
	detail := map[string]any{}
	add := func(field string, given bool, from, to any) {
		if given {
			detail[field] = map[string]any{"from": from, "to": to}
		}
	}
	add("name", p.Name != nil, before.Name, after.Name)
	add("status", p.Status != nil, before.Status, after.Status)
	add("sandbox_enabled", p.SandboxEnabled != nil, before.SandboxEnabled, after.SandboxEnabled)
	add("billing_status", p.BillingStatus != nil, before.BillingStatus, after.Subscription.BillingStatus)
	add("grace_until", !sameInstant(before.GraceUntil, after.Subscription.GraceUntil), before.GraceUntil, after.Subscription.GraceUntil)
	return detail
}

func lockTenant(ctx context.Context, tx pgx.Tx, id uuid.UUID) (admindb.LockTenantRow, error) {
	row, err := queries.LockTenant(ctx, tx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return row, apperr.NewNotFound("business")
	}
	if err != nil {
		return row, fmt.Errorf("lock business: %w", err)
	}
	return row, nil
}

// recordBusiness adds an entry to the audit trail of a business.
func recordBusiness(ctx context.Context, tx pgx.Tx, scope *tenancy.Scope, action string, id uuid.UUID, detail map[string]any) error {
	return audit.Record(ctx, tx, about(scope, id), audit.Entry{
		Action: action, Outcome: audit.Success, TargetType: "business", TargetID: id.String(), Detail: detail,
	})
}

// about returns the scope with the tenant that is changed instead of the tenant of the request's
// host.
func about(scope *tenancy.Scope, tenantID uuid.UUID) *tenancy.Scope {
	changed := *scope
	changed.Tenant, changed.Env, changed.Entitlements = &tenancy.Tenant{ID: tenantID}, tenancy.Environment{}, nil
	return &changed
}
