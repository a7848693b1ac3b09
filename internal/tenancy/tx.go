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

	"github.com/smoothschedule/smoothschedule/internal/events"
)

// Tx is a transaction inside one environment. Everything a service changes, it
// changes through it. Queries of generated code take it as their DBTX.
//
// It saves round trips at both ends: it begins, confirms who asks, and sets the environment,
// together with the first statement, and commits together with its last statements and the events.
type Tx struct {
	conn     *pgxpool.Conn
	envID    uuid.UUID
	presumed *Presumption
	begun    bool
	// last are the statements that go with the commit.
	last   []func(db DB) error
	events []events.Event
	// emitted is whether events are written.
	emitted bool
}

// Emit records that something happened. The event becomes visible with the
// commit, at the place in the environment's feed that the commit has; data is the
// object after the change, as the API shows it.
func (tx *Tx) Emit(eventType string, data any) {
	tx.events = append(tx.events, events.Event{Type: eventType, Data: data})
}

// EmitAs is Emit for an event whose id the caller has made already, as a UUID of version 7.
func (tx *Tx) EmitAs(id uuid.UUID, eventType string, data any) {
	tx.events = append(tx.events, events.Event{ID: id, Type: eventType, Data: data})
}

// Exec runs a statement.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if tx.begun && len(tx.last) == 0 {
		return tx.conn.Exec(ctx, sql, args...)
	}
	results, err := tx.send(ctx, func(b *pgx.Batch) { b.Queue(sql, args...) })
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := results.Exec()
	return tag, errors.Join(err, results.Close())
}

// Query runs a statement that returns rows. The rows must be closed before the next
// statement.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if tx.begun && len(tx.last) == 0 {
		return tx.conn.Query(ctx, sql, args...) //nolint:rowserrcheck // the rows are the caller's
	}
	results, err := tx.send(ctx, func(b *pgx.Batch) { b.Queue(sql, args...) })
	if err != nil {
		return nil, err
	}
	rows, err := results.Query() //nolint:rowserrcheck // likewise
	if err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return &batchRows{Rows: rows, results: results}, nil
}

// QueryRow runs a statement that returns one row.
func (tx *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return rowOf(tx.Query(ctx, sql, args...))
}

// Together is Reader.Together in the transaction.
func (tx *Tx) Together(ctx context.Context, reads ...func(db DB) error) error {
	batch, err := record(reads, writingToo)
	if err != nil {
		return err
	}
	results, err := tx.sendBatch(ctx, batch)
	if err != nil {
		return err
	}
	return answers(results, reads)
}

// sendBatch is send for statements that are in a batch already.
func (tx *Tx) sendBatch(ctx context.Context, statements *pgx.Batch) (pgx.BatchResults, error) {
	return tx.send(ctx, func(b *pgx.Batch) { b.QueuedQueries = append(b.QueuedQueries, statements.QueuedQueries...) })
}

// send sends what is queued: behind the beginning of the transaction, if it has not begun
// yet.
func (tx *Tx) send(ctx context.Context, queue func(*pgx.Batch)) (pgx.BatchResults, error) {
	if last := tx.last; len(last) > 0 { // it was not the last one
		tx.last = nil
		if err := tx.Together(ctx, last...); err != nil {
			return nil, err
		}
	}
	if tx.begun {
		batch := &pgx.Batch{}
		queue(batch)
		return tx.conn.SendBatch(ctx, batch), nil
	}
	return tx.begin(ctx, queue)
}

// begin begins the transaction with what is queued.
func (tx *Tx) begin(ctx context.Context, queue func(*pgx.Batch)) (pgx.BatchResults, error) {
	batch := &pgx.Batch{}
	batch.Queue("begin")
	opened := tx.presumed.opening(ctx, batch, tx.envID.String())
	queue(batch)
	tx.begun = true
	results := tx.conn.SendBatch(ctx, batch)
	_, err := results.Exec()
	if err == nil {
		err = opened(results)
	}
	if err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return results, nil
}

// Finally sends the statement of fn together with the commit, which saves a round trip and
// keeps what it locks for no longer than that. fn is called twice, like those of Together. The
// transaction is undone only by an error of the statement itself, which PostgreSQL writes into its
// log, so it is for statements that always do what they shall; fn says what an error means. A
// statement that comes after all has it sent before.
func (tx *Tx) Finally(fn func(db DB) error) { tx.last = append(tx.last, fn) }

// commit runs the last statements, appends the events and commits, in one round trip. The
// sequence of the environment's events is locked for no longer than that.
func (tx *Tx) commit(ctx context.Context, scope *Scope) error {
	statements, err := tx.ending(ctx, scope)
	if err != nil {
		return err
	}
	if len(statements) == 0 && !tx.begun {
		return nil
	}
	if !tx.begun && tx.presumed.isOpen() { // who asks must be known before it is too late
		if err := tx.Together(ctx); err != nil {
			return err
		}
	}
	batch, err := record(statements, writingToo)
	if err != nil {
		return err
	}
	batch.Queue("commit")
	results, err := tx.sendBatch(ctx, batch)
	if err != nil {
		return err
	}
	if err := replay(results, statements); err != nil {
		_ = results.Close() // says the same
		return err
	}
	tag, err := results.Exec()
	return errors.Join(err, committed(tag, err), results.Close())
}

// AppendEvents writes the events emitted so far before the commit, for those who answer with
// what the events cause. The sequence of the environment's events is locked from here on.
func (tx *Tx) AppendEvents(ctx context.Context, scope *Scope) error { return tx.end(ctx, scope) }

// end runs what goes with the commit, while the transaction goes on.
func (tx *Tx) end(ctx context.Context, scope *Scope) error {
	statements, err := tx.ending(ctx, scope)
	if err != nil || len(statements) == 0 {
		return err
	}
	return tx.Together(ctx, statements...)
}

// ending are the last statements, and that which writes the events that were emitted since
// the last time.
func (tx *Tx) ending(ctx context.Context, scope *Scope) ([]func(db DB) error, error) {
	if err := tx.presumed.refuted(); err != nil {
		return nil, err
	}
	statements := tx.last
	tx.last = nil
	if len(tx.events) == 0 {
		return statements, nil
	}
	write, err := events.Prepare(tx.envID, scope.actor(), scope.Now, tx.events)
	tx.events, tx.emitted = nil, true
	return append(statements, func(db DB) error { return write(ctx, db) }), err
}

// committed fails if PostgreSQL answered a commit with a rollback, because a statement
// had failed before and nobody had minded.
func committed(tag pgconn.CommandTag, err error) error {
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

// cleanupContext is for what must be done although ctx has ended, within a time of its own.
func cleanupContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}
