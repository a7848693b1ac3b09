package developer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/developerdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/secretbox"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// The reasons why an endpoint is disabled.
const (
	DisabledManually = "MANUAL"
	DisabledFailing  = "FAILING"
	DisabledGone     = "GONE"
)

const (
	// MaxWebhooks is how many endpoints an environment can have.
	MaxWebhooks = 50
	// MaxReplay is the most events that one replay sends.
	MaxReplay = 10_000
)

// Webhook is an endpoint of a third party to which events of an environment are sent
// . Its JSON form is the data of the events webhook.created, .updated, .deleted and
// .disabled.
type Webhook struct {
	ID          uuid.UUID `json:"id"`
	URL         string    `json:"url"`
	Description string    `json:"description"`
	// EventTypes are types, "<noun>.*" or "*".
	EventTypes []string `json:"event_types"`
	// ReadScopes are the permissions of the principal who chose EventTypes and URL: scopes of an API
	// token, or "*" for a user. Only events that need one of them are sent; without any, none.
	ReadScopes []string `json:"read_scopes"`
	IsEnabled  bool     `json:"is_enabled"`
	// DisabledReason is set exactly if it is not enabled.
	DisabledReason *string `json:"disabled_reason"`
	// FailingSince is the first of the latest attempts, all of which have failed.
	FailingSince *time.Time `json:"failing_since"`
	// PreviousSecretExpiresAt is until when the secret before the present one signs too.
	PreviousSecretExpiresAt *time.Time `json:"previous_secret_expires_at"`
	CreatedAt               time.Time  `json:"created_at"`
	UpdatedAt               time.Time  `json:"updated_at"`
	Version                 int32      `json:"version"`
}

// WebhookInput has the fields of a new endpoint.
type WebhookInput struct {
	URL, Description string
	EventTypes       []string
}

// WebhookPatch changes the fields that are not nil.
type WebhookPatch struct {
	URL, Description *string
	EventTypes       *[]string
	IsEnabled        *bool
}

// Webhooks is the service for endpoints and their deliveries.
type Webhooks struct {
	store   *store.Store
	queries *developerdb.Queries
	box     *secretbox.Box
	checker URLChecker
	rights  EventRights
}

// URLChecker reports whether requests to a URL would be refused; *outbound.Client does.
type URLChecker interface {
	// CheckURL returns an error whose text is for users.
	CheckURL(url string) error
}

// NewWebhooks keeps endpoints in the store and their secrets in the box; the rights say who may
// read which event types.
func NewWebhooks(store *store.Store, box *secretbox.Box, checker URLChecker, rights EventRights) *Webhooks {
	return &Webhooks{store: store, queries: developerdb.New(), box: box, checker: checker, rights: rights}
}

type webhookRow = developerdb.GetWebhookRow

// newestFirst is the end of a page of a list, newest first.
type newestFirst struct {
	At time.Time `json:"t"`
	ID uuid.UUID `json:"i"`
}

// future is after everything that exists.
var future = newestFirst{time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC), uuid.Max}

// List returns the endpoints of the environment, the newest first. Errors: InvalidCursor.
func (s *Webhooks) List(ctx context.Context, scope *tenancy.Scope, page keyset.Page) (keyset.List[Webhook], error) {
	before := future
	if err := keyset.Decode(page.Cursor, nil, &before); err != nil {
		return keyset.List[Webhook]{}, err
	}
	rows, err := s.queries.ListWebhooks(ctx, s.store.Reader(scope), developerdb.ListWebhooksParams{
		EnvID: scope.Env.ID, BeforeCreatedAt: before.At, BeforeID: before.ID, RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Webhook]{}, fmt.Errorf("list webhooks: %w", err)
	}
	convert := func(row developerdb.ListWebhooksRow) Webhook { return newWebhook(webhookRow(row)) }
	return keyset.NewList(page, rows, nil, convert, func(w Webhook) any { return newestFirst{w.CreatedAt, w.ID} }), nil
}

// Get returns an endpoint. Errors: NotFound.
func (s *Webhooks) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*Webhook, error) {
	row, err := s.queries.GetWebhook(ctx, s.store.Reader(scope), developerdb.GetWebhookParams{EnvID: scope.Env.ID, ID: id})
	if err != nil {
		return nil, webhookError("get", err)
	}
	found := newWebhook(row)
	return &found, nil
}

