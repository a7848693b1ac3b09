package store

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/internal/batch"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Reader runs single queries in one environment, each in one round trip: the setting of the
// environment and the query are one batch, which PostgreSQL runs as one implicit transaction.
type Reader struct {
	pool     *pgxpool.Pool
	envID    uuid.UUID
	identity *tenancy.OptimisticIdentity
	// tx is the open transaction of the session, if there is one: the changes of the request
	// are visible only there.
	tx *Tx
}

// Reader reads in the scope's environment; without one it sees nothing.
func (s *Store) Reader(scope *tenancy.Scope) *Reader {
	r := &Reader{pool: s.app, envID: scope.Env.ID, identity: scope.Identity()}
	if session := sessionOf(scope); session.Open() {
		if held, ok := session.held.(*heldEnv); ok && held.envID == r.envID {
			r.tx = held.Tx
		}
	}
	return r
}

// ErrReadOnly is returned for statements that change data; use InEnv for those.
var ErrReadOnly = errors.New("a Reader only reads; change data in InEnv")

// Exec always fails with ErrReadOnly.
func (r *Reader) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, ErrReadOnly
}

// Query runs a statement that returns rows, which must be closed.
func (r *Reader) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if r.tx != nil {
		return r.tx.Query(ctx, sql, args...)
	}
	b := &pgx.Batch{}
	b.Queue(sql, args...)
	results, err := r.send(ctx, b)
	if err != nil {
		return nil, err
	}
	return rowsOf(results)
}

// QueryRow runs a statement that returns one row.
func (r *Reader) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return batch.RowOf(r.Query(ctx, sql, args...))
}

// Batch runs queries in one round trip. Errors: ErrReadOnly.
func (r *Reader) Batch(ctx context.Context, statements ...batch.Statement) error {
	for _, statement := range statements {
		if statement.Writes() {
			return ErrReadOnly
		}
	}
	if r.tx != nil {
		return r.tx.Batch(ctx, statements...)
	}
	return runBatch(ctx, r.send, statements)
}

// send runs the statements behind the setting of the environment.
func (r *Reader) send(ctx context.Context, statements *pgx.Batch) (pgx.BatchResults, error) {
	if err := r.identity.Err(); err != nil {
		return nil, err
	}
	b := &pgx.Batch{}
	readOpening, err := queueOpening(ctx, b, r.identity, r.envID)
	if err != nil {
		return nil, err
	}
	b.QueuedQueries = append(b.QueuedQueries, statements.QueuedQueries...)
	results := r.pool.SendBatch(ctx, b)
	if err := readOpening(results); err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return results, nil
}

const setEnvironment = "SELECT set_config('app.env_id', $1, true)"

// queueOpening queues what precedes the first statement in an environment: the check of a pending
// identity, and the setting of the environment. read reads their results.
func queueOpening(
	ctx context.Context, b *pgx.Batch, identity *tenancy.OptimisticIdentity, envID uuid.UUID,
) (read func(pgx.BatchResults) error, err error) {
	pending := identity.Pending()
	if pending {
		if err := identity.Queue(ctx, b); err != nil {
			return nil, err
		}
	}
	b.Queue(setEnvironment, envID.String())
	return func(results pgx.BatchResults) error {
		if pending {
			if err := identity.Check(results.Query()); err != nil {
				return err
			}
		}
		_, err := results.Exec()
		return err
	}, nil
}

// runBatch sends the statements and reads their results.
func runBatch(
	ctx context.Context, send func(context.Context, *pgx.Batch) (pgx.BatchResults, error), statements []batch.Statement,
) error {
	b := &pgx.Batch{}
	if err := batch.Queue(ctx, b, statements...); err != nil {
		return err
	}
	results, err := send(ctx, b)
	if err != nil {
		return err
	}
	if err := batch.Scan(ctx, results, statements...); err != nil {
		_ = results.Close() // returns the same error
		return err
	}
	return results.Close()
}

// batchRows closes its batch, and so releases the connection, with the rows.
type batchRows struct {
	pgx.Rows
	results pgx.BatchResults
	err     error
}

// rowsOf returns the rows of the next, and last, query of a batch.
func rowsOf(results pgx.BatchResults) (pgx.Rows, error) {
	rows, err := results.Query()
	if err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return &batchRows{Rows: rows, results: results}, nil
}

func (r *batchRows) Close() {
	r.Rows.Close()
	if r.results != nil {
		r.err = r.results.Close()
		r.results = nil
	}
}

func (r *batchRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

func (r *batchRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return err
	}
	return r.err
}
