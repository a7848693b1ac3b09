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

// LoadZone returns the rules of a time zone, as tzdata.Load does.
type LoadZone func(name string) (*time.Location, error)

// CurrentZones has the rules of this process.
var CurrentZones LoadZone = tzdata.Load

// ZoneChange is an appointment whose instant differs under the new rules of its time zone.
type ZoneChange struct {
	AppointmentID uuid.UUID
	Timezone      string
	// Shown is the local time of the start when it was booked, written as UTC.
	Shown time.Time
	// From is the present start, and To the instant of Shown under the new rules.
	From, To time.Time
	// Refusal is why it cannot move; nil if it has moved or no move was tried.
	Refusal *apperr.Error
}

// ZoneFailure is an appointment that could not be checked.
type ZoneFailure struct {
	AppointmentID uuid.UUID
	Err           error
}

// ZoneReport is the result of a check of an environment.
type ZoneReport struct {
	// Checked are the future appointments; Unknown of them have no stored local time.
	Checked, Unknown int
	// Failures are the appointments whose time zone is unknown.
	Failures []ZoneFailure
	// Changes are in the order in which they were tried.
	Changes []ZoneChange
}

// TimeZones is the service that moves appointments when the rules of their time zones have changed.
type TimeZones struct{ engine *engine }

// zonePageSize is how many appointments are read at a time.
const zonePageSize = 1000

// Check finds the future pending and confirmed appointments whose instants differ under the rules that load
// returns. It changes nothing.
func (s *TimeZones) Check(ctx context.Context, scope *tenancy.Scope, load LoadZone) (*ZoneReport, error) {
	report := &ZoneReport{}
	return report, s.scan(ctx, scope, load, report, false)
}

// Apply moves the appointments that Check finds, each in a transaction of its own. The rule book decides: an
// appointment that cannot move stays, and its change has the refusal. Missing local times are stored as they are now.
// Apply can be repeated.
func (s *TimeZones) Apply(ctx context.Context, scope *tenancy.Scope, load LoadZone) (*ZoneReport, error) {
	location, err := load(scope.Tenant.Timezone)
	if err != nil {
		return nil, fmt.Errorf("zone of the business: %w", err)
	}
	// Days, hours and limits of the business follow the new rules.
	tenant, renewed := *scope.Tenant, *scope
	tenant.Location, renewed.Tenant = location, &tenant
	report := &ZoneReport{}
	if err := s.scan(ctx, &renewed, load, report, true); err != nil {
		return nil, err
	}
	slices.SortStableFunc(report.Changes, orderOfMoves)
	for i := range report.Changes {
		if err := s.move(ctx, &renewed, &report.Changes[i]); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// orderOfMoves moves first those that go back, the earliest first, and then those that go forward, the latest
// first, so that none blocks its neighbor.
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

// scan adds the future appointments to the report; with storeUnknown it stores missing local times.
func (s *TimeZones) scan(
	ctx context.Context, scope *tenancy.Scope, load LoadZone, report *ZoneReport, storeUnknown bool,
) error {
	after := keyset.ByTime{At: scope.Now, ID: uuid.Max}
	for {
		rows, err := queries.ListLocalStarts(ctx, s.engine.store.Reader(scope), schedulingdb.ListLocalStartsParams{
			EnvID: scope.Env.ID, AfterStartAt: after.At, AfterID: after.ID, RowLimit: zonePageSize,
		})
		if err != nil {
			return fmt.Errorf("list local starts: %w", err)
		}
		var unknown []schedulingdb.ListLocalStartsRow
		for _, row := range rows {
			report.Checked++
			if row.LocalStartAt == nil {
				unknown = append(unknown, row)
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
		report.Unknown += len(unknown)
		if storeUnknown && len(unknown) > 0 {
			if err := s.storeLocalStarts(ctx, scope, unknown); err != nil {
				return err
			}
		}
		if len(rows) < zonePageSize {
			return nil
		}
		last := rows[len(rows)-1]
		after = keyset.ByTime{At: last.StartAt, ID: last.ID}
	}
}

// storeLocalStarts stores the local times of the business.
func (s *TimeZones) storeLocalStarts(ctx context.Context, scope *tenancy.Scope, rows []schedulingdb.ListLocalStartsRow) error {
	params := schedulingdb.RememberLocalStartsParams{
		EnvID: scope.Env.ID, Timezone: scope.Tenant.Timezone, TzdataVersion: tzdataVersion(),
	}
	for _, row := range rows {
		params.Ids, params.StartAts = append(params.Ids, row.ID), append(params.StartAts, row.StartAt)
		params.LocalStartAts = append(params.LocalStartAts, localtime.WallClock(row.StartAt, scope.Tenant.Location))
	}
	err := s.engine.store.InEnv(ctx, scope, func(tx *store.Tx) error { return queries.RememberLocalStarts(ctx, tx, params) })
	if err != nil {
		return fmt.Errorf("store local starts: %w", err)
	}
	return nil
}

// move moves an appointment unless it has been changed since it was read.
func (s *TimeZones) move(ctx context.Context, scope *tenancy.Scope, change *ZoneChange) error {
	in := RescheduleInput{
		StartAt: change.To, local: &localStart{at: change.Shown, timezone: change.Timezone, tzdataVersion: tzdataVersion()},
	}
	err := s.engine.retryOnConflict(ctx, scope, func(tx *store.Tx, lockFirst []uuid.UUID) error {
		current, err := s.engine.lockAppointment(ctx, tx, scope, viewer.Everything(), change.AppointmentID, nil)
		if errors.Is(err, apperr.NewNotFound("appointment")) {
			return nil
		}
		if err != nil || !isOpen[current.Status] || !current.StartAt.Equal(change.From) {
			return err
		}
		_, err = s.engine.move(ctx, tx, scope, viewer.Everything(), current, in, lockFirst)
		return err
	})
	if refusal, ok := errors.AsType[*apperr.Error](err); ok {
		change.Refusal = refusal
		return nil
	}
	return err
}
