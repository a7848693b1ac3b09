package developer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/developerdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/audit"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// SandboxClock is the time in a sandbox: the real one, moved.
type SandboxClock struct {
	Now, RealNow time.Time
	// Ahead is how far Now is ahead of RealNow; negative is behind.
	Ahead time.Duration
}

// ClockChange says what becomes of a clock: exactly one of them is set.
type ClockChange struct {
	// Advance moves it on from where it is.
	Advance *time.Duration
	// Now sets it. It goes on from there.
	Now *time.Time
	// Reset gives it the real time back.
	Reset bool
}

// clockChanged is the data of the event sandbox.clock_changed.
type clockChanged struct {
	Now           time.Time `json:"now"`
	OffsetSeconds int64     `json:"offset_seconds"`
}

// The test clock stays where every instant can be written as RFC 3339, also in a year of use.
var (
	earliestClock = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	latestClock   = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// SandboxClocks is the service for the test clocks of sandboxes.
type SandboxClocks struct {
	store   *store.Store
	queries *developerdb.Queries
}

// NewSandboxClocks keeps clocks in the store.
func NewSandboxClocks(store *store.Store) *SandboxClocks {
	return &SandboxClocks{store: store, queries: developerdb.New()}
}

// Get returns the clock of the tenant's sandbox, whatever the mode of the request. Errors:
// SandboxDisabled.
func (s *SandboxClocks) Get(ctx context.Context, scope *tenancy.Scope) (*SandboxClock, error) {
	if err := requireSandbox(scope); err != nil {
		return nil, err
	}
	ahead, err := s.queries.GetSandboxClock(ctx, s.store.Control(), scope.Tenant.ID)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("get the clock of a sandbox: %w", err)
	}
	return newSandboxClock(scope, ahead), nil
}

func newSandboxClock(scope *tenancy.Scope, aheadMicroseconds int64) *SandboxClock {
	ahead := time.Duration(aheadMicroseconds) * time.Microsecond
	return &SandboxClock{Now: scope.RealNow().Add(ahead), RealNow: scope.RealNow(), Ahead: ahead}
}

func requireSandbox(scope *tenancy.Scope) error {
	if scope.Tenant == nil || !scope.Tenant.SandboxEnabled || scope.Tenant.Sandbox.ID == uuid.Nil {
		return apperr.New(apperr.SandboxDisabled, "The sandbox of this business is switched off.")
	}
	return nil
}

// Change moves the clock of the tenant's sandbox, whatever the mode of the request, and lets
// attempts at webhooks be made that are due by then. Errors: SandboxDisabled; ValidationFailed
// for an instant that is too early or too late.
func (s *SandboxClocks) Change(ctx context.Context, scope *tenancy.Scope, change ClockChange) (*SandboxClock, error) {
	if err := requireSandbox(scope); err != nil {
		return nil, err
	}
	var clock *SandboxClock
	inside := *scope
	err := s.store.InSandbox(ctx, &inside, func(tx *store.Tx) error {
		before, err := s.queries.GetSandboxClockForUpdate(ctx, tx, scope.Tenant.ID)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("lock the clock of a sandbox: %w", err)
		}
		ahead, err := s.move(ctx, tx, scope, change)
		if err != nil {
			return err
		}
		clock = newSandboxClock(scope, ahead)
		if clock.Now.Before(earliestClock) || !clock.Now.Before(latestClock) {
			return apperr.New(apperr.ValidationFailed, "The clock of a sandbox can show the years 2000 to 2099.")
		}
		// What the change causes happens on the new clock: on the old one it might lie years ahead.
		inside.Now, inside.Ahead = clock.Now, clock.Ahead
		if err := s.wakeAll(ctx, tx, scope.Tenant.Sandbox.ID, before-ahead); err != nil {
			return err
		}
		tx.Emit("sandbox.clock_changed", clockChanged{clock.Now, int64(clock.Ahead / time.Second)})
		return audit.Record(ctx, tx, scope, audit.Entry{
			Action: "sandbox.clock_changed", Outcome: audit.Success, TargetType: "environment", TargetID: scope.Tenant.Sandbox.ID.String(),
			Detail: map[string]any{"offset_seconds": int64(clock.Ahead / time.Second)},
		})
	})
	if err != nil {
		return nil, err
	}
	return clock, nil
}

// move changes the row and returns how many microseconds the clock is ahead then.
func (s *SandboxClocks) move(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, change ClockChange) (ahead int64, err error) {
	switch {
	case change.Advance != nil:
		ahead, err = s.queries.AdvanceSandboxClock(ctx, tx, developerdb.AdvanceSandboxClockParams{
			TenantID: scope.Tenant.ID, ByMicroseconds: change.Advance.Microseconds(), ChangedAt: scope.RealNow(),
		})
	case change.Now != nil:
		if change.Now.Before(earliestClock) || !change.Now.Before(latestClock) {
			return 0, apperr.NewInvalid("/now", "The clock of a sandbox can show the years 2000 to 2099.")
		}
		ahead = change.Now.Sub(scope.RealNow()).Microseconds()
		err = s.queries.SetSandboxClock(ctx, tx, developerdb.SetSandboxClockParams{
			TenantID: scope.Tenant.ID, AheadMicroseconds: ahead, ChangedAt: scope.RealNow(),
		})
	default:
		err = s.queries.DeleteSandboxClock(ctx, tx, scope.Tenant.ID)
	}
	if err != nil {
		return 0, fmt.Errorf("move the clock of a sandbox: %w", err)
	}
	return ahead, nil
}

// wakeAll lets jobs look after all endpoints to which something is on its way, and keeps their
// waits if the clock was set back, by some microseconds.
func (s *SandboxClocks) wakeAll(ctx context.Context, tx *store.Tx, envID uuid.UUID, back int64) error {
	if back > 0 {
		err := s.queries.BringForwardDeliveries(ctx, tx, developerdb.BringForwardDeliveriesParams{EnvID: envID, ByMicroseconds: back})
		if err != nil {
			return fmt.Errorf("bring attempts forward: %w", err)
		}
	}
	if err := s.queries.ForgetWakes(ctx, tx, envID); err != nil {
		return fmt.Errorf("forget what was planned: %w", err)
	}
	endpoints, err := s.queries.ListPendingEndpoints(ctx, tx, envID)
	if err != nil {
		return fmt.Errorf("list endpoints: %w", err)
	}
	for _, id := range endpoints {
		if err := wake(ctx, tx, envID, id); err != nil {
			return err
		}
	}
	return nil
}
