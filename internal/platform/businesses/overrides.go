package businesses

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/names"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Override replaces the plan's value of a feature or quota, for one business. Its JSON form is the
// data of the events override.created and override.ended.
type Override struct {
	ID   uuid.UUID `json:"id"`
	Name string    `json:"name"`
	// Value is true or false for a feature, a number or null (unlimited) for a quota.
	Value json.RawMessage `json:"value"`
	// Reason is internal to the platform.
	Reason string `json:"-"`
	// From is inclusive, To exclusive; a nil To never ends.
	From time.Time  `json:"from"`
	To   *time.Time `json:"to"`
	// Actor created it; nil if the user was deleted.
	Actor     *Person   `json:"-"`
	CreatedAt time.Time `json:"created_at"`
	// EndedAt is set if it was ended before To.
	EndedAt *time.Time `json:"ended_at"`
	EndedBy *Person    `json:"-"`
}

// Active reports whether the override applies at the instant.
func (o Override) Active(now time.Time) bool {
	return entitle.Override{From: o.From, To: o.To}.Active(now) && (o.EndedAt == nil || now.Before(*o.EndedAt))
}

// OverrideInput is the input of Overrides.Create.
type OverrideInput struct {
	Name   string
	Value  json.RawMessage
	Reason string
	// From is nil for now, To for never.
	From, To *time.Time
}

// Overrides is the service for overrides of plans.
type Overrides struct {
	store *store.Store
}

// NewOverrides keeps overrides in the store.
func NewOverrides(store *store.Store) *Overrides { return &Overrides{store: store} }

// List returns all overrides of a business, ended ones included, the newest first.
// Errors: NotFound, InvalidCursor.
func (s *Overrides) List(ctx context.Context, tenantID uuid.UUID, page keyset.Page) (keyset.List[Override], error) {
	after, err := NewestFirst.start(page, tenantID)
	if err != nil {
		return keyset.List[Override]{}, err
	}
	var rows []admindb.ListOverridesRow
	err = s.store.InPlatform(ctx, nil, func(tx pgx.Tx) error {
		exists, err := queries.TenantExists(ctx, tx, tenantID)
		if err != nil {
			return err
		}
		if !exists {
			return apperr.NewNotFound("business")
		}
		rows, err = queries.ListOverrides(ctx, tx, admindb.ListOverridesParams{
			TenantID: tenantID, BeforeCreatedAt: after.CreatedAt, BeforeID: after.ID, RowLimit: page.RowLimit(),
		})
		return err
	})
	if err != nil {
		return keyset.List[Override]{}, fmt.Errorf("list overrides: %w", err)
	}
	return keyset.NewList(page, rows, tenantID, func(row admindb.ListOverridesRow) Override { return newOverride(admindb.GetOverrideRow(row)) },
		func(o Override) position { return NewestFirst.position(o.CreatedAt, "", o.ID) }), nil
}

func newOverride(row admindb.GetOverrideRow) Override {
	return Override{
		ID: row.ID, Name: row.Name, Value: row.Value, Reason: row.Reason, From: row.FromAt.UTC(), To: inUTC(row.ToAt),
		Actor: person(row.ActorID, row.ActorName, row.ActorEmail), CreatedAt: row.CreatedAt.UTC(), EndedAt: inUTC(row.EndedAt),
		EndedBy: person(row.EnderID, row.EnderName, row.EnderEmail),
	}
}

func person(id *uuid.UUID, name, email *string) *Person {
	if id == nil {
		return nil
	}
	return &Person{ID: *id, Name: *name, Email: *email}
}

// Create adds an override; it is effective with the next request. Errors: NotFound,
// ValidationFailed.
func (s *Overrides) Create(ctx context.Context, scope *tenancy.Scope, tenantID uuid.UUID, in OverrideInput) (Override, error) {
	if err := in.validate(); err != nil {
		return Override{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Override{}, fmt.Errorf("make override id: %w", err)
	}
	from := scope.RealNow()
	if in.From != nil {
		from = *in.From
	}
	if in.To != nil && !in.To.After(from) {
		return Override{}, apperr.NewInvalid("/to", "An exception ends after it begins.")
	}
	var created Override
	err = s.store.Administer(ctx, scope, func(tx *store.PlatformTx) error {
		tenant, err := lockTenant(ctx, tx, tenantID)
		if err != nil {
			return err
		}
		err = queries.InsertOverride(ctx, tx, admindb.InsertOverrideParams{
			ID: id, TenantID: tenantID, Name: in.Name, Value: in.Value, Reason: strings.TrimSpace(in.Reason), ActorUserID: scope.ActorID(),
			FromAt: from, ToAt: in.To, Now: scope.RealNow(),
		})
		if err != nil {
			return refused(fmt.Errorf("insert override: %w", err))
		}
		if created, err = getOverride(ctx, tx, tenantID, id); err != nil {
			return err
		}
		tx.EmitIn(tenant.LiveEnvID, "override.created", created)
		return recordBusiness(ctx, tx, scope, "override.created", tenantID, created.detail())
	})
	return created, err
}

func (in OverrideInput) validate() error {
	if err := entitle.ValidateOverride(in.Name, in.Value); err != nil {
		pointer := "/value"
		if !entitle.Feature(in.Name).Valid() && !entitle.Quota(in.Name).Valid() {
			pointer = "/name"
		}
		return apperr.NewInvalid(pointer, "%s.", capitalize(err.Error()))
	}
	if !names.Visible(in.Reason) {
		return apperr.NewInvalid("/reason", "Say why the exception is made.")
	}
	return nil
}

func capitalize(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

func (o Override) detail() map[string]any {
	return map[string]any{"override_id": o.ID, "name": o.Name, "value": o.Value, "reason": o.Reason, "from": o.From, "to": o.To}
}

func getOverride(ctx context.Context, tx pgx.Tx, tenantID, id uuid.UUID) (Override, error) {
	row, err := queries.GetOverride(ctx, tx, admindb.GetOverrideParams{TenantID: tenantID, ID: id})
	if errors.Is(err, pgx.ErrNoRows) {
		return Override{}, apperr.NewNotFound("exception")
	}
	if err != nil {
		return Override{}, fmt.Errorf("get override: %w", err)
	}
	return newOverride(row), nil
}

// End ends an override; it has no effect from the next request on, and stays in the list. Errors:
// NotFound, also for one that has ended.
func (s *Overrides) End(ctx context.Context, scope *tenancy.Scope, tenantID, id uuid.UUID) error {
	return s.store.Administer(ctx, scope, func(tx *store.PlatformTx) error {
		tenant, err := lockTenant(ctx, tx, tenantID)
		if err != nil {
			return err
		}
		rows, err := queries.EndOverride(ctx, tx, admindb.EndOverrideParams{
			TenantID: tenantID, ID: id, EndedBy: scope.ActorID(), Now: scope.RealNow(),
		})
		if err != nil {
			return fmt.Errorf("end override: %w", err)
		}
		if rows == 0 {
			return apperr.New(apperr.NotFound, "The business has no such exception that still counts, or will.")
		}
		ended, err := getOverride(ctx, tx, tenantID, id)
		if err != nil {
			return err
		}
		tx.EmitIn(tenant.LiveEnvID, "override.ended", ended)
		return recordBusiness(ctx, tx, scope, "override.ended", tenantID, ended.detail())
	})
}