// Create adds an endpoint and returns the secret that signs its requests, which cannot be read
// again. The endpoint gets only events that its creator may read, also after their API token has
// changed. Errors: ValidationFailed for a URL that is not allowed, types that do not
// exist, and one endpoint too many; ScopeRequired, TokenNotAccepted and RoleNotAllowed for types
// that may not be read.
func (s *Webhooks) Create(ctx context.Context, scope *tenancy.Scope, in WebhookInput) (*Webhook, string, error) {
	if err := s.checkURL(in.URL); err != nil {
		return nil, "", err
	}
	if err := s.checkChoice(scope, in.EventTypes); err != nil {
		return nil, "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, "", fmt.Errorf("make webhook id: %w", err)
	}
	secret, sealed, err := s.newSecret(scope, id)
	if err != nil {
		return nil, "", err
	}
	created := Webhook{
		ID: id, URL: in.URL, Description: in.Description, EventTypes: in.EventTypes, ReadScopes: readScopes(scope.Principal), IsEnabled: true,
		CreatedAt: scope.Now, UpdatedAt: scope.Now, Version: 1,
	}
	err = s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		if err := s.catchUp(ctx, tx, scope); err != nil {
			return err
		}
		if err := s.checkLimit(ctx, tx, scope); err != nil {
			return err
		}
		err := s.queries.InsertWebhook(ctx, tx, developerdb.InsertWebhookParams{
			EnvID: scope.Env.ID, ID: id, Url: in.URL, Description: in.Description, EventTypes: in.EventTypes, ReadScopes: created.ReadScopes,
			Secret: sealed, Now: scope.Now,
		})
		if err != nil {
			return fmt.Errorf("insert webhook: %w", err)
		}
		return s.recordChange(ctx, tx, scope, "webhook.created", created)
	})
	if err != nil {
		return nil, "", err
	}
	return &created, secret, nil
}

// checkLimit refuses an endpoint beyond MaxWebhooks. The lock of catchUp serializes the callers of an
// environment.
func (s *Webhooks) checkLimit(ctx context.Context, tx *store.Tx, scope *tenancy.Scope) error {
	count, err := s.queries.CountWebhooks(ctx, tx, scope.Env.ID)
	if err != nil {
		return fmt.Errorf("count webhooks: %w", err)
	}
	if count >= MaxWebhooks {
		return apperr.New(apperr.ValidationFailed, "There are %d webhooks already, which is the limit.", count)
	}
	return nil
}

func (s *Webhooks) checkURL(url string) error {
	if err := s.checker.CheckURL(url); err != nil {
		return apperr.NewInvalid("/url", "The URL is not allowed: %s.", err)
	}
	return nil
}

// checkChoice refuses event types that the principal may not read. For an API token "*" means the types
// that it may read, which ReadScopes ensures; for a user, all types.
func (s *Webhooks) checkChoice(scope *tenancy.Scope, types []string) error {
	if err := checkTypes(s.rights, scope.Principal, "/event_types", types); err != nil {
		return err
	}
	if slices.Contains(types, "*") && scope.ActorTokenID() == nil {
		return checkAll(s.rights, scope.Principal, "/event_types", s.rights.Types())
	}
	return nil
}

// checkSent refuses a principal who may not read all events that the endpoint gets.
func (s *Webhooks) checkSent(scope *tenancy.Scope, w Webhook) error {
	for _, wanted := range w.EventTypes {
		sent := slices.DeleteFunc(matching(s.rights, wanted), func(t string) bool { return !s.sends(w, t) })
		if err := checkAll(s.rights, scope.Principal, "", sent); err != nil {
			return err
		}
	}
	return nil
}

// sends reports whether ReadScopes lets an endpoint get events of a type.
func (s *Webhooks) sends(w Webhook, eventType string) bool {
	scope := string(s.rights.Scope(eventType))
	return slices.Contains(w.ReadScopes, anyScope) || scope != "" && slices.Contains(w.ReadScopes, scope)
}

