package businesses

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// PlanReference names a version of a plan.
type PlanReference struct {
	Code    string `json:"code"`
	Name    string `json:"name"`
	Version int32  `json:"version"`
}

// ScheduledPlan is a change of plan in the future.
type ScheduledPlan struct {
	PlanReference
	TakesEffectAt time.Time `json:"takes_effect_at"`
}

// Subscription is the billing state of a business, without its plan.
type Subscription struct {
	// BillingStatus is CURRENT or PAST_DUE.
	BillingStatus string
	// GraceUntil is nil unless the subscription is past due. From then on all features are off.
	GraceUntil *time.Time
	// PeriodEndsAt is the end of the billing period: a midnight in the zone of the business.
	PeriodEndsAt time.Time
	Scheduled    *ScheduledPlan
}

// The times at which a change of plan can take effect.
const (
	Now       = "now"
	PeriodEnd = "period_end"
)

// PlanChangeInput is the input of Subscriptions.Change.
type PlanChangeInput struct {
	PlanCode string
	// Version is nil for the published version.
	Version *int32
	// When is Now or PeriodEnd.
	When string
	// DryRun changes nothing.
	DryRun bool
}

// PlanChange is a change of plan with its consequences.
type PlanChange struct {
	DryRun        bool
	When          string
	TakesEffectAt time.Time
	Preview       PlanPreview
}

// Scopes finds the scope of work in an environment; *tenancy.Resolver does.
type Scopes interface {
	ScopeOf(ctx context.Context, envID uuid.UUID, now time.Time) (*tenancy.Scope, error)
}

// Subscriptions is the service for the plans that businesses have.
type Subscriptions struct {
	store  *store.Store
	plans  *entitle.Plans
	scopes Scopes
}

// NewSubscriptions changes plans in the store.
func NewSubscriptions(store *store.Store, plans *entitle.Plans, scopes Scopes) *Subscriptions {
	return &Subscriptions{store: store, plans: plans, scopes: scopes}
}

// anchor is the local day from which billing periods are counted: the one that is set,
// else the day of creation.
func anchor(set *time.Time, createdAt time.Time, location *time.Location) time.Time {
	if set != nil {
		return *set
	}
	local := createdAt.In(location)
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
}

// Change moves a business to another plan or version, now or at the end of its billing period. It
// replaces a scheduled change. Errors: NotFound, ValidationFailed for a plan that is not available
// or is the current one.
func (s *Subscriptions) Change(ctx context.Context, scope *tenancy.Scope, tenantID uuid.UUID, in PlanChangeInput) (PlanChange, error) {
	target, err := s.find(ctx, in.PlanCode, in.Version)
	if err != nil {
		return PlanChange{}, err
	}
	live, err := s.liveScope(ctx, scope, tenantID)
	if err != nil {
		return PlanChange{}, err
	}
	change := PlanChange{DryRun: in.DryRun, When: in.When, TakesEffectAt: scope.RealNow()}
	if change.Preview, err = s.preview(ctx, live, target.ID); err != nil {
		return PlanChange{}, err
	}
	subscription, err := s.get(ctx, live)
	if err != nil {
		return PlanChange{}, err
	}
	if in.When == PeriodEnd {
		change.TakesEffectAt = subscription.PeriodEndsAt
	}
	if live.Entitlements.Plan.ID == target.ID && (in.When == PeriodEnd || subscription.Scheduled == nil) {
		return PlanChange{}, apperr.NewInvalid("/plan_code", "The business has version %d of this plan already.", target.Version)
	}
	if in.DryRun {
		return change, nil
	}
	return change, s.store.Administer(ctx, scope, func(tx *store.PlatformTx) error {
		return s.apply(ctx, tx, scope, tenantID, target, change)
	})
}

