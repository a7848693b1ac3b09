// Package availability owns the rule book of booking: whether a service can start
// at an instant, on which resources, and if not, why.
//
// It is pure. It knows no clock, no database and no HTTP; what it decides on is a
// Snapshot and the instant now. It calls localtime for the calendar of a place, and
// nobody else. Whoever offers, books or moves an appointment asks Decide, Search,
// SearchPerResource or Nearest, which decide by the same plan, so that what is offered can
// be booked and the other way round.
//
// A plan works with lists of the starts at which a resource can be taken: what is open,
// without what is in the way. They are in order, in integers, and made once for all
// starts; to ask about the next one is a step in a list. Why a resource cannot be taken
// is looked up only if somebody wants to know.
//
// Invariants:
//   - The same snapshot, request and now always give the same decision, in whatever
//     order the snapshot has things.
//   - A positive decision takes one resource for each requirement, none of them
//     twice, and all that were requested.
//   - A negative decision has at least one reason, and all of them are about the
//     request, or all about the time.
//   - The appointment itself lies within one stretch of the hours of each resource
//     that it takes. Its buffers may lie outside; but nothing else that is at that time,
//     be it booked, held, off, closed or in a calendar elsewhere, overlaps them.
//   - A start that Search could not offer, because it is not on the grid, is refused unless the
//     request is OffGrid.
//   - Intervals are half-open: an appointment may start when another one ends.
//   - Instants are exact to the microsecond, as in the database.
//   - An appointment that shall move does not stand in its own way: its caller leaves
//     it out of Busy and Counts.
//
// The database has the last word: a snapshot may be out of date when its decision is
// written, and then the exclusion constraint on allocations says so.
package availability
