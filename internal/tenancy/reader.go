package tenancy

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
)

// Reader runs single statements that read in one environment. Each takes one
// round trip: the setting of the environment and the statement travel together,
// and PostgreSQL runs them as one implicit transaction, after which the
// connection has no environment again.
type Reader struct {
	pool     *pgxpool.Pool
	envID    uuid.UUID
	presumed *Presumption
	// tx is a transaction that waits for the answer to an idempotent request. What the
	// request reads after its change, it reads there: elsewhere the change does not exist
	// yet, and a second connection could be one too many.
	tx *Tx
}

// Reader reads in the scope's environment; without one it sees nothing.
func (s *Store) Reader(scope *Scope) *Reader {
	r := &Reader{pool: s.app, envID: scope.Env.ID, presumed: scope.presumed}
	if scope.Idempotency.Parked() {
		if p, ok := scope.Idempotency.parked.(parkedTx); ok && p.envID == r.envID {
			r.tx = p.Tx
		}
	}
	return r
}

const setEnvironment = "SELECT set_config('app.env_id', $1, true)"

// ErrReadOnly is returned for statements that change something: those belong in InEnv.
var ErrReadOnly = errors.New("a Reader only reads; change things in InEnv")

// Exec always fails: a Reader does not write.
func (r *Reader) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, ErrReadOnly
}

// Query runs a statement that returns rows. The rows must be closed.
func (r *Reader) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if r.tx != nil {
		return r.tx.Query(ctx, sql, args...)
	}
	batch := &pgx.Batch{}
	batch.Queue(sql, args...)
	results, err := r.send(ctx, batch)
	if err != nil {
		return nil, err
	}
	rows, err := results.Query()
	if err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return &batchRows{Rows: rows, results: results}, nil
}

// QueryRow runs a statement that returns one row.
func (r *Reader) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return rowOf(r.Query(ctx, sql, args...))
}

// SendBatch runs several statements in one round trip, all in the environment.
func (r *Reader) SendBatch(ctx context.Context, statements *pgx.Batch) pgx.BatchResults {
	send := r.send
	if r.tx != nil {
		send = r.tx.sendBatch
	}
	results, err := send(ctx, statements)
	if err != nil {
		return failedBatch{err: err}
	}
	return results
}

// send sends the statements behind the setting of the environment.
func (r *Reader) send(ctx context.Context, statements *pgx.Batch) (pgx.BatchResults, error) {
	if err := r.presumed.refuted(); err != nil {
		return nil, err
	}
	batch := &pgx.Batch{}
	opened := r.presumed.opening(ctx, batch, r.envID.String())
	batch.QueuedQueries = append(batch.QueuedQueries, statements.QueuedQueries...)
	results := r.pool.SendBatch(ctx, batch)
	if err := opened(results); err != nil {
		return nil, errors.Join(err, results.Close())
	}
	return results, nil
}

// DB runs statements.
type DB interface{ tenancydb.DBTX }

// Together runs several queries in one round trip, all in the environment. Each read makes
// one query with db. It is called twice: to say which, when the query has no rows, or one in
// which nothing is, and with the answer.
func (r *Reader) Together(ctx context.Context, reads ...func(db DB) error) error {
	batch, err := record(reads, readingOnly)
	if err != nil {
		return err
	}
	return answers(r.SendBatch(ctx, batch), reads)
}

// answers is replay for statements that nothing comes after.
func answers(results pgx.BatchResults, statements []func(db DB) error) error {
	if err := replay(results, statements); err != nil {
		_ = results.Close() // says the same
		return err
	}
	return results.Close()
}

const readingOnly, writingToo = true, false

// record learns which statements these are.
func record(statements []func(db DB) error, readOnly bool) (*pgx.Batch, error) {
	batch := &pgx.Batch{}
	for _, statement := range statements {
		asked := &recording{readOnly: readOnly}
		if err := statement(asked); err != nil {
			return nil, err
		}
		batch.Queue(asked.sql, asked.args...)
	}
	return batch, nil
}

// replay gives the statements their results, until one fails.
func replay(results pgx.BatchResults, statements []func(db DB) error) error {
	for _, statement := range statements {
		if err := statement(replaying{results: results}); err != nil {
			return err
		}
	}
	return nil
}

// recording is the DB that learns what a statement is.
type recording struct {
	sql  string
	args []any
	// readOnly is whether it refuses what is not a query.
	readOnly bool
}

// Exec does nothing.
func (r *recording) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if r.readOnly {
		return pgconn.CommandTag{}, ErrReadOnly
	}
	r.sql, r.args = sql, args
	return pgconn.CommandTag{}, nil
}

// Query returns no rows.
func (r *recording) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	r.sql, r.args = sql, args
	return noRows{}, nil
}

// QueryRow returns a row that scans nothing.
func (r *recording) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	r.sql, r.args = sql, args
	return noRow{}
}

type noRow struct{}

func (noRow) Scan(...any) error { return nil }

type noRows struct{ pgx.Rows }

func (noRows) Next() bool { return false }
func (noRows) Err() error { return nil }
func (noRows) Close()     {}

// replaying is the DB that has the answers.
type replaying struct{ results pgx.BatchResults }

// Exec returns what the statement did that was recorded.
func (r replaying) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return r.results.Exec()
}

// Query returns the rows of the query that was recorded.
func (r replaying) Query(context.Context, string, ...any) (pgx.Rows, error) {
	return r.results.Query()
}

// QueryRow returns the row of the query that was recorded.
func (r replaying) QueryRow(context.Context, string, ...any) pgx.Row { return r.results.QueryRow() }

// batchRows ends the batch, and so gives the connection back, when the rows end.
type batchRows struct {
	pgx.Rows
	results pgx.BatchResults
	err     error
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

type batchRow struct {
	rows pgx.Rows
	err  error
	// read, if not nil, is called when the row is there.
	read func()
}

func rowOf(rows pgx.Rows, err error) *batchRow { return &batchRow{rows: rows, err: err} }

func (r *batchRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if r.read != nil {
		r.read()
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

// failedBatch reports the error of what had to come before from every call.
type failedBatch struct {
	pgx.BatchResults
	err error
}

func (b failedBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, b.err }
func (b failedBatch) Query() (pgx.Rows, error)         { return nil, b.err }
func (b failedBatch) QueryRow() pgx.Row                { return &batchRow{err: b.err} }
func (b failedBatch) Close() error                     { return b.err }
