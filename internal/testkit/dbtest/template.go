package dbtest

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/smoothschedule/smoothschedule/schema"
)

// Template is a database with rows in it, from which the tests of one binary get copies:
// filling a database once and copying it is cheaper than filling one for each test. The
// zero value is ready for use. Its database goes when the server goes.
type Template struct {
	once sync.Once
	name string // empty if filling it failed
}

// New returns a copy that no other test sees. The first call makes the template, by
// calling fill with a migrated database; cleanups that fill registers with its tb run
// when fill has returned. Later calls ignore fill.
func (p *Template) New(tb testing.TB, fill func(tb testing.TB, db *DB)) *DB {
	tb.Helper()
	p.once.Do(func() { p.make(tb, fill) })
	if p.name == "" {
		tb.Fatalf("dbtest: the template could not be filled; the test that tried first says why")
	}
	return newWith(tb, func(ctx context.Context, s *server) (string, error) {
		name := cloneName()
		return name, s.asAdmin(ctx, func(conn *pgx.Conn) error { return s.copy(ctx, conn, name, p.name) })
	})
}

func (p *Template) make(tb testing.TB, fill func(testing.TB, *DB)) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	s, err := sharedServer(ctx)
	if err != nil {
		tb.Fatalf("dbtest: %v", err)
	}
	name, err := s.clone(ctx, schema.FS)
	if err != nil {
		tb.Fatalf("dbtest: %v", err)
	}
	db := &DB{URL: s.url(name), tb: tb, pools: map[string]*pgxpool.Pool{}}
	fillAndClose(tb, db, fill)
	err = s.asAdmin(ctx, func(conn *pgx.Conn) error {
		// A template in use cannot be copied.
		_, err := conn.Exec(ctx, "ALTER DATABASE "+quote(name)+" WITH ALLOW_CONNECTIONS false")
		return err
	})
	if err != nil {
		tb.Fatalf("dbtest: closing the template: %v", err)
	}
	p.name = name
}

// fillAndClose runs fill and its cleanups, also when fill ends the test.
func fillAndClose(tb testing.TB, db *DB, fill func(testing.TB, *DB)) {
	tb.Helper()
	defer db.close()
	part := &part{TB: tb}
	defer part.end()
	fill(part, db)
}

// part is a part of a test, with cleanups of its own.
type part struct {
	testing.TB
	cleanups []func()
}

// Cleanup implements testing.TB.
func (p *part) Cleanup(f func()) { p.cleanups = append(p.cleanups, f) }

// end runs the cleanups, the last one first.
func (p *part) end() {
	for len(p.cleanups) > 0 {
		last := p.cleanups[len(p.cleanups)-1]
		p.cleanups = p.cleanups[:len(p.cleanups)-1]
		last()
	}
}
