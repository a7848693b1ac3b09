package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/names"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Grants are exceptions from the plan that a business begins with: true or false by the
// name of a feature, a number or null (unlimited) by that of a quota.
type Grants map[string]json.RawMessage

// TenantInvitation is one of somebody who shall found a business and own it.
type TenantInvitation struct {
	ID           uuid.UUID
	Email        string
	BusinessName string
	Subdomain    string
	PlanCode     string
	Timezone     string
	Currency     string
	Grants       Grants
	// InvitedBy is who gave the present token; nil if they are gone.
	InvitedBy  *uuid.UUID
	Status     string
	ExpiresAt  time.Time
	AcceptedAt *time.Time
	RevokedAt  *time.Time
	// TenantID is the business that came of it.
	TenantID  *uuid.UUID
	CreatedAt time.Time
	UpdatedAt time.Time
	// Token is there only right after it was made: it is stored nowhere.
	Token string
}

// TenantInvitationInput is what a new invitation is made of.
type TenantInvitationInput struct {
	Email        string
	BusinessName string
	Subdomain    string
	PlanCode     string
	Timezone     string
	Currency     string
	Grants       Grants
}

func newTenantInvitation(row identitydb.TenantInvitation, now time.Time) (TenantInvitation, error) {
	invitation := TenantInvitation{
		ID: row.ID, Email: row.Email, BusinessName: row.BusinessName, Subdomain: row.Subdomain, PlanCode: row.PlanCode,
		Timezone: row.Timezone, Currency: row.Currency, InvitedBy: row.InvitedBy,
		Status:    invitationStatus(row.AcceptedAt, row.RevokedAt, row.ExpiresAt, now),
		ExpiresAt: row.ExpiresAt.UTC(), AcceptedAt: inUTC(row.AcceptedAt), RevokedAt: inUTC(row.RevokedAt),
		TenantID: row.TenantID, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	if err := json.Unmarshal(row.Grants, &invitation.Grants); err != nil {
		return TenantInvitation{}, fmt.Errorf("read grants of invitation %s: %w", row.ID, err)
	}
	return invitation, nil
}

// CreateForTenant invites somebody to found a business; the invitation has its token,
// which nobody sees again. Errors: ValidationFailed, AlreadyExists for a subdomain that
// is taken, or that somebody else is invited with.
func (s *Invitations) CreateForTenant(ctx context.Context, scope *tenancy.Scope, in TenantInvitationInput) (TenantInvitation, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return TenantInvitation{}, err
	}
	if err := in.normalize(); err != nil {
		return TenantInvitation{}, err
	}
	grants, err := json.Marshal(in.Grants)
	if err != nil {
		return TenantInvitation{}, fmt.Errorf("encode grants: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return TenantInvitation{}, fmt.Errorf("make invitation id: %w", err)
	}
	token := newTenantInvitationToken()
	var row identitydb.TenantInvitation
	err = s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		if err := in.makeRoom(ctx, tx, scope.RealNow()); err != nil {
			return err
		}
		row, err = queries.InsertTenantInvitation(ctx, tx, identitydb.InsertTenantInvitationParams{
			ID: id, TokenHash: hashToken(token), Email: in.Email, BusinessName: in.BusinessName, Subdomain: in.Subdomain,
			PlanCode: in.PlanCode, Timezone: in.Timezone, Currency: in.Currency, Grants: grants, InvitedBy: principal.UserID,
			ExpiresAt: scope.RealNow().Add(InvitationLifetime), Now: scope.RealNow(),
		})
		if err != nil {
			return refused(fmt.Errorf("insert invitation: %w", err))
		}
		return recordTenantInvitation(ctx, tx, scope, "tenant_invitation.created", row)
	})
	if err != nil {
		return TenantInvitation{}, err
	}
	return withToken(row, scope.RealNow(), token)
}

func withToken(row identitydb.TenantInvitation, now time.Time, token string) (TenantInvitation, error) {
	invitation, err := newTenantInvitation(row, now)
	invitation.Token = token
	return invitation, err
}

