package booking

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/gen/db/schedulingdb"
	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/money"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Cancellation are the terms on which an appointment was, or would be, cancelled.
type Cancellation struct {
	// Late is whether it is within the window before the start, or after the start.
	Late bool `json:"late"`
	// Fee is zero unless it is late, and zero if it is waived.
	Fee money.Money `json:"fee"`
	// FeePercent and WindowHours are the policies that applied.
	FeePercent  int32 `json:"fee_percent"`
	WindowHours int32 `json:"window_hours"`
	Waived      bool  `json:"waived"`
}

// CancellationTerms are the terms of an appointment for a viewer.
type CancellationTerms struct {
	Cancellation
	// CanCancel is whether the viewer can cancel the appointment.
	CanCancel bool
	// FreeUntil is the last instant at which cancelling is not late.
	FreeUntil time.Time
}

// CancelInput has the options of a cancellation.
type CancelInput struct {
	Reason string
	// WaiveFee cancels without a fee, for owners and managers.
	WaiveFee bool
}

// readPolicies returns the present policies of the business.
func readPolicies(ctx context.Context, db schedulingdb.DBTX, scope *tenancy.Scope) (schedulingdb.GetPoliciesRow, error) {
	row, err := queries.GetPolicies(ctx, db, scope.Tenant.ID)
	if err != nil {
		return row, fmt.Errorf("get policies: %w", err)
	}
	return row, nil
}

// freeUntil is the last instant at which changing the appointment is not late.
func (a *Appointment) freeUntil(windowHours int32) time.Time {
	return a.StartAt.Add(-time.Duration(windowHours) * time.Hour)
}

// late is whether it is too late to change the appointment without consequences. A pending one can be cancelled
// at any time.
func (a *Appointment) late(windowHours int32, now time.Time) bool {
	return a.Status != StatusPending && now.After(a.freeUntil(windowHours))
}

// cancellation are the terms of cancelling now, by the present policies and the price of the booking.
func (a *Appointment) cancellation(p schedulingdb.GetPoliciesRow, now time.Time, waive bool) Cancellation {
	c := Cancellation{
		Late: a.late(p.CancellationWindowHours, now), Fee: money.Money{Currency: a.Price.Currency},
		FeePercent: p.LateCancellationFeePercent, WindowHours: p.CancellationWindowHours,
	}
	if !c.Late {
		return c
	}
	c.Fee.Amount = percentOf(a.Price.Amount, c.FeePercent)
	if waive && c.Fee.Amount > 0 {
		c.Fee.Amount, c.Waived = 0, true
	}
	return c
}

// percentOf rounds half up to the next minor unit. It cannot overflow.
func percentOf(amount int64, percent int32) int64 {
	whole, rest := amount/100, amount%100
	return whole*int64(percent) + (rest*int64(percent)+50)/100
}

// Terms returns the terms on which a cancelled appointment was cancelled, and those on which another one would
// be cancelled now. Errors: NotFound.
func (s *Appointments) Terms(ctx context.Context, scope *tenancy.Scope, v viewer.Viewer, id uuid.UUID) (CancellationTerms, error) {
	db := s.engine.store.Reader(scope)
	found, err := s.engine.readAppointment(ctx, db, scope, v, id)
	if err != nil {
		return CancellationTerms{}, err
	}
	p, err := readPolicies(ctx, db, scope)
	if err != nil {
		return CancellationTerms{}, err
	}
	return found.terms(v, p, scope.Now), nil
}

// terms are the terms of the appointment for a viewer.
func (a *Appointment) terms(v viewer.Viewer, p schedulingdb.GetPoliciesRow, now time.Time) CancellationTerms {
	if a.Cancellation != nil {
		return CancellationTerms{Cancellation: *a.Cancellation, FreeUntil: a.freeUntil(a.Cancellation.WindowHours)}
	}
	return CancellationTerms{
		Cancellation: a.cancellation(p, now, false), FreeUntil: a.freeUntil(p.CancellationWindowHours),
		CanCancel: isOpen[a.Status] && allowCancel(v, p, a, now) == nil,
	}
}

// allowCancel returns an error unless the viewer may cancel the appointment now. Once it has begun, only the
// business decides whether the customer came.
func allowCancel(v viewer.Viewer, p schedulingdb.GetPoliciesRow, a *Appointment, now time.Time) error {
	switch {
	case v.IsCustomer() && !p.CustomersCanCancel:
		return refusedByPolicy("customers_can_cancel", "The business does not let customers cancel. Get in touch with it.")
	case v.IsCustomer() && a.begun(now):
		return hasBegun(a, "cancel")
	}
	return nil
}

// allowWaive returns an error unless the viewer may cancel without a fee.
func allowWaive(v viewer.Viewer) error {
	if v != viewer.Everything() {
		return apperr.New(apperr.RoleNotAllowed, "Only owners and managers can waive the fee.")
	}
	return nil
}

// begun is whether the start has passed.
func (a *Appointment) begun(now time.Time) bool { return !a.StartAt.After(now) }

func hasBegun(a *Appointment, verb string) error {
	return apperr.New(apperr.InvalidTransition, "The appointment has begun, and customers cannot %s it any more. Get in touch with the business.", verb).
		With("current_status", a.Status)
}

// allowReschedule returns an error unless the viewer may move the appointment now.
func allowReschedule(v viewer.Viewer, p schedulingdb.GetPoliciesRow, a *Appointment, now time.Time) error {
	switch {
	case v.IsStaff() && !p.ResourcesCanReschedule:
		return refusedByPolicy("resources_can_reschedule", "The business does not let staff move appointments.")
	case v.IsCustomer() && !p.CustomersCanReschedule:
		return refusedByPolicy("customers_can_reschedule", "The business does not let customers move appointments. Get in touch with it.")
	case v.IsCustomer() && a.begun(now):
		return hasBegun(a, "move")
	case v.IsCustomer() && a.late(p.CancellationWindowHours, now):
		return refusedByPolicy("cancellation_window_hours",
			"It is too late to move this appointment: customers can do so until %d hours before the start.", p.CancellationWindowHours)
	}
	return nil
}

// refusedByPolicy names the setting that stands in the way.
func refusedByPolicy(setting, detail string, args ...any) error {
	return apperr.New(apperr.RefusedByPolicy, detail, args...).With("policy", setting)
}
