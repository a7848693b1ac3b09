// Package localtime owns the arithmetic between the local calendar of a place and
// instants. It is pure and calls nobody.
//
// Schedules are written in local time: a date, minutes from midnight, and an IANA zone.
// What instant that is follows one policy (docs/api/time.md):
//
//   - In a gap, when clocks are put forward, a local time that does not exist is the
//     first instant after the gap.
//   - In a fold, when clocks are put back, a local time that exists twice is its first
//     occurrence.
//
// Both say the same: a local time is the first instant at which the clock on the wall
// shows it, or more. time.Date leaves open which of two instants it gives.
//
// Invariants:
//   - A later local time is never an earlier instant.
//   - A day is as long as it is. Nothing here adds 24 hours to an instant.
//   - Instants are in UTC.
//   - Offsets of zones are shorter than 24 hours.
package localtime