// makeRoom refuses what the acceptance would have to refuse, and puts an invitation away
// that nobody used in time. It is a courtesy: whether the subdomain is free is decided
// when the business is founded.
func (in *TenantInvitationInput) makeRoom(ctx context.Context, tx pgx.Tx, now time.Time) error {
	_, err := queries.GetPublishedPlanVersion(ctx, tx, in.PlanCode)
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewInvalid("/plan_code", "There is no plan with the code %q.", in.PlanCode)
	}
	if err != nil {
		return fmt.Errorf("get published plan version: %w", err)
	}
	name := environmentName(in.Subdomain)
	isTaken, err := queries.SubdomainIsTaken(ctx, tx, identitydb.SubdomainIsTakenParams{
		Subdomain: in.Subdomain, EnvironmentNames: []string{name, name + sandboxSuffix}, Now: now,
	})
	if err != nil {
		return fmt.Errorf("look for a subdomain: %w", err)
	}
	if isTaken {
		return taken("/subdomain", "This subdomain is taken.")
	}
	err = queries.RevokeExpiredTenantInvitation(ctx, tx, identitydb.RevokeExpiredTenantInvitationParams{Subdomain: in.Subdomain, Now: now})
	if err != nil {
		return fmt.Errorf("put an expired invitation away: %w", err)
	}
	return nil
}

// normalize brings the fields into the form that is stored. Errors: ValidationFailed with
// every field that is wrong.
func (in *TenantInvitationInput) normalize() error {
	in.Email, in.BusinessName = normalizeEmail(in.Email), names.Clean(in.BusinessName)
	var wrong []apperr.Field
	if err := validateEmail(in.Email); err != nil {
		wrong = append(wrong, invalidEmail().Fields...)
	}
	business := CreateTenantInput{Name: in.BusinessName, Subdomain: in.Subdomain, Timezone: in.Timezone, Currency: in.Currency}
	if _, err := business.validate(); err != nil {
		var known *apperr.Error
		if !errors.As(err, &known) {
			return err
		}
		for _, field := range known.Fields {
			if field.Pointer == "/name" {
				field.Pointer = "/business_name"
			}
			wrong = append(wrong, field)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in.Grants)) {
		if detail := checkGrant(name, in.Grants[name]); detail != "" {
			wrong = append(wrong, apperr.Field{Pointer: grantPointer(name), Detail: detail})
		}
	}
	if len(wrong) > 0 {
		return apperr.New(apperr.ValidationFailed, "Nobody can be invited like this.").WithFields(wrong...)
	}
	if in.Grants == nil {
		in.Grants = Grants{}
	}
	return nil
}

func grantPointer(name string) string {
	if entitle.Quota(name).Valid() {
		return "/limits/" + name
	}
	return "/features/" + name
}

// checkGrant says what is wrong with a grant, or nothing.
func checkGrant(name string, value json.RawMessage) string {
	if err := entitle.ValidateOverride(name, value); err != nil {
		return err.Error() + "."
	}
	if name == string(entitle.MaxUsers) && string(value) == "0" {
		return "must leave room for the owner."
	}
	return ""
}

func recordTenantInvitation(ctx context.Context, tx pgx.Tx, scope *tenancy.Scope, action string, row identitydb.TenantInvitation) error {
	return audit.Record(ctx, tx, scope, audit.Entry{
		Action: action, Outcome: audit.Success, TargetType: "tenant_invitation", TargetID: row.ID.String(), TenantID: row.TenantID,
		Detail: map[string]any{"email": row.Email, "subdomain": row.Subdomain, "plan": row.PlanCode, "grants": row.Grants},
	})
}

// ListForTenants returns invitations to found businesses, the newest first. Errors: InvalidCursor.
func (s *Invitations) ListForTenants(
	ctx context.Context, scope *tenancy.Scope, filter InvitationFilter, page keyset.Page,
) (keyset.List[TenantInvitation], error) {
	after, err := decode(page, filter)
	if err != nil {
		return keyset.List[TenantInvitation]{}, err
	}
	var list []TenantInvitation
	err = s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		rows, err := queries.ListTenantInvitations(ctx, tx, identitydb.ListTenantInvitationsParams{
			Status: filter.Status, Now: scope.RealNow(), BeforeCreatedAt: after.CreatedAt, BeforeID: after.ID, RowLimit: page.RowLimit(),
		})
		if err != nil {
			return fmt.Errorf("list invitations: %w", err)
		}
		for _, row := range rows {
			invitation, err := newTenantInvitation(row, scope.RealNow())
			if err != nil {
				return err
			}
			list = append(list, invitation)
		}
		return nil
	})
	if err != nil {
		return keyset.List[TenantInvitation]{}, err
	}
	same := func(i TenantInvitation) TenantInvitation { return i }
	return keyset.NewList(page, list, filter, same, func(i TenantInvitation) position { return position{i.CreatedAt, i.ID} }), nil
}

// GetForTenant returns an invitation to found a business. Errors: NotFound.
func (s *Invitations) GetForTenant(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (invitation TenantInvitation, err error) {
	err = s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		row, err := queries.GetTenantInvitation(ctx, tx, id)
		if err != nil {
			return invitationError("get", err)
		}
		invitation, err = newTenantInvitation(row, scope.RealNow())
		return err
	})
	return invitation, err
}

