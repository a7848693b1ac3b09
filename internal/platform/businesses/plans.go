package businesses

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Money is an amount in minor units of its currency (cents, for USD).
type Money struct {
	Amount int64 `json:"amount"`
	// Currency is an ISO 4217 code.
	Currency string `json:"currency"`
}

// Plan is what a business can buy, with all its versions, the newest first.
type Plan struct {
	ID        uuid.UUID
	Code      string
	Name      string
	Rank      int32
	CreatedAt time.Time
	Versions  []PlanVersion
}

// PlanVersion is one version of a plan.
type PlanVersion struct {
	ID      uuid.UUID
	Version int32
	// Status is DRAFT, PUBLISHED or ARCHIVED.
	Status   string
	Features map[entitle.Feature]bool
	// Limits holds nil for unlimited; a quota that is missing has the limit 0.
	Limits   map[entitle.Quota]*int64
	Price    Money
	Interval entitle.Interval
	// Tenants is the number of businesses that are pinned to it.
	Tenants     int64
	PublishedAt *time.Time
	CreatedAt   time.Time
	// Revision counts the changes of a draft.
	Revision int32
}

// PlanInput is what a new plan, and its first version, is made of.
type PlanInput struct {
	Code, Name string
	// Rank orders plans; nil makes the plan the largest.
	Rank    *int32
	Content PlanContent
}

// PlanContent is what a draft is made of, or changed by: a name that is given is set,
// the others stay, and so does what is nil.
type PlanContent struct {
	Features map[entitle.Feature]bool
	Limits   map[entitle.Quota]*int64
	Price    *Money
	Interval *entitle.Interval
}

// Plans is the service for plans and their versions.
type Plans struct {
	store *store.Store
}

// NewPlans keeps plans in the store.
func NewPlans(store *store.Store) *Plans { return &Plans{store: store} }

// List returns every plan, from the smallest to the largest.
func (s *Plans) List(ctx context.Context) (plans []Plan, err error) {
	err = s.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		plans, err = listPlans(ctx, tx, nil)
		return err
	})
	return plans, err
}

// Get returns one plan. Errors: NotFound.
func (s *Plans) Get(ctx context.Context, id uuid.UUID) (plan Plan, err error) {
	err = s.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		plan, err = getPlan(ctx, tx, id)
		return err
	})
	return plan, err
}

func getPlan(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Plan, error) {
	plans, err := listPlans(ctx, tx, &id)
	if err != nil {
		return Plan{}, err
	}
	if len(plans) == 0 {
		return Plan{}, apperr.NewNotFound("plan")
	}
	return plans[0], nil
}

func listPlans(ctx context.Context, tx pgx.Tx, id *uuid.UUID) ([]Plan, error) {
	rows, err := queries.ListPlanVersions(ctx, tx, id)
	if err != nil {
		return nil, fmt.Errorf("list plans: %w", err)
	}
	plans := []Plan{}
	for _, row := range rows {
		if len(plans) == 0 || plans[len(plans)-1].ID != row.PlanID {
			plans = append(plans, Plan{
				ID: row.PlanID, Code: row.Code, Name: row.Name, Rank: row.Rank, CreatedAt: row.PlanCreatedAt.UTC(),
			})
		}
		version, err := newPlanVersion(admindb.GetPlanVersionRow{
			ID: row.ID, Version: row.Version, Status: row.Status, Features: row.Features, Limits: row.Limits,
			PriceAmount: row.PriceAmount, PriceCurrency: row.PriceCurrency, BillingInterval: row.BillingInterval,
			PublishedAt: row.PublishedAt, CreatedAt: row.CreatedAt, Revision: row.Revision, Tenants: row.Tenants,
		})
		if err != nil {
			return nil, err
		}
		last := &plans[len(plans)-1]
		last.Versions = append(last.Versions, version)
	}
	return plans, nil
}

func newPlanVersion(row admindb.GetPlanVersionRow) (PlanVersion, error) {
	v := PlanVersion{
		ID: row.ID, Version: row.Version, Status: row.Status, Price: Money{row.PriceAmount, row.PriceCurrency},
		Interval: entitle.Interval(row.BillingInterval), Tenants: row.Tenants, PublishedAt: inUTC(row.PublishedAt),
		CreatedAt: row.CreatedAt.UTC(), Revision: row.Revision,
	}
	if err := json.Unmarshal(row.Features, &v.Features); err != nil {
		return PlanVersion{}, fmt.Errorf("plan version %s: features: %w", row.ID, err)
	}
	if err := json.Unmarshal(row.Limits, &v.Limits); err != nil {
		return PlanVersion{}, fmt.Errorf("plan version %s: limits: %w", row.ID, err)
	}
	return v, nil
}

func inUTC(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	utc := at.UTC()
	return &utc
}

