package identity

import (
	"cmp"
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
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// OpenInvitation is what the holder of a token sees of an invitation before they accept.
type OpenInvitation struct {
	// FoundsBusiness is whether accepting makes the business, rather than a user of one.
	FoundsBusiness bool
	BusinessName   string
	Email          string
	Name           string
	Role           tenancy.Role
	IsSandbox      bool
	ExpiresAt      time.Time
}

// AcceptInput is what somebody accepts an invitation with.
type AcceptInput struct {
	Token    string
	Password string
	// Name replaces that of the invitation; one of them must be there.
	Name string
	// Username is the e-mail address if it is empty.
	Username string
}

// Accepted is the session of whoever has accepted an invitation, and their business.
type Accepted struct {
	SignedIn
	Tenant *tenancy.Tenant
}

// deadInvitation is the one answer to every token that opens nothing: unknown, used,
// expired, revoked, replaced, of another business than the host's, or given by somebody
// who may not invite any more.
func deadInvitation() error {
	return apperr.New(apperr.NotFound, "This invitation does not exist, has ended, or was accepted already.")
}

// LookUp returns the invitation that a token opens. Errors: NotFound.
func (s *Invitations) LookUp(ctx context.Context, scope *tenancy.Scope, token string) (OpenInvitation, error) {
	scope = scope.AtHost()
	if strings.HasPrefix(token, TenantInvitationPrefix) {
		row, err := s.openTenantInvitation(ctx, scope, token)
		if err != nil {
			return OpenInvitation{}, err
		}
		return OpenInvitation{
			FoundsBusiness: true, BusinessName: row.BusinessName, Email: row.Email, Role: tenancy.RoleOwner, ExpiresAt: row.ExpiresAt.UTC(),
		}, nil
	}
	row, home, err := s.open(ctx, scope, token)
	if err != nil {
		return OpenInvitation{}, err
	}
	return OpenInvitation{
		BusinessName: home.Tenant.Name, Email: row.Email, Name: row.Name, Role: tenancy.Role(row.Role),
		IsSandbox: home.SandboxMode(), ExpiresAt: row.ExpiresAt.UTC(),
	}, nil
}

// Accept turns an invitation into a user who is signed in, or into a business with its
// owner. It works once. The user is in the mode that the invitation was made in,
// whatever that of the request. Errors: NotFound, ValidationFailed, AlreadyExists,
// QuotaExceeded for max_users, TenantSuspended, SandboxDisabled.
func (s *Invitations) Accept(ctx context.Context, scope *tenancy.Scope, in AcceptInput) (Accepted, error) {
	scope = scope.AtHost()
	if strings.HasPrefix(in.Token, TenantInvitationPrefix) {
		return s.found(ctx, scope, in)
	}
	row, home, err := s.open(ctx, scope, in.Token)
	if err != nil {
		return Accepted{}, err
	}
	if home.Tenant.Suspended() {
		return Accepted{}, tenantSuspended()
	}
	user, err := s.userToBe(ctx, in, row.Email, row.Name, tenancy.Role(row.Role))
	if err != nil {
		return Accepted{}, err
	}
	// What happens now is the new user's doing.
	home.Principal = &tenancy.Principal{UserID: user.ID, Role: user.Role, TenantID: &home.Tenant.ID, IsSandbox: home.SandboxMode()}
	accepted := Accepted{SignedIn: SignedIn{Token: newToken(), ExpiresAt: scope.RealNow().Add(SessionLifetime)}, Tenant: home.Tenant}
	err = s.store.InEnv(ctx, home, func(tx *store.Tx) error {
		accepted.User, err = s.accept(ctx, tx, home, in.Token, user)
		if err != nil {
			return err
		}
		accepted.User, err = signIn(ctx, tx, home, user, accepted.SignedIn)
		if err != nil {
			return err
		}
		accepted.Device, err = makeDevice(ctx, tx, user.ID, scope.RealNow())
		return err
	})
	if err != nil {
		return Accepted{}, err
	}
	return accepted, nil
}

// open returns the invitation that a token opens, with the scope of a request of nobody
// in its environment.
func (s *Invitations) open(ctx context.Context, scope *tenancy.Scope, token string) (identitydb.Invitation, *tenancy.Scope, error) {
	var none identitydb.Invitation
	envID, ok := environmentOf(token)
	if !ok {
		return none, nil, deadInvitation()
	}
	row, err := queries.GetInvitationByToken(ctx, s.store.Reader(&tenancy.Scope{Env: tenancy.Environment{ID: envID}}),
		identitydb.GetInvitationByTokenParams{EnvID: envID, TokenHash: hashToken(token), Now: scope.RealNow()})
	if errors.Is(err, pgx.ErrNoRows) {
		return none, nil, deadInvitation()
	}
	if err != nil {
		return none, nil, fmt.Errorf("get invitation by token: %w", err)
	}
	home, err := homeAt(ctx, s.store, s.resolver, scope, envID)
	if err != nil {
		return none, nil, err
	}
	if scope.Tenant != nil && scope.Tenant.ID != home.Tenant.ID {
		return none, nil, deadInvitation()
	}
	return row, home, nil
}

// homeAt returns the scope of a request of nobody in an environment, at its host.
func homeAt(
	ctx context.Context, store *store.Store, resolver *tenancy.Resolver, scope *tenancy.Scope, envID uuid.UUID,
) (*tenancy.Scope, error) {
	host, err := queries.GetEnvironmentHost(ctx, store.Control(), envID)
	if err != nil {
		return nil, fmt.Errorf("get host of an environment: %w", err)
	}
	request := tenancy.Request{
		RequestID: scope.RequestID, Now: scope.RealNow(), Address: scope.Address, UserAgent: scope.UserAgent,
		Host: tenancy.Host{Domain: host.Domain}, ModeHeader: "false",
	}
	if host.IsSandbox {
		request.ModeHeader = "true"
	}
	return resolver.Resolve(ctx, request)
}

// userToBe prepares the user that an invitation becomes; hashing takes its time, so it
// is done before the transaction.
func (s *Invitations) userToBe(ctx context.Context, in AcceptInput, email, name string, role tenancy.Role) (NewUser, error) {
	name = cmp.Or(in.Name, name)
	if name == "" {
		return NewUser{}, apperr.NewInvalid("/name", "Say your name: the invitation has none.")
	}
	hash, err := s.hasher.HashNew(ctx, "/password", in.Password, email, name)
	if err != nil {
		return NewUser{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return NewUser{}, fmt.Errorf("make user id: %w", err)
	}
	return NewUser{ID: id, Email: email, Username: in.Username, Name: name, Role: role, PasswordHash: hash, ChosenByOwner: true}, nil
}

// accept uses the invitation up, makes the user and links them.
func (s *Invitations) accept(ctx context.Context, tx *store.Tx, home *tenancy.Scope, token string, user NewUser) (User, error) {
	row, err := queries.AcceptInvitation(ctx, tx, identitydb.AcceptInvitationParams{
		EnvID: home.Env.ID, TokenHash: hashToken(token), UserID: &user.ID, Now: home.RealNow(),
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return User{}, deadInvitation() // it was open until just now
	}
	if err != nil {
		return User{}, fmt.Errorf("accept invitation: %w", err)
	}
	if err := mayStillInvite(ctx, tx, home, row); err != nil {
		return User{}, err
	}
	created, err := CreateUser(ctx, tx, home, user)
	if err != nil {
		return User{}, err
	}
	switch {
	case row.Role == string(tenancy.RoleCustomer):
		err = s.logins.LinkCustomer(ctx, tx, home, row.CustomerID, created.ID, created.Name, created.Email)
	case row.ResourceID != nil:
		err = s.logins.LinkResource(ctx, tx, home, *row.ResourceID, created.ID)
	}
	if err != nil {
		return User{}, err
	}
	return created, recordInvitation(ctx, tx, home, "invitation.accepted", row)
}

// mayStillInvite refuses an invitation whose giver may not give it any more: somebody
// who was dismissed must not come back by an invitation to themselves.
func mayStillInvite(ctx context.Context, tx *store.Tx, home *tenancy.Scope, row identitydb.Invitation) error {
	giver, err := queries.GetRoleForInvitation(ctx, tx, row.InvitedBy)
	if errors.Is(err, pgx.ErrNoRows) {
		return deadInvitation()
	}
	if err != nil {
		return fmt.Errorf("get who invited: %w", err)
	}
	role := tenancy.Role(giver.Role)
	at := giver.TenantID == nil || *giver.TenantID == home.Tenant.ID
	if !at || role.Rank() < tenancy.RoleManager.Rank() || role.Rank() < tenancy.Role(row.Role).Rank() {
		return deadInvitation()
	}
	return nil
}

// signIn starts a session of a user who was made in the same transaction.
func signIn(ctx context.Context, tx identitydb.DBTX, scope *tenancy.Scope, user NewUser, signedIn SignedIn) (User, error) {
	noted, err := queries.NoteLogin(ctx, tx, identitydb.NoteLoginParams{ID: user.ID, VerifiedHash: &user.PasswordHash, Now: scope.RealNow()})
	if err != nil {
		return User{}, fmt.Errorf("note login: %w", err)
	}
	if err := openSession(ctx, tx, scope, user.ID, &user.PasswordHash, signedIn); err != nil {
		return User{}, err
	}
	return newUser(noted), audit.Record(ctx, tx, scope, audit.Entry{
		Action: "session.created", Outcome: audit.Success, TargetType: "user", TargetID: user.ID.String(),
		TenantID: noted.TenantID, Detail: map[string]any{"method": "invitation"},
	})
}
