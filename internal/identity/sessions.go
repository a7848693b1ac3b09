package identity

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

var queries = identitydb.New()

// SessionLifetime is how long a session works after the sign-in, used or not.
const SessionLifetime = 30 * 24 * time.Hour

// Session is one place where a user is signed in.
type Session struct {
	ID        uuid.UUID
	UserAgent string
	// Address is the one the user signed in from; nil if it was not known.
	Address *netip.Addr
	// IsCurrent is whether the request was made with it.
	IsCurrent bool
	// SandboxMode is the mode of requests that do not name one.
	SandboxMode bool
	CreatedAt   time.Time
	// LastUsedAt is true to the minute.
	LastUsedAt time.Time
	ExpiresAt  time.Time
}

// SignedIn is a new session. Token is known to nobody else and stored nowhere.
type SignedIn struct {
	Token     string
	ExpiresAt time.Time
	User      User
	// Device marks the browser as one that the user has signed in with; see LoginInput.
	Device string
}

// LoginInput is what somebody signs in with.
type LoginInput struct {
	Email    string
	Password string
	// Device is the marker of an earlier sign-in with the same browser, or empty. Failures with it
	// are counted apart from those of everybody else.
	Device string
}

// Sessions is the service for signing in and out.
type Sessions struct {
	store  *store.Store
	hasher *Hasher
}

// NewSessions keeps sessions in the store and verifies passwords with the hasher.
func NewSessions(store *store.Store, hasher *Hasher) *Sessions {
	return &Sessions{store: store, hasher: hasher}
}

// Login signs in a user of the request's tenant and mode, or, without a tenant, of
// the platform. Errors: InvalidCredentials, the same and after the same time for a
// wrong password, an unknown and an inactive account; TooManyAttempts;
// TenantSuspended, but only to whoever knows the password.
func (s *Sessions) Login(ctx context.Context, scope *tenancy.Scope, in LoginInput) (SignedIn, error) {
	scope = scope.AtHost()
	email := normalizeEmail(in.Email)
	params := identitydb.GetUserForLoginParams{Email: email, IsSandbox: scope.SandboxMode()}
	if scope.Tenant != nil {
		params.TenantID = &scope.Tenant.ID
	}
	user, err := queries.GetUserForLogin(ctx, s.store.Control(), params)
	known := err == nil
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return SignedIn{}, fmt.Errorf("get user for login: %w", err)
	}
	credentials, err := s.credentialsOf(ctx, user.ID)
	if err != nil {
		return SignedIn{}, err
	}
	throttles := []throttle{accountThrottle(scope.Tenant, scope.SandboxMode(), email)}
	if scope.Address.IsValid() {
		throttles = append(throttles, addressThrottle(scope.Address))
	}
	if device, ok := knownDevice(in.Device, user.ID, credentials.DeviceKey, scope.RealNow()); ok && known {
		throttles = []throttle{device} // what strangers do with the account, or from the same address, does not count
	}
	verified, err := s.guess(ctx, scope, throttles, user.ID, credentials.Parameters, in.Password, known && user.IsActive)
	if err != nil {
		return SignedIn{}, err
	}
	if verified == nil {
		return SignedIn{}, s.refuseLogin(ctx, scope, user, known)
	}
	return s.open(ctx, scope, user, "password", verified, &throttles[0])
}

// credentialsOf returns what it takes to verify a user's password, after the same work for a user who
// has none, or does not exist, whom the decoy stands for.
func (s *Sessions) credentialsOf(ctx context.Context, userID uuid.UUID) (identitydb.GetCredentialsRow, error) {
	credentials, err := queries.GetCredentials(ctx, s.store.Control(), userID)
	if err != nil {
		return identitydb.GetCredentialsRow{}, fmt.Errorf("get credentials: %w", err)
	}
	if credentials.Parameters == "" {
		credentials = identitydb.GetCredentialsRow{Parameters: s.hasher.decoy, DeviceKey: s.hasher.decoyKey}
	}
	return credentials, nil
}

