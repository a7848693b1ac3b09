package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// InvitationLifetime is how long an invitation can be accepted.
const InvitationLifetime = 7 * 24 * time.Hour

// The statuses of invitations.
const (
	InvitationPending  = "PENDING"
	InvitationAccepted = "ACCEPTED"
	InvitationRevoked  = "REVOKED"
	InvitationExpired  = "EXPIRED"
)

// Invitation is one of somebody who shall work for a business, or be a customer with a
// login, in one mode of it.
type Invitation struct {
	ID    uuid.UUID
	Email string
	// Name may be empty: then whoever accepts says theirs.
	Name string
	Role tenancy.Role
	// CustomerID or ResourceID is what the user becomes the login of, if anything.
	CustomerID *uuid.UUID
	ResourceID *uuid.UUID
	// InvitedBy is who gave the present token.
	InvitedBy  uuid.UUID
	IsSandbox  bool
	Status     string
	ExpiresAt  time.Time
	AcceptedAt *time.Time
	RevokedAt  *time.Time
	// UserID is the user who came of it.
	UserID    *uuid.UUID
	CreatedAt time.Time
	UpdatedAt time.Time
	// Token is there only right after it was made: it is stored nowhere.
	Token string
}

// InvitationInput is what a new invitation is made of.
type InvitationInput struct {
	Email      string
	Name       string
	Role       tenancy.Role
	CustomerID *uuid.UUID
	ResourceID *uuid.UUID
}

// InvitationFilter narrows a list of invitations; nil means all.
type InvitationFilter struct {
	Status *string `json:"status"`
}

// Logins makes a new user the login of what is there already; internal/scheduling has
// it. Both are called inside the transaction that makes the user.
type Logins interface {
	// LinkCustomer makes the user the login of the customer, or, with nil, of a new one.
	// Errors: NotFound, AlreadyExists if the customer has a login.
	LinkCustomer(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, customerID *uuid.UUID, userID uuid.UUID, name, email string) error
	// LinkResource makes the user the login of the resource. Errors: NotFound,
	// AlreadyExists if the resource has a login.
	LinkResource(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, resourceID, userID uuid.UUID) error
}

// Invitations is the service for invitations, of both kinds.
type Invitations struct {
	store    *store.Store
	resolver *tenancy.Resolver
	plans    *entitle.Plans
	hasher   *Hasher
	logins   Logins
}

// NewInvitations keeps invitations in the store, and turns them into users whose
// passwords the hasher hashes and who are linked by logins.
func NewInvitations(
	store *store.Store, resolver *tenancy.Resolver, plans *entitle.Plans, hasher *Hasher, logins Logins,
) *Invitations {
	return &Invitations{store: store, resolver: resolver, plans: plans, hasher: hasher, logins: logins}
}

