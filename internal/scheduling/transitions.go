package scheduling

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// transition is a way from one status to another. An appointment that is there already
// stays as it is.
type transition struct {
	action string
	to     string
	// verb is the action in a sentence: "cannot be confirmed".
	verb string
	from map[string]bool
}

var (
	open = map[string]bool{StatusPending: true, StatusConfirmed: true}

	confirming = transition{ActionConfirmed, StatusConfirmed, "confirmed", map[string]bool{StatusPending: true}}
	completing = transition{ActionCompleted, StatusCompleted, "completed", open}
	cancelling = transition{ActionCancelled, StatusCancelled, "cancelled", open}
	missing    = transition{ActionNoShow, StatusNoShow, "marked as missed", open}
)

// Confirm approves a pending appointment; a confirmed one stays as it is. The version,
// if there is one, must be the appointment's. Errors of this and the following three:
// NotFound, VersionMismatch, InvalidTransition.
func (s *Appointments) Confirm(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) (*Appointment, error) {
	return s.transition(ctx, scope, id, version, confirming, "")
}

// Complete says that a pending or confirmed appointment took place; a completed one
// stays as it is.
func (s *Appointments) Complete(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) (*Appointment, error) {
	return s.transition(ctx, scope, id, version, completing, "")
}

// MarkNoShow says that the customer of a pending or confirmed appointment did not come;
// one that is marked already stays as it is.
func (s *Appointments) MarkNoShow(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) (*Appointment, error) {
	return s.transition(ctx, scope, id, version, missing, "")
}

// Cancel calls a pending or confirmed appointment off; a cancelled one stays as it is,
// with its first reason.
func (s *Appointments) Cancel(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, reason string) (*Appointment, error) {
	return s.transition(ctx, scope, id, version, cancelling, reason)
}

func (s *Appointments) transition(
	ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, way transition, reason string,
) (*Appointment, error) {
	var result *Appointment
	err := s.store.InEnv(ctx, scope, func(tx *tenancy.Tx) error {
		current, err := s.lock(ctx, tx, scope, id, version)
		if err != nil {
			return err
		}
		result, err = s.follow(ctx, tx, scope, current, way, reason)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// follow goes the way with an appointment that is locked.
func (s *Appointments) follow(
	ctx context.Context, tx *tenancy.Tx, scope *tenancy.Scope, current *Appointment, way transition, reason string,
) (*Appointment, error) {
	if current.Status == way.to {
		return current, nil
	}
	if !way.from[current.Status] {
		return nil, invalidTransition(current.Status, way.verb)
	}
	next := *current
	next.Status = way.to
	if way.to == StatusCancelled {
		next.CancellationReason, next.CancelledAt = reason, &scope.Now
	}
	return s.write(ctx, tx, scope, way.action, current, &next)
}

func invalidTransition(status, verb string) error {
	return apperr.New(apperr.InvalidTransition, "An appointment that is %s cannot be %s.", status, verb).With("current_status", status)
}

// write stores the next state of an appointment that is locked, with its history and its
// event, and frees its lanes if it no longer holds its time.
func (s *Appointments) write(
	ctx context.Context, tx *tenancy.Tx, scope *tenancy.Scope, action string, current, next *Appointment,
) (*Appointment, error) {
	next.Version, next.UpdatedAt = current.Version+1, scope.Now
	changes, err := changesBetween(current, next)
	if err != nil {
		return nil, err
	}
	err = s.queries.UpdateAppointment(ctx, tx, schedulingdb.UpdateAppointmentParams{
		EnvID: scope.Env.ID, ID: next.ID, Status: next.Status, Notes: next.Notes, CancellationReason: next.CancellationReason,
		CancelledAt: next.CancelledAt, Version: next.Version, Now: scope.Now, HoldsTime: open[next.Status], Action: action,
		ActorUserID: scope.ActorID(), Changes: changes,
	})
	if err != nil {
		return nil, fmt.Errorf("update appointment: %w", err)
	}
	tx.Emit(eventTypes[action], next)
	return next, nil
}
