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
	"github.com/smoothschedule/smoothschedule/internal/batch"
)

// ErrStaleIdentity means that a cached identity was no longer valid: session, token, user,
// tenant, plan or host have changed. The request must be resolved and run again; nothing that it
// did so far has been committed.
var ErrStaleIdentity = errors.New("the cached identity of the request is stale")

// OptimisticIdentity is a cached identity that is revalidated in the request's first round trip:
// the Store sends the query of Resolver.Resolve ahead of its first statement, in the same batch and
// transaction. If the answer differs in any byte from the cached one, the Store rolls back and
// returns ErrStaleIdentity. Nothing is committed, and nothing is answered, before the check.
//
// A nil OptimisticIdentity needs no check: the scope was resolved.
type OptimisticIdentity struct {
	resolver *Resolver
	request  Request
	cached   identityRow
	state    atomic.Int32
}

// The states of an OptimisticIdentity.
const (
	identityPending int32 = iota
	identityValid
	identityStale
)

// maxCachedIdentities is the number of tokens and hosts whose identity a Resolver keeps, at about
// 2 kB each.
const maxCachedIdentities = 20_000

// identityKey is everything that decides the answer of a lookup, except time.
type identityKey struct {
	host               Host
	session, withToken bool
	hash               [sha256.Size]byte
}

func identityKeyOf(req Request) identityKey {
	key := identityKey{host: req.Host, session: req.TokenHash != nil, withToken: req.APIToken != nil}
	if key.withToken {
		copy(key.hash[:], req.APIToken.Hash())
	} else {
		copy(key.hash[:], req.TokenHash)
	}
	return key
}

// cacheIdentity keeps the result of a lookup. Invalid tokens are not kept. Impersonations are not
// either, because each of their requests is recorded in the audit trail before it is run.
func (r *Resolver) cacheIdentity(req Request, identity *identity) {
	p := identity.principal
	if p == nil && (req.TokenHash != nil || req.APIToken != nil) || p != nil && p.Impersonator != nil {
		return
	}
	r.identities.Set(identityKeyOf(req), identity)
}

// CachedScope returns the scope that Resolve returned last for the same token and host, to be
// revalidated by the Store. ok is false if there is none, if the use of the token is due to be
// recorded, or if the cache is off.
func (r *Resolver) CachedScope(ctx context.Context, req Request) (scope *Scope, ok bool) {
	if r.identities == nil {
		return nil, false
	}
	cached, ok := r.identities.GetIfPresent(identityKeyOf(req))
	if !ok || !cached.isFresh(req.Now) {
		return nil, false
	}
	scope = &Scope{
		RequestID: req.RequestID, Now: req.Now, Address: req.Address, UserAgent: req.UserAgent, Principal: cached.principal,
		identity: &OptimisticIdentity{resolver: r, request: req, cached: cached.raw},
	}
	return scope, r.addTenant(ctx, scope, cached.row, req) == nil
}

// Identity is the identity that has to be revalidated, or nil.
func (s *Scope) Identity() *OptimisticIdentity { return s.identity }

// Revalidate checks a pending identity by itself. Errors: ErrStaleIdentity.
func (s *Scope) Revalidate(ctx context.Context) error {
	i := s.identity
	if !i.Pending() {
		return i.Err()
	}
	b := &pgx.Batch{}
	if err := i.Queue(ctx, b); err != nil {
		return err
	}
	query := b.QueuedQueries[0]
	return i.Check(i.resolver.db.Query(ctx, query.SQL, query.Arguments...))
}

// Err returns ErrStaleIdentity once a check has failed.
func (i *OptimisticIdentity) Err() error {
	if i != nil && i.state.Load() == identityStale {
		return ErrStaleIdentity
	}
	return nil
}

// Pending reports whether the identity has not been checked yet.
func (i *OptimisticIdentity) Pending() bool { return i != nil && i.state.Load() == identityPending }

// Queue appends the query that Check needs the rows of.
func (i *OptimisticIdentity) Queue(ctx context.Context, b *pgx.Batch) error {
	if i.request.APIToken != nil {
		var row tenancydb.ResolveTokenRequestRow
		return batch.Queue(ctx, b, batch.Read(i.resolver.queries.ResolveTokenRequest, tokenParams(i.request), &row))
	}
	var row tenancydb.ResolveRequestRow
	return batch.Queue(ctx, b, batch.Read(i.resolver.queries.ResolveRequest, sessionParams(i.request), &row))
}

// Check compares what Query returned with the cached answer. Errors: ErrStaleIdentity.
func (i *OptimisticIdentity) Check(rows pgx.Rows, err error) error {
	if err != nil {
		return fmt.Errorf("revalidate the identity: %w", err)
	}
	same := rows.Next() && i.cached.equals(rows)
	rows.Close()
	if err := rows.Err(); err != nil {
		return fmt.Errorf("revalidate the identity: %w", err)
	}
	if !same {
		i.state.Store(identityStale)
		i.resolver.identities.Invalidate(identityKeyOf(i.request))
		return ErrStaleIdentity
	}
	i.state.CompareAndSwap(identityPending, identityValid)
	return nil
}

// identityRow is the row of a lookup as PostgreSQL sent it, without last_used_at, which changes
// with use and decides nothing.
type identityRow [][]byte

const lastUsedColumn = "last_used_at"

func identityRowOf(rows pgx.Rows) identityRow {
	values := rows.RawValues()
	row := make(identityRow, 0, len(values))
	for i, column := range rows.FieldDescriptions() {
		if column.Name != lastUsedColumn {
			row = append(row, bytes.Clone(values[i])) // NULL stays nil
		}
	}
	return row
}

// equals reports whether the current row has the same values.
func (r identityRow) equals(rows pgx.Rows) bool {
	values, n := rows.RawValues(), 0
	for i, column := range rows.FieldDescriptions() {
		if column.Name == lastUsedColumn {
			continue
		}
		if n == len(r) || (r[n] == nil) != (values[i] == nil) || !bytes.Equal(r[n], values[i]) {
			return false
		}
		n++
	}
	return n == len(r)
}

// rawRowDB is a DBTX that keeps the raw row of the last QueryRow.
type rawRowDB struct {
	tenancydb.DBTX
	raw identityRow
}

// QueryRow implements DBTX.
func (db *rawRowDB) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return batch.RowOf(db.Query(ctx, sql, args...)).OnRead(func(rows pgx.Rows) { db.raw = identityRowOf(rows) })
}
