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
	"github.com/smoothschedule/smoothschedule/internal/apitoken"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

var queries = developerdb.New()

// Token is an API token, as those see it who administer it.
type Token struct {
	ID   uuid.UUID
	Name string
	// Secret is the token itself; nil for live ones, but not from Create and Rotate, and nil in
	// a masquerade.
	Secret *string
	// Prefix is how the token begins.
	Prefix string
	Scopes []apitoken.Scope
	// IsSandbox is the mode that the token works in.
	IsSandbox bool
	// ExpiresAt is nil for a token that works until it is revoked.
	ExpiresAt *time.Time
	// LastUsedAt is true to the minute; nil if it was never used.
	LastUsedAt *time.Time
	// CreatedBy is nil once the user is gone.
	CreatedBy *uuid.UUID
	// Previous is what the last rotation replaced, while it works.
	Previous  *PreviousSecret
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int32
}

// PreviousSecret is the secret that a rotation replaced.
type PreviousSecret struct {
	Prefix    string
	ExpiresAt time.Time
}

// TokenInput is what a new token is made of.
type TokenInput struct {
	Name   string
	Scopes []apitoken.Scope
	// IsSandbox is the mode of the request if it is nil.
	IsSandbox *bool
	ExpiresAt *time.Time
}

// MayGive reports whether a user of the role may give the scope to a token.
type MayGive func(role tenancy.Role, scope apitoken.Scope) bool

// Tokens is the service for API tokens.
type Tokens struct {
	store   *store.Store
	mayGive MayGive
}

// NewTokens keeps tokens in the store.
func NewTokens(store *store.Store, mayGive MayGive) *Tokens {
	return &Tokens{store: store, mayGive: mayGive}
}

// Create makes a token. Errors: ModeContradiction for a live token in the sandbox;
// SandboxDisabled; RoleNotAllowed for a scope that the user may not give;
// ValidationFailed for an expiry that has passed.
func (s *Tokens) Create(ctx context.Context, scope *tenancy.Scope, in TokenInput) (Token, error) {
	env, err := environmentFor(scope, in.IsSandbox)
	if err != nil {
		return Token{}, err
	}
	if err := s.checkScopes(scope, in.Scopes); err != nil {
		return Token{}, err
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(scope.RealNow()) {
		return Token{}, apperr.NewInvalid("/expires_at", "The token would have expired already.")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Token{}, fmt.Errorf("make token id: %w", err)
	}
	params := developerdb.InsertTokenParams{
		ID: id, TenantID: env.TenantID, EnvID: env.ID, IsSandbox: env.IsSandbox, Name: in.Name,
		Scopes: texts(in.Scopes), ExpiresAt: toMicroseconds(in.ExpiresAt), CreatedBy: scope.ActorID(), Now: scope.RealNow(),
	}
	secret := apitoken.New(env.IsSandbox)
	var created Token
	err = s.store.InControl(ctx, scope, func(tx pgx.Tx) error {
		if err := queries.InsertToken(ctx, tx, params); err != nil {
			return fmt.Errorf("insert token: %w", err)
		}
		if err := insertSecret(ctx, tx, id, secret, scope.RealNow()); err != nil {
			return err
		}
		err := record(ctx, tx, scope, "token.created", id, map[string]any{
			"name": params.Name, "scopes": in.Scopes, "is_sandbox": env.IsSandbox, "expires_at": params.ExpiresAt,
		})
		if err != nil {
			return err
		}
		created, err = reveal(ctx, tx, scope, id, secret)
		return err
	})
	if err != nil {
		return Token{}, err
	}
	return created, nil
}

// environmentFor is where a token of the mode works. Who works in the sandbox, and may
// never have been meant to see the live world, makes no way into it.
func environmentFor(scope *tenancy.Scope, sandbox *bool) (tenancy.Environment, error) {
	if sandbox == nil || *sandbox == scope.SandboxMode() {
		return scope.Env, nil
	}
	if !*sandbox {
		return tenancy.Environment{}, apperr.New(apperr.ModeContradiction, "In the sandbox only tokens of the sandbox can be made.").
			WithFields(apperr.Field{Pointer: "/is_sandbox", Detail: "must be true in the sandbox."})
	}
	if !scope.Tenant.SandboxEnabled || scope.Tenant.Sandbox.ID == uuid.Nil {
		return tenancy.Environment{}, apperr.New(apperr.SandboxDisabled, "The sandbox of this business is switched off.")
	}
	return scope.Tenant.Sandbox, nil
}

// checkScopes sees to it that a token opens no door that is closed to its maker.
func (s *Tokens) checkScopes(scope *tenancy.Scope, wanted []apitoken.Scope) error {
	for i, want := range wanted {
		if !want.Valid() {
			return apperr.NewInvalid(fmt.Sprintf("/scopes/%d", i), "There is no such scope.")
		}
		if scope.Principal == nil || !s.mayGive(scope.Principal.Role, want) {
			return apperr.New(apperr.RoleNotAllowed, "Your role may not do everything that the scope %s allows.", want).
				WithFields(apperr.Field{Pointer: fmt.Sprintf("/scopes/%d", i), Detail: "goes beyond what your role may do."})
		}
	}
	return nil
}

// insertSecret stores what the token is recognised by, and a sandbox token in clear.
func insertSecret(ctx context.Context, tx pgx.Tx, id uuid.UUID, secret apitoken.Token, now time.Time) error {
	params := developerdb.InsertTokenSecretParams{
		Hash: secret.Hash(), TokenID: id, IsSandbox: secret.Sandbox(), Prefix: secret.Prefix(), Now: now,
	}
	if secret.Sandbox() {
		plaintext := secret.Reveal()
		params.Plaintext = &plaintext
	}
	if err := queries.InsertTokenSecret(ctx, tx, params); err != nil {
		return fmt.Errorf("insert token secret: %w", err)
	}
	return nil
}

// reveal is the one answer in which a live token is shown.
func reveal(ctx context.Context, tx pgx.Tx, scope *tenancy.Scope, id uuid.UUID, secret apitoken.Token) (Token, error) {
	token, err := getToken(ctx, tx, scope, id)
	if err != nil {
		return Token{}, err
	}
	plaintext := secret.Reveal()
	token.Secret = &plaintext
	return token, nil
}

// position is where a page ends. Tokens come in the order of creation, the newest first.
type position struct {
	CreatedAt time.Time `json:"t"`
	ID        uuid.UUID `json:"i"`
}

// TokenFilter narrows the list; nil means all.
type TokenFilter struct {
	IsSandbox *bool `json:"is_sandbox"`
}

// List returns the tokens that are not revoked, the newest first; in the sandbox only
// its own. Errors: InvalidCursor.
func (s *Tokens) List(ctx context.Context, scope *tenancy.Scope, filter TokenFilter, page keyset.Page) (keyset.List[Token], error) {
	after := position{CreatedAt: time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC), ID: uuid.Max}
	if err := keyset.Decode(page.Cursor, filter, &after); err != nil {
		return keyset.List[Token]{}, err
	}
	visible := visibleMode(scope)
	if visible != nil && filter.IsSandbox != nil && *filter.IsSandbox != *visible {
		return keyset.List[Token]{Data: []Token{}}, nil
	}
	if visible == nil {
		visible = filter.IsSandbox
	}
	rows, err := queries.ListTokens(ctx, s.store.Control(), developerdb.ListTokensParams{
		TenantID: scope.Tenant.ID, IsSandbox: visible, Now: scope.RealNow(), BeforeCreatedAt: after.CreatedAt, BeforeID: after.ID,
		RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Token]{}, fmt.Errorf("list tokens: %w", err)
	}
	convert := func(row developerdb.ListTokensRow) Token { return tokenFor(scope, developerdb.GetTokenRow(row)) }
	return keyset.NewList(page, rows, filter, convert, func(t Token) position { return position{t.CreatedAt, t.ID} }), nil
}

