// Package developer owns what third-party programs need: API tokens, the event feed,
// webhooks, and the tools of the sandbox (test clock, outbox, sample data). Its queries are
// gen/db/developerdb.
//
// It calls apitoken for the form of tokens, secretbox for the secrets of webhooks, outbound for
// requests to them, events/feed to react to events, jobs for background work, audit for the trail, and store
// for the database.
// Handlers (platform/api) and internal/app call it; it knows no other domain and no HTTP.
//
// Invariants:
//   - A live token appears in plain text in one response and nowhere else; the database refuses
//     to store it. A sandbox token stays readable for administrators of tokens.
//   - A token works in one mode. Nothing in the sandbox sees or makes a live one.
//   - Every event is sent at least once to every webhook that wants it: a consumer of the feed
//     adds a row for each delivery, and jobs only name an endpoint or an environment.
//   - A user gives a token only scopes for operations that they may call themselves.
//   - A change and its audit entry commit together or not at all.
package developer
