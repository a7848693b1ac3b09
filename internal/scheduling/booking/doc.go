// Package booking owns appointments, holds, series and the waitlist, and finds times to book: their rules,
// their queries (gen/db/schedulingdb) and the events of their changes.
//
// It calls availability (the rule book that decides whether an appointment can be booked), catalog, customers,
// recurrence, entitle for quotas, and jobs. Handlers (scheduling/api) and internal/app call it. Its
// services share one engine, see engine.go.
//
// Invariants:
//   - Every method works in the environment of its scope. The identity of the scope may be an unchecked
//     tenancy.OptimisticIdentity, so nothing has effects outside of the Store, and Store.Control is not used.
//   - Gates have checked what a role may do. What is visible is checked here, with a viewer.Viewer: customers
//     see their own objects, staff the appointments that they are a resource of, bearers of a link one object. Other
//     objects are NotFound.
//   - An appointment is booked for a local time, and stores it.
//   - A change, its history, its quota and its event commit together.
//   - Two active allocations of a lane never overlap. A constraint of the database guarantees it; no code relies on an
//     earlier read.
//   - Locks are taken in one order: network or customer, limited service, resources; holds before waitlist entries; a
//     series before its appointments.
//   - All instants are in UTC.
package booking