// visibleMode is the mode of the tokens that the request may see; nil is both.
func visibleMode(scope *tenancy.Scope) *bool {
	sandbox := true
	if scope.SandboxMode() {
		return &sandbox
	}
	return nil
}

// Get returns a token that is not revoked. Errors: NotFound.
func (s *Tokens) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (Token, error) {
	return getToken(ctx, s.store.Control(), scope, id)
}

func getToken(ctx context.Context, db developerdb.DBTX, scope *tenancy.Scope, id uuid.UUID) (Token, error) {
	row, err := queries.GetToken(ctx, db, developerdb.GetTokenParams{
		TenantID: scope.Tenant.ID, ID: id, IsSandbox: visibleMode(scope), Now: scope.RealNow(),
	})
	if err != nil {
		return Token{}, tokenError("get", err)
	}
	return tokenFor(scope, row), nil
}

// Rename gives a token another name; with a version, only if it is at that version.
// Errors: NotFound, VersionMismatch.
func (s *Tokens) Rename(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, name string) (Token, error) {
	var renamed Token
	err := s.change(ctx, scope, id, version, func(tx pgx.Tx, _ developerdb.LockTokenRow) error {
		err := queries.RenameToken(ctx, tx, developerdb.RenameTokenParams{TenantID: scope.Tenant.ID, ID: id, Name: name, Now: scope.RealNow()})
		if err != nil {
			return fmt.Errorf("rename token: %w", err)
		}
		if err := record(ctx, tx, scope, "token.renamed", id, map[string]any{"name": name}); err != nil {
			return err
		}
		renamed, err = getToken(ctx, tx, scope, id)
		return err
	})
	if err != nil {
		return Token{}, err
	}
	return renamed, nil
}

