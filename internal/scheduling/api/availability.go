package api

import (
	"context"

	"github.com/google/uuid"

	"github.com/smoothschedule/smoothschedule/internal/scheduling/booking"

	schedulingoapi "github.com/smoothschedule/smoothschedule/gen/api/scheduling"
	"github.com/smoothschedule/smoothschedule/internal/scheduling/availability"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// GetAvailability implements the operation.
func (s *Server) GetAvailability(ctx context.Context, req schedulingoapi.GetAvailabilityRequestObject) (schedulingoapi.GetAvailabilityResponseObject, error) {
	in := booking.AvailabilityInput{
		ServiceID: req.Params.ServiceID, From: req.Params.From, To: req.Params.To, ResourceIDs: or(req.Params.ResourceIds, nil),
		Timezone: req.Params.Timezone, Limit: or(req.Params.Limit, maxSlots), Explain: or(req.Params.Explain, false),
	}
	found, err := s.search.Slots(ctx, tenancy.ScopeFrom(ctx), in)
	if err != nil {
		return nil, err
	}
	if !in.Explain {
		return availabilityPage{serviceID: in.ServiceID, found: found}, nil
	}
	answer := schedulingoapi.GetAvailability200JSONResponse{
		ServiceID: in.ServiceID, Timezone: found.Timezone, Snapshot: found.Snapshot, Truncated: found.Truncated,
		Data: toSlice(found.Slots, ToAPISlot),
	}
	refused := toSlice(found.Refused, ToAPIRefusedSlot)
	answer.Refused = &refused
	return answer, nil
}

// ListResourceAvailability implements the operation.
func (s *Server) ListResourceAvailability(ctx context.Context, req schedulingoapi.ListResourceAvailabilityRequestObject) (schedulingoapi.ListResourceAvailabilityResponseObject, error) {
	in := booking.AvailabilityInput{
		ServiceID: req.Params.ServiceID, From: req.Params.From, To: req.Params.To, ResourceIDs: or(req.Params.ResourceIds, nil),
		Timezone: req.Params.Timezone, Limit: or(req.Params.Limit, maxStarts),
	}
	found, err := s.search.PerResource(ctx, tenancy.ScopeFrom(ctx), in)
	if err != nil {
		return nil, err
	}
	return resourceAvailabilityPage{serviceID: in.ServiceID, found: found}, nil
}

// The defaults of limit in the contract.
const (
	maxSlots  = 6000
	maxStarts = 1000
)

// ToAPISlot converts a slot.
func ToAPISlot(s availability.Slot) schedulingoapi.Slot {
	return schedulingoapi.Slot{StartAt: s.Start, EndAt: s.End, ResourceIds: s.ResourceIDs()}
}

// ToAPIRefusedSlot converts a start that is refused.
func ToAPIRefusedSlot(r availability.Refusal) schedulingoapi.RefusedSlot {
	return schedulingoapi.RefusedSlot{StartAt: r.Start, EndAt: r.End, Reasons: toSlice(r.Reasons, ToAPIRefusalReason)}
}

// ToAPIRefusalReason converts a reason.
func ToAPIRefusalReason(r availability.Reason) schedulingoapi.RefusalReason {
	known := func(id uuid.UUID) *uuid.UUID {
		if id == uuid.Nil {
			return nil
		}
		return &id
	}
	return schedulingoapi.RefusalReason{Code: schedulingoapi.ReasonCode(r.Code), ResourceID: known(r.ResourceID), ObjectID: known(r.ObjectID)}
}