// Create adds a plan whose first version is a draft. Errors: ValidationFailed with every
// name that is unknown, AlreadyExists.
func (s *Plans) Create(ctx context.Context, scope *tenancy.Scope, in PlanInput) (Plan, error) {
	draft := PlanVersion{Features: map[entitle.Feature]bool{}, Limits: map[entitle.Quota]*int64{}}
	if err := in.Content.applyTo(&draft); err != nil {
		return Plan{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Plan{}, fmt.Errorf("make plan id: %w", err)
	}
	var created Plan
	err = s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		_, err := queries.InsertPlan(ctx, tx, admindb.InsertPlanParams{ID: id, Code: in.Code, Name: in.Name, Rank: in.Rank, Now: scope.RealNow()})
		if err != nil {
			return refused(fmt.Errorf("insert plan: %w", err))
		}
		if err := insertDraft(ctx, tx, id, draft, scope.RealNow()); err != nil {
			return err
		}
		if err := record(ctx, tx, scope, "plan.created", id, map[string]any{"code": in.Code, "version": 1}); err != nil {
			return err
		}
		created, err = getPlan(ctx, tx, id)
		return err
	})
	if err != nil {
		return Plan{}, err
	}
	return created, nil
}

func insertDraft(ctx context.Context, tx pgx.Tx, planID uuid.UUID, draft PlanVersion, now time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make plan version id: %w", err)
	}
	features, limits, err := draft.encode()
	if err != nil {
		return err
	}
	err = queries.InsertPlanVersion(ctx, tx, admindb.InsertPlanVersionParams{
		ID: id, PlanID: planID, Version: 1, Features: features, Limits: limits, PriceAmount: draft.Price.Amount,
		PriceCurrency: draft.Price.Currency, BillingInterval: string(draft.Interval), Now: now,
	})
	if err != nil {
		return refused(fmt.Errorf("insert plan version: %w", err))
	}
	return nil
}

func (v PlanVersion) encode() (features, limits json.RawMessage, err error) {
	if features, err = json.Marshal(v.Features); err != nil {
		return nil, nil, fmt.Errorf("encode features: %w", err)
	}
	if limits, err = json.Marshal(v.Limits); err != nil {
		return nil, nil, fmt.Errorf("encode limits: %w", err)
	}
	return features, limits, nil
}

// applyTo changes a draft. Errors: ValidationFailed with every name that is unknown.
func (c PlanContent) applyTo(draft *PlanVersion) error {
	var wrong []apperr.Field
	for name := range c.Features {
		if !name.Valid() {
			wrong = append(wrong, apperr.Field{Pointer: "/features/" + escapePointer(string(name)), Detail: "There is no feature with this name."})
		}
	}
	for name := range c.Limits {
		if !name.Valid() {
			wrong = append(wrong, apperr.Field{Pointer: "/limits/" + escapePointer(string(name)), Detail: "There is no quota with this name."})
		}
	}
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b apperr.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
		return apperr.New(apperr.ValidationFailed, "The plan names what does not exist.").WithFields(wrong...)
	}
	maps.Copy(draft.Features, c.Features)
	maps.Copy(draft.Limits, c.Limits)
	if c.Price != nil {
		draft.Price = *c.Price
	}
	if c.Interval != nil {
		draft.Interval = *c.Interval
	}
	return nil
}

// escapePointer writes a name as a part of a JSON pointer (RFC 6901).
func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// CreateDraft begins a new version of a plan with a copy of the published one. Errors:
// NotFound, AlreadyExists if the plan has a draft.
func (s *Plans) CreateDraft(ctx context.Context, scope *tenancy.Scope, planID uuid.UUID) (PlanVersion, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return PlanVersion{}, fmt.Errorf("make plan version id: %w", err)
	}
	return s.changePlan(ctx, scope, planID, 0, "plan.draft_created", func(tx pgx.Tx) (int32, error) {
		number, err := queries.CopyPlanVersion(ctx, tx, admindb.CopyPlanVersionParams{ID: id, PlanID: planID, Now: scope.RealNow()})
		if err != nil {
			return 0, refused(fmt.Errorf("copy plan version: %w", err))
		}
		return number, nil
	})
}

// UpdateDraft changes a draft; with a revision, only if it is at that one. Errors:
// NotFound, InvalidTransition if it is no draft, VersionMismatch, ValidationFailed.
func (s *Plans) UpdateDraft(
	ctx context.Context, scope *tenancy.Scope, planID uuid.UUID, number int32, revision *int32, content PlanContent,
) (PlanVersion, error) {
	return s.changePlan(ctx, scope, planID, number, "plan.draft_updated", func(tx pgx.Tx) (int32, error) {
		draft, err := getPlanVersion(ctx, tx, planID, number)
		if err != nil {
			return 0, err
		}
		if err := etag.Check(revision, draft.Revision, "draft"); err != nil {
			return 0, err
		}
		if err := content.applyTo(&draft); err != nil {
			return 0, err
		}
		features, limits, err := draft.encode()
		if err != nil {
			return 0, err
		}
		rows, err := queries.UpdatePlanDraft(ctx, tx, admindb.UpdatePlanDraftParams{
			PlanID: planID, Version: number, Features: features, Limits: limits, PriceAmount: draft.Price.Amount,
			PriceCurrency: draft.Price.Currency, BillingInterval: string(draft.Interval),
		})
		return number, onlyIn("DRAFT", draft, rows, err)
	})
}