func newInvitation(row identitydb.Invitation, scope *tenancy.Scope) Invitation {
	return Invitation{
		ID: row.ID, Email: row.Email, Name: row.Name, Role: tenancy.Role(row.Role), CustomerID: row.CustomerID, ResourceID: row.ResourceID,
		InvitedBy: row.InvitedBy, IsSandbox: scope.SandboxMode(), UserID: row.UserID,
		Status:    invitationStatus(row.AcceptedAt, row.RevokedAt, row.ExpiresAt, scope.RealNow()),
		ExpiresAt: row.ExpiresAt.UTC(), AcceptedAt: inUTC(row.AcceptedAt), RevokedAt: inUTC(row.RevokedAt),
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}

func invitationStatus(accepted, revoked *time.Time, expires, now time.Time) string {
	switch {
	case accepted != nil:
		return InvitationAccepted
	case revoked != nil:
		return InvitationRevoked
	case !expires.After(now):
		return InvitationExpired
	}
	return InvitationPending
}

func inUTC(at *time.Time) *time.Time {
	if at == nil {
		return nil
	}
	utc := at.UTC()
	return &utc
}

// Create invites somebody into the request's mode; the invitation has its token, which
// nobody sees again. Errors: RoleNotAllowed for a role above one's own, ValidationFailed,
// AlreadyExists for the address of a user, or of an invitation that is pending.
func (s *Invitations) Create(ctx context.Context, scope *tenancy.Scope, in InvitationInput) (Invitation, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return Invitation{}, err
	}
	if err := in.normalize(); err != nil {
		return Invitation{}, err
	}
	if err := mayGive(principal, in.Role); err != nil {
		return Invitation{}, recordDenied(ctx, s.store, scope, "", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Invitation{}, fmt.Errorf("make invitation id: %w", err)
	}
	token := newInvitationToken(scope.Env.ID)
	var row identitydb.Invitation
	err = s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		if err := makeRoom(ctx, tx, scope, in.Email); err != nil {
			return err
		}
		row, err = queries.InsertInvitation(ctx, tx, identitydb.InsertInvitationParams{
			EnvID: scope.Env.ID, ID: id, TokenHash: hashToken(token), Email: in.Email, Name: in.Name, Role: string(in.Role),
			CustomerID: in.CustomerID, ResourceID: in.ResourceID, InvitedBy: principal.UserID,
			ExpiresAt: scope.RealNow().Add(InvitationLifetime), Now: scope.RealNow(),
		})
		if err != nil {
			return refused(fmt.Errorf("insert invitation: %w", err))
		}
		return recordInvitation(ctx, tx, scope, "invitation.created", row)
	})
	if err != nil {
		return Invitation{}, err
	}
	created := newInvitation(row, scope)
	created.Token = token
	return created, nil
}

// makeRoom refuses the address of a user, and puts an invitation away that nobody used in time.
func makeRoom(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, email string) error {
	exists, err := queries.UserWithEmailExists(ctx, tx, identitydb.UserWithEmailExistsParams{
		Email: email, TenantID: scope.Tenant.ID, IsSandbox: scope.SandboxMode(),
	})
	if err != nil {
		return fmt.Errorf("look for a user: %w", err)
	}
	if exists {
		return refusals["users_email"]()
	}
	err = queries.RevokeExpiredInvitation(ctx, tx, identitydb.RevokeExpiredInvitationParams{
		EnvID: scope.Env.ID, Email: email, Now: scope.RealNow(),
	})
	if err != nil {
		return fmt.Errorf("put an expired invitation away: %w", err)
	}
	return nil
}

func recordInvitation(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, action string, row identitydb.Invitation) error {
	return audit.Record(ctx, tx, scope, audit.Entry{
		Action: action, Outcome: audit.Success, TargetType: "invitation", TargetID: row.ID.String(),
		Detail: map[string]any{"email": row.Email, "role": row.Role},
	})
}

// normalize brings the fields into the form that is stored. Errors: ValidationFailed.
func (in *InvitationInput) normalize() error {
	in.Email = normalizeEmail(in.Email)
	if err := validateEmail(in.Email); err != nil {
		return err
	}
	switch {
	case in.Role != tenancy.RoleCustomer && !worksForTenant(in.Role):
		return apperr.NewInvalid("/role", "Invite owners, managers, staff or customers.")
	case in.CustomerID != nil && in.Role != tenancy.RoleCustomer:
		return apperr.NewInvalid("/customer_id", "Only a customer becomes the login of a customer.")
	case in.ResourceID != nil && in.Role == tenancy.RoleCustomer:
		return apperr.NewInvalid("/resource_id", "A customer does not become the login of a resource.")
	}
	return nil
}

// List returns the invitations of the request's mode, the newest first. Errors: InvalidCursor.
func (s *Invitations) List(
	ctx context.Context, scope *tenancy.Scope, filter InvitationFilter, page keyset.Page,
) (keyset.List[Invitation], error) {
	after, err := decode(page, filter)
	if err != nil {
		return keyset.List[Invitation]{}, err
	}
	rows, err := queries.ListInvitations(ctx, s.store.Reader(scope), identitydb.ListInvitationsParams{
		EnvID: scope.Env.ID, Status: filter.Status, Now: scope.RealNow(), BeforeCreatedAt: after.CreatedAt, BeforeID: after.ID,
		RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Invitation]{}, fmt.Errorf("list invitations: %w", err)
	}
	convert := func(row identitydb.Invitation) Invitation { return newInvitation(row, scope) }
	return keyset.NewList(page, rows, filter, convert, func(i Invitation) position { return position{i.CreatedAt, i.ID} }), nil
}

