package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Session joins all transactions of a request into one. The first transaction is held open
// instead of being committed, later ones join it with a savepoint, and Commit or Rollback ends it. So the
// caller can add statements of its own, such as the answer of an idempotent request, to the same
// commit. All transactions of a session must be in the same environment and database role.
//
// A session belongs to one request (tenancy.Scope.Session) and is not safe for concurrent use.
type Session struct {
	onBegin func(ctx context.Context, db DB) error
	held    heldTx
}

// NewSession returns a session whose transaction begins with onBegin; it may be nil.
func NewSession(onBegin func(ctx context.Context, db DB) error) *Session {
	return &Session{onBegin: onBegin}
}

// JoinsTransactions implements tenancy.Session.
func (*Session) JoinsTransactions() {}

func sessionOf(scope *tenancy.Scope) *Session {
	session, _ := scope.Session.(*Session)
	return session
}

// heldTx is a transaction that waits for the end of its session. Both methods release its connection.
type heldTx interface {
	end(ctx context.Context, last []batch.Statement) error
	undo(ctx context.Context) error
}

var errCrossEnvironment = errors.New("the session has a transaction of another role or environment")

// Open reports whether a transaction is held open.
func (s *Session) Open() bool { return s != nil && s.held != nil }

func (s *Session) begin(ctx context.Context, db DB) error {
	if s == nil || s.onBegin == nil {
		return nil
	}
	return s.onBegin(ctx, db)
}

// hold reports whether the session holds the transaction open; without a session it does not.
func (s *Session) hold(tx heldTx) bool {
	if s == nil {
		return false
	}
	s.held = tx
	return true
}

// Commit runs the statements and commits. If no transaction is open, it begins one, on the control
// plane. Errors: Busy if PostgreSQL aborted the transaction; those of onBegin.
func (s *Session) Commit(ctx context.Context, store *Store, scope *tenancy.Scope, last ...batch.Statement) error {
	if !s.Open() {
		if err := store.InControl(ctx, scope, func(pgx.Tx) error { return nil }); err != nil {
			return err
		}
	}
	return s.end(ctx, last...)
}

func (s *Session) end(ctx context.Context, last ...batch.Statement) error {
	held := s.held
	s.held = nil
	if held == nil {
		return nil
	}
	if err := held.end(ctx, last); isAborted(err) {
		return busy(err)
	} else if err != nil {
		return fmt.Errorf("commit the session: %w", err)
	}
	return nil
}

// Rollback undoes what the session has done and not committed.
func (s *Session) Rollback(ctx context.Context) error {
	held := s.held
	s.held = nil
	if held == nil {
		return nil
	}
	return held.undo(ctx)
}

// heldEnv is a transaction inside an environment; its events are written already.
type heldEnv struct {
	*Tx
	store *Store
}

func (h *heldEnv) end(ctx context.Context, last []batch.Statement) error {
	defer h.conn.Release()
	h.OnCommit(last...)
	if err := h.commit(ctx, &tenancy.Scope{}); err != nil { // no events are left, so the scope does not matter
		return errors.Join(err, h.rollback(ctx))
	}
	h.store.notify(h.Tx)
	return nil
}

func (h *heldEnv) undo(ctx context.Context) error {
	defer h.conn.Release()
	return h.rollback(ctx)
}

// heldPool is a transaction without an environment.
type heldPool struct {
	pgx.Tx
	pool *pgxpool.Pool
	conn *pgxpool.Conn
}

func (h *heldPool) end(ctx context.Context, last []batch.Statement) error {
	defer h.conn.Release()
	for _, statement := range last {
		if err := statement.Run(ctx, h.Tx); err != nil {
			return errors.Join(err, rollbackPool(ctx, h.Tx))
		}
	}
	return h.Commit(ctx)
}

func (h *heldPool) undo(ctx context.Context) error {
	defer h.conn.Release()
	return rollbackPool(ctx, h.Tx)
}

// joinPool runs a further transaction of the request inside the held one.
func (s *Session) joinPool(ctx context.Context, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	held, ok := s.held.(*heldPool)
	if !ok || held.pool != pool {
		return errCrossEnvironment
	}
	return pgx.BeginFunc(ctx, held.Tx, fn)
}

// joinEnv is joinPool inside an environment.
func (s *Session) joinEnv(ctx context.Context, envID [16]byte, scope *tenancy.Scope, fn func(tx *Tx) error) error {
	held, ok := s.held.(*heldEnv)
	if !ok || held.envID != envID {
		return errCrossEnvironment
	}
	if _, err := held.Exec(ctx, "savepoint joined"); err != nil {
		return fmt.Errorf("join a transaction: %w", err)
	}
	err := fn(held.Tx)
	if err == nil {
		err = held.runOnCommit(ctx, scope)
	}
	if err != nil {
		held.onCommit, held.events = nil, nil
		finish, cancel := cleanupContext(ctx)
		defer cancel()
		_, rollbackErr := held.Exec(finish, "rollback to savepoint joined")
		return errors.Join(err, rollbackErr)
	}
	return nil
}