// Rotate gives a token a new secret. The one before works for overlap more, and the one
// before that ends. Errors: NotFound, VersionMismatch; ValidationFailed for a token that
// has expired.
func (s *Tokens) Rotate(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, overlap time.Duration) (Token, error) {
	var rotated Token
	err := s.change(ctx, scope, id, version, func(tx pgx.Tx, current developerdb.LockTokenRow) error {
		if current.ExpiresAt != nil && !current.ExpiresAt.After(scope.RealNow()) {
			return apperr.New(apperr.ValidationFailed, "The token has expired; make another one.")
		}
		if err := queries.DropReplacedTokenSecrets(ctx, tx, id); err != nil {
			return fmt.Errorf("drop replaced secrets: %w", err)
		}
		err := queries.ReplaceTokenSecret(ctx, tx, developerdb.ReplaceTokenSecretParams{
			TokenID: id, Now: scope.RealNow(), ExpiresAt: scope.RealNow().Add(overlap),
		})
		if err != nil {
			return fmt.Errorf("replace token secret: %w", err)
		}
		secret := apitoken.New(current.IsSandbox)
		if err := insertSecret(ctx, tx, id, secret, scope.RealNow()); err != nil {
			return err
		}
		err = queries.TouchTokenVersion(ctx, tx, developerdb.TouchTokenVersionParams{TenantID: scope.Tenant.ID, ID: id, Now: scope.RealNow()})
		if err != nil {
			return fmt.Errorf("count token version: %w", err)
		}
		err = record(ctx, tx, scope, "token.rotated", id, map[string]any{"overlap_seconds": int(overlap.Seconds())})
		if err != nil {
			return err
		}
		rotated, err = reveal(ctx, tx, scope, id, secret)
		return err
	})
	if err != nil {
		return Token{}, err
	}
	return rotated, nil
}

// Revoke ends a token at once and for ever. Errors: NotFound, VersionMismatch.
func (s *Tokens) Revoke(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) error {
	return s.change(ctx, scope, id, version, func(tx pgx.Tx, _ developerdb.LockTokenRow) error {
		if err := queries.RevokeToken(ctx, tx, developerdb.RevokeTokenParams{TenantID: scope.Tenant.ID, ID: id, Now: scope.RealNow()}); err != nil {
			return fmt.Errorf("revoke token: %w", err)
		}
		if err := queries.DeleteTokenSecrets(ctx, tx, id); err != nil {
			return fmt.Errorf("delete token secrets: %w", err)
		}
		return record(ctx, tx, scope, "token.revoked", id, nil)
	})
}

// change runs fn with the token locked.
func (s *Tokens) change(
	ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, fn func(tx pgx.Tx, current developerdb.LockTokenRow) error,
) error {
	return s.store.InControl(ctx, scope, func(tx pgx.Tx) error {
		current, err := queries.LockToken(ctx, tx, developerdb.LockTokenParams{
			TenantID: scope.Tenant.ID, ID: id, IsSandbox: visibleMode(scope),
		})
		if err != nil {
			return tokenError("lock", err)
		}
		if err := etag.Check(version, current.Version, "token"); err != nil {
			return err
		}
		return fn(tx, current)
	})
}

func record(ctx context.Context, tx pgx.Tx, scope *tenancy.Scope, action string, id uuid.UUID, detail map[string]any) error {
	return audit.Record(ctx, tx, scope, audit.Entry{
		Action: action, Outcome: audit.Success, TargetType: "token", TargetID: id.String(), Detail: detail,
	})
}

func tokenError(doing string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewNotFound("token")
	}
	return fmt.Errorf("%s token: %w", doing, err)
}

// tokenFor is the token as the scope's user may see it: without its secret in a masquerade,
// which the secret would outlive.
func tokenFor(scope *tenancy.Scope, row developerdb.GetTokenRow) Token {
	token := newToken(row)
	if scope.ImpersonatorID() != nil {
		token.Secret = nil
	}
	return token
}

func newToken(row developerdb.GetTokenRow) Token {
	t := Token{
		ID: row.ID, Name: row.Name, Secret: row.Plaintext, Prefix: row.Prefix, Scopes: make([]apitoken.Scope, len(row.Scopes)),
		IsSandbox: row.IsSandbox, ExpiresAt: utc(row.ExpiresAt), LastUsedAt: utc(row.LastUsedAt), CreatedBy: row.CreatedBy,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(), Version: row.Version,
	}
	for i, scope := range row.Scopes {
		t.Scopes[i] = apitoken.Scope(scope)
	}
	if row.PreviousPrefix != nil && row.PreviousExpiresAt != nil {
		t.Previous = &PreviousSecret{Prefix: *row.PreviousPrefix, ExpiresAt: row.PreviousExpiresAt.UTC()}
	}
	return t
}

// texts are the scopes in their order of the list, so that equal rights look equal.
func texts(scopes []apitoken.Scope) []string {
	list := make([]string, len(scopes))
	for i, scope := range scopes {
		list[i] = string(scope)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	converted := t.UTC()
	return &converted
}

// toMicroseconds rounds down to what PostgreSQL can tell apart.
func toMicroseconds(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	rounded := t.UTC().Truncate(time.Microsecond)
	return &rounded
}
