package tenancy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/tenancydb"
)

// ErrPresumedWrongly says that a request is not from whom it was presumed to be, or no longer
// on the terms of then: it must be resolved and begun anew. Nothing that it did so far lasts.
var ErrPresumedWrongly = errors.New("the request was presumed to have another scope than it has")

// Presumption is that a request has the scope which the last one had with the same token at the
// same host. It travels in the Scope. In front of whatever the Store sends first for that scope,
// in the same round trip, it asks the database who asks, as Resolve would have done, and the
// Store goes on only if the answer is what it was, byte for byte. Until then nothing is
// committed, and nobody but the server knows what was read. A nil Presumption is no presumption: the
// scope was resolved.
type Presumption struct {
	resolver *Resolver
	request  Request
	answer   answer
	state    atomic.Int32
}

const (
	open int32 = iota
	confirmed
	refuted
)

// maxRemembered bounds for how many tokens and hosts a Resolver remembers what it found: at
// about 2 kB each, that is some 40 MB.
const maxRemembered = 20_000

// rememberedKey is all that decides what a lookup finds, but for the time.
type rememberedKey struct {
	host               Host
	session, withToken bool
	hash               [sha256.Size]byte
}

func keyOf(req Request) rememberedKey {
	key := rememberedKey{host: req.Host, session: req.TokenHash != nil, withToken: req.APIToken != nil}
	if key.withToken {
		copy(key.hash[:], req.APIToken.Hash())
	} else {
		copy(key.hash[:], req.TokenHash)
	}
	return key
}

// remember keeps what a lookup has found. A token that opens nothing is not worth it, and who
// works as somebody else is looked up each time, because what they do is written down before.
func (r *Resolver) remember(req Request, found *found) {
	p := found.principal
	if p == nil && (req.TokenHash != nil || req.APIToken != nil) || p != nil && p.Impersonator != nil {
		return
	}
	r.remembered.Set(keyOf(req), found)
}

func (r *Resolver) forget(req Request) { r.remembered.Invalidate(keyOf(req)) }

// Presume returns the scope that Resolve would return if nothing has changed since it was asked
// last with the same token at the same host. ok is false if that is not known, or if the token has
// not been used for a minute.
func (r *Resolver) Presume(ctx context.Context, req Request) (scope *Scope, ok bool) {
	known, ok := r.remembered.GetIfPresent(keyOf(req))
	if !ok || !known.isFresh(req.Now) {
		return nil, false
	}
	scope = &Scope{
		RequestID: req.RequestID, Now: req.Now, Address: req.Address, UserAgent: req.UserAgent, Principal: known.principal,
		presumed: &Presumption{resolver: r, request: req, answer: known.answer},
	}
	return scope, r.settle(ctx, scope, known.row, req) == nil
}

// question is the query with which Resolve asks.
func (r *Resolver) question(ctx context.Context, req Request) *recording {
	asked := &recording{readOnly: true}
	_, _, _ = r.ask(ctx, asked, req) // which asks nobody
	return asked
}

// Confirm makes sure that the scope is that of the request; if it was not presumed, or has been
// confirmed, it does nothing. Errors: ErrPresumedWrongly.
func (s *Scope) Confirm(ctx context.Context) error {
	p := s.presumed
	if !p.isOpen() {
		return p.refuted()
	}
	asked := p.resolver.question(ctx, p.request)
	rows, err := p.resolver.db.Query(ctx, asked.sql, asked.args...)
	return p.hear(rows, err)
}

// refuted returns ErrPresumedWrongly if that is known: whoever did not mind the first time
// shall not get any further.
func (p *Presumption) refuted() error {
	if p != nil && p.state.Load() == refuted {
		return ErrPresumedWrongly
	}
	return nil
}

func (p *Presumption) isOpen() bool { return p != nil && p.state.Load() == open }

// opening queues what goes in front of the first statement in an environment: the question
// who asks, if that is open, and the setting of the environment. What it returns reads the answers.
func (p *Presumption) opening(ctx context.Context, batch *pgx.Batch, env string) func(pgx.BatchResults) error {
	asks := p.isOpen()
	if asks {
		asked := p.resolver.question(ctx, p.request)
		batch.Queue(asked.sql, asked.args...)
	}
	batch.Queue(setEnvironment, env)
	return func(results pgx.BatchResults) error {
		if asks {
			if err := p.hear(results.Query()); err != nil {
				return err
			}
		}
		_, err := results.Exec()
		return err
	}
}

// hear compares the answer with that which was remembered.
func (p *Presumption) hear(rows pgx.Rows, err error) error {
	if err != nil {
		return fmt.Errorf("confirm who asks: %w", err)
	}
	same := rows.Next() && p.answer.is(rows)
	rows.Close()
	if err := rows.Err(); err != nil {
		return fmt.Errorf("confirm who asks: %w", err)
	}
	if !same {
		p.state.Store(refuted)
		p.resolver.forget(p.request)
		return ErrPresumedWrongly
	}
	p.state.CompareAndSwap(open, confirmed)
	return nil
}

// answer is the row that the question who asks had, as PostgreSQL sent it, without the time
// when the token was used last: that changes by itself, and nothing depends on it.
type answer [][]byte

const lastUsed = "last_used_at"

func answerOf(rows pgx.Rows) answer {
	values := rows.RawValues()
	a := make(answer, 0, len(values))
	for i, column := range rows.FieldDescriptions() {
		if column.Name != lastUsed {
			a = append(a, bytes.Clone(values[i])) // NULL stays nil
		}
	}
	return a
}

// is reports whether the current row is the answer.
func (a answer) is(rows pgx.Rows) bool {
	values, known := rows.RawValues(), 0
	for i, column := range rows.FieldDescriptions() {
		if column.Name == lastUsed {
			continue
		}
		if known == len(a) || (a[known] == nil) != (values[i] == nil) || !bytes.Equal(a[known], values[i]) {
			return false
		}
		known++
	}
	return known == len(a)
}

// listener is a DBTX that remembers the answer to the query of one row.
type listener struct {
	tenancydb.DBTX
	heard answer
}

// QueryRow runs the query.
func (l *listener) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	row := rowOf(l.Query(ctx, sql, args...))
	row.read = func() { l.heard = answerOf(row.rows) }
	return row
}
