package booking

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/vacancy"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
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
	open    = map[string]bool{StatusPending: true, StatusConfirmed: true}
	pending = map[string]bool{StatusPending: true}

	confirming = transition{ActionConfirmed, StatusConfirmed, "confirmed", pending}
	declining  = transition{ActionDeclined, StatusDeclined, "declined", pending}
	completing = transition{ActionCompleted, StatusCompleted, "completed", open}
	cancelling = transition{ActionCancelled, StatusCancelled, "cancelled", open}
	missing    = transition{ActionNoShow, StatusNoShow, "marked as missed", open}
)

// Decline refuses a pending appointment, which frees its time; a declined one stays as it
// is, with its first reason. The version, if there is one, must be the appointment's.
// Errors of this and the following three: NotFound, VersionMismatch, InvalidTransition.
func (s *Appointments) Decline(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, reason string) (*Appointment, error) {
	return s.transition(ctx, scope, viewer.Of(scope), id, version, declining, func(_ *store.Tx, next *Appointment) error {
		next.CancellationReason = reason
		return nil
	})
}

// Complete says that a pending or confirmed appointment took place; a completed one
// stays as it is.
func (s *Appointments) Complete(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) (*Appointment, error) {
	return s.transition(ctx, scope, viewer.Of(scope), id, version, completing, nil)
}

// MarkNoShow says that the customer of a pending or confirmed appointment did not come;
// one that is marked already stays as it is.
func (s *Appointments) MarkNoShow(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) (*Appointment, error) {
	return s.transition(ctx, scope, viewer.Of(scope), id, version, missing, nil)
}

// Cancel calls a pending or confirmed appointment off, on the terms of this moment; a
// cancelled one stays as it is, with its first reason and terms. Further errors:
// RefusedByPolicy for customers who may not, InvalidTransition for customers when it has
// begun, RoleNotAllowed for those who may not waive
// the fee.
func (s *Appointments) Cancel(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, in CancelInput) (*Appointment, error) {
	return s.cancel(ctx, scope, viewer.Of(scope), id, version, in)
}

// CancelFor is Cancel for whoever the caller knows to be the customer of the appointment.
func (s *Appointments) CancelFor(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, in CancelInput) (*Appointment, error) {
	return s.cancel(ctx, scope, viewer.Bearer(id), id, version, in)
}

func (s *Appointments) cancel(
	ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, version *int32, in CancelInput,
) (*Appointment, error) {
	return s.transition(ctx, scope, v, id, version, cancelling, s.onTerms(ctx, scope, v, in))
}

// onTerms cancels on the terms of this moment.
func (s *Appointments) onTerms(ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, in CancelInput) preparation {
	return func(tx *store.Tx, next *Appointment) error {
		p, err := s.policies(ctx, tx, scope)
		if err != nil {
			return err
		}
		if err := allowCancel(v, p, next, scope.Now); err != nil {
			return err
		}
		if in.WaiveFee {
			if err := allowWaive(v); err != nil {
				return err
			}
		}
		terms := next.cancellation(p, scope.Now, in.WaiveFee)
		next.Cancellation, next.CancellationReason, next.CancelledAt = &terms, in.Reason, &scope.Now
		return nil
	}
}

// preparation may refuse a transition, or change what else changes with the status: it is
// given the appointment to be, which still has its present status.
type preparation func(tx *store.Tx, next *Appointment) error

// transition takes an appointment the way; prepare is optional.
func (s *Appointments) transition(
	ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, version *int32, way transition,
	prepare preparation,
) (*Appointment, error) {
	var result *Appointment
	err := s.store.InEnv(ctx, scope, func(tx *store.Tx) (err error) {
		result, err = s.transitionIn(ctx, tx, scope, v, id, version, way, prepare)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// transitionIn is transition in the caller's transaction.
func (s *Appointments) transitionIn(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, version *int32, way transition,
	prepare preparation,
) (*Appointment, error) {
	current, err := s.lockAs(ctx, tx, scope, v, id, version)
	if err != nil {
		return nil, err
	}
	return s.follow(ctx, tx, scope, current, way, prepare)
}

// follow goes the way with an appointment that is locked.
func (s *Appointments) follow(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, current *Appointment, way transition, prepare preparation,
) (*Appointment, error) {
	if current.Status == way.to {
		return current, nil
	}
	if !way.from[current.Status] {
		return nil, invalidTransition(current.Status, way.verb)
	}
	next := *current
	if prepare != nil {
		if err := prepare(tx, &next); err != nil {
			return nil, err
		}
	}
	next.Status = way.to
	return s.write(ctx, tx, scope, way.action, current, &next)
}

func invalidTransition(status, verb string) error {
	return apperr.New(apperr.InvalidTransition, "An appointment that is %s cannot be %s.", status, verb).With("current_status", status)
}

// write stores the next state of an appointment that is locked, with its history and its
// event, and frees its lanes if it no longer holds its time.
func (s *Appointments) write(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, action string, current, next *Appointment,
) (*Appointment, error) {
	next.Version, next.UpdatedAt = current.Version+1, scope.Now
	changes, err := changesBetween(current, next)
	if err != nil {
		return nil, err
	}
	params := schedulingdb.UpdateAppointmentParams{
		EnvID: scope.Env.ID, ID: next.ID, Status: next.Status, Notes: next.Notes, CancellationReason: next.CancellationReason,
		CancelledAt: next.CancelledAt, Version: next.Version, Now: scope.Now, HoldsTime: open[next.Status], Action: action,
		ActorUserID: scope.ActorID(), ActorTokenID: scope.ActorTokenID(), ImpersonatorUserID: scope.ImpersonatorID(), Changes: changes,
	}
	if c := next.Cancellation; c != nil {
		params.CancelledLate, params.CancellationFeeWaived, params.CancellationFeeAmount = &c.Late, &c.Waived, &c.Fee.Amount
		params.CancellationWindowHours, params.CancellationFeePercent = &c.WindowHours, &c.FeePercent
	}
	if err := s.queries.UpdateAppointment(ctx, tx, params); err != nil {
		return nil, fmt.Errorf("update appointment: %w", err)
	}
	tx.Emit(eventTypes[action], next)
	if open[next.Status] {
		return next, nil
	}
	return next, current.freed(ctx, tx, scope)
}

// freed lets the time that the appointment has been holding be offered to those who wait.
func (a *Appointment) freed(ctx context.Context, tx *store.Tx, scope *tenancy.Scope) error {
	if !open[a.Status] {
		return nil
	}
	from, to := a.times().Window(a.StartAt)
	return vacancy.Enqueue(ctx, tx, scope, from, to)
}
