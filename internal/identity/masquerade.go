package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// MasqueradeLifetime is how long somebody may work as another user before they have to
// begin again.
const MasqueradeLifetime = 30 * time.Minute

// Masquerade says who really acts in a session.
type Masquerade struct {
	// ReadOnly is whether nothing may be changed in it.
	ReadOnly  bool
	ExpiresAt time.Time
	// Stack are the users beneath, from the one who really acts to the one right beneath.
	Stack []MasqueradeUser
}

// MasqueradeUser is one of the users beneath a masquerade.
type MasqueradeUser struct {
	UserID uuid.UUID
	Name   string
	Email  string
	Role   tenancy.Role
}

// TenantReference names a business and where it lives.
type TenantReference struct {
	ID   uuid.UUID
	Name string
	// Domain is the name of its primary host: a label before a base of the installation,
	// or a whole name. Empty if it has none.
	Domain string
}

// MasqueradeStarted is a new session as another user. Like any token, Token is known to
// nobody else and stored nowhere.
type MasqueradeStarted struct {
	SignedIn
	Masquerade
	// Tenant is that of the user; nil for one of the platform.
	Tenant *TenantReference
}

// StartMasquerade begins a session as another user on top of the one of the request,
// which goes on beneath. It ends with that one at the latest, whatever ends it.
//
// Whoever works as another one must have the higher rank, so a stack of masquerades only
// ever descends. Users of a business reach those of their business and mode; those of the
// platform, at the host of a business, likewise, and elsewhere everybody. What PLATFORM_SUPPORT
// begins is read-only, and so is everything on top of it.
//
// Errors: NotFound for a user out of reach, RoleNotAllowed, ValidationFailed for a user
// who may not sign in, TenantSuspended, Unauthorized if the session beneath has just ended.
func (s *Sessions) StartMasquerade(ctx context.Context, scope *tenancy.Scope, userID uuid.UUID) (MasqueradeStarted, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return MasqueradeStarted{}, err
	}
	started := MasqueradeStarted{SignedIn: SignedIn{Token: newToken(), ExpiresAt: scope.RealNow().Add(MasqueradeLifetime)}}
	err = s.store.InControl(ctx, scope, func(tx pgx.Tx) error {
		target, err := queries.GetMasqueradeTarget(ctx, tx, userID)
		if errors.Is(err, pgx.ErrNoRows) {
			return apperr.NewNotFound("user")
		}
		if err != nil {
			return fmt.Errorf("get user to work as: %w", err)
		}
		if err := mayMasquerade(scope, target); err != nil {
			return err
		}
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make session id: %w", err)
		}
		begun, err := queries.StartImpersonation(ctx, tx, identitydb.StartImpersonationParams{
			ID: id, TokenHash: hashToken(started.Token), UserID: userID,
			SandboxMode: target.User.IsSandbox || (target.User.TenantID != nil && scope.SandboxMode()),
			UserAgent:   scope.UserAgent, Address: addressOf(scope), Now: scope.RealNow(), ExpiresAt: started.SignedIn.ExpiresAt,
			ParentID: principal.SessionID, ParentUserID: principal.UserID,
		})
		if err != nil {
			return fmt.Errorf("start impersonation: %w", err)
		}
		if !begun {
			return apperr.New(apperr.Unauthorized, "Your session has just ended. Sign in again.")
		}
		if started.Masquerade, err = masquerade(ctx, tx, id); err != nil {
			return err
		}
		started.SignedIn.ExpiresAt, started.User, started.Tenant = started.Masquerade.ExpiresAt, newUser(target.User), referenceOf(target)
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "masquerade.started", Outcome: audit.Success, TargetType: "user", TargetID: userID.String(),
			TenantID: target.User.TenantID,
			Detail:   map[string]any{"role": target.User.Role, "read_only": started.ReadOnly, "expires_at": started.SignedIn.ExpiresAt},
		})
	})
	if err != nil {
		return MasqueradeStarted{}, recordDenied(ctx, s.store, scope, userID.String(), err)
	}
	return started, nil
}

