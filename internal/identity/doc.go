// Package identity owns who may sign in and what they are: tenants with their hosts
// and environments, users and their roles, passwords, sessions, the mode a session is
// set to, and the emptying of the sandbox. Its queries are gen/db/identitydb.
//
// It calls entitle for the quota of users, audit for the trail, and tenancy for the
// database. Handlers (identity/api), internal/app and the seeding call it; it knows no
// other domain and no HTTP.
//
// Invariants:
//   - A user belongs to one tenant and one mode, or to the platform; every query on users
//     names both. E-mail addresses and user names are unique there and nowhere else.
//   - What a role may do at all is the gates' business, and is checked before. Who may do
//     it to whom is checked here: nobody touches, or gives, a role above their own.
//   - Each tenant keeps an active owner in each mode that has had one.
//   - Passwords exist as argon2id hashes and session tokens as SHA-256 sums; neither is in
//     an answer, an event, a log or the audit trail. The digest of a hash never leaves the
//     database: what is computed from a password is compared there.
//   - A session that begins while its user is deactivated, deleted or given a new password
//     does not survive that: both sides lock the user's row first.
//   - A change, its quota, its audit entry and its event commit together or not at all.
//   - All instants are in UTC, and now is the instant of the request.
package identity
