// Package jobs owns background work: how it is put into the database in the transaction
// that makes it necessary, and how a server works it off.
//
// It calls River (github.com/riverqueue/river, schema river of the same database), and
// tenancy for the scope that a job works in. Invariants: a job exists exactly if the
// transaction that inserted it is committed; its arguments are ids, never data; work is
// done at least once, so it must bear being done twice.
//
// A kind of job is a type of arguments and a function:
//
//	type RemindArgs struct {
//		jobs.InEnv
//		AppointmentID uuid.UUID `json:"appointment_id"`
//	}
//
//	func (RemindArgs) Kind() string { return "appointment_reminder" }
//
//	// in the transaction:
//	err := jobs.Insert(ctx, tx, RemindArgs{jobs.In(scope), id})
//	// in internal/app:
//	jobs.Handle(workers, reminders.Remind) // func(ctx, scope, RemindArgs) error
package jobs
