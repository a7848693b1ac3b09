// Package catalog owns what a business offers: resources, services with their requirements, hours
// and time off, and the catalog that servers keep of them in memory for searches and bookings.
//
// It calls entitle for quotas, recurrence and localtime, and vacancy when time becomes bookable. It
// knows no appointments: the constraints of the database protect what they refer to.
//
// Invariants:
//   - A cached catalog is used only if the database has reported its version in a statement of the
//     same request. Triggers of the database change the version with every change
//     (schema/00055_catalogue_versions.sql). A transaction that has changed the catalog reads it
//     without a version, and that is never cached. A Catalog is immutable.
//   - A change, its quota and its event commit together. Its effects are all on the transaction.
//   - Roles have been checked before. Time off is invisible to customers; staff see all of it and
//     change that of their own resources.
//   - All instants are in UTC.
package catalog
