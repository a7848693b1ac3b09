package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/events"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Tx is a transaction inside one environment; generated queries take it as their DBTX.
//
// It saves round trips at both ends. The first statement is sent in one batch with BEGIN, the
// check of a pending OptimisticIdentity and the setting of the environment. The statements of OnCommit and the
// events are sent in one batch with COMMIT.
type Tx struct {
	conn     *pgxpool.Conn
	envID    uuid.UUID
	identity *tenancy.OptimisticIdentity
	begun    bool
	onCommit []batch.Statement
	events   []events.Event
	// emitted is whether events have been written.
	emitted bool
}

// Emit adds an event to the feed of the environment. It becomes visible with the commit, in the
// order of commits. data is the object after the change, in its API form.
func (tx *Tx) Emit(eventType string, data any) {
	tx.events = append(tx.events, events.Event{Type: eventType, Data: data})
}

// EmitAs is Emit with a given id, a UUID of version 7.
func (tx *Tx) EmitAs(id uuid.UUID, eventType string, data any) {
	tx.events = append(tx.events, events.Event{ID: id, Type: eventType, Data: data})
}

// Exec runs a statement.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if tx.begun && len(tx.onCommit) == 0 {
		return tx.conn.Exec(ctx, sql, args...)
	}
	results, err := tx.send(ctx, func(b *pgx.Batch) { b.Queue(sql, args...) })
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := results.Exec()
	return tag, errors.Join(err, results.Close())
}

// Query runs a statement that returns rows, which must be closed before the next statement.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if tx.begun && len(tx.onCommit) == 0 {
		return tx.conn.Query(ctx, sql, args...)
	}
	results, err := tx.send(ctx, func(b *pgx.Batch) { b.Queue(sql, args...) })
	if err != nil {
		return nil, err
	}
	return rowsOf(results)
}

// QueryRow runs a statement that returns one row.
func (tx *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return batch.RowOf(tx.Query(ctx, sql, args...))
}

// Batch runs statements in one round trip.
func (tx *Tx) Batch(ctx context.Context, statements ...batch.Statement) error {
	return runBatch(ctx, tx.sendBatch, statements)
}

// sendBatch is send for statements that are in a batch already.
func (tx *Tx) sendBatch(ctx context.Context, statements *pgx.Batch) (pgx.BatchResults, error) {
	return tx.send(ctx, func(b *pgx.Batch) { b.QueuedQueries = append(b.QueuedQueries, statements.QueuedQueries...) })
}

// send runs the statements that queue adds, behind the beginning of the transaction if it has not
// begun, and behind the statements of OnCommit, which turned out not to be the last ones.
func (tx *Tx) send(ctx context.Context, queue func(*pgx.Batch)) (pgx.BatchResults, error) {
	if statements := tx.onCommit; len(statements) > 0 {
		tx.onCommit = nil
		if err := tx.Batch(ctx, statements...); err != nil {
			return nil, err
		}
	}
	if tx.begun {
		b := &pgx.Batch{}
		queue(b)
		return tx.conn.SendBatch(ctx, b), nil
	}
	return tx.begin(ctx, queue)
}

func (tx *Tx) begin(ctx context.Context, queue func(*pgx.Batch)) (pgx.BatchResults, error) {
	b := &pgx.Batch{}
	b.Queue("begin")
	readOpening, err := queueOpening(ctx, b, tx.identity, tx.envID)
	if err != nil {
		return nil, err
	}
	queue(b)
	tx.begun = true
	results := tx.conn.SendBatch(ctx, b)
	_, err = results.Exec()
	if err == nil {
		err = readOpening(results)
	}
	if err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return results, nil
}

// OnCommit queues statements that are sent in the same round trip as COMMIT. They must report
// failure as an SQL error, which PostgreSQL logs; their results cannot be inspected before the
// commit. If another statement follows after all, they are sent before it.
func (tx *Tx) OnCommit(statements ...batch.Statement) {
	tx.onCommit = append(tx.onCommit, statements...)
}

// commit sends the last statements, the events and COMMIT in one batch, so that the sequence of
// the environment's events is locked no longer than that.
func (tx *Tx) commit(ctx context.Context, scope *tenancy.Scope) error {
	statements, err := tx.lastStatements(scope)
	if err != nil {
		return err
	}
	if len(statements) == 0 && !tx.begun {
		return nil
	}
	if !tx.begun && tx.identity.Pending() { // it must be checked before, not in, the round trip that commits
		if err := tx.Batch(ctx); err != nil {
			return err
		}
	}
	b := &pgx.Batch{}
	if err := batch.Queue(ctx, b, statements...); err != nil {
		return err
	}
	b.Queue("commit")
	results, err := tx.sendBatch(ctx, b)
	if err != nil {
		return err
	}
	if err := batch.Scan(ctx, results, statements...); err != nil {
		_ = results.Close() // returns the same error
		return err
	}
	tag, err := results.Exec()
	return errors.Join(err, checkCommitted(tag, err), results.Close())
}

// AppendEvents writes the events emitted so far, for callers whose answer depends on their effects.
// From here to the commit other writers of the environment wait.
func (tx *Tx) AppendEvents(ctx context.Context, scope *tenancy.Scope) error {
	return tx.runOnCommit(ctx, scope)
}

// runOnCommit runs the last statements without committing.
func (tx *Tx) runOnCommit(ctx context.Context, scope *tenancy.Scope) error {
	statements, err := tx.lastStatements(scope)
	if err != nil || len(statements) == 0 {
		return err
	}
	return tx.Batch(ctx, statements...)
}

// lastStatements returns and clears the statements of OnCommit and the one that writes the events.
func (tx *Tx) lastStatements(scope *tenancy.Scope) ([]batch.Statement, error) {
	if err := tx.identity.Err(); err != nil {
		return nil, err
	}
	statements := tx.onCommit
	tx.onCommit = nil
	if len(tx.events) == 0 {
		return statements, nil
	}
	write, err := events.Statement(tx.envID, scope.Actor(), scope.Now, tx.events)
	tx.events, tx.emitted = nil, true
	return append(statements, write), err
}

// checkCommitted fails if PostgreSQL answered COMMIT with ROLLBACK, because an earlier statement
// had failed and its error was ignored.
func checkCommitted(tag pgconn.CommandTag, err error) error {
	if err == nil && tag.String() != "COMMIT" {
		return fmt.Errorf("commit answered %s", tag)
	}
	return nil
}

// rollback also works when ctx has ended, so that the connection can be used again.
func (tx *Tx) rollback(ctx context.Context) error {
	const idle = 'I'
	if tx.conn.Conn().IsClosed() || tx.conn.Conn().PgConn().TxStatus() == idle {
		return nil
	}
	finish, cancel := cleanupContext(ctx)
	defer cancel()
	if _, err := tx.conn.Exec(finish, "rollback"); err != nil {
		return fmt.Errorf("rollback: %w", err)
	}
	return nil
}

// cleanupContext is for rollbacks: it does not end with ctx, but after 5 seconds.
func cleanupContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}
