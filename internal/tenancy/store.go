package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/events"
)

// Store is the way to the database. Its two pools work as the roles
// smoothschedule_app (one environment at a time) and smoothschedule_platform (all
// of them).
type Store struct {
	app      *pgxpool.Pool
	platform *pgxpool.Pool
}

// NewStore uses pools that already work as the two roles.
func NewStore(app, platform *pgxpool.Pool) *Store {
	return &Store{app: app, platform: platform}
}

// Tx is a transaction inside one environment. Everything a service changes, it
// changes through it.
type Tx struct {
	pgx.Tx
	events []events.Event
}

// Emit records that something happened. The event becomes visible with the
// commit, at the place in the environment's feed that the commit has; data is the
// object after the change, as the API shows it.
func (tx *Tx) Emit(eventType string, data any) {
	tx.events = append(tx.events, events.Event{Type: eventType, Data: data})
}

// maxAttempts bounds how often a transaction is repeated after PostgreSQL
// sacrificed it to resolve a deadlock.
const maxAttempts = 4

// InEnv runs fn in a transaction in the scope's environment: row-level security
// shows it that environment only. An error of fn, or a panic, rolls everything
// back. When PostgreSQL aborts the transaction because of a deadlock, it is run
// again from the start, so fn must have no effects but through tx.
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
	var err error
	for range maxAttempts {
		err = s.once(ctx, envID, scope, fn)
		if !sacrificed(err) {
			return err
		}
	}
	return apperr.New(apperr.Busy, "Too many requests change the same objects at the same time. Try again.").WithCause(err)
}

// once begins with two statements in one round trip; the id is a UUID's own text,
// so nothing can be injected through it.
func (s *Store) once(ctx context.Context, envID uuid.UUID, scope *Scope, fn func(tx *Tx) error) error {
	conn, err := s.app.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire a connection: %w", err)
	}
	defer conn.Release() // which closes it, and so rolls back, if the transaction is still open
	inner, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: "begin; set local app.env_id = '" + envID.String() + "'"})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	tx := &Tx{Tx: inner}
	if err := fn(tx); err != nil {
		return errors.Join(err, rollback(ctx, inner))
	}
	if len(tx.events) == 0 {
		return inner.Commit(ctx)
	}
	err = events.Append(ctx, committing{inner}, envID, scope.ActorID(), scope.Now, tx.events)
	if err != nil {
		return errors.Join(err, rollback(ctx, inner))
	}
	return nil
}

// rollback also works when ctx has ended, so that the connection can be used again.
func rollback(ctx context.Context, tx pgx.Tx) error {
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := tx.Rollback(finish); err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		return fmt.Errorf("rollback: %w", err)
	}
	return nil
}

// committing executes one statement and the commit in the same round trip. The
// sequence of the environment's events is locked for no longer than that.
type committing struct{ pgx.Tx }

// Exec returns what the statement did, once it is committed.
func (c committing) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	batch := &pgx.Batch{}
	batch.Queue(sql, args...)
	batch.Queue("commit")
	results := c.SendBatch(ctx, batch)
	tag, err := results.Exec()
	if err != nil {
		return tag, errors.Join(err, results.Close())
	}
	committed, err := results.Exec()
	if err == nil && committed.String() != "COMMIT" {
		err = fmt.Errorf("commit answered %s", committed)
	}
	return tag, errors.Join(err, results.Close())
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
	return pgx.BeginFunc(ctx, s.platform, fn)
}

// Control reads and writes the control plane (users, sessions, tenants): no
// environment is set, so business rows are invisible.
func (s *Store) Control() *pgxpool.Pool { return s.app }

// InControl runs fn in a transaction on the control plane.
func (s *Store) InControl(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.app, fn)
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
