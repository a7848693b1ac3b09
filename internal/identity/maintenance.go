package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/store"
)

// deadSessionsKept is for how long a session that has ended can still be looked into.
const deadSessionsKept = 7 * 24 * time.Hour

// Swept counts what a sweep has removed.
type Swept struct {
	Sessions       int64
	Throttles      int64
	PasswordResets int64
}

// Sweep removes sessions that ended a week ago or earlier, failures of sign-in
// that no longer count, and password resets that nobody used in time. It may run at any time, also twice at once.
func Sweep(ctx context.Context, store *store.Store, now time.Time) (Swept, error) {
	var swept Swept
	var err error
	if swept.Sessions, err = queries.DeleteDeadSessions(ctx, store.Control(), now.Add(-deadSessionsKept)); err != nil {
		return swept, fmt.Errorf("delete dead sessions: %w", err)
	}
	if swept.Throttles, err = queries.DeleteOldLoginThrottles(ctx, store.Control(), now.Add(-throttleWindow)); err != nil {
		return swept, fmt.Errorf("delete old login throttles: %w", err)
	}
	if swept.PasswordResets, err = queries.DeleteOldPasswordResets(ctx, store.Control(), now); err != nil {
		return swept, fmt.Errorf("delete old password resets: %w", err)
	}
	return swept, nil
}
