package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// These make the program end with an error, so that an operator notices.
var (
	errStuck  = errors.New("some appointments cannot be moved to where their clocks show the time they were booked for; see above")
	errFailed = errors.New("some environments or appointments could not be checked; see above")
)

// Tzdata goes through all environments of the configured database and prints the
// appointments to come whose instant differs since the rules of their time zones have
// changed; with apply it moves them. It can be repeated. What
// cannot be checked is printed, keeps nothing else waiting, and is an error in the end.
func Tzdata(ctx context.Context, c Config, apply bool, out io.Writer) error {
	if c.DatabaseURL == "" {
		return fmt.Errorf("%sDATABASE_URL is missing: tzdata works on the database that it names", Prefix)
	}
	return withApp(ctx, c, c.DatabaseURL, NewLogger(c), func(a *App) error {
		return a.ReckonZones(ctx, time.Now(), booking.CurrentZones, apply, out)
	})
}

// ReckonZones is Tzdata for an App, an instant, and the rules that load returns.
func (a *App) ReckonZones(ctx context.Context, now time.Time, load booking.LoadZone, apply bool, out io.Writer) error {
	environments, err := a.Resolver.Environments(ctx)
	if err != nil {
		return err
	}
	release := tzdata.Current()
	fmt.Fprintf(out, "Time zone database: %s (%s)\n", release, release.Source)
	reckon := a.Scheduling.Appointments.CheckZones
	if apply {
		reckon = a.Scheduling.Appointments.ApplyZones
	}
	var checked, changed, stuck, failed int
	for _, environment := range environments {
		scope, err := a.Resolver.ScopeOf(ctx, environment.ID, now)
		if errors.Is(err, apperr.New(apperr.NotFound, "")) {
			continue // it has been deleted meanwhile
		}
		var report *booking.ZoneReport
		if err == nil {
			report, err = reckon(ctx, scope, load)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // the others must not wait for it
			failed++
			fmt.Fprintf(out, "%s  failed: %v\n", environment.Name, err)
			continue
		}
		failed += len(report.Failures)
		checked, changed = checked+report.Checked, changed+len(report.Changes)
		n, err := printZones(out, environment, report, apply)
		if err != nil {
			return err
		}
		stuck += n
	}
	fmt.Fprintf(out, "%d appointments to come, %d of them at another instant now, %d of those cannot move.\n", checked, changed, stuck)
	var failures []error
	if stuck > 0 {
		failures = append(failures, errStuck)
	}
	if failed > 0 {
		failures = append(failures, errFailed)
	}
	return errors.Join(failures...)
}

// printZones prints what there is to say about an environment, and returns how many
// appointments could not be moved.
func printZones(out io.Writer, environment tenancy.Environment, report *booking.ZoneReport, apply bool) (stuck int, err error) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, change := range report.Changes {
		outcome := "would move"
		switch {
		case change.Refusal != nil:
			stuck++
			outcome = "stays: " + change.Refusal.Detail
		case apply:
			outcome = "moved"
		}
		fmt.Fprintf(w, "%s\t%s\t%s in %s\t%s\t-> %s\t%s\n", environment.Name, change.AppointmentID, change.Shown.Format("2006-01-02 15:04"),
			change.Timezone, change.From.Format(time.RFC3339), change.To.Format(time.RFC3339), outcome)
	}
	for _, failure := range report.Failures {
		fmt.Fprintf(w, "%s\t%s\tfailed: %v\n", environment.Name, failure.AppointmentID, failure.Err)
	}
	if report.Unknown > 0 {
		outcome := "apply notes what the clock shows now"
		if apply {
			outcome = "noted what the clock shows now"
		}
		fmt.Fprintf(w, "%s\t%d appointments without a note of the clock\t%s\n", environment.Name, report.Unknown, outcome)
	}
	return stuck, w.Flush()
}
