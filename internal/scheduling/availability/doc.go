// Package availability owns the rule book of booking: whether a service can start
// at an instant, on which resources, and if not, why.
//
// It is pure. It knows no clock, no database and no HTTP, and calls nobody; what it
// decides on is a Snapshot. Whoever offers, books or moves an appointment asks
// Decide, so that what is offered can be booked and the other way round.
//
// Invariants:
//   - The same snapshot and request always give the same decision.
//   - A positive decision takes one resource for each requirement, none of them
//     twice, and all that were requested.
//   - A negative decision has at least one reason.
//   - Intervals are half-open: an appointment may start when another one ends.
//
// The database has the last word: a snapshot may be out of date when its decision is
// written, and then the exclusion constraint on allocations says so.
package availability
