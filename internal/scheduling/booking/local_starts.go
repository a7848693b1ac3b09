package booking

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/catalog"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// localStart is what an appointment remembers of the clock on the wall.
type localStart struct {
	// at is what the clock shows at the start, in the form of onClock.
	at       time.Time
	timezone string
	// tzdataVersion is the release by whose rules it was reckoned; nil is not known.
	tzdataVersion *string
}

// localStartOf is what the clock of the business shows at a start.
func localStartOf(start time.Time, tenant *tenancy.Tenant) localStart {
	return localStart{at: localtime.WallClock(start, tenant.Location), timezone: tenant.Timezone, tzdataVersion: tzdataVersion()}
}

func tzdataVersion() *string {
	release := tzdata.Current()
	if release.Version == "" {
		return nil
	}
	return &release.Version
}

// LoadZone returns the rules of a time zone, such as tzdata.Load does.
type LoadZone func(name string) (*time.Location, error)

// CurrentZones has the rules that this process reckons with.
var CurrentZones LoadZone = tzdata.Load

// ZoneChange is an appointment whose instant differs since the rules of its time zone
// have changed.
type ZoneChange struct {
	AppointmentID uuid.UUID
	Timezone      string
	// Shown is what the clock showed at the start when it was booked, written as UTC.
	Shown time.Time
	// From is when it starts, and To when the clock shows that now.
	From, To time.Time
	// Refusal is why it cannot move there; nil if it has moved, or if nobody has tried.
	Refusal *apperr.Error
}

// ZoneFailure is an appointment that could not be checked.
type ZoneFailure struct {
	AppointmentID uuid.UUID
	Err           error
}

// ZoneReport is what reckoning an environment anew has found.
type ZoneReport struct {
	// Checked are the appointments to come; of Unknown of them nobody had noted what the
	// clock showed.
	Checked, Unknown int
	// Failures are the appointments whose zone is not known.
	Failures []ZoneFailure
	// Changes are in the order in which they were tried.
	Changes []ZoneChange
}

// reckonBatch is how many appointments are read at once.
const reckonBatch = 1000

// CheckZones finds the pending and confirmed appointments to come whose instants differ
// by the rules that load returns. It changes nothing.
func (s *Appointments) CheckZones(ctx context.Context, scope *tenancy.Scope, load LoadZone) (*ZoneReport, error) {
	report := &ZoneReport{}
	return report, s.reckon(ctx, scope, load, report, nil)
}