// recordChange adds a change to the audit trail and to the feed.
func (s *Webhooks) recordChange(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, event string, w Webhook) error {
	tx.Emit(event, w)
	return audit.Record(ctx, tx, scope, audit.Entry{
		Action: event, Outcome: audit.Success, TargetType: "webhook", TargetID: w.ID.String(),
		Detail: map[string]any{"url": w.URL, "is_enabled": w.IsEnabled},
	})
}

// Update changes an endpoint; with a version, only if it is at that version. Disabling it cancels its
// pending deliveries; enabling it starts with the next event. A principal who changes the URL or
// enables it must be able to read the events that it gets; one who changes its types or its URL limits
// it to the events that they may read. Errors: NotFound, VersionMismatch;
// ValidationFailed, ScopeRequired, TokenNotAccepted and RoleNotAllowed as for Create.
func (s *Webhooks) Update(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, patch WebhookPatch) (*Webhook, error) {
	var updated Webhook
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		updated = patch.apply(current)
		updated.Version, updated.UpdatedAt = current.Version+1, scope.Now
		updated.ReadScopes = patch.readScopes(current, scope.Principal)
		if err := s.checkChange(scope, patch, current, updated); err != nil {
			return err
		}
		if err := s.catchUp(ctx, tx, scope); err != nil {
			return err
		}
		if err := s.write(ctx, tx, scope, updated); err != nil {
			return err
		}
		if updated.IsEnabled && !current.IsEnabled {
			// A delivery that was added while it was being disabled is still pending.
			if err := s.cancelDeliveries(ctx, tx, scope, updated); err != nil {
				return err
			}
		}
		return s.recordChange(ctx, tx, scope, "webhook.updated", updated)
	})
	if err != nil {
		return nil, err
	}
	return &updated, nil
}

// checkChange checks whether the principal may make the change.
func (s *Webhooks) checkChange(scope *tenancy.Scope, patch WebhookPatch, current, updated Webhook) error {
	if err := s.checkURL(updated.URL); err != nil {
		return err
	}
	if patch.EventTypes != nil {
		return s.checkChoice(scope, updated.EventTypes)
	}
	if patch.URL != nil || patch.IsEnabled != nil && *patch.IsEnabled {
		return s.checkSent(scope, current)
	}
	return nil
}

// readScopes are those of an endpoint after the patch. Pending deliveries, which go to the new URL too, may
// be of types that the endpoint wanted before.
func (p WebhookPatch) readScopes(w Webhook, by *tenancy.Principal) []string {
	theirs := readScopes(by)
	switch {
	case p.EventTypes != nil:
		return theirs
	case p.URL == nil || slices.Contains(theirs, anyScope):
		return w.ReadScopes
	case slices.Contains(w.ReadScopes, anyScope):
		return theirs
	}
	return slices.DeleteFunc(slices.Clone(theirs), func(scope string) bool { return !slices.Contains(w.ReadScopes, scope) })
}

func (p WebhookPatch) apply(w Webhook) Webhook {
	if p.URL != nil {
		w.URL = *p.URL
	}
	if p.Description != nil {
		w.Description = *p.Description
	}
	if p.EventTypes != nil {
		w.EventTypes = slices.Clone(*p.EventTypes)
	}
	switch {
	case p.IsEnabled == nil || *p.IsEnabled == w.IsEnabled:
	case *p.IsEnabled:
		w.IsEnabled, w.DisabledReason, w.FailingSince = true, nil, nil
	default:
		reason := DisabledManually
		w.IsEnabled, w.DisabledReason = false, &reason
	}
	return w
}

// write updates an endpoint, and cancels the pending deliveries of a disabled one.
func (s *Webhooks) write(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, w Webhook) error {
	err := s.queries.UpdateWebhook(ctx, tx, developerdb.UpdateWebhookParams{
		EnvID: scope.Env.ID, ID: w.ID, Url: w.URL, Description: w.Description, EventTypes: w.EventTypes, ReadScopes: w.ReadScopes,
		IsEnabled: w.IsEnabled, DisabledReason: w.DisabledReason, FailingSince: w.FailingSince, Version: w.Version, Now: w.UpdatedAt,
	})
	if err != nil {
		return fmt.Errorf("update webhook: %w", err)
	}
	if w.IsEnabled {
		return nil
	}
	return s.cancelDeliveries(ctx, tx, scope, w)
}

