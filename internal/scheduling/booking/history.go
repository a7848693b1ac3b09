package booking

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Actions on an appointment after it was booked.
const (
	ActionRescheduled = "RESCHEDULED"
	ActionUpdated     = "UPDATED"
	ActionConfirmed   = "CONFIRMED"
	ActionCompleted   = "COMPLETED"
	ActionCancelled   = "CANCELLED"
	ActionDeclined    = "DECLINED"
	ActionNoShow      = "NO_SHOW"
)

// eventTypes are the event types of the actions.
var eventTypes = map[string]string{
	ActionRescheduled: "appointment.rescheduled",
	ActionUpdated:     "appointment.updated",
	ActionConfirmed:   "appointment.confirmed",
	ActionCompleted:   "appointment.completed",
	ActionCancelled:   "appointment.cancelled",
	ActionDeclined:    "appointment.declined",
	ActionNoShow:      "appointment.no_show",
}

// AppointmentChange is one entry of an appointment's history.
type AppointmentChange struct {
	// Version is the version of the appointment that the change led to.
	Version int32
	Action  string
	// ActorUserID is the user who did it, or who was impersonated.
	ActorUserID *uuid.UUID
	// ActorTokenID and ImpersonatorUserID are nil for customers.
	ActorTokenID       *uuid.UUID
	ImpersonatorUserID *uuid.UUID
	OccurredAt         time.Time
	// Changes has the fields that changed, by their JSON names.
	Changes map[string]FieldChange
}

// FieldChange is the value of a field before and after a change, as in its JSON form.
type FieldChange struct {
	From any `json:"from"`
	To   any `json:"to"`
}

// History returns the changes of an appointment since it was booked, the oldest first.
// Errors: NotFound, also for appointments that the caller may not see; InvalidCursor.
func (s *Appointments) History(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, page keyset.Page) (keyset.List[AppointmentChange], error) {
	var after int32
	if err := keyset.Decode(page.Cursor, id, &after); err != nil {
		return keyset.List[AppointmentChange]{}, err
	}
	if _, err := s.Get(ctx, scope, viewer.Of(scope), id); err != nil {
		return keyset.List[AppointmentChange]{}, err
	}
	rows, err := queries.ListAppointmentChanges(ctx, s.engine.store.Reader(scope), schedulingdb.ListAppointmentChangesParams{
		EnvID: scope.Env.ID, AppointmentID: id, AfterVersion: after, RowLimit: page.RowLimit(),
	})
	if err != nil {
		return keyset.List[AppointmentChange]{}, fmt.Errorf("list appointment changes: %w", err)
	}
	changes := make([]AppointmentChange, len(rows))
	for i, row := range rows {
		if scope.Principal.Role == tenancy.RoleCustomer {
			row.ActorTokenID, row.ImpersonatorUserID = nil, nil
		}
		if changes[i], err = newAppointmentChange(row); err != nil {
			return keyset.List[AppointmentChange]{}, fmt.Errorf("appointment %s: change %d: %w", id, row.Version, err)
		}
	}
	return keyset.ListOf(page, changes, id, func(c AppointmentChange) any { return c.Version }), nil
}

func newAppointmentChange(row schedulingdb.ListAppointmentChangesRow) (AppointmentChange, error) {
	change := AppointmentChange{
		Version: row.Version, Action: row.Action, ActorUserID: row.ActorUserID, ActorTokenID: row.ActorTokenID,
		ImpersonatorUserID: row.ImpersonatorUserID, OccurredAt: row.OccurredAt.UTC(),
	}
	return change, json.Unmarshal(row.Changes, &change.Changes)
}

// changesBetween returns the differences in the fields that the history has.
func changesBetween(from, to *Appointment) (json.RawMessage, error) {
	changes := map[string]FieldChange{}
	note := func(field string, differs bool, before, after any) {
		if differs {
			changes[field] = FieldChange{From: before, To: after}
		}
	}
	note("status", from.Status != to.Status, from.Status, to.Status)
	note("start_at", !from.StartAt.Equal(to.StartAt), from.StartAt, to.StartAt)
	note("end_at", !from.EndAt.Equal(to.EndAt), from.EndAt, to.EndAt)
	note("resource_ids", !slices.Equal(from.ResourceIDs, to.ResourceIDs), from.ResourceIDs, to.ResourceIDs)
	note("notes", from.Notes != to.Notes, from.Notes, to.Notes)
	note("cancellation_reason", from.CancellationReason != to.CancellationReason, from.CancellationReason, to.CancellationReason)
	raw, err := json.Marshal(changes)
	if err != nil {
		return nil, fmt.Errorf("encode changes: %w", err)
	}
	return raw, nil
}
