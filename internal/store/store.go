// Package store is the way to the database: transactions and reads inside one environment,
// on the control plane (users, sessions, tenants), and across environments for the platform.
//
// It calls events (to append them) and its own queries. Invariants: business rows are visible
// only in the environment of the scope, by row-level security, so a scope without one shows nothing; events
// are written by the last statement before the commit; a pending OptimisticIdentity is checked in
// the first round trip; nothing here knows HTTP or a domain.
package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// DB runs statements.
type DB = batch.DB

// Store has one pool for each of two database roles: smoothschedule_app sees one environment
// at a time, smoothschedule_platform all of them.
type Store struct {
	app      *pgxpool.Pool
	platform *pgxpool.Pool
	// onEvents is called with environments in which events have been committed; it may be nil.
	onEvents func(envID uuid.UUID)
}

// New takes pools that already use the two roles.
func New(app, platform *pgxpool.Pool) *Store {
	return &Store{app: app, platform: platform}
}

// OnEvents sets the function that is called after each commit of events, before InEnv returns.
// It must not block. Call it before the Store is used.
func (s *Store) OnEvents(fn func(envID uuid.UUID)) { s.onEvents = fn }

// InEnv runs fn in a transaction in the scope's environment. An error or a panic of fn rolls
// it back. fn is run again after a deadlock, a serialization failure or an error made by Retry
// (see maxAttempts), so it must have no effects except through tx.
//
// Errors: TenantRequired without an environment; Busy after the last attempt; ErrStaleIdentity;
// those of fn.
func (s *Store) InEnv(ctx context.Context, scope *tenancy.Scope, fn func(tx *Tx) error) error {
	if scope.Env.ID == uuid.Nil {
		return apperr.New(apperr.TenantRequired, "This request belongs to no business.")
	}
	return retry(ctx, func() error { return s.attempt(ctx, scope.Env.ID, scope, fn) })
}

// InSandbox is InEnv in the sandbox of the tenant, whatever the mode of the request. Errors:
// SandboxDisabled.
func (s *Store) InSandbox(ctx context.Context, scope *tenancy.Scope, fn func(tx *Tx) error) error {
	if scope.Tenant == nil || scope.Tenant.Sandbox.ID == uuid.Nil {
		return apperr.New(apperr.SandboxDisabled, "This business has no sandbox.")
	}
	return retry(ctx, func() error { return s.attempt(ctx, scope.Tenant.Sandbox.ID, scope, fn) })
}

// In is InEnv for a function with a result, which is the zero value with an error.
func In[T any](ctx context.Context, s *Store, scope *tenancy.Scope, fn func(tx *Tx) (T, error)) (T, error) {
	var result T
	err := s.InEnv(ctx, scope, func(tx *Tx) (err error) {
		result, err = fn(tx)
		return err
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return result, nil
}

func (s *Store) attempt(ctx context.Context, envID uuid.UUID, scope *tenancy.Scope, fn func(tx *Tx) error) error {
	if err := scope.Identity().Err(); err != nil {
		return err
	}
	session := sessionOf(scope)
	if session.Open() {
		return session.joinEnv(ctx, envID, scope, fn)
	}
	conn, err := s.app.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire a connection: %w", err)
	}
	held := false
	tx := &Tx{conn: conn, envID: envID, identity: scope.Identity()}
	defer func() {
		if !held {
			_ = tx.rollback(ctx) // after a panic; Release closes a connection that cannot roll back
			conn.Release()
		}
	}()
	if err := session.begin(ctx, tx); err != nil {
		return errors.Join(err, tx.rollback(ctx))
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.rollback(ctx))
	}
	if session == nil {
		err = tx.commit(ctx, scope)
	} else {
		err = tx.runOnCommit(ctx, scope) // here, where the transaction can still be retried
	}
	if err != nil {
		return errors.Join(err, tx.rollback(ctx))
	}
	held = session.hold(&heldEnv{Tx: tx, store: s})
	if !held {
		s.notify(tx)
	}
	return nil
}

// notify reports the environment of a transaction whose events have been committed.
func (s *Store) notify(tx *Tx) {
	if tx.emitted && s.onEvents != nil {
		s.onEvents(tx.envID)
	}
}

// InPlatform runs fn in a transaction that sees every environment. Only platform administration
// and background sweeps may use it. scope is that of the request, or nil outside of requests. It
// is not retried.
func (s *Store) InPlatform(ctx context.Context, scope *tenancy.Scope, fn func(tx pgx.Tx) error) error {
	return inPool(ctx, scope, s.platform, fn)
}

// InControl runs fn in a transaction on the control plane, where business rows are invisible.
// scope is that of the request, or nil outside of requests. It is not retried.
func (s *Store) InControl(ctx context.Context, scope *tenancy.Scope, fn func(tx pgx.Tx) error) error {
	return inPool(ctx, scope, s.app, fn)
}

// Control runs single statements on the control plane: no environment is set, so business rows
// are invisible. It does not check an OptimisticIdentity.
func (s *Store) Control() DB { return s.app }

// Connections returns the number of connections in use, and the maximum, of the application's pool.
func (s *Store) Connections() (used, limit int32) {
	stat := s.app.Stat()
	return stat.AcquiredConns(), stat.MaxConns()
}

// inPool runs fn in a transaction without an environment.
func inPool(ctx context.Context, scope *tenancy.Scope, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	if scope == nil {
		return pgx.BeginFunc(ctx, pool, fn)
	}
	if err := scope.Revalidate(ctx); err != nil {
		return err
	}
	session := sessionOf(scope)
	if session == nil {
		return pgx.BeginFunc(ctx, pool, fn)
	}
	if session.Open() {
		return session.joinPool(ctx, pool, fn)
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire a connection: %w", err)
	}
	held := false
	defer func() {
		if !held {
			conn.Release() // closes it, and so rolls back, if a panic left the transaction open
		}
	}()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	if err := session.begin(ctx, tx); err != nil {
		return errors.Join(err, rollbackPool(ctx, tx))
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, rollbackPool(ctx, tx))
	}
	held = session.hold(&heldPool{Tx: tx, pool: pool, conn: conn})
	return nil
}

// rollbackPool also works when ctx has ended.
func rollbackPool(ctx context.Context, tx pgx.Tx) error {
	finish, cancel := cleanupContext(ctx)
	defer cancel()
	return tx.Rollback(finish)
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