// PlanChanged is the data of the events subscription.plan_changed, of
// subscription.change_scheduled and of subscription.change_cancelled (To is nil then).
type PlanChanged struct {
	From          PlanReference  `json:"from"`
	To            *PlanReference `json:"to"`
	TakesEffectAt time.Time      `json:"takes_effect_at"`
}

func (s *Subscriptions) apply(
	ctx context.Context, tx *store.PlatformTx, scope *tenancy.Scope, tenantID uuid.UUID, target admindb.FindPlanVersionRow, change PlanChange,
) error {
	if err := settle(ctx, tx, scope, &tenantID); err != nil {
		return err
	}
	tenant, err := lockTenant(ctx, tx, tenantID)
	if err != nil {
		return err
	}
	current, err := queries.GetPlanVersionByID(ctx, tx, tenant.PlanVersionID)
	if err != nil {
		return fmt.Errorf("get plan of business: %w", err)
	}
	to := referenceTo(target)
	changed := PlanChanged{From: referenceTo(admindb.FindPlanVersionRow(current)), To: &to, TakesEffectAt: change.TakesEffectAt}
	event := "subscription.plan_changed"
	if change.When == PeriodEnd {
		event = "subscription.change_scheduled"
		err = queries.SchedulePlan(ctx, tx, admindb.SchedulePlanParams{
			ID: tenantID, PlanVersionID: target.ID, At: change.TakesEffectAt, Now: scope.RealNow(),
		})
	} else {
		err = queries.SetPlan(ctx, tx, admindb.SetPlanParams{
			ID: tenantID, PlanVersionID: target.ID, Now: scope.RealNow(),
			BillingAnchorOn: newAnchor(current.BillingInterval, target.BillingInterval, tenant.Timezone, scope.RealNow()),
		})
	}
	if err != nil {
		return fmt.Errorf("change plan: %w", err)
	}
	tx.EmitIn(tenant.LiveEnvID, event, changed)
	return recordBusiness(ctx, tx, scope, event, tenantID, map[string]any{
		"from": changed.From, "to": changed.To, "takes_effect_at": changed.TakesEffectAt,
	})
}

// newAnchor is the day on which a billing period begins because the interval changes;
// nil if it does not.
func newAnchor(from, to, timezone string, now time.Time) *time.Time {
	location, err := tzdata.Load(timezone)
	if from == to || err != nil {
		return nil
	}
	today := anchor(nil, now, location)
	return &today
}

func referenceTo(row admindb.FindPlanVersionRow) PlanReference {
	return PlanReference{Code: row.Code, Name: row.Name, Version: row.Version}
}

// Cancel removes a scheduled change of plan. Errors: NotFound if there is none.
func (s *Subscriptions) Cancel(ctx context.Context, scope *tenancy.Scope, tenantID uuid.UUID) error {
	return s.store.Administer(ctx, scope, func(tx *store.PlatformTx) error {
		tenant, err := lockTenant(ctx, tx, tenantID)
		if err != nil {
			return err
		}
		rows, err := queries.CancelScheduledPlan(ctx, tx, admindb.CancelScheduledPlanParams{ID: tenantID, Now: scope.RealNow()})
		if err != nil {
			return fmt.Errorf("cancel change of plan: %w", err)
		}
		if rows == 0 {
			return apperr.New(apperr.NotFound, "No change of plan is scheduled for this business.")
		}
		current, err := queries.GetPlanVersionByID(ctx, tx, tenant.PlanVersionID)
		if err != nil {
			return fmt.Errorf("get plan of business: %w", err)
		}
		from := referenceTo(admindb.FindPlanVersionRow(current))
		tx.EmitIn(tenant.LiveEnvID, "subscription.change_cancelled", PlanChanged{From: from, TakesEffectAt: *tenant.ScheduledPlanAt})
		return recordBusiness(ctx, tx, scope, "subscription.change_cancelled", tenantID, map[string]any{"takes_effect_at": tenant.ScheduledPlanAt})
	})
}

// settleBatch is how many changes one transaction settles.
const settleBatch = 100

