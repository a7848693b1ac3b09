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

// With these errors the command exits with 1, so that operators notice.
var (
	errStuck  = errors.New("some appointments cannot be moved to the local time they were booked for; see above")
	errFailed = errors.New("some environments or appointments could not be checked; see above")
)

// Tzdata checks the upcoming appointments of all environments of the configured database: if the rules of
// a time zone have changed, the local time an appointment was booked for is at another instant. It prints
// these appointments and, with apply, moves them. It can be repeated. Environments and appointments that
// cannot be checked are printed; the others are checked, and an error is returned at the end.
func Tzdata(ctx context.Context, c Config, apply bool, out io.Writer) error {
	if c.DatabaseURL == "" {
		return fmt.Errorf("%sDATABASE_URL is missing: tzdata needs a database", Prefix)
	}
	return withApp(ctx, c, c.DatabaseURL, NewLogger(c), func(a *App) error {
		return a.CheckZones(ctx, time.Now(), booking.CurrentZones, apply, out)
	})
}

// CheckZones is Tzdata for an App, with the current time and the time zone rules as arguments.
func (a *App) CheckZones(ctx context.Context, now time.Time, load booking.LoadZone, apply bool, out io.Writer) error {
	environments, err := a.Resolver.Environments(ctx)
	if err != nil {
		return err
	}
	release := tzdata.Current()
	fmt.Fprintf(out, "Time zone database: %s (%s)\n", release, release.Source)
	check := a.Scheduling.Booking.TimeZones.Check
	if apply {
		check = a.Scheduling.Booking.TimeZones.Apply
	}
	var checked, changed, stuck, failed int
	for _, environment := range environments {
		scope, err := a.Resolver.ScopeOf(ctx, environment.ID, now)
		if errors.Is(err, apperr.New(apperr.NotFound, "")) {
			continue // deleted since the list was read
		}
		var report *booking.ZoneReport
		if err == nil {
			report, err = check(ctx, scope, load)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil { // continue with the other environments
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
	fmt.Fprintf(out, "%d upcoming appointments, %d of them at another instant now, %d of those cannot be moved.\n", checked, changed, stuck)
	var failures []error
	if stuck > 0 {
		failures = append(failures, errStuck)
	}
	if failed > 0 {
		failures = append(failures, errFailed)
	}
	return errors.Join(failures...)
}

// printZones prints the report of an environment and returns the number of appointments that could not be
// moved.
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
		outcome := "apply stores the current one"
		if apply {
			outcome = "stored the current one"
		}
		fmt.Fprintf(w, "%s\t%d appointments without a stored local time\t%s\n", environment.Name, report.Unknown, outcome)
	}
	return stuck, w.Flush()
}
