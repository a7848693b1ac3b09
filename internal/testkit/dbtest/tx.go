package dbtest

import (
	"context"
	"io/fs"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// txPools holds the pool of this binary's shared database for each set of
// migrations, by template name. The databases go when the server goes.
var txPools struct {
	sync.Mutex
	byTemplate map[string]*pgxpool.Pool
}

func txFrom(tb testing.TB, migrations fs.FS) pgx.Tx {
	tb.Helper()
	pool, err := txPool(tb.Context(), migrations)
	if err != nil {
		tb.Fatalf("dbtest: %v", err)
	}
	tx, err := pool.Begin(tb.Context())
	if err != nil {
		tb.Fatalf("dbtest: beginning a transaction: %v", err)
	}
	tb.Cleanup(func() {
		// A transaction that the test ended itself has nothing left to roll back.
		_ = tx.Rollback(context.WithoutCancel(tb.Context()))
	})
	return tx
}

// txPool waits for a database that another test is making at this moment.
func txPool(ctx context.Context, migrations fs.FS) (*pgxpool.Pool, error) {
	template, err := templateName(migrations)
	if err != nil {
		return nil, err
	}
	txPools.Lock()
	defer txPools.Unlock()
	if pool, ok := txPools.byTemplate[template]; ok {
		return pool, nil
	}
	// The pool serves later tests too, so it must not end with this one's context.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	s, err := sharedServer(ctx)
	if err != nil {
		return nil, err
	}
	name, err := s.clone(ctx, migrations)
	if err != nil {
		return nil, err
	}
	pool, err := openPool(ctx, s.url(name), "")
	if err != nil {
		return nil, err
	}
	if txPools.byTemplate == nil {
		txPools.byTemplate = map[string]*pgxpool.Pool{}
	}
	txPools.byTemplate[template] = pool
	return pool, nil
}
