// Package businesses owns the platform's administration: plans and their versions, the
// subscriptions and exceptions of businesses, businesses and users across the platform,
// and the platform's metrics. Its queries are gen/db/admindb.
//
// It calls entitle for what plans and exceptions mean, audit for the trail, and tenancy
// for the database. What other domains own it changes through interfaces that
// internal/app connects. Handlers (internal/platform/api) and internal/app call it; it knows no HTTP.
//
// Invariants:
//   - What a role may do at all is the gates' business, and is checked before.
//   - A plan version that was published never changes; a business keeps the version it
//     has until somebody, or a change that somebody scheduled, gives it another one.
//   - What a business is entitled to follows from its rows and the instant alone, so no
//     server ever answers from a copy that is out of date; jobs only tidy up.
//   - A change, its audit entry and its events commit together or not at all.
//   - All instants are in UTC, and now is the instant of the request.
package businesses
