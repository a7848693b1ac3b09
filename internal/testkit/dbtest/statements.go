package dbtest

import (
	"context"
	"regexp"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Statements lists what the database is asked to do, in its order. It is a Tracer for
// postgres.PoolOptions. The zero value is ready.
type Statements struct {
	mu   sync.Mutex
	list []Statement
}

// Statement is one of them.
type Statement struct {
	SQL string
	// InTx is whether a transaction was open when it was sent.
	InTx bool
}

// Take returns the statements since the last time.
func (s *Statements) Take() []Statement {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return list
}

// add adds statements that are sent together.
func (s *Statements) add(conn *pgx.Conn, sql ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	inTx := conn.PgConn().TxStatus() != 'I'
	for _, text := range sql {
		s.list = append(s.list, Statement{SQL: text, InTx: inTx})
		switch strings.ToLower(text) {
		case "begin":
			inTx = true
		case commit:
			inTx = false
		}
	}
}

// TraceQueryStart implements pgx.QueryTracer.
func (s *Statements) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.add(conn, data.SQL)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (*Statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (s *Statements) TraceBatchStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	sql := make([]string, len(data.Batch.QueuedQueries))
	for i, query := range data.Batch.QueuedQueries {
		sql[i] = query.SQL
	}
	s.add(conn, sql...)
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (*Statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (*Statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

var name = regexp.MustCompile(`^-- name: (\w+)`)

// Name is that of a query of generated code, else the text.
func (s Statement) Name() string {
	if found := name.FindStringSubmatch(s.SQL); found != nil {
		return found[1]
	}
	return s.SQL
}

// commit is the text that ends a transaction so that it lasts.
const commit = "commit"

var writes = regexp.MustCompile(`\b(INSERT INTO|DELETE FROM|UPDATE\s+\w+(\s+AS)?(\s+\w+)?\s+SET)\b`)

// AfterChange returns the statements behind the last one by which a change lasts: a write by
// itself, or the commit of a transaction that has written. It is not ok if there is none.
func AfterChange(list []Statement) (rest []Statement, ok bool) {
	wrote := false
	for i, s := range list {
		wrote = wrote || writes.MatchString(s.SQL)
		if wrote && (!s.InTx || strings.EqualFold(s.SQL, commit)) {
			rest, ok, wrote = list[i+1:], true, false
		}
	}
	return rest, ok
}
