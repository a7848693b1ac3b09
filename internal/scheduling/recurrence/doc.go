// Package recurrence owns recurrence rules (RRULE, RFC 5545) of what happens at most once a day:
// series of appointments, and time off that repeats.
//
// It is pure and calls localtime and a library that reads rules. Invariants: all times are wall clock
// times (localtime.WallClock), so an occurrence shows the time of day of the first; the work of a
// query is proportional to the periods in its range, whatever the rule; it ends with its context.
package recurrence
