package identity

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// User is somebody who may sign in. Its JSON form is the data of the
// events user.created, user.updated and user.deleted.
type User struct {
	ID    uuid.UUID `json:"id"`
	Email string    `json:"email"`
	// Username is the e-mail address unless another was chosen.
	Username string       `json:"username"`
	Name     string       `json:"name"`
	Role     tenancy.Role `json:"role"`
	// TenantID is nil for users of the platform.
	TenantID  *uuid.UUID `json:"tenant_id"`
	IsSandbox bool       `json:"is_sandbox"`
	// IsActive is whether they may sign in.
	IsActive bool `json:"is_active"`
	// IsStaff is whether the role is one of the platform, IsSuperuser whether it is SUPERUSER.
	IsStaff     bool       `json:"is_staff"`
	IsSuperuser bool       `json:"is_superuser"`
	LastLoginAt *time.Time `json:"last_login_at"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	Version     int32      `json:"version"`
}

func newUser(row identitydb.User) User {
	role := tenancy.Role(row.Role)
	user := User{
		ID: row.ID, Email: row.Email, Username: row.Username, Name: row.Name, Role: role, TenantID: row.TenantID,
		IsSandbox: row.IsSandbox, IsActive: row.IsActive, IsStaff: role.Platform(), IsSuperuser: role == tenancy.RoleSuperuser,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(), Version: row.Version,
	}
	if row.LastLoginAt != nil {
		at := row.LastLoginAt.UTC()
		user.LastLoginAt = &at
	}
	return user
}

// UserInput is what a new user is made of.
type UserInput struct {
	Email string
	// Username is the e-mail address if it is empty.
	Username string
	Name     string
	Role     tenancy.Role
	Password string
}

// UserPatch changes the fields that are not nil.
type UserPatch struct {
	Email    *string
	Username *string
	Name     *string
	Role     *tenancy.Role
	IsActive *bool
}

// UserFilter narrows a list of users; nil means all.
type UserFilter struct {
	Role     *tenancy.Role `json:"role"`
	IsActive *bool         `json:"is_active"`
}

// Users is the service for those who work for a tenant: owners, managers and staff.
type Users struct {
	store  *store.Store
	hasher *Hasher
}

// NewUsers keeps users in the store and hashes their passwords with the hasher.
func NewUsers(store *store.Store, hasher *Hasher) *Users {
	return &Users{store: store, hasher: hasher}
}

// worksForTenant reports whether users with the role are in the list of the tenant's
// users and count against max_users.
func worksForTenant(role tenancy.Role) bool {
	return role == tenancy.RoleOwner || role == tenancy.RoleManager || role == tenancy.RoleStaff
}

// Me returns the signed-in user, of whatever role. Errors: Unauthorized.
func (s *Users) Me(ctx context.Context, scope *tenancy.Scope) (User, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return User{}, err
	}
	row, err := queries.GetUserByID(ctx, s.store.Control(), principal.UserID)
	if errors.Is(err, pgx.ErrNoRows) {
		return User{}, apperr.New(apperr.Unauthorized, "Your account has just been deleted.")
	}
	if err != nil {
		return User{}, fmt.Errorf("get own user: %w", err)
	}
	return newUser(row), nil
}

// List returns users of the current mode, the newest first. Errors: InvalidCursor.
func (s *Users) List(ctx context.Context, scope *tenancy.Scope, filter UserFilter, page keyset.Page) (keyset.List[User], error) {
	if err := inTenant(scope); err != nil {
		return keyset.List[User]{}, err
	}
	after, err := decode(page, filter)
	if err != nil {
		return keyset.List[User]{}, err
	}
	rows, err := queries.ListTenantUsers(ctx, s.store.Control(), identitydb.ListTenantUsersParams{
		TenantID: scope.Tenant.ID, IsSandbox: scope.SandboxMode(), Role: (*string)(filter.Role), IsActive: filter.IsActive,
		BeforeCreatedAt: after.CreatedAt, BeforeID: after.ID, RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[User]{}, fmt.Errorf("list users: %w", err)
	}
	return keyset.NewList(page, rows, filter, newUser, func(u User) position { return position{u.CreatedAt, u.ID} }), nil
}

// Get returns a user of the current mode. Errors: NotFound.
func (s *Users) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (User, error) {
	if err := inTenant(scope); err != nil {
		return User{}, err
	}
	row, err := queries.GetTenantUser(ctx, s.store.Control(), identitydb.GetTenantUserParams{
		ID: id, TenantID: scope.Tenant.ID, IsSandbox: scope.SandboxMode(),
	})
	if err != nil {
		return User{}, userError("get", err)
	}
	return newUser(row), nil
}

// Create adds a user in the current mode, whose first password the signed-in one
// chooses. Errors: RoleNotAllowed unless the role is below one's own, ValidationFailed, AlreadyExists,
// QuotaExceeded.
func (s *Users) Create(ctx context.Context, scope *tenancy.Scope, in UserInput) (User, error) {
	principal, err := principalOf(scope)
	if err != nil {
		return User{}, err
	}
	if !worksForTenant(in.Role) {
		return User{}, apperr.NewInvalid("/role", "Users of a business are owners, managers or staff.")
	}
	if err := inTenant(scope); err != nil {
		return User{}, err
	}
	if err := mayMake(principal, in.Role); err != nil {
		return User{}, s.denied(ctx, scope, "", err)
	}
	hash, err := s.hasher.HashNew(ctx, "/password", in.Password, in.Email, in.Username, in.Name, scope.Tenant.Name)
	if err != nil {
		return User{}, err
	}
	var created User
	err = s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		created, err = CreateUser(ctx, tx, scope, NewUser{
			Email: in.Email, Username: in.Username, Name: in.Name, Role: in.Role, PasswordHash: hash,
		})
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "user.created", Outcome: audit.Success, TargetType: "user", TargetID: created.ID.String(),
			Detail: map[string]any{"email": created.Email, "role": created.Role},
		})
	})
	if err != nil {
		return User{}, err
	}
	return created, nil
}

// Update changes a user; with a version, only if they are at that version. Another
// role and deactivation end the user's sessions. Errors: NotFound, VersionMismatch,
// RoleNotAllowed for another user who is not below one, a role above one's own, or a higher role than before
// while another user may know the user's password; ValidationFailed, AlreadyExists, LastOwner.
func (s *Users) Update(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, patch UserPatch) (User, error) {
	if _, err := principalOf(scope); err != nil {
		return User{}, err
	}
	if err := patch.normalize(); err != nil {
		return User{}, err
	}
	var updated User
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) (err error) {
		updated, err = update(ctx, tx, scope, id, version, patch)
		return err
	})
	if err != nil {
		return User{}, s.denied(ctx, scope, id.String(), err)
	}
	return updated, nil
}

func update(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, version *int32, patch UserPatch) (User, error) {
	current, otherOwners, err := lock(ctx, tx, scope, id, version, patch.Role != nil || patch.IsActive != nil)
	if err != nil {
		return User{}, err
	}
	endsSessions, err := patch.check(scope.Principal, current, otherOwners)
	if err != nil {
		return User{}, err
	}
	if err := mayRaise(ctx, tx, current, patch.Role); err != nil {
		return User{}, err
	}
	row, err := queries.UpdateUser(ctx, tx, identitydb.UpdateUserParams{
		ID: id, TenantID: scope.Tenant.ID, IsSandbox: scope.SandboxMode(), Email: patch.Email, Username: patch.Username,
		Name: patch.Name, Role: (*string)(patch.Role), IsActive: patch.IsActive, Now: scope.Now,
	})
	if err != nil {
		return User{}, userError("update", err)
	}
	if endsSessions {
		err := queries.RevokeSessionsOfUser(ctx, tx, identitydb.RevokeSessionsOfUserParams{UserID: id, Now: scope.RealNow()})
		if err != nil {
			return User{}, fmt.Errorf("end sessions: %w", err)
		}
	}
	updated := newUser(row)
	tx.Emit("user.updated", updated)
	return updated, audit.Record(ctx, tx, scope, audit.Entry{
		Action: "user.updated", Outcome: audit.Success, TargetType: "user", TargetID: id.String(), Detail: patch.detail(current),
	})
}

// Delete removes a user, with a version only if they are at that version, ends their
// sessions and gives their quota back. Errors: NotFound, VersionMismatch,
// RoleNotAllowed for another user who is not below one, LastOwner.
func (s *Users) Delete(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) error {
	if _, err := principalOf(scope); err != nil {
		return err
	}
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, otherOwners, err := lock(ctx, tx, scope, id, version, true)
		if err != nil {
			return err
		}
		if isActiveOwner(current) && otherOwners == 0 {
			return lastOwner()
		}
		err = queries.DeleteUser(ctx, tx, identitydb.DeleteUserParams{
			ID: id, TenantID: scope.Tenant.ID, IsSandbox: scope.SandboxMode(),
		})
		if err != nil {
			return fmt.Errorf("delete user: %w", err)
		}
		if err := entitle.Release(ctx, tx, scope.Entitlements, entitle.MaxUsers, entitle.StockPeriod, 1); err != nil {
			return err
		}
		tx.Emit("user.deleted", current)
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "user.deleted", Outcome: audit.Success, TargetType: "user", TargetID: id.String(),
			Detail: map[string]any{"email": current.Email, "role": current.Role},
		})
	})
	return s.denied(ctx, scope, id.String(), err)
}

// lock locks a user for a change by the signed-in one, who must be above them, or be them.
// If the change could take an owner away, the owners are locked before, always in
// the same order: then two requests that each remove one of the last two owners wait
// for each other instead of both succeeding, or blocking each other for ever.
func lock(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, version *int32, withOwners bool,
) (current User, otherOwners int, err error) {
	if withOwners {
		owners, err := queries.LockActiveOwners(ctx, tx, identitydb.LockActiveOwnersParams{
			TenantID: scope.Tenant.ID, IsSandbox: scope.SandboxMode(),
		})
		if err != nil {
			return User{}, 0, fmt.Errorf("lock owners: %w", err)
		}
		otherOwners = len(slices.DeleteFunc(owners, func(owner uuid.UUID) bool { return owner == id }))
	}
	row, err := queries.GetTenantUserForUpdate(ctx, tx, identitydb.GetTenantUserForUpdateParams{
		ID: id, TenantID: scope.Tenant.ID, IsSandbox: scope.SandboxMode(),
	})
	if err != nil {
		return User{}, 0, userError("lock", err)
	}
	current = newUser(row)
	if err := mayChange(scope.Principal, current); err != nil {
		return User{}, 0, err
	}
	return current, otherOwners, etag.Check(version, current.Version, "user")
}

func isActiveOwner(u User) bool { return u.Role == tenancy.RoleOwner && u.IsActive }

func lastOwner() error {
	return apperr.New(apperr.LastOwner, "This is the last active owner. Make somebody else an owner first.")
}

// outranks is the one rule about who is above whom.
func outranks(actor, target tenancy.Role) bool { return actor.Rank() > target.Rank() }

// mayChange returns a RoleNotAllowed error for another user who is not below the signed-in one,
// whatever the change: who could change an address, a role or a password of their peers could become them.
func mayChange(principal *tenancy.Principal, user User) error {
	if user.ID == principal.UserID || outranks(principal.Role, user.Role) {
		return nil
	}
	return apperr.New(apperr.RoleNotAllowed, "Your role, %s, may not change other users with the role %s.", principal.Role, user.Role)
}

// mayMake returns a RoleNotAllowed error for a role that is not below the giver's own: they choose
// the password, and so could be the user.
func mayMake(giver *tenancy.Principal, role tenancy.Role) error {
	if outranks(giver.Role, role) {
		return nil
	}
	return apperr.New(apperr.RoleNotAllowed, "Your role, %s, may not make users with the role %s. Invite them, so that they choose their password.",
		giver.Role, role).WithFields(apperr.Field{Pointer: "/role", Detail: "is not below your own role."})
}

// mayGive returns a RoleNotAllowed error for a role above the giver's own.
func mayGive(giver *tenancy.Principal, role tenancy.Role) error {
	if role.Rank() <= giver.Role.Rank() {
		return nil
	}
	return apperr.New(apperr.RoleNotAllowed, "Your role, %s, may not give the role %s.", giver.Role, role).
		WithFields(apperr.Field{Pointer: "/role", Detail: "is above your own role."})
}

// mayRaise returns a RoleNotAllowed error for a role above the user's current one while another user may know
// their password, and so could sign in with the new role. The user must be locked, so that no request replaces
// the password before the transaction ends.
func mayRaise(ctx context.Context, tx identitydb.DBTX, user User, role *tenancy.Role) error {
	if role == nil || !outranks(*role, user.Role) {
		return nil
	}
	chosen, err := queries.PasswordChosenByOwner(ctx, tx, user.ID)
	if err != nil {
		return fmt.Errorf("get who chose the password: %w", err)
	}
	if chosen {
		return nil
	}
	const detail = "They still have a password that another user may know. They have to change it first, or be invited."
	return apperr.New(apperr.RoleNotAllowed, detail).WithFields(apperr.Field{Pointer: "/role", Detail: detail})
}

// denied is recordDenied for a user.
func (s *Users) denied(ctx context.Context, scope *tenancy.Scope, id string, err error) error {
	return recordDenied(ctx, s.store, scope, id, err)
}

// recordDenied records an attempt to reach above one's own role to a user, outside of
// the transaction that it ended, and returns err.
func recordDenied(ctx context.Context, store *store.Store, scope *tenancy.Scope, id string, err error) error {
	if !errors.Is(err, apperr.New(apperr.RoleNotAllowed, "")) {
		return err
	}
	auditErr := audit.Record(ctx, store.Control(), scope, audit.Entry{
		Action: "access.denied", Outcome: audit.Denied, TargetType: "user", TargetID: id,
		Detail: map[string]any{"code": apperr.RoleNotAllowed.Name},
	})
	if auditErr != nil {
		return errors.Join(auditErr, err)
	}
	return err
}

func userError(doing string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewNotFound("user")
	}
	return refused(fmt.Errorf("%s user: %w", doing, err))
}

// normalize brings the fields into the form that is stored. Errors: ValidationFailed.
func (p *UserPatch) normalize() error {
	if p.Email != nil {
		email := normalizeEmail(*p.Email)
		if err := validateEmail(email); err != nil {
			return err
		}
		p.Email = &email
	}
	if p.Role != nil && !worksForTenant(*p.Role) {
		return apperr.NewInvalid("/role", "Users of a business are owners, managers or staff.")
	}
	return nil
}

// check decides whether the principal may change the user like this, and reports
// whether that ends the user's sessions. Errors: RoleNotAllowed, LastOwner.
func (p *UserPatch) check(principal *tenancy.Principal, current User, otherOwners int) (endsSessions bool, err error) {
	if p.Role != nil {
		if err := mayGive(principal, *p.Role); err != nil {
			return false, err
		}
	}
	reassigned := p.Role != nil && *p.Role != current.Role
	deactivated := p.IsActive != nil && !*p.IsActive && current.IsActive
	if isActiveOwner(current) && (reassigned || deactivated) && otherOwners == 0 {
		return false, lastOwner()
	}
	return reassigned || deactivated, nil
}

// detail says what the patch changed, for the trail.
func (p *UserPatch) detail(before User) map[string]any {
	var fields []string
	detail := map[string]any{}
	for name, given := range map[string]bool{
		"email": p.Email != nil, "username": p.Username != nil, "name": p.Name != nil,
	} {
		if given {
			fields = append(fields, name)
		}
	}
	if p.Role != nil {
		fields = append(fields, "role")
		detail["role"] = map[string]any{"from": before.Role, "to": *p.Role}
	}
	if p.IsActive != nil {
		fields = append(fields, "is_active")
		detail["is_active"] = map[string]any{"from": before.IsActive, "to": *p.IsActive}
	}
	slices.Sort(fields)
	detail["fields"] = fields
	return detail
}

func normalizeEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// validateEmail accepts a bare address, without a display name. Errors: ValidationFailed.
func validateEmail(email string) error {
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email {
		return invalidEmail()
	}
	return nil
}