// DeleteDraft discards a draft. Errors: NotFound, InvalidTransition if it is no draft,
// InUse if it is the plan's only version.
func (s *Plans) DeleteDraft(ctx context.Context, scope *tenancy.Scope, planID uuid.UUID, number int32) error {
	return s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		if _, err := queries.LockPlan(ctx, tx, planID); err != nil {
			return planError(err)
		}
		draft, err := getPlanVersion(ctx, tx, planID, number)
		if err != nil {
			return err
		}
		rows, err := queries.DeletePlanDraft(ctx, tx, admindb.DeletePlanDraftParams{PlanID: planID, Version: number})
		if err == nil && rows == 0 && draft.Status == "DRAFT" {
			return apperr.New(apperr.InUse, "This is the only version of the plan.")
		}
		if err := onlyIn("DRAFT", draft, rows, err); err != nil {
			return err
		}
		return record(ctx, tx, scope, "plan.draft_deleted", planID, map[string]any{"version": number})
	})
}

// Publish makes a draft the version that can be bought, and archives the one before.
// Errors: NotFound, InvalidTransition if it is no draft.
func (s *Plans) Publish(ctx context.Context, scope *tenancy.Scope, planID uuid.UUID, number int32) (PlanVersion, error) {
	return s.changePlan(ctx, scope, planID, number, "plan.published", func(tx pgx.Tx) (int32, error) {
		draft, err := getPlanVersion(ctx, tx, planID, number)
		if err != nil {
			return 0, err
		}
		if draft.Status != "DRAFT" {
			return 0, onlyIn("DRAFT", draft, 0, nil)
		}
		if _, err := queries.ArchivePlanVersions(ctx, tx, admindb.ArchivePlanVersionsParams{PlanID: planID}); err != nil {
			return 0, fmt.Errorf("archive plan version: %w", err)
		}
		rows, err := queries.PublishPlanVersion(ctx, tx, admindb.PublishPlanVersionParams{PlanID: planID, Version: number, Now: scope.RealNow()})
		return number, onlyIn("DRAFT", draft, rows, err)
	})
}

// Archive takes the published version off the market. Errors: NotFound,
// InvalidTransition if it is not published.
func (s *Plans) Archive(ctx context.Context, scope *tenancy.Scope, planID uuid.UUID, number int32) (PlanVersion, error) {
	return s.changePlan(ctx, scope, planID, number, "plan.archived", func(tx pgx.Tx) (int32, error) {
		version, err := getPlanVersion(ctx, tx, planID, number)
		if err != nil {
			return 0, err
		}
		rows, err := queries.ArchivePlanVersions(ctx, tx, admindb.ArchivePlanVersionsParams{PlanID: planID, Version: &number})
		return number, onlyIn("PUBLISHED", version, rows, err)
	})
}

// changePlan runs a change of one version of a plan, whose changes wait for each other,
// and returns the version after it.
func (s *Plans) changePlan(
	ctx context.Context, scope *tenancy.Scope, planID uuid.UUID, number int32, action string, change func(tx pgx.Tx) (int32, error),
) (PlanVersion, error) {
	var changed PlanVersion
	err := s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		plan, err := queries.LockPlan(ctx, tx, planID)
		if err != nil {
			return planError(err)
		}
		if number, err = change(tx); err != nil {
			return err
		}
		if changed, err = getPlanVersion(ctx, tx, planID, number); err != nil {
			return err
		}
		return record(ctx, tx, scope, action, planID, map[string]any{"code": plan.Code, "version": number})
	})
	return changed, err
}

func planError(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewNotFound("plan")
	}
	return fmt.Errorf("lock plan: %w", err)
}

func getPlanVersion(ctx context.Context, tx pgx.Tx, planID uuid.UUID, number int32) (PlanVersion, error) {
	row, err := queries.GetPlanVersion(ctx, tx, admindb.GetPlanVersionParams{PlanID: planID, Version: number})
	if errors.Is(err, pgx.ErrNoRows) {
		return PlanVersion{}, apperr.New(apperr.NotFound, "The plan has no version %d.", number)
	}
	if err != nil {
		return PlanVersion{}, fmt.Errorf("get plan version: %w", err)
	}
	return newPlanVersion(row)
}

// onlyIn returns the error of a statement that changes only versions with a status.
func onlyIn(status string, version PlanVersion, rows int64, err error) error {
	if err != nil {
		return refused(fmt.Errorf("change plan version: %w", err))
	}
	if rows == 0 {
		return apperr.New(apperr.InvalidTransition, "Version %d is %s, and only one that is %s can be changed like this.",
			version.Version, strings.ToLower(version.Status), map[string]string{"DRAFT": "a draft", "PUBLISHED": "published"}[status]).
			With("current_status", version.Status)
	}
	return nil
}

// record adds what was done to a plan to the audit trail.
func record(ctx context.Context, tx pgx.Tx, scope *tenancy.Scope, action string, id uuid.UUID, detail map[string]any) error {
	return audit.Record(ctx, tx, scope, audit.Entry{
		Action: action, Outcome: audit.Success, TargetType: "plan", TargetID: id.String(), Detail: detail,
	})
}