// Get returns an invitation of the request's mode. Errors: NotFound.
func (s *Invitations) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (Invitation, error) {
	row, err := queries.GetInvitation(ctx, s.store.Reader(scope), identitydb.GetInvitationParams{EnvID: scope.Env.ID, ID: id})
	if err != nil {
		return Invitation{}, invitationError("get", err)
	}
	return newInvitation(row, scope), nil
}

// Resend gives an invitation a new token and its whole lifetime; the old token is dead.
// Errors: NotFound, RoleNotAllowed for a role above one's own, InvalidTransition if it
// was accepted or revoked.
func (s *Invitations) Resend(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (Invitation, error) {
	token := newInvitationToken(scope.Env.ID)
	var row identitydb.Invitation
	err := s.change(ctx, scope, id, func(tx *store.Tx, principal *tenancy.Principal) (err error) {
		row, err = queries.RenewInvitation(ctx, tx, identitydb.RenewInvitationParams{
			EnvID: scope.Env.ID, ID: id, TokenHash: hashToken(token), ExpiresAt: scope.RealNow().Add(InvitationLifetime),
			InvitedBy: principal.UserID, Now: scope.RealNow(),
		})
		if err != nil {
			return invitationError("renew", err)
		}
		return recordInvitation(ctx, tx, scope, "invitation.resent", row)
	})
	if err != nil {
		return Invitation{}, err
	}
	renewed := newInvitation(row, scope)
	renewed.Token = token
	return renewed, nil
}

// Revoke ends an invitation; its token is dead. Errors as those of Resend.
func (s *Invitations) Revoke(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) error {
	return s.change(ctx, scope, id, func(tx *store.Tx, _ *tenancy.Principal) error {
		_, err := queries.RevokeInvitation(ctx, tx, identitydb.RevokeInvitationParams{EnvID: scope.Env.ID, ID: id, Now: scope.RealNow()})
		if err != nil {
			return invitationError("revoke", err)
		}
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "invitation.revoked", Outcome: audit.Success, TargetType: "invitation", TargetID: id.String(),
		})
	})
}

// change runs fn with the invitation locked, if it is one that can still be accepted or
// has only expired, and if its role is not above that of who asks.
func (s *Invitations) change(
	ctx context.Context, scope *tenancy.Scope, id uuid.UUID, fn func(tx *store.Tx, principal *tenancy.Principal) error,
) error {
	principal, err := principalOf(scope)
	if err != nil {
		return err
	}
	err = s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		row, err := queries.GetInvitationForUpdate(ctx, tx, identitydb.GetInvitationForUpdateParams{EnvID: scope.Env.ID, ID: id})
		if err != nil {
			return invitationError("lock", err)
		}
		if tenancy.Role(row.Role).Rank() > principal.Role.Rank() {
			return apperr.New(apperr.RoleNotAllowed, "Your role, %s, may not change invitations of the role %s.", principal.Role, row.Role)
		}
		if err := stillOpen(row.AcceptedAt, row.RevokedAt, row.ExpiresAt, scope.RealNow()); err != nil {
			return err
		}
		return fn(tx, principal)
	})
	return recordDenied(ctx, s.store, scope, id.String(), err)
}

// stillOpen returns an InvalidTransition error for an invitation that was accepted or revoked.
func stillOpen(accepted, revoked *time.Time, expires, now time.Time) error {
	status := invitationStatus(accepted, revoked, expires, now)
	if status == InvitationAccepted || status == InvitationRevoked {
		return apperr.New(apperr.InvalidTransition, "The invitation is %s.", strings.ToLower(status)).With("current_status", status)
	}
	return nil
}

func invitationError(doing string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewNotFound("invitation")
	}
	return refused(fmt.Errorf("%s invitation: %w", doing, err))
}