// guess verifies a password, within the throttles, and returns its hash; nil if it is not the user's. It holds its turn at the hasher
// from the look at the throttles to the counting of the failure, so a burst of
// parallel guesses gets no further past the threshold than there are turns. Errors:
// TooManyAttempts.
func (s *Sessions) guess(
	ctx context.Context, scope *tenancy.Scope, throttles []throttle, userID uuid.UUID, parameters, password string, mayPass bool,
) (verified *string, err error) {
	err = s.hasher.inTurn(ctx, func() error {
		if err := checkThrottles(ctx, s.store.Control(), throttles, scope.RealNow()); err != nil {
			return err
		}
		hash, err := hashLike(parameters, password)
		if err != nil {
			return err
		}
		fits, err := queries.PasswordFits(ctx, s.store.Control(), identitydb.PasswordFitsParams{UserID: userID, Hash: hash})
		if err != nil {
			return fmt.Errorf("compare passwords: %w", err)
		}
		if fits && mayPass {
			verified = &hash
			return nil
		}
		return countFailure(ctx, s.store.Control(), throttles, scope.RealNow())
	})
	return verified, err
}

// refuseLogin records the failure and returns the refusal, which says nothing about
// whether the account exists. The address is recorded only if it is somebody's here:
// people type passwords into the wrong field.
func (s *Sessions) refuseLogin(ctx context.Context, scope *tenancy.Scope, user identitydb.User, known bool) error {
	entry := audit.Entry{Action: "session.created", Outcome: audit.Failure}
	if known {
		entry.TargetType, entry.TargetID = "user", user.ID.String()
		entry.Detail = map[string]any{"email": user.Email, "active": user.IsActive}
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	if err := audit.Record(ctx, s.store.Control(), scope, entry); err != nil {
		return err
	}
	return invalidCredentials()
}

func invalidCredentials() error {
	return apperr.New(apperr.InvalidCredentials, "The e-mail address or the password is wrong.")
}

// open starts a session for a user who has proved who they are; method says how, and verified is the hash of
// the password they gave, if any, which must be theirs still. The
// failures that were looked at, if any, are forgotten with it: those of the account, or of the browser.
func (s *Sessions) open(
	ctx context.Context, scope *tenancy.Scope, user identitydb.User, method string, verified *string, looked *throttle,
) (SignedIn, error) {
	entry := audit.Entry{
		Action: "session.created", Outcome: audit.Success, TargetType: "user", TargetID: user.ID.String(),
		Actor: &user.ID, ActorRole: tenancy.Role(user.Role), Detail: map[string]any{"method": method},
	}
	if user.TenantID != nil && scope.Tenant.Suspended() {
		entry.Outcome = audit.Denied
		if err := audit.Record(ctx, s.store.Control(), scope, entry); err != nil {
			return SignedIn{}, err
		}
		return SignedIn{}, tenantSuspended()
	}
	signedIn := SignedIn{Token: newToken(), ExpiresAt: scope.RealNow().Add(SessionLifetime)}
	err := s.store.InControl(ctx, scope, func(tx pgx.Tx) error {
		noted, err := queries.NoteLogin(ctx, tx, identitydb.NoteLoginParams{
			ID: user.ID, VerifiedHash: verified, Now: scope.RealNow(),
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return invalidCredentials() // they were valid until just now
		}
		if err != nil {
			return fmt.Errorf("note login: %w", err)
		}
		signedIn.User = newUser(noted)
		if signedIn.Device, err = makeDevice(ctx, tx, noted.ID, scope.RealNow()); err != nil {
			return err
		}
		if err := openSession(ctx, tx, scope, user.ID, verified, signedIn); err != nil {
			return err
		}
		if looked != nil {
			if err := queries.ForgetLoginFailures(ctx, tx, looked.key); err != nil {
				return fmt.Errorf("forget login failures: %w", err)
			}
		}
		return audit.Record(ctx, tx, scope, entry)
	})
	if err != nil {
		return SignedIn{}, err
	}
	return signedIn, nil
}

// openSession makes a session of a user; the database compares the verified hash, or, without one, looks whether
// the user is a persona. Errors: InvalidCredentials.
func openSession(
	ctx context.Context, tx identitydb.DBTX, scope *tenancy.Scope, userID uuid.UUID, verified *string, signedIn SignedIn,
) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make session id: %w", err)
	}
	opened, err := queries.OpenSession(ctx, tx, identitydb.OpenSessionParams{
		ID: id, TokenHash: hashToken(signedIn.Token), UserID: userID, VerifiedHash: verified, SandboxMode: scope.SandboxMode(),
		UserAgent: scope.UserAgent, Address: addressOf(scope), Now: scope.RealNow(), ExpiresAt: signedIn.ExpiresAt,
	})
	if err != nil {
		return fmt.Errorf("open session: %w", err)
	}
	if !opened {
		return invalidCredentials()
	}
	return nil
}

