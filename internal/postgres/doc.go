// Package postgres owns the connection to the database: the connection pools, and
// running the migrations.
//
// It calls goose and pgx; it knows no table and no domain. The server that `dev` and
// the tests start is in the package embedded, which production does not use.
//
// Invariants: a pool never hands out a connection that works in another role than the
// one asked for; processes that migrate the same database at once wait for each other.
package postgres
