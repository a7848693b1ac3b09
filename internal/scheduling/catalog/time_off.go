package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/patch"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/localtime"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/recurrence"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/vacancy"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// TimeOff is a time at which a resource, or the whole business, cannot be booked,
// whatever the hours say. Its JSON form is the data of the events time_off.created,
// time_off.updated and time_off.deleted.
type TimeOff struct {
	ID uuid.UUID `json:"id"`
	// ResourceID is nil when the whole business is closed.
	ResourceID *uuid.UUID `json:"resource_id"`
	Title      string     `json:"title"`
	// StartAt and EndAt are those of the first occurrence.
	StartAt time.Time `json:"start_at"`
	EndAt   time.Time `json:"end_at"`
	// RRule is the value of an RRULE (RFC 5545) by which it recurs on the clock of
	// Timezone: that of the resource, or of the business, when it was written. Both are nil
	// for what takes place once.
	RRule     *string   `json:"rrule"`
	Timezone  *string   `json:"timezone"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Version   int32     `json:"version"`
}

// TimeOffInput describes new time off.
type TimeOffInput struct {
	ResourceID *uuid.UUID
	// Title is DefaultTimeOffTitle if it is empty.
	Title string
	// StartAt and EndAt are whole minutes, in any zone.
	StartAt, EndAt time.Time
	RRule          *string
}

// DefaultTimeOffTitle is the title of time off for which none is given.
const DefaultTimeOffTitle = "Time off"

// TimeOffPatch changes the fields that are not nil.
type TimeOffPatch struct {
	ResourceID     patch.Clearable[uuid.UUID]
	Title          *string
	StartAt, EndAt *time.Time
	RRule          patch.Clearable[string]
}

// TimeOffFilter narrows a list of time off; nil means all.
type TimeOffFilter struct {
	// From excludes what is over by then, To what starts then or later. What recurs is over
	// when its rule ends.
	From       *time.Time `json:"from"`
	To         *time.Time `json:"to"`
	ResourceID *uuid.UUID `json:"resource_id"`
}

// TimeOffs is the service for time off. Customers see none of it; staff see all, and
// change that of the resources that they sign in as.
type TimeOffs struct {
	store   *store.Store
	queries *schedulingdb.Queries
}

// NewTimeOffs keeps time off in the store.
func NewTimeOffs(store *store.Store) *TimeOffs {
	return &TimeOffs{store: store, queries: schedulingdb.New()}
}

const maxTimeOff = 366 * 24 * time.Hour

// List returns time off in the order of its start. Errors: InvalidCursor.
func (s *TimeOffs) List(ctx context.Context, scope *tenancy.Scope, filter TimeOffFilter, page keyset.Page) (keyset.List[TimeOff], error) {
	from, to := keyset.ClampRange(&filter.From, &filter.To, localtime.Earliest, localtime.Latest)
	var after keyset.ByTime
	if err := keyset.Decode(page.Cursor, filter, &after); err != nil {
		return keyset.List[TimeOff]{}, err
	}
	if viewer.Of(scope).IsCustomer() {
		return keyset.List[TimeOff]{Data: []TimeOff{}}, nil
	}
	rows, err := s.queries.ListTimeOff(ctx, s.store.Reader(scope), schedulingdb.ListTimeOffParams{
		EnvID: scope.Env.ID, AfterStartAt: after.At, AfterID: after.ID, FromAt: from, ToAt: to, ResourceID: filter.ResourceID,
		RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[TimeOff]{}, fmt.Errorf("list time off: %w", err)
	}
	convert := func(row schedulingdb.ListTimeOffRow) TimeOff { return newTimeOff(schedulingdb.GetTimeOffRow(row)) }
	return keyset.NewList(page, rows, filter, convert, func(t TimeOff) any { return keyset.ByTime{At: t.StartAt, ID: t.ID} }), nil
}

// Get returns time off. Errors: NotFound.
func (s *TimeOffs) Get(ctx context.Context, scope *tenancy.Scope, id uuid.UUID) (*TimeOff, error) {
	if viewer.Of(scope).IsCustomer() {
		return nil, apperr.NewNotFound("time off")
	}
	row, err := s.queries.GetTimeOff(ctx, s.store.Reader(scope), schedulingdb.GetTimeOffParams{EnvID: scope.Env.ID, ID: id})
	if err != nil {
		return nil, timeOffError("get", err)
	}
	found := newTimeOff(row)
	return &found, nil
}

// Create adds time off; appointments that exist stay. Errors: ValidationFailed for a
// resource that does not exist, for times that are not whole minutes, the wrong way
// round or too long, and for a rule that is none, recurs more than once a day or does
// not begin with the start; RoleNotAllowed for staff and resources that are not theirs.
func (s *TimeOffs) Create(ctx context.Context, scope *tenancy.Scope, in TimeOffInput) (*TimeOff, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make time off id: %w", err)
	}
	created := TimeOff{
		ID: id, ResourceID: in.ResourceID, Title: in.Title, StartAt: in.StartAt.UTC(), EndAt: in.EndAt.UTC(), RRule: in.RRule,
		CreatedAt: scope.Now, UpdatedAt: scope.Now, Version: 1,
	}
	if created.Title == "" {
		created.Title = DefaultTimeOffTitle
	}
	err = s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		if err := s.allow(ctx, tx, scope, created.ResourceID); err != nil {
			return err
		}
		until, err := s.check(ctx, tx, scope, &created)
		if err != nil {
			return err
		}
		err = s.queries.InsertTimeOff(ctx, tx, schedulingdb.InsertTimeOffParams{
			EnvID: scope.Env.ID, ID: id, ResourceID: created.ResourceID, Title: created.Title, StartAt: created.StartAt,
			EndAt: created.EndAt, Rrule: created.RRule, Timezone: created.Timezone, BlocksUntil: until, Now: scope.Now,
		})
		if err != nil {
			return timeOffError("insert", err)
		}
		tx.Emit("time_off.created", created)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &created, nil
}

// Update changes time off, all occurrences of it; with a version, only if it is at that
// version. Errors: NotFound, VersionMismatch, others as for Create.
func (s *TimeOffs) Update(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, change TimeOffPatch) (*TimeOff, error) {
	var updated TimeOff
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		updated = change.apply(current)
		updated.Version, updated.UpdatedAt = current.Version+1, scope.Now
		if err := s.allow(ctx, tx, scope, updated.ResourceID); err != nil {
			return err
		}
		var until *time.Time
		if change.moves() {
			if until, err = s.check(ctx, tx, scope, &updated); err != nil {
				return err
			}
		}
		err = s.queries.UpdateTimeOff(ctx, tx, schedulingdb.UpdateTimeOffParams{
			EnvID: scope.Env.ID, ID: id, ResourceID: updated.ResourceID, Title: updated.Title, StartAt: updated.StartAt,
			EndAt: updated.EndAt, Rrule: updated.RRule, Timezone: updated.Timezone, Moves: change.moves(), BlocksUntil: until,
			Version: updated.Version, Now: scope.Now,
		})
		if err != nil {
			return timeOffError("update", err)
		}
		tx.Emit("time_off.updated", updated)
		if !change.moves() {
			return nil
		}
		return current.enqueueVacancy(ctx, tx, scope)
	})
	if err != nil {
		return nil, err
	}
	return &updated, nil
}

// Delete removes time off with all its occurrences. Errors: NotFound, VersionMismatch,
// RoleNotAllowed.
func (s *TimeOffs) Delete(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) error {
	return s.store.InEnv(ctx, scope, func(tx *store.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		err = s.queries.DeleteTimeOff(ctx, tx, schedulingdb.DeleteTimeOffParams{EnvID: scope.Env.ID, ID: id})
		if err != nil {
			return fmt.Errorf("delete time off: %w", err)
		}
		tx.Emit("time_off.deleted", current)
		return current.enqueueVacancy(ctx, tx, scope)
	})
}

// lock reads and locks time off that the principal may change.
func (s *TimeOffs) lock(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, id uuid.UUID, version *int32) (TimeOff, error) {
	row, err := s.queries.GetTimeOffForUpdate(ctx, tx, schedulingdb.GetTimeOffForUpdateParams{EnvID: scope.Env.ID, ID: id})
	if err != nil {
		return TimeOff{}, timeOffError("lock", err)
	}
	if err := s.allow(ctx, tx, scope, row.ResourceID); err != nil {
		return TimeOff{}, err
	}
	return newTimeOff(schedulingdb.GetTimeOffRow(row)), etag.Check(version, row.Version, "time off")
}

// allow returns a RoleNotAllowed error unless the principal may block the resource, or with nil the whole business.
func (s *TimeOffs) allow(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, resourceID *uuid.UUID) error {
	v := viewer.Of(scope)
	if v.IsCustomer() {
		return apperr.New(apperr.RoleNotAllowed, "Customers cannot block any time.")
	}
	if !v.IsStaff() {
		return nil
	}
	own, err := s.queries.ListResourceIDsOfUser(ctx, tx, schedulingdb.ListResourceIDsOfUserParams{
		EnvID: scope.Env.ID, UserID: v.UserID(),
	})
	if err != nil {
		return fmt.Errorf("list own resources: %w", err)
	}
	if resourceID == nil || !slices.Contains(own, *resourceID) {
		return apperr.New(apperr.RoleNotAllowed, "You can only block times of resources that you sign in as yourself.")
	}
	return nil
}

// check validates new or changed times. It returns until when time is blocked; nil is without end. It sets the time zone
// of recurring time off, and the stored form of its rule.
func (s *TimeOffs) check(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, t *TimeOff) (until *time.Time, err error) {
	if err := checkTimes(t.StartAt, t.EndAt); err != nil {
		return nil, err
	}
	if t.RRule == nil {
		t.Timezone = nil
		return &t.EndAt, nil
	}
	text := recurrence.Normalize(*t.RRule)
	rule, err := recurrence.Parse(text)
	if err != nil {
		return nil, apperr.NewInvalid("/rrule", "This is not a rule by which time off can recur: %s.", err)
	}
	name, err := s.timezone(ctx, tx, scope, t.ResourceID)
	if err != nil {
		return nil, err
	}
	t.RRule, t.Timezone = &text, &name
	loc, err := loadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("zone of time off: %w", err)
	}
	recurs, err := recurrence.Start(ctx, rule, t.StartAt, loc)
	if invalid, ok := errors.AsType[*recurrence.InvalidError](err); ok {
		return nil, apperr.NewInvalid("/rrule", "%s", invalid.Detail)
	}
	if err != nil {
		return nil, err
	}
	return blocksUntil(timeOffRow{start: t.StartAt, end: t.EndAt}, recurs, loc), nil
}

func checkTimes(start, end time.Time) error {
	if field := checkTime("/start_at", start); field != nil {
		return field
	}
	if field := checkTime("/end_at", end); field != nil {
		return field
	}
	switch length := end.Sub(start); {
	case length <= 0:
		return apperr.NewInvalid("/end_at", "The end must be after the start.")
	case length > maxTimeOff:
		return apperr.NewInvalid("/end_at", "The end must be 366 days after the start at the latest.")
	}
	return nil
}

func checkTime(pointer string, at time.Time) error {
	if at.Before(localtime.Earliest) || !at.Before(localtime.Latest) {
		return apperr.NewInvalid(pointer, "The time must lie between the years 1970 and 2999.")
	}
	if !at.Equal(at.Truncate(time.Minute)) {
		return apperr.NewInvalid(pointer, "The time must be a whole minute.")
	}
	return nil
}

// timezone returns the time zone in which new time off of a resource, or of the business, recurs.
func (s *TimeOffs) timezone(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, resourceID *uuid.UUID) (string, error) {
	if resourceID == nil {
		return scope.Tenant.Timezone, nil
	}
	own, err := s.queries.GetScheduleTimezone(ctx, tx, schedulingdb.GetScheduleTimezoneParams{
		EnvID: scope.Env.ID, ResourceID: *resourceID,
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && own == nil:
		return scope.Tenant.Timezone, nil
	case err != nil:
		return "", fmt.Errorf("get zone of a resource: %w", err)
	}
	return *own, nil
}

// blocksUntil returns an upper bound for the end of the last occurrence; nil is without end.
func blocksUntil(row timeOffRow, recurs *recurrence.Recurrence, loc *time.Location) *time.Time {
	if recurs.Last().IsZero() {
		return nil
	}
	_, length := row.onClock(loc)
	until := localtime.NewClock(loc).AtWallClock(recurs.Last().Add(length).Add(time.Minute)) // a last second is within its minute
	if until.Before(row.end) {
		until = row.end
	}
	return &until
}

// moves reports whether the patch changes the times or the resource.
func (p TimeOffPatch) moves() bool {
	return p.ResourceID.Given || p.StartAt != nil || p.EndAt != nil || p.RRule.Given
}

// enqueueVacancy offers the time that is no longer blocked to the waitlist.
func (t *TimeOff) enqueueVacancy(ctx context.Context, tx *store.Tx, scope *tenancy.Scope) error {
	if t.RRule != nil {
		return vacancy.Enqueue(ctx, tx, scope, t.StartAt, localtime.Latest)
	}
	return vacancy.Enqueue(ctx, tx, scope, t.StartAt, t.EndAt)
}

func (p TimeOffPatch) apply(t TimeOff) TimeOff {
	p.ResourceID.Apply(&t.ResourceID)
	patch.Set(&t.Title, p.Title)
	patch.Set(&t.StartAt, p.StartAt)
	patch.Set(&t.EndAt, p.EndAt)
	t.StartAt, t.EndAt = t.StartAt.UTC(), t.EndAt.UTC()
	p.RRule.Apply(&t.RRule)
	return t
}

func newTimeOff(row schedulingdb.GetTimeOffRow) TimeOff {
	return TimeOff{
		ID: row.ID, ResourceID: row.ResourceID, Title: row.Title, StartAt: row.StartAt.UTC(), EndAt: row.EndAt.UTC(),
		RRule: row.Rrule, Timezone: row.Timezone, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
		Version: row.Version,
	}
}

// timeOffError translates the error of a query for one time off.
func timeOffError(doing string, err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return apperr.NewNotFound("time off")
	}
	return violations.Translate(fmt.Errorf("%s time off: %w", doing, err))
}
