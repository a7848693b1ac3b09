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

// transition changes the status of appointments. One that has the status already stays as it is.
type transition struct {
	action string
	to     string
	// verb is the action in a sentence: "cannot be confirmed".
	verb string
	from map[string]bool
}

var (
	isOpen  = map[string]bool{StatusPending: true, StatusConfirmed: true}
	pending = map[string]bool{StatusPending: true}

	confirming = transition{ActionConfirmed, StatusConfirmed, "confirmed", pending}
	declining  = transition{ActionDeclined, StatusDeclined, "declined", pending}
	completing = transition{ActionCompleted, StatusCompleted, "completed", isOpen}
	cancelling = transition{ActionCancelled, StatusCancelled, "cancelled", isOpen}
	missing    = transition{ActionNoShow, StatusNoShow, "marked as missed", isOpen}
)

// Decline refuses a pending appointment, which frees its time; a declined one keeps its first reason. If a
// version is given it must be the appointment's. Errors of this and the following methods: NotFound, VersionMismatch,
// InvalidTransition.
func (s *Appointments) Decline(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, reason string) (*Appointment, error) {
	return s.transition(ctx, scope, viewer.Of(scope), id, version, declining, func(_ *store.Tx, next *Appointment) error {
		next.CancellationReason = reason
		return nil
	})
}

// Complete marks a pending or confirmed appointment as completed; a completed one stays as it is.
func (s *Appointments) Complete(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) (*Appointment, error) {
	return s.transition(ctx, scope, viewer.Of(scope), id, version, completing, nil)
}

// MarkNoShow marks a pending or confirmed appointment as missed by its customer; a marked one stays as it is.
func (s *Appointments) MarkNoShow(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32) (*Appointment, error) {
	return s.transition(ctx, scope, viewer.Of(scope), id, version, missing, nil)
}

// Cancel cancels a pending or confirmed appointment on the present terms; a cancelled one keeps its first
// reason and terms. Further errors: RefusedByPolicy for customers who may not cancel; InvalidTransition for customers
// once it has begun; RoleNotAllowed for viewers who may not waive the fee.
func (s *Appointments) Cancel(
	ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, version *int32, in CancelInput,
) (*Appointment, error) {
	return s.transition(ctx, scope, v, id, version, cancelling, onTerms(ctx, scope, v, in))
}

// onTerms prepares a cancellation on the present terms.
func onTerms(ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, in CancelInput) preparation {
	return func(tx *store.Tx, next *Appointment) error {
		p, err := readPolicies(ctx, tx, scope)
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

// preparation may refuse a transition, or set further fields of the next state, which still has the present status.
type preparation func(tx *store.Tx, next *Appointment) error

// transition locks an appointment and changes its status; prepare may be nil.
func (s *Appointments) transition(
	ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID, version *int32, way transition, prepare preparation,
) (*Appointment, error) {
	return store.In(ctx, s.engine.store, scope, func(tx *store.Tx) (*Appointment, error) {
		current, err := s.engine.lockAppointment(ctx, tx, scope, v, id, version)
		if err != nil {
			return nil, err
		}
		return way.apply(ctx, tx, scope, current, prepare)
	})
}

// apply changes the status of an appointment that is locked.
func (t transition) apply(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, current *Appointment, prepare preparation,
) (*Appointment, error) {
	if current.Status == t.to {
		return current, nil
	}
	if !t.from[current.Status] {
		return nil, invalidTransition(current.Status, t.verb)
	}
	next := *current
	if prepare != nil {
		if err := prepare(tx, &next); err != nil {
			return nil, err
		}
	}
	next.Status = t.to
	return writeAppointment(ctx, tx, scope, t.action, current, &next)
}

func invalidTransition(status, verb string) error {
	return apperr.New(apperr.InvalidTransition, "An appointment that is %s cannot be %s.", status, verb).With("current_status", status)
}

// writeAppointment writes the next state of an appointment that is locked, with its history and its event, and frees
// its lanes if it no longer holds its time.
func writeAppointment(
	ctx context.Context, tx *store.Tx, scope *tenancy.Scope, action string, current, next *Appointment,
) (*Appointment, error) {
	next.Version, next.UpdatedAt = current.Version+1, scope.Now
	changes, err := changesBetween(current, next)
	if err != nil {
		return nil, err
	}
	params := schedulingdb.UpdateAppointmentParams{
		EnvID: scope.Env.ID, ID: next.ID, Status: next.Status, Notes: next.Notes, CancellationReason: next.CancellationReason,
		CancelledAt: next.CancelledAt, Version: next.Version, Now: scope.Now, HoldsTime: isOpen[next.Status], Action: action,
		ActorUserID: scope.ActorID(), ActorTokenID: scope.ActorTokenID(), ImpersonatorUserID: scope.ImpersonatorID(), Changes: changes,
	}
	if c := next.Cancellation; c != nil {
		params.CancelledLate, params.CancellationFeeWaived, params.CancellationFeeAmount = &c.Late, &c.Waived, &c.Fee.Amount
		params.CancellationWindowHours, params.CancellationFeePercent = &c.WindowHours, &c.FeePercent
	}
	if err := queries.UpdateAppointment(ctx, tx, params); err != nil {
		return nil, fmt.Errorf("update appointment: %w", err)
	}
	tx.Emit(eventTypes[action], next)
	if isOpen[next.Status] {
		return next, nil
	}
	return next, current.enqueueVacancy(ctx, tx, scope)
}

// enqueueVacancy offers the time that the appointment held to the waitlist.
func (a *Appointment) enqueueVacancy(ctx context.Context, tx *store.Tx, scope *tenancy.Scope) error {
	if !isOpen[a.Status] {
		return nil
	}
	from, to := a.times().Window(a.StartAt)
	return vacancy.Enqueue(ctx, tx, scope, from, to)
}
