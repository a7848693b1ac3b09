package identity

import (
	"context"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/names"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// The bounds of new passwords, in characters, as the contract has them.
const (
	minPasswordLength = 10
	maxPasswordLength = 200
)

// SuperuserInput is a superuser to be.
type SuperuserInput struct {
	Email, Name, Password string
}

// CreateSuperuser adds a superuser for whoever runs the installation, who needs nobody's
// permission; scope says when, and is of no tenant. Errors: ValidationFailed, also for a weak
// password, AlreadyExists if the platform has a user with the address, who stays as they are.
func CreateSuperuser(ctx context.Context, store *store.Store, hasher *Hasher, scope *tenancy.Scope, in SuperuserInput) (User, error) {
	in.Name = names.Clean(in.Name)
	if err := names.Check(in.Name); err != nil {
		return User{}, apperr.NewInvalid("/name", "%s", err)
	}
	if n := utf8.RuneCountInString(in.Password); n < minPasswordLength || n > maxPasswordLength {
		return User{}, apperr.NewInvalid("/password", "A password has between %d and %d characters.", minPasswordLength, maxPasswordLength)
	}
	hash, err := hasher.HashNew(ctx, "/password", in.Password, in.Email, in.Name)
	if err != nil {
		return User{}, err
	}
	var created User
	err = store.InPlatform(ctx, scope, func(tx pgx.Tx) error {
		created, err = CreatePlatformUser(ctx, tx, NewUser{
			Email: in.Email, Name: in.Name, Role: tenancy.RoleSuperuser, PasswordHash: hash, ChosenByOwner: true,
		}, scope.RealNow())
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "user.created", Outcome: audit.Success, TargetType: "user", TargetID: created.ID.String(),
			Detail: map[string]any{"email": created.Email, "role": created.Role, "by": "command"},
		})
	})
	return created, err
}
