package booking

import (
	"context"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/apperr"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/viewer"
	"github.com/smoothschedule/smoothschedule/internal/store"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// Objection is something that has come to stand in the way of a pending appointment.
type Objection struct {
	// Code is one of availability.
	Code string `json:"code"`
	// ResourceID and ResourceName are nil if it is about no resource.
	ResourceID   *uuid.UUID `json:"resource_id"`
	ResourceName *string    `json:"resource_name"`
}

// Confirm approves a pending appointment; a confirmed one stays as it is. The version,
// if there is one, must be the appointment's.
//
// It asks the same rules as Create, with the resources that the appointment has, and its
// own time counting as free; except for notice and horizon, which are about the moment at
// which somebody asks. What has come to stand in the way since, such as time off, is
// NoLongerPossible with reasons, unless it is forced: its lanes are its own, so no force
// books anything twice. Further errors: NotFound, VersionMismatch, InvalidTransition.
func (s *Appointments) Confirm(ctx context.Context, scope *tenancy.Scope, id uuid.UUID, version *int32, force bool) (*Appointment, error) {
	return s.transition(ctx, scope, viewer.Of(scope), id, version, confirming, func(tx *store.Tx, next *Appointment) error {
		if force {
			return nil
		}
		return s.allowConfirm(ctx, tx, scope, next)
	})
}

// allowConfirm returns a NoLongerPossible error if the rule book no longer accepts the appointment.
func (s *Appointments) allowConfirm(ctx context.Context, tx *store.Tx, scope *tenancy.Scope, a *Appointment) error {
	snapshot, err := s.engine.plan(ctx, tx, scope, bookingRequest{
		serviceID: a.ServiceID, customerID: a.CustomerID, startAt: a.StartAt, requested: a.ResourceIDs, moving: a,
	})
	if err != nil {
		return err
	}
	snapshot.Service.Requirements = asBooked(a.Resources)
	snapshot.Service.MinNotice, snapshot.Service.Horizon = 0, 0
	decision := availability.Decide(&snapshot.Snapshot, &availability.Request{Start: a.StartAt, Requested: a.ResourceIDs}, scope.Now)
	if decision.OK {
		return nil
	}
	objections := make([]Objection, len(decision.Reasons))
	for i, r := range decision.Reasons {
		objections[i].Code = string(r.Code)
		if c := snapshot.reference(r.ResourceID); c != nil {
			objections[i].ResourceID, objections[i].ResourceName = &c.ID, &c.Name
		}
	}
	return apperr.New(apperr.NoLongerPossible, "The appointment is no longer possible as it was asked for. Decline it, move it, or confirm it with force.").
		With("reasons", objections)
}