// Settle stores the scheduled changes that are due as the current plan, and emits their events.
// Requests use a scheduled plan from its instant on, whether or not it is settled. It may be
// repeated and run concurrently.
func (s *Subscriptions) Settle(ctx context.Context, now time.Time) error {
	scope := &tenancy.Scope{Now: now.UTC().Truncate(time.Microsecond)}
	return s.store.Administer(ctx, scope, func(tx *store.PlatformTx) error { return settle(ctx, tx, scope, nil) })
}

// settle settles the change of one business, or with nil up to settleBatch changes.
func settle(ctx context.Context, tx *store.PlatformTx, scope *tenancy.Scope, tenantID *uuid.UUID) error {
	rows, err := queries.SettleScheduledPlans(ctx, tx, admindb.SettleScheduledPlansParams{
		Now: scope.Now, TenantID: tenantID, RowLimit: settleBatch,
	})
	if err != nil {
		return fmt.Errorf("settle changes of plan: %w", err)
	}
	for _, row := range rows {
		to := PlanReference{Code: row.ToCode, Name: row.ToName, Version: row.ToVersion}
		changed := PlanChanged{
			From: PlanReference{Code: row.FromCode, Name: row.FromName, Version: row.FromVersion}, To: &to, TakesEffectAt: row.DueAt.UTC(),
		}
		tx.EmitIn(row.LiveEnvID, "subscription.plan_changed", changed)
		// The trail has who scheduled the change; settling it has no actor.
		system := &tenancy.Scope{Now: scope.Now, RequestID: scope.RequestID}
		err := recordBusiness(ctx, tx, system, "subscription.plan_changed", row.ID, map[string]any{
			"from": changed.From, "to": changed.To, "takes_effect_at": changed.TakesEffectAt,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Subscriptions) find(ctx context.Context, code string, version *int32) (admindb.FindPlanVersionRow, error) {
	row, err := queries.FindPlanVersion(ctx, s.store.Control(), admindb.FindPlanVersionParams{Code: code, Version: version})
	if errors.Is(err, pgx.ErrNoRows) {
		if version != nil {
			return row, apperr.NewInvalid("/version", "The plan %q has no version %d that was published.", code, *version)
		}
		return row, apperr.NewInvalid("/plan_code", "There is no plan with the code %q that can be had.", code)
	}
	if err != nil {
		return row, fmt.Errorf("find plan: %w", err)
	}
	return row, nil
}

// liveScope is the scope of the live environment of a business. Errors: NotFound.
func (s *Subscriptions) liveScope(ctx context.Context, scope *tenancy.Scope, tenantID uuid.UUID) (*tenancy.Scope, error) {
	envID, err := queries.GetLiveEnvironment(ctx, s.store.Control(), tenantID)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, apperr.NewNotFound("business")
	}
	if err != nil {
		return nil, fmt.Errorf("get live environment: %w", err)
	}
	return s.scopes.ScopeOf(ctx, envID, scope.RealNow())
}

// get returns the subscription of the scope's tenant.
func (s *Subscriptions) get(ctx context.Context, scope *tenancy.Scope) (Subscription, error) {
	row, err := queries.GetSubscription(ctx, s.store.Control(), admindb.GetSubscriptionParams{
		TenantID: scope.Tenant.ID, PlanVersionID: scope.Entitlements.Plan.ID, Now: scope.Now,
	})
	if err != nil {
		return Subscription{}, fmt.Errorf("get subscription: %w", err)
	}
	location := scope.Tenant.Location
	subscription := Subscription{
		BillingStatus: row.BillingStatus, GraceUntil: inUTC(row.GraceUntil),
		PeriodEndsAt: entitle.PeriodEnd(anchor(row.BillingAnchorOn, row.CreatedAt, location), entitle.Interval(row.BillingInterval), location, scope.Now),
	}
	return subscription, decode(row.ScheduledPlan, &subscription.Scheduled)
}
