package businesses

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/admindb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// User is a user of any business, or of the platform.
type User struct {
	ID                    uuid.UUID
	Email, Username, Name string
	Role                  tenancy.Role
	IsSandbox, IsActive   bool
	// Business is nil for users of the platform.
	Business *BusinessReference
	// EnvID is the environment they live in; nil for users of the platform.
	EnvID       *uuid.UUID
	LastLoginAt *time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int32
}

// BusinessReference is a short reference to a business.
type BusinessReference struct {
	ID               uuid.UUID
	Name, SchemaName string
}

// UserFilter narrows and orders the list of users; nil means all.
type UserFilter struct {
	// Search is part of a name, an address or a user name, in any case.
	Search    *string    `json:"search"`
	Business  *uuid.UUID `json:"business"`
	Role      *string    `json:"role"`
	IsActive  *bool      `json:"is_active"`
	IsSandbox *bool      `json:"is_sandbox"`
	Sort      Sort       `json:"sort"`
}

// UserPatch changes the fields that are not nil.
type UserPatch struct {
	Email    *string
	Username *string
	Name     *string
	Role     *tenancy.Role
	IsActive *bool
}

// Directory changes users by the rules of identity; internal/app implements it.
type Directory interface {
	// Update changes the user on behalf of the scope's principal; a version other
	// than nil must be the current one. It returns the user as written. Errors: NotFound, VersionMismatch, RoleNotAllowed,
	// ValidationFailed, AlreadyExists, LastOwner.
	Update(ctx context.Context, scope *tenancy.Scope, user User, version *int32, patch UserPatch) (User, error)
}

// Users is the service for users across the platform.
type Users struct {
	store     *store.Store
	directory Directory
}

// NewUsers reads users from the store and changes them through the directory.
func NewUsers(store *store.Store, directory Directory) *Users {
	return &Users{store: store, directory: directory}
}

// List returns users of all businesses and of the platform. Errors: InvalidCursor.
func (s *Users) List(ctx context.Context, filter UserFilter, page keyset.Page) (keyset.List[User], error) {
	after, err := filter.Sort.start(page, filter)
	if err != nil {
		return keyset.List[User]{}, err
	}
	params := admindb.ListUsersParams{
		Role: filter.Role, IsActive: filter.IsActive, IsSandbox: filter.IsSandbox, Pattern: pattern(filter.Search), Sort: string(filter.Sort),
		FirstPage: page.Cursor == "", AfterCreatedAt: after.CreatedAt, AfterName: after.Name, AfterID: after.ID, RowLimit: page.RowLimit(),
	}
	var rows []admindb.GetUserRow
	err = s.store.InPlatform(ctx, nil, func(tx pgx.Tx) (err error) {
		rows, err = listUsers(ctx, tx, filter.Business, params)
		return err
	})
	if err != nil {
		return keyset.List[User]{}, fmt.Errorf("list users: %w", err)
	}
	return keyset.NewList(page, rows, filter, newUser,
		func(u User) position { return filter.Sort.position(u.CreatedAt, u.Name, u.ID) }), nil
}

func listUsers(ctx context.Context, tx pgx.Tx, business *uuid.UUID, params admindb.ListUsersParams) ([]admindb.GetUserRow, error) {
	if business == nil {
		rows, err := queries.ListUsers(ctx, tx, params)
		return convertRows(rows, func(r admindb.ListUsersRow) admindb.GetUserRow { return admindb.GetUserRow(r) }), err
	}
	rows, err := queries.ListUsersOfBusiness(ctx, tx, admindb.ListUsersOfBusinessParams{
		TenantID: *business, Role: params.Role, IsActive: params.IsActive, IsSandbox: params.IsSandbox, Pattern: params.Pattern,
		Sort: params.Sort, FirstPage: params.FirstPage, AfterCreatedAt: params.AfterCreatedAt, AfterName: params.AfterName,
		AfterID: params.AfterID, RowLimit: params.RowLimit,
	})
	return convertRows(rows, func(r admindb.ListUsersOfBusinessRow) admindb.GetUserRow {
		return admindb.GetUserRow{
			ID: r.ID, TenantID: r.TenantID, EnvID: r.EnvID, IsSandbox: r.IsSandbox, Email: r.Email, Username: r.Username, Name: r.Name,
			Role: r.Role, IsActive: r.IsActive, LastLoginAt: r.LastLoginAt, Version: r.Version, CreatedAt: r.CreatedAt,
			UpdatedAt: r.UpdatedAt, BusinessName: &r.BusinessName, BusinessSchemaName: &r.BusinessSchemaName,
		}
	}), err
}

func convertRows[From, To any](rows []From, convert func(From) To) []To {
	out := make([]To, len(rows))
	for i, row := range rows {
		out[i] = convert(row)
	}
	return out
}

func newUser(row admindb.GetUserRow) User {
	user := User{
		ID: row.ID, Email: row.Email, Username: row.Username, Name: row.Name, Role: tenancy.Role(row.Role), IsSandbox: row.IsSandbox,
		IsActive: row.IsActive, EnvID: row.EnvID, LastLoginAt: inUTC(row.LastLoginAt), CreatedAt: row.CreatedAt.UTC(),
		UpdatedAt: row.UpdatedAt.UTC(), Version: row.Version,
	}
	if row.TenantID != nil {
		user.Business = &BusinessReference{ID: *row.TenantID, Name: *row.BusinessName, SchemaName: *row.BusinessSchemaName}
	}
	return user
}

// Get returns one user. Errors: NotFound.
func (s *Users) Get(ctx context.Context, id uuid.UUID) (User, error) {
	var row admindb.GetUserRow
	err := s.store.InPlatform(ctx, nil, func(tx pgx.Tx) (err error) {
		row, err = queries.GetUser(ctx, tx, id)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return User{}, apperr.NewNotFound("user")
	}
	if err != nil {
		return User{}, fmt.Errorf("get user: %w", err)
	}
	return newUser(row), nil
}

// Update changes a user by the rules of the business, or of the platform, that they
// belong to. Errors: those of Directory.Update.
func (s *Users) Update(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, patch UserPatch) (User, error) {
	user, err := s.Get(ctx, id)
	if err != nil {
		return User{}, err
	}
	updated, err := s.directory.Update(ctx, scope, user, version, patch)
	if err != nil {
		return User{}, err
	}
	return updated, nil
}