// ApplyZones moves the appointments that CheckZones finds, each in a transaction and by
// the rule book: an appointment that cannot be where it should be stays, and its change
// says why. Those of which nobody has noted what the clock showed are noted with what it
// shows now. It can be repeated: what has moved is where it should be.
func (s *Appointments) ApplyZones(ctx context.Context, scope *tenancy.Scope, load LoadZone) (*ZoneReport, error) {
	location, err := load(scope.Tenant.Timezone)
	if err != nil {
		return nil, fmt.Errorf("zone of the business: %w", err)
	}
	// The days, hours and limits of the business are those of the new rules.
	tenant, renewed := *scope.Tenant, *scope
	tenant.Location, renewed.Tenant = location, &tenant
	report := &ZoneReport{}
	if err := s.reckon(ctx, &renewed, load, report, s.remember); err != nil {
		return nil, err
	}
	slices.SortStableFunc(report.Changes, orderOfMoves)
	for i := range report.Changes {
		if err := s.applyZone(ctx, &renewed, &report.Changes[i]); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// orderOfMoves lets those that go back move first, from the earliest on, and then those that
// go forward, from the latest on, so that none is in the way of its neighbour.
func orderOfMoves(a, b ZoneChange) int {
	back := func(c ZoneChange) bool { return c.To.Before(c.From) }
	switch {
	case back(a) && !back(b):
		return -1
	case !back(a) && back(b):
		return 1
	case back(a):
		return cmp.Or(a.From.Compare(b.From), catalog.CompareIDs(a.AppointmentID, b.AppointmentID))
	default:
		return cmp.Or(b.From.Compare(a.From), catalog.CompareIDs(a.AppointmentID, b.AppointmentID))
	}
}

// reckon reads the appointments to come. What it knows nothing about goes to unknown.
func (s *Appointments) reckon(
	ctx context.Context, scope *tenancy.Scope, load LoadZone, report *ZoneReport,
	unknown func(context.Context, *tenancy.Scope, []schedulingdb.ListLocalStartsRow) error,
) error {
	after := keyset.ByTime{At: scope.Now, ID: uuid.Max}
	for {
		rows, err := s.queries.ListLocalStarts(ctx, s.store.Reader(scope), schedulingdb.ListLocalStartsParams{
			EnvID: scope.Env.ID, AfterStartAt: after.At, AfterID: after.ID, RowLimit: reckonBatch,
		})
		if err != nil {
			return fmt.Errorf("list local starts: %w", err)
		}
		var strangers []schedulingdb.ListLocalStartsRow
		for _, row := range rows {
			report.Checked++
			if row.LocalStartAt == nil {
				strangers = append(strangers, row)
				continue
			}
			zone, err := load(*row.Timezone)
			if err != nil {
				report.Failures = append(report.Failures, ZoneFailure{row.ID, err})
				continue
			}
			if localtime.WallClock(row.StartAt, zone).Equal(*row.LocalStartAt) {
				continue
			}
			report.Changes = append(report.Changes, ZoneChange{
				AppointmentID: row.ID, Timezone: *row.Timezone, Shown: row.LocalStartAt.UTC(), From: row.StartAt.UTC(),
				To: localtime.NewClock(zone).AtWallClock(*row.LocalStartAt),
			})
		}
		report.Unknown += len(strangers)
		if unknown != nil && len(strangers) > 0 {
			if err := unknown(ctx, scope, strangers); err != nil {
				return err
			}
		}
		if len(rows) < reckonBatch {
			return nil
		}
		last := rows[len(rows)-1]
		after = keyset.ByTime{At: last.StartAt, ID: last.ID}
	}
}

// remember notes what the clock of the business shows.
func (s *Appointments) remember(ctx context.Context, scope *tenancy.Scope, rows []schedulingdb.ListLocalStartsRow) error {
	params := schedulingdb.RememberLocalStartsParams{
		EnvID: scope.Env.ID, Timezone: scope.Tenant.Timezone, TzdataVersion: tzdataVersion(),
	}
	for _, row := range rows {
		params.Ids, params.StartAts = append(params.Ids, row.ID), append(params.StartAts, row.StartAt)
		params.LocalStartAts = append(params.LocalStartAts, localtime.WallClock(row.StartAt, scope.Tenant.Location))
	}
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) error { return s.queries.RememberLocalStarts(ctx, tx, params) })
	if err != nil {
		return fmt.Errorf("remember local starts: %w", err)
	}
	return nil
}

// applyZone moves one appointment, unless somebody else has changed it meanwhile.
func (s *Appointments) applyZone(ctx context.Context, scope *tenancy.Scope, change *ZoneChange) error {
	in := RescheduleInput{
		StartAt: change.To, local: &localStart{at: change.Shown, timezone: change.Timezone, tzdataVersion: tzdataVersion()},
	}
	err := s.retryOnConflict(ctx, scope, func(tx *store.Tx, rivals []uuid.UUID) error {
		current, err := s.lockAs(ctx, tx, scope, viewer.Everything(), change.AppointmentID, nil)
		if errors.Is(err, apperr.NewNotFound("appointment")) {
			return nil
		}
		if err != nil || !open[current.Status] || !current.StartAt.Equal(change.From) {
			return err
		}
		_, err = s.move(ctx, tx, scope, viewer.Everything(), current, in, rivals)
		return err
	})
	if refusal, ok := errors.AsType[*apperr.Error](err); ok {
		change.Refusal = refusal
		return nil
	}
	return err
}
