package tenancy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
)

// Store is the way to the database. Its two pools work as the roles
// smoothschedule_app (one environment at a time) and smoothschedule_platform (all
// of them).
type Store struct {
	app      *pgxpool.Pool
	platform *pgxpool.Pool
	// onEvents hears of environments in which events have been committed; it may be nil.
	onEvents func(envID uuid.UUID)
}

// NewStore uses pools that already work as the two roles.
func NewStore(app, platform *pgxpool.Pool) *Store {
	return &Store{app: app, platform: platform}
}

// OnEvents lets a function hear of every environment in which events have just been
// committed. It is called before InEnv returns and must not block. Set it before the Store
// is used.
func (s *Store) OnEvents(hear func(envID uuid.UUID)) { s.onEvents = hear }

// maxAttempts bounds how often a transaction is repeated after PostgreSQL
// sacrificed it to resolve a deadlock.
const maxAttempts = 4

// InEnv runs fn in a transaction in the scope's environment: row-level security
// shows it that environment only. An error of fn, or a panic, rolls everything
// back. When PostgreSQL aborts the transaction because of a deadlock, it is run again from the
// start, so fn must have no effects but through tx.
func (s *Store) InEnv(ctx context.Context, scope *Scope, fn func(tx *Tx) error) error {
	if scope.Env.ID == uuid.Nil {
		return apperr.New(apperr.TenantRequired, "This request belongs to no business.")
	}
	return s.inEnvironment(ctx, scope.Env.ID, scope, fn)
}

// InSandbox is InEnv for the tenant's sandbox, whatever the mode of the request.
func (s *Store) InSandbox(ctx context.Context, scope *Scope, fn func(tx *Tx) error) error {
	if scope.Tenant == nil || scope.Tenant.Sandbox.ID == uuid.Nil {
		return apperr.New(apperr.SandboxDisabled, "This business has no sandbox.")
	}
	return s.inEnvironment(ctx, scope.Tenant.Sandbox.ID, scope, fn)
}

func (s *Store) inEnvironment(ctx context.Context, envID uuid.UUID, scope *Scope, fn func(tx *Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := s.once(ctx, envID, scope, fn)
		if !sacrificed(err) {
			return err
		}
		if attempt >= maxAttempts {
			return busy(err)
		}
		if err := stepAside(ctx, attempt); err != nil {
			return err
		}
	}
}

// stepAside lets those go first who waited for what a sacrificed transaction had: who comes
// back at once may take it from them again, and be sacrificed again.
func stepAside(ctx context.Context, attempt int) error {
	pause := time.NewTimer(rand.N(20 * time.Millisecond << attempt)) //nolint:gosec // nobody gains by guessing it
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-pause.C:
		return nil
	}
}

func busy(err error) error {
	return apperr.New(apperr.Busy, "Too many requests change the same objects at the same time. Try again.").WithCause(err)
}

func (s *Store) once(ctx context.Context, envID uuid.UUID, scope *Scope, fn func(tx *Tx) error) error {
	if err := scope.presumed.refuted(); err != nil {
		return err
	}
	if scope.Idempotency.Parked() {
		return scope.Idempotency.joinEnv(ctx, envID, scope, fn)
	}
	conn, err := s.app.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire a connection: %w", err)
	}
	parked := false
	tx := &Tx{conn: conn, envID: envID, presumed: scope.presumed}
	defer func() {
		if !parked {
			_ = tx.rollback(ctx) // after a panic; what cannot be rolled back is closed by Release
			conn.Release()
		}
	}()
	if err := scope.Idempotency.claim(ctx, tx); err != nil {
		return errors.Join(err, tx.rollback(ctx))
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.rollback(ctx))
	}
	if scope.Idempotency == nil {
		err = tx.commit(ctx, scope)
	} else {
		err = tx.end(ctx, scope) // here, where the transaction can still be repeated
	}
	if err != nil {
		return errors.Join(err, tx.rollback(ctx))
	}
	parked = scope.Idempotency.park(parkedTx{tx, func() { s.tell(tx) }})
	if !parked {
		s.tell(tx)
	}
	return nil
}

// tell lets whoever wants to know hear of events that have been committed.
func (s *Store) tell(tx *Tx) {
	if tx.emitted && s.onEvents != nil {
		s.onEvents(tx.envID)
	}
}

// sacrificed reports whether PostgreSQL chose the transaction as the one to abort
// (deadlock_detected, serialization_failure).
func sacrificed(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "40P01" || pgErr.Code == "40001")
}

// InPlatform runs fn in a transaction that sees every environment. Only the
// platform's administration and sweepers may use it; business requests never do.
func (s *Store) InPlatform(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return inPlain(ctx, s.platform, fn)
}

// Control reads and writes the control plane (users, sessions, tenants): no
// environment is set, so business rows are invisible.
func (s *Store) Control() *pgxpool.Pool { return s.app }

// InControl runs fn in a transaction on the control plane.
func (s *Store) InControl(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return inPlain(ctx, s.app, fn)
}

// Keep makes what the scope's idempotent request has done, and the answer to it, last:
// both or neither. Errors: as for InEnv.
func (s *Store) Keep(ctx context.Context, scope *Scope, answer Answer) error {
	if !scope.Idempotency.Parked() { // nothing was to be changed; the next time is told the same
		if err := s.InControl(ctx, func(pgx.Tx) error { return nil }); err != nil {
			return err
		}
	}
	return scope.Idempotency.Finish(ctx, answer)
}

// Ping reports whether the database answers both roles.
func (s *Store) Ping(ctx context.Context) error {
	for name, pool := range map[string]*pgxpool.Pool{"app": s.app, "platform": s.platform} {
		if err := pool.Ping(ctx); err != nil {
			return fmt.Errorf("database as %s: %w", name, err)
		}
	}
	return nil
}
