// Package developer owns what programs of third parties need: API tokens, the event feed,
// webhooks, and the tools of the sandbox (test clock, outbox, sample data). Its queries are
// gen/db/developerdb.
//
// It calls apitoken for the form of tokens, secretbox for the secrets of webhooks, outbound for
// requests to them, jobs for what happens later, audit for the trail, and tenancy for the database.
// Handlers (developerapi) and internal/app call it; it knows no other domain and no HTTP.
//
// Invariants:
//   - A live token exists in clear in one answer and nowhere else; the database refuses
//     to keep it. A sandbox token stays readable for those who administer tokens.
//   - A token works in one mode. Nothing in the sandbox sees or makes a live one.
//   - Every event is sent at least once to every webhook that wants it: the delivery is a row
//     of the transaction that the event tells of, and jobs only say where to look.
//   - Nobody gives a token a scope for what they may not do themselves.
//   - A change and its audit entry commit together or not at all.
package developer
