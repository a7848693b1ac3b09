// Package scheduling owns resources, services, hours, time off, customers, holds,
// appointments and the waitlist: their rules, their queries (gen/db/schedulingdb) and the
// events that tell of their changes.
//
// It calls availability, which decides whether an appointment can be booked, entitle
// for the quotas, jobs for what follows a transaction, and tenancy for the database. Handlers (scheduling/api) and
// internal/app call it; it knows no other domain and no HTTP.
//
// Invariants:
//   - Every function works in the environment of the scope it is given, and nowhere else. Who
//     asks may only be presumed (tenancy.OptimisticIdentity), so nothing has effects outside of the
//     Store, and Store.Control is not used.
//   - What a role may do at all is the gates' business, and is checked before. What a
//     role may see is checked here: a customer sees their own record and appointments,
//     staff see the appointments they are a resource of, and the rest does not exist for
//     them. Time off does not exist for customers, and staff see all of it and change
//     their own. A scope without principal sees nothing of the kind.
//   - Whoever books without signing in sees what can be booked, and the one object that they
//     have a token for; nothing tells them about anybody else.
//   - An appointment is agreed on by the clock on the wall, and remembers what it showed.
//   - A change, its history, its quota and its event commit together or not at all.
//   - Two active allocations of a lane never overlap. The database sees to it, and no
//     code here relies on having looked before.
//   - All instants are in UTC.
//
// A compile error after regenerating the contract or the queries means that a noun
// changed: follow its file name, which is the same along the whole way.
package booking
