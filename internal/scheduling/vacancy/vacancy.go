package vacancy

import (
	"context"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/jobs"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Args are the arguments of the job that offers vacant time to the waitlist.
type Args struct {
	jobs.InEnv
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Kind implements jobs.Args.
func (Args) Kind() string { return "waitlist_freed" }

// Enqueue adds a job, with the commit, that offers the time from from to to. It is added even if
// the waitlist is empty: an entry that is being added by another transaction is not visible here,
// and the job of that transaction may not see this change.
func Enqueue(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, from, to time.Time) error {
	if !to.After(scope.Now) {
		return nil
	}
	return jobs.Insert(ctx, tx, Args{jobs.In(scope), from.UTC(), to.UTC()})
}

// EnqueueFromNow is Enqueue for a change of hours, capacity or rules, which may concern all time from now on.
func EnqueueFromNow(ctx context.Context, tx *store.Tx, scope *tenancy.Scope) error {
	return Enqueue(ctx, tx, scope, scope.Now, localtime.Latest)
}