// ResendForTenant gives an invitation a new token and its whole lifetime; the old token
// is dead. Errors: NotFound, InvalidTransition if it was accepted or revoked.
func (s *Invitations) ResendForTenant(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (TenantInvitation, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return TenantInvitation{}, err
	}
	token := newTenantInvitationToken()
	var row identitydb.TenantInvitation
	err = s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		row, err = queries.RenewTenantInvitation(ctx, tx, identitydb.RenewTenantInvitationParams{
			ID: id, TokenHash: hashToken(token), ExpiresAt: scope.RealNow().Add(InvitationLifetime), InvitedBy: principal.UserID, Now: scope.RealNow(),
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return whyNot(ctx, tx, scope, id)
		}
		if err != nil {
			return fmt.Errorf("renew invitation: %w", err)
		}
		return recordTenantInvitation(ctx, tx, scope, "tenant_invitation.resent", row)
	})
	if err != nil {
		return TenantInvitation{}, err
	}
	return withToken(row, scope.RealNow(), token)
}

// RevokeForTenant ends an invitation; its token is dead. Errors as those of ResendForTenant.
func (s *Invitations) RevokeForTenant(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) error {
	return s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		rows, err := queries.RevokeTenantInvitation(ctx, tx, identitydb.RevokeTenantInvitationParams{ID: id, Now: scope.RealNow()})
		if err != nil {
			return fmt.Errorf("revoke invitation: %w", err)
		}
		if rows == 0 {
			return whyNot(ctx, tx, scope, id)
		}
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "tenant_invitation.revoked", Outcome: audit.Success, TargetType: "tenant_invitation", TargetID: id.String(),
		})
	})
}

// whyNot says why an invitation could not be changed.
func whyNot(ctx context.Context, tx pgx.Tx, scope *tenancy.Scope, id uuid.UUID) error {
	row, err := queries.GetTenantInvitation(ctx, tx, id)
	if err != nil {
		return invitationError("get", err)
	}
	return stillOpen(row.AcceptedAt, row.RevokedAt, row.ExpiresAt, scope.RealNow())
}

// openTenantInvitation returns the invitation that a token opens. At the host of a
// business there is nothing to found.
func (s *Invitations) openTenantInvitation(ctx context.Context, scope *tenancy.Scope, token string) (row identitydb.TenantInvitation, err error) {
	if scope.Tenant != nil {
		return row, deadInvitation()
	}
	err = s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		row, err = queries.GetTenantInvitationByToken(ctx, tx, identitydb.GetTenantInvitationByTokenParams{TokenHash: hashToken(token), Now: scope.RealNow()})
		if errors.Is(err, pgx.ErrNoRows) {
			return deadInvitation()
		}
		if err != nil {
			return fmt.Errorf("get invitation by token: %w", err)
		}
		return nil
	})
	return row, err
}

// found accepts an invitation to found a business: the business with both environments
// and its host, what it is granted, its owner and their session are made in one
// transaction.
func (s *Invitations) found(ctx context.Context, scope *tenancy.Scope, in AcceptInput) (Accepted, error) {
	open, err := s.openTenantInvitation(ctx, scope, in.Token)
	if err != nil {
		return Accepted{}, err
	}
	owner, err := s.userToBe(ctx, in, open.Email, "", tenancy.RoleOwner)
	if err != nil {
		return Accepted{}, err
	}
	plan, err := s.publishedPlan(ctx, open.PlanCode)
	if err != nil {
		return Accepted{}, err
	}
	accepted := Accepted{SignedIn: SignedIn{Token: newToken(), ExpiresAt: scope.RealNow().Add(SessionLifetime)}}
	err = s.store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		row, err := takeTenantInvitation(ctx, tx, in.Token, scope.RealNow())
		if err != nil {
			return err
		}
		accepted.Tenant, err = InsertTenant(ctx, tx, CreateTenantInput{
			Name: row.BusinessName, Subdomain: row.Subdomain, PlanCode: row.PlanCode, Timezone: row.Timezone, Currency: row.Currency, Now: scope.RealNow(),
		})
		if err != nil {
			return err
		}
		home := *scope
		home.Tenant, home.Env = accepted.Tenant, accepted.Tenant.Live
		home.Principal = &tenancy.Principal{UserID: owner.ID, Role: owner.Role, TenantID: &accepted.Tenant.ID}
		grants := entitle.Grants{Plan: plan}
		if grants.Overrides, err = insertGrants(ctx, tx, accepted.Tenant.ID, row, scope.RealNow()); err != nil {
			return err
		}
		home.Entitlements = s.plans.NewSet(entitle.Set{Grants: grants, EnvID: home.Env.ID, Location: home.Tenant.Location, Now: scope.RealNow()})
		return foundWith(ctx, tx, &home, row, owner, &accepted.SignedIn)
	})
	if err != nil {
		return Accepted{}, err
	}
	return accepted, nil
}

