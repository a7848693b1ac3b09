package dbtest

import (
	"context"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/internal/postgres"
	"github.com/smoothschedule/smoothschedule/schema"
)

// The roles that the migrations create and the server works as.
const (
	AppRole      = "smoothschedule_app"
	PlatformRole = "smoothschedule_platform"
)

const (
	// patience bounds each step of getting or dropping a database.
	patience = 2 * time.Minute
	// closePatience is for connections that goroutines of a test are about to give back.
	closePatience = 10 * time.Second
)

// DB is a migrated database that belongs to one test. It is safe for concurrent use.
type DB struct {
	// URL logs in as the owner of everything, a superuser.
	URL string

	tb    testing.TB
	mu    sync.Mutex
	pools map[string]*pgxpool.Pool // by role
}

// New returns a freshly migrated database that no other test sees. It is dropped,
// and its pools are closed, when the test and its subtests are over. New ends the
// test with a text that says what to do when there is no server.
func New(tb testing.TB) *DB {
	tb.Helper()
	return newFrom(tb, schema.FS)
}

// Tx returns a transaction, as the owner, on a migrated database that all tests of
// this binary share, and rolls it back when the test is over. It is the cheap choice
// for a test that needs neither a commit nor a second connection nor row security.
func Tx(tb testing.TB) pgx.Tx {
	tb.Helper()
	return txFrom(tb, schema.FS)
}

func newFrom(tb testing.TB, migrations fs.FS) *DB {
	tb.Helper()
	return newWith(tb, func(ctx context.Context, s *server) (string, error) { return s.clone(ctx, migrations) })
}

// newWith returns the database that makeDatabase has made.
func newWith(tb testing.TB, makeDatabase func(context.Context, *server) (name string, err error)) *DB {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	s, err := sharedServer(ctx)
	if err != nil {
		tb.Fatalf("dbtest: %v", err)
	}
	name, err := makeDatabase(ctx, s)
	if err != nil {
		tb.Fatalf("dbtest: %v", err)
	}
	db := &DB{URL: s.url(name), tb: tb, pools: map[string]*pgxpool.Pool{}}
	tb.Cleanup(func() {
		db.close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.drop(ctx, name); err != nil {
			tb.Errorf("dbtest: %v", err)
		}
	})
	return db
}

// AppPool is a pool in the role of the server, which row security binds.
func (db *DB) AppPool() *pgxpool.Pool {
	db.tb.Helper()
	return db.pool(AppRole)
}

// PlatformPool is a pool in the role that sees all environments.
func (db *DB) PlatformPool() *pgxpool.Pool {
	db.tb.Helper()
	return db.pool(PlatformRole)
}

// OwnerPool is a pool in the role that owns the tables, a superuser.
func (db *DB) OwnerPool() *pgxpool.Pool {
	db.tb.Helper()
	return db.pool("")
}

// pool opens a pool at its first use.
func (db *DB) pool(role string) *pgxpool.Pool {
	db.tb.Helper()
	db.mu.Lock()
	defer db.mu.Unlock()
	if p, ok := db.pools[role]; ok {
		return p
	}
	p, err := openPool(db.tb.Context(), db.URL, role)
	if err != nil {
		db.tb.Fatalf("dbtest: %v", err)
	}
	db.pools[role] = p
	return p
}

// close closes the pools, and reports a test that still holds one of their connections.
func (db *DB) close() {
	db.mu.Lock()
	defer db.mu.Unlock()
	if !closePools(db.pools, closePatience) {
		db.tb.Errorf("dbtest: the test is over and has not given back all of its connections")
	}
}

// closePools reports whether all pools could be closed in time; a connection that
// somebody holds would block that for ever.
func closePools(pools map[string]*pgxpool.Pool, patience time.Duration) bool {
	done := make(chan struct{})
	go func() {
		for _, p := range pools {
			p.Close()
		}
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(patience):
		return false
	}
}

func openPool(ctx context.Context, url, role string) (*pgxpool.Pool, error) {
	return postgres.NewPool(ctx, postgres.PoolOptions{URL: url, Role: role, MaxConns: 32, ApplicationName: "dbtest"})
}