// mayMasquerade decides whether the signed-in user may work as the target: first
// whether they can see them at all, then the ranks, then the state of things.
func mayMasquerade(scope *tenancy.Scope, target identitydb.GetMasqueradeTargetRow) error {
	principal, role := scope.Principal, tenancy.Role(target.User.Role)
	tenantID := principal.TenantID
	if tenantID == nil && scope.Tenant != nil {
		tenantID = &scope.Tenant.ID
	}
	if tenantID != nil {
		inReach := target.User.TenantID != nil && *target.User.TenantID == *tenantID && target.User.IsSandbox == scope.SandboxMode()
		if !inReach {
			return apperr.NewNotFound("user")
		}
	}
	if !MasqueradeAllowed(principal.Role, role) {
		return apperr.New(apperr.RoleNotAllowed, "Your role, %s, may not work as users with the role %s.", principal.Role, role)
	}
	if !target.User.IsActive {
		return apperr.NewInvalid("/user_id", "This user is deactivated.")
	}
	if target.TenantStatus != nil && *target.TenantStatus == tenancy.StatusSuspended {
		return tenantSuspended()
	}
	return nil
}

// MasqueradeAllowed reports whether users with the role actor may work as users with the
// role target: those of a lower rank. Sales does not work as anybody.
func MasqueradeAllowed(actor, target tenancy.Role) bool {
	return actor != tenancy.RolePlatformSales && target.Valid() && actor.Rank() > target.Rank()
}

func referenceOf(target identitydb.GetMasqueradeTargetRow) *TenantReference {
	if target.User.TenantID == nil {
		return nil
	}
	reference := &TenantReference{ID: *target.User.TenantID, Name: *target.TenantName}
	if target.TenantDomain != nil {
		reference.Domain = *target.TenantDomain
	}
	return reference
}

// CurrentMasquerade returns who really acts in the session of the request, or nil if
// its user does.
func (s *Sessions) CurrentMasquerade(ctx context.Context, scope *tenancy.Scope) (*Masquerade, error) {
	if scope.ImpersonatorID() == nil {
		return nil, nil //nolint:nilnil // no masquerade is no mistake
	}
	current, err := masquerade(ctx, s.store.Control(), scope.Principal.SessionID)
	if err != nil {
		return nil, err
	}
	return &current, nil
}

func masquerade(ctx context.Context, db identitydb.DBTX, sessionID uuid.UUID) (Masquerade, error) {
	rows, err := queries.ListMasquerade(ctx, db, sessionID)
	if err != nil {
		return Masquerade{}, fmt.Errorf("list masquerade: %w", err)
	}
	m := Masquerade{Stack: make([]MasqueradeUser, len(rows))}
	for i, row := range rows {
		m.ReadOnly, m.ExpiresAt = row.ReadOnly, row.ExpiresAt.UTC()
		m.Stack[i] = MasqueradeUser{UserID: row.UserID, Name: row.Name, Email: row.Email, Role: tenancy.Role(row.Role)}
	}
	return m, nil
}

// MasqueradeEnded says who one is again.
type MasqueradeEnded struct {
	User User
	// Masquerade is nil if that is oneself.
	Masquerade *Masquerade
}

// EndMasquerade ends the session of the request, which must be one of a masquerade, and
// with it those on top. The session beneath goes on with its own token. Errors:
// InvalidTransition if nobody is masqueraded as.
func (s *Sessions) EndMasquerade(ctx context.Context, scope *tenancy.Scope) (MasqueradeEnded, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return MasqueradeEnded{}, err
	}
	if principal.Impersonator == nil {
		return MasqueradeEnded{}, apperr.New(apperr.InvalidTransition, "You work as nobody but yourself.")
	}
	var ended MasqueradeEnded
	err = s.store.InControl(ctx, scope, func(tx pgx.Tx) error {
		beneath, err := queries.GetSessionBeneath(ctx, tx, principal.SessionID)
		if err != nil {
			return fmt.Errorf("get session beneath: %w", err)
		}
		ended = MasqueradeEnded{User: newUser(beneath.User)}
		if beneath.ImpersonatorID != nil {
			left, err := masquerade(ctx, tx, beneath.SessionID)
			if err != nil {
				return err
			}
			ended.Masquerade = &left
		}
		_, err = queries.RevokeSession(ctx, tx, identitydb.RevokeSessionParams{
			ID: principal.SessionID, UserID: principal.UserID, Now: scope.RealNow(),
		})
		if err != nil {
			return fmt.Errorf("end masquerade: %w", err)
		}
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "masquerade.ended", Outcome: audit.Success, TargetType: "user", TargetID: principal.UserID.String(),
			TenantID: principal.TenantID,
		})
	})
	if err != nil {
		return MasqueradeEnded{}, err
	}
	return ended, nil
}
