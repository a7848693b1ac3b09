// Package batch sends several generated queries in one round trip, with the types of the
// generated code.
//
// It calls nothing but pgx. Invariant: a Statement has no code of its caller, so nothing but
// its result is written, once, when the database has answered.
package batch

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DB runs statements; it is the DBTX of every generated package.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Statement is a generated query with its parameters and the place of its result. The zero
// Statement is invalid.
type Statement struct {
	run    func(ctx context.Context, db DB, store bool) error
	wrap   func(error) error
	writes bool
}

// Read is a generated query whose result is stored in *result. DBTX is the interface that the
// generated package names so.
func Read[DBTX, P, T any](query func(context.Context, DBTX, P) (T, error), params P, result *T) Statement {
	return Statement{run: func(ctx context.Context, db DB, store bool) error {
		value, err := query(ctx, any(db).(DBTX), params)
		if err == nil && store {
			*result = value
		}
		return err
	}}
}

// ReadOptional is Read for a query of at most one row: *result is nil if there is none.
func ReadOptional[DBTX, P, T any](query func(context.Context, DBTX, P) (T, error), params P, result **T) Statement {
	return Statement{run: func(ctx context.Context, db DB, store bool) error {
		value, err := query(ctx, any(db).(DBTX), params)
		if !store {
			return err
		}
		*result = nil
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err == nil {
			*result = &value
		}
		return err
	}}
}

// Write is a generated query without a result.
func Write[DBTX, P any](query func(context.Context, DBTX, P) error, params P) Statement {
	return Statement{writes: true, run: func(ctx context.Context, db DB, _ bool) error { return query(ctx, any(db).(DBTX), params) }}
}

// Writes reports whether the statement was made by Write.
func (s Statement) Writes() bool { return s.writes }

// Wrap returns the statement with its errors passed through fn.
func (s Statement) Wrap(fn func(error) error) Statement {
	s.wrap = fn
	return s
}

// Doing returns the statement with what it does in front of its errors.
func (s Statement) Doing(what string) Statement {
	return s.Wrap(func(err error) error { return fmt.Errorf("%s: %w", what, err) })
}

// Run runs the statement by itself.
func (s Statement) Run(ctx context.Context, db DB) error { return s.result(ctx, db, true) }

func (s Statement) result(ctx context.Context, db DB, store bool) error {
	err := s.run(ctx, db, store)
	if err != nil && s.wrap != nil {
		return s.wrap(err)
	}
	return err
}

// Queue appends the statements to the batch.
func Queue(ctx context.Context, b *pgx.Batch, statements ...Statement) error {
	for _, statement := range statements {
		var sql recorder
		if err := statement.result(ctx, &sql, false); err != nil {
			return err
		}
		b.Queue(sql.sql, sql.args...)
	}
	return nil
}

// Scan reads the results of queued statements in their order, until one fails.
func Scan(ctx context.Context, results pgx.BatchResults, statements ...Statement) error {
	for _, statement := range statements {
		if err := statement.result(ctx, answered{results}, true); err != nil {
			return err
		}
	}
	return nil
}

// recorder is a DB that keeps the statement instead of running it.
type recorder struct {
	sql  string
	args []any
}

func (r *recorder) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	r.sql, r.args = sql, args
	return pgconn.CommandTag{}, nil
}

func (r *recorder) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	r.sql, r.args = sql, args
	return emptyRows{}, nil
}

func (r *recorder) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	r.sql, r.args = sql, args
	return emptyRow{}
}

type emptyRow struct{}

func (emptyRow) Scan(...any) error { return nil }

type emptyRows struct{ pgx.Rows }

func (emptyRows) Next() bool { return false }
func (emptyRows) Err() error { return nil }
func (emptyRows) Close()     {}

// answered is a DB that returns the next result of a batch.
type answered struct{ results pgx.BatchResults }

func (a answered) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return a.results.Exec()
}

func (a answered) Query(context.Context, string, ...any) (pgx.Rows, error) { return a.results.Query() }

func (a answered) QueryRow(context.Context, string, ...any) pgx.Row { return a.results.QueryRow() }
