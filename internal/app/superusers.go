package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/identity"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// CreateSuperuser creates a platform superuser in the configured database. It returns an error if a
// platform user has the address; that user is not changed.
func CreateSuperuser(ctx context.Context, c Config, in identity.SuperuserInput, out io.Writer) error {
	if c.DatabaseURL == "" {
		return fmt.Errorf("%sDATABASE_URL is missing: superuser create needs a database", Prefix)
	}
	return withApp(ctx, c, c.DatabaseURL, NewLogger(c), func(a *App) error {
		scope := &tenancy.Scope{RequestID: "command-" + uuid.NewString(), Now: time.Now().UTC().Truncate(time.Microsecond)}
		user, err := identity.CreateSuperuser(ctx, a.Store, a.Hasher, scope, in)
		if errors.Is(err, apperr.New(apperr.AlreadyExists, "")) {
			return fmt.Errorf("the platform already has a user with the address %s; nothing was changed", in.Email)
		}
		if refusal, ok := errors.AsType[*apperr.Error](err); ok {
			return errors.New(refusal.Detail)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s is a superuser now.\n", user.Email)
		return err
	})
}
