package dbtest

import (
	"context"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Errors lists the errors of PostgreSQL, each of which is in its log, too, with a severity of ERROR or
// worse. It is a Tracer for postgres.PoolOptions. The zero value is ready.
type Errors struct {
	mu   sync.Mutex
	list []string
	last *pgconn.PgError
}

// Take returns SQLSTATE and message of the errors since the last time.
func (e *Errors) Take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.list
	e.list = nil
	return list
}

func (e *Errors) add(err error) {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if pgErr == e.last { // an error of a query is that of its batch, too
		return
	}
	e.last = pgErr
	e.list = append(e.list, pgErr.Code+" "+pgErr.Message)
}

// TraceQueryStart implements pgx.QueryTracer.
func (*Errors) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (e *Errors) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	e.add(data.Err)
}

// TraceBatchStart implements pgx.BatchTracer.
func (*Errors) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (e *Errors) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	e.add(data.Err)
}

// TraceBatchEnd implements pgx.BatchTracer.
func (e *Errors) TraceBatchEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchEndData) {
	e.add(data.Err)
}
