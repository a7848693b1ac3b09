// Package vacancy owns the job that offers vacant time to the waitlist. Whatever frees time, or makes
// it bookable, enqueues it; booking.Waitlist works it.
//
// It calls jobs. Invariant: the job is committed with the change that causes it.
package vacancy