func (s *Invitations) publishedPlan(ctx context.Context, code string) (*entitle.PlanVersion, error) {
	id, err := queries.GetPublishedPlanVersion(ctx, s.store.Control(), code)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, apperr.New(apperr.InvalidTransition, "The plan of this invitation is not offered any more. Ask for a new invitation.")
	}
	if err != nil {
		return nil, fmt.Errorf("get published plan version: %w", err)
	}
	return s.plans.Version(ctx, id)
}

// takeTenantInvitation uses an invitation up, if whoever gave it may still do so.
func takeTenantInvitation(ctx context.Context, tx pgx.Tx, token string, now time.Time) (identitydb.TenantInvitation, error) {
	row, err := queries.AcceptTenantInvitation(ctx, tx, identitydb.AcceptTenantInvitationParams{TokenHash: hashToken(token), Now: now})
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && row.InvitedBy == nil) {
		return row, deadInvitation()
	}
	if err != nil {
		return row, fmt.Errorf("accept invitation: %w", err)
	}
	giver, err := queries.GetRoleForInvitation(ctx, tx, *row.InvitedBy)
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && !mayInviteTenants(tenancy.Role(giver.Role))) {
		return row, deadInvitation()
	}
	if err != nil {
		return row, fmt.Errorf("get who invited: %w", err)
	}
	return row, nil
}

// mayInviteTenants repeats the roles of the gate, for whoever had one of them then.
func mayInviteTenants(role tenancy.Role) bool {
	return role == tenancy.RoleSuperuser || role == tenancy.RolePlatformManager || role == tenancy.RolePlatformSales
}

// insertGrants makes overrides of what the invitation grants.
func insertGrants(ctx context.Context, tx pgx.Tx, tenantID uuid.UUID, row identitydb.TenantInvitation, now time.Time) ([]entitle.Override, error) {
	var grants Grants
	if err := json.Unmarshal(row.Grants, &grants); err != nil {
		return nil, fmt.Errorf("read grants of invitation %s: %w", row.ID, err)
	}
	var overrides []entitle.Override
	for _, name := range slices.Sorted(maps.Keys(grants)) {
		id, err := uuid.NewV7()
		if err != nil {
			return nil, fmt.Errorf("make override id: %w", err)
		}
		err = queries.InsertGrant(ctx, tx, identitydb.InsertGrantParams{
			ID: id, TenantID: tenantID, Name: name, Value: grants[name], Reason: "Granted with the invitation.",
			ActorUserID: row.InvitedBy, Now: now,
		})
		if err != nil {
			return nil, fmt.Errorf("insert grant %s: %w", name, err)
		}
		overrides = append(overrides, entitle.Override{Name: name, Value: grants[name], From: now})
	}
	return overrides, nil
}

// foundingTx collects the events of a transaction that makes their environment.
type foundingTx struct {
	pgx.Tx
	events []events.Event
}

// Emit records that something happened.
func (tx *foundingTx) Emit(eventType string, data any) {
	tx.events = append(tx.events, events.Event{Type: eventType, Data: data})
}

// foundWith makes the owner of a business that has just been inserted, and signs them in.
func foundWith(
	ctx context.Context, inner pgx.Tx, home *tenancy.Scope, row identitydb.TenantInvitation, owner NewUser, signedIn *SignedIn,
) error {
	tx := &foundingTx{Tx: inner}
	created, err := insertUser(ctx, tx, owner, &home.Env, home.RealNow())
	if err != nil {
		return err
	}
	if err := entitle.Reserve(ctx, tx, home.Entitlements, entitle.MaxUsers, 1); err != nil {
		return err
	}
	if signedIn.User, err = signIn(ctx, tx, home, owner, *signedIn); err != nil {
		return err
	}
	row.TenantID = &home.Tenant.ID
	if err := queries.NoteTenantOfInvitation(ctx, tx, identitydb.NoteTenantOfInvitationParams{ID: row.ID, TenantID: *row.TenantID}); err != nil {
		return fmt.Errorf("note the business of an invitation: %w", err)
	}
	if err := recordTenantInvitation(ctx, tx, home, "tenant_invitation.accepted", row); err != nil {
		return err
	}
	tx.Emit("user.created", created)
	return events.Append(ctx, tx, home.Env.ID, events.Actor{UserID: &owner.ID}, home.RealNow(), tx.events)
}