// addressOf is where a session is started from; nil if that is not known.
func addressOf(scope *tenancy.Scope) *netip.Addr {
	if !scope.Address.IsValid() {
		return nil
	}
	address := scope.Address.WithZone("")
	return &address
}

// Logout ends the session of the request. It succeeds also if another request has
// just ended it.
func (s *Sessions) Logout(ctx context.Context, scope *tenancy.Scope) error {
	principal, err := principalOf(scope)
	if err != nil {
		return err
	}
	_, err = s.end(ctx, scope, principal.UserID, principal.SessionID)
	return err
}

// List returns the sessions of the signed-in user that still work, the newest first.
// Errors: InvalidCursor.
func (s *Sessions) List(ctx context.Context, scope *tenancy.Scope, page keyset.Page) (keyset.List[Session], error) {
	principal, err := principalOf(scope)
	if err != nil {
		return keyset.List[Session]{}, err
	}
	after, err := decode(page, principal.UserID)
	if err != nil {
		return keyset.List[Session]{}, err
	}
	rows, err := queries.ListSessionsOfUser(ctx, s.store.Control(), identitydb.ListSessionsOfUserParams{
		UserID: principal.UserID, Now: scope.RealNow(), BeforeCreatedAt: after.CreatedAt, BeforeID: after.ID, RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[Session]{}, fmt.Errorf("list sessions: %w", err)
	}
	convert := func(row identitydb.ListSessionsOfUserRow) Session {
		return Session{
			ID: row.ID, UserAgent: row.UserAgent, Address: row.Address, IsCurrent: row.ID == principal.SessionID,
			SandboxMode: row.SandboxMode, CreatedAt: row.CreatedAt.UTC(), LastUsedAt: row.LastUsedAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(),
		}
	}
	end := func(s Session) position { return position{s.CreatedAt, s.ID} }
	return keyset.NewList(page, rows, principal.UserID, convert, end), nil
}

// Revoke ends one of the signed-in user's sessions; its token stops working at once.
// Errors: NotFound for a session that is somebody else's or has ended.
func (s *Sessions) Revoke(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) error {
	principal, err := principalOf(scope)
	if err != nil {
		return err
	}
	ended, err := s.end(ctx, scope, principal.UserID, id)
	if err == nil && !ended {
		return apperr.NewNotFound("session")
	}
	return err
}

// end reports whether there was a session to end.
func (s *Sessions) end(ctx context.Context, scope *tenancy.Scope, userID, id uuid.UUID) (ended bool, err error) {
	err = s.store.InControl(ctx, scope, func(tx pgx.Tx) error {
		rows, err := queries.RevokeSession(ctx, tx, identitydb.RevokeSessionParams{ID: id, UserID: userID, Now: scope.RealNow()})
		if err != nil {
			return fmt.Errorf("revoke session: %w", err)
		}
		if ended = rows > 0; !ended {
			return nil
		}
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "session.ended", Outcome: audit.Success, TargetType: "session", TargetID: id.String(),
		})
	})
	return ended, err
}
