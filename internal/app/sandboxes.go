package app

import (
	"context"
	"fmt"
	"io"

	"github.com/smoothschedule/smoothschedule/internal/identity"
)

// CreateSandboxes creates the missing sandboxes of businesses in the configured database.
func CreateSandboxes(ctx context.Context, c Config, out io.Writer) error {
	if c.DatabaseURL == "" {
		return fmt.Errorf("%sDATABASE_URL is missing: sandbox create needs a database", Prefix)
	}
	return withApp(ctx, c, c.DatabaseURL, NewLogger(c), func(a *App) error {
		names, err := identity.CreateMissingSandboxes(ctx, a.Store)
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := fmt.Fprintln(out, "created", name); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintf(out, "%d sandboxes created.\n", len(names))
		return err
	})
}
