// Package dbtest owns the databases of tests: New gives a test a migrated database
// of its own, Template a copy of one that was filled before, Tx a transaction that is rolled back.
//
// All test binaries of a user share one PostgreSQL server, which nobody has to
// start or stop. The first binary that needs it starts a supervisor (the binary
// itself, run again; see supervisor_unix.go), the supervisor starts the server, and
// both end when the last binary, and the `go test` that ran it, have ended.
// SMOOTHSCHEDULE_TEST_DATABASE_URL, the URL of a superuser, uses another server.
//
// The package calls internal/postgres/embedded for the server, internal/postgres for
// migrations and pools, and reads the migrations from the package schema.
//
// Invariants:
//   - Each binary holds a shared lock on a file for its whole life, and the server is
//     only stopped under the exclusive one, so no binary loses the server, and the
//     kernel gives up the hold of a binary that crashes.
//   - The supervisor outlives nobody it serves, and the server does not outlive the
//     supervisor.
//   - A template database is complete exactly when it is marked as a template.
//   - The server keeps nothing: each one begins with an empty cluster, without fsync,
//     in a time zone with a fractional offset and daylight saving time.
package dbtest
