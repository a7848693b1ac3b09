// Package businesses owns the operator's console: plans and their versions, the subscriptions
// and overrides of businesses, businesses and users across the platform, and the platform's
// metrics. Its queries are gen/db/admindb.
//
// It calls entitle for the resolution of plans and overrides, audit for the trail, and store for
// the database. It changes data of other domains through interfaces that internal/app connects. Handlers (internal/platform/api) and internal/app call it; it knows no HTTP.
//
// Invariants:
//   - The gates have checked the caller's role before.
//   - A published plan version never changes. A business keeps its version until an operator
//     changes it, at once or by a scheduled change.
//   - Entitlements are a function of the rows of a business and the instant, so a change is
//     effective on every server with the next request; no job has to run for it.
//   - A change, its audit entry and its events commit together or not at all.
//   - All instants are in UTC, and now is the instant of the request.
package businesses
