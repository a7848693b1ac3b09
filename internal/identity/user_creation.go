package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/identitydb"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// NewUser is a user to be, of any role.
type NewUser struct {
	// ID is made if it is zero.
	ID    uuid.UUID
	Email string
	// Username is the e-mail address if it is empty.
	Username string
	Name     string
	Role     tenancy.Role
	// PasswordHash is one of Hasher.Hash's.
	PasswordHash string
	// ChosenByOwner is whether the user chose the password, so that nobody else knows it.
	ChosenByOwner bool
}

// CreateUser adds a user of the scope's tenant, in its environment, whose mode they
// inherit. Owners, managers and staff count against max_users, customers do
// not. It asks for no rights. Errors: ValidationFailed, AlreadyExists, QuotaExceeded.
func CreateUser(ctx context.Context, tx entitle.Tx, scope *tenancy.Scope, in NewUser) (User, error) {
	if err := inTenant(scope); err != nil {
		return User{}, err
	}
	if in.Role.Platform() {
		return User{}, fmt.Errorf("create user: %s is not a role of a tenant", in.Role)
	}
	created, err := insertUser(ctx, tx, in, &scope.Env, scope.Now)
	if err != nil || !worksForTenant(in.Role) {
		return created, err
	}
	if err := entitle.Reserve(ctx, tx, scope.Entitlements, entitle.MaxUsers, 1); err != nil {
		return User{}, err
	}
	tx.Emit("user.created", created)
	return created, nil
}

// CreatePlatformUser adds a user of the platform. It asks for no rights. Errors:
// ValidationFailed, AlreadyExists.
func CreatePlatformUser(ctx context.Context, tx pgx.Tx, in NewUser, now time.Time) (created User, err error) {
	if !in.Role.Platform() {
		return User{}, fmt.Errorf("create platform user: %s is not a role of the platform", in.Role)
	}
	err = asAdministration(ctx, tx, func() error {
		created, err = insertUser(ctx, tx, in, nil, now)
		return err
	})
	return created, err
}

func insertUser(ctx context.Context, db identitydb.DBTX, in NewUser, env *tenancy.Environment, now time.Time) (User, error) {
	params := identitydb.InsertUserParams{
		ID: in.ID, Email: normalizeEmail(in.Email), Username: in.Username, Name: in.Name,
		Role: string(in.Role), Now: now,
	}
	if err := validateEmail(params.Email); err != nil {
		return User{}, err
	}
	if in.Username == "" {
		params.Username = params.Email
	}
	if err := checkHash(in.PasswordHash); err != nil {
		return User{}, errors.Join(errors.New("insert user"), err)
	}
	if env != nil {
		params.TenantID, params.EnvID, params.IsSandbox = &env.TenantID, &env.ID, env.IsSandbox
	}
	if params.ID == uuid.Nil {
		id, err := uuid.NewV7()
		if err != nil {
			return User{}, fmt.Errorf("make user id: %w", err)
		}
		params.ID = id
	}
	row, err := queries.InsertUser(ctx, db, params)
	if err != nil {
		return User{}, userError("insert", err)
	}
	if env != nil {
		err = queries.SetFirstPassword(ctx, db, identitydb.SetFirstPasswordParams{UserID: row.ID, Hash: in.PasswordHash, ChosenByOwner: in.ChosenByOwner})
	} else {
		err = queries.SetFirstPlatformPassword(ctx, db, identitydb.SetFirstPlatformPasswordParams{
			UserID: row.ID, Hash: in.PasswordHash, ChosenByOwner: in.ChosenByOwner,
		})
	}
	if err != nil {
		return User{}, fmt.Errorf("set first password: %w", err)
	}
	return newUser(row), nil
}