func (s *Webhooks) cancelDeliveries(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, w Webhook) error {
	err := s.queries.CancelDeliveries(ctx, tx, developerdb.CancelDeliveriesParams{EnvID: scope.Env.ID, EndpointID: w.ID, Now: w.UpdatedAt})
	if err != nil {
		return fmt.Errorf("cancel deliveries: %w", err)
	}
	return nil
}

// Delete removes an endpoint with its deliveries. Errors: NotFound,
// VersionMismatch.
func (s *Webhooks) Delete(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) error {
	return s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		// No delivery may be added to the endpoint while it is deleted.
		if err := s.catchUp(ctx, tx, scope); err != nil {
			return err
		}
		if err := s.queries.DeleteWebhook(ctx, tx, developerdb.DeleteWebhookParams{EnvID: scope.Env.ID, ID: id}); err != nil {
			return fmt.Errorf("delete webhook: %w", err)
		}
		return s.recordChange(ctx, tx, scope, "webhook.deleted", current)
	})
}

// Ping sends the event webhook.ping to an endpoint, whatever types it wants, and returns the
// delivery. Errors: NotFound, InvalidTransition for one that is disabled.
func (s *Webhooks) Ping(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*Delivery, error) {
	event, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make event id: %w", err)
	}
	var delivery *Delivery
	err = s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		if _, err := s.lockEnabled(ctx, tx, scope, id); err != nil {
			return err
		}
		tx.EmitAs(event, pingType, map[string]uuid.UUID{"webhook_id": id})
		if err := tx.AppendEvents(ctx, scope); err != nil {
			return err
		}
		added, err := s.queries.AddDelivery(ctx, tx, developerdb.AddDeliveryParams{EnvID: scope.Env.ID, EndpointID: id, EventID: event})
		if err != nil {
			return fmt.Errorf("add delivery: %w", err)
		}
		if added == 0 {
			return apperr.NewNotFound("delivery") // the endpoint may not get events of this noun
		}
		if delivery, err = s.getDelivery(ctx, tx, scope, id, event); err != nil {
			return err
		}
		return wake(ctx, tx, scope.Env.ID, id)
	})
	if err != nil {
		return nil, err
	}
	return delivery, nil
}

// pingType is the type of an event that is sent only to the endpoint that its data names.
const pingType = "webhook.ping"

func (s *Webhooks) lock(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, version *int32) (Webhook, error) {
	row, err := s.queries.GetWebhookForUpdate(ctx, tx, developerdb.GetWebhookForUpdateParams{EnvID: scope.Env.ID, ID: id})
	if err != nil {
		return Webhook{}, webhookError("lock", err)
	}
	return newWebhook(webhookRow(row)), etag.Check(version, row.Version, "webhook")
}

func (s *Webhooks) lockEnabled(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID) (Webhook, error) {
	w, err := s.lock(ctx, tx, scope, id, nil)
	if err != nil {
		return w, err
	}
	if !w.IsEnabled {
		return w, apperr.New(apperr.InvalidTransition, "The webhook is disabled. Enable it first.").With("current_status", "DISABLED")
	}
	return w, nil
}

// wake inserts a job that delivers to the endpoint.
func wake(ctx context.Context, tx jobs.DB, envID, endpointID uuid.UUID) error {
	return jobs.Insert(ctx, tx, DeliverArgs{InEnv: jobs.InEnv{EnvID: envID}, EndpointID: endpointID})
}

func newWebhook(row webhookRow) Webhook {
	return Webhook{
		ID: row.ID, URL: row.Url, Description: row.Description, EventTypes: row.EventTypes, ReadScopes: row.ReadScopes,
		IsEnabled: row.IsEnabled, DisabledReason: row.DisabledReason, FailingSince: utc(row.FailingSince), PreviousSecretExpiresAt: utc(row.PreviousSecretExpiresAt),
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(), Version: row.Version,
	}
}

func webhookError(doing string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewNotFound("webhook")
	}
	return fmt.Errorf("%s webhook: %w", doing, err)
}
