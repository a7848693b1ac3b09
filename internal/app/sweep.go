package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/identity"
)

const sweepInterval = time.Hour

// sweep removes what nobody needs any more, now and once in an interval, until ctx
// ends. Every server does; twice at once does no harm.
func (a *App) sweep(ctx context.Context, now func() time.Time, log *slog.Logger) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		swept, err := identity.Sweep(ctx, a.Store, now())
		switch {
		case err != nil && !errors.Is(err, context.Canceled):
			log.Error("sweep", "error", err)
		case swept != identity.Swept{}:
			log.Info("swept", "sessions", swept.Sessions, "login_throttles", swept.Throttles)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
