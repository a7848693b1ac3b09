package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/oapi-codegen/nullable"

	developeroapi "github.com/smoothschedule/smoothschedule/gen/api/developer"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// GetSandboxClock implements the operation.
func (s *Developer) GetSandboxClock(ctx context.Context, _ developeroapi.GetSandboxClockRequestObject) (developeroapi.GetSandboxClockResponseObject, error) {
	clock, err := s.Clocks.Get(ctx, tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return developeroapi.GetSandboxClock200JSONResponse(toAPIClock(clock)), nil
}

// SetSandboxClock implements the operation.
func (s *Developer) SetSandboxClock(ctx context.Context, req developeroapi.SetSandboxClockRequestObject) (developeroapi.SetSandboxClockResponseObject, error) {
	change := developer.ClockChange{Now: req.Body.Now, Reset: req.Body.Reset != nil}
	if req.Body.AdvanceSeconds != nil {
		by := time.Duration(*req.Body.AdvanceSeconds) * time.Second
		change.Advance = &by
	}
	clock, err := s.Clocks.Change(ctx, tenancy.ScopeFrom(ctx), change)
	if err != nil {
		return nil, err
	}
	return developeroapi.SetSandboxClock200JSONResponse(toAPIClock(clock)), nil
}

func toAPIClock(c *developer.SandboxClock) developeroapi.SandboxClock {
	return developeroapi.SandboxClock{Now: c.Now, RealNow: c.RealNow, OffsetSeconds: int64(c.Ahead / time.Second)}
}

// ListSandboxOutbox implements the operation.
func (s *Developer) ListSandboxOutbox(ctx context.Context, req developeroapi.ListSandboxOutboxRequestObject) (developeroapi.ListSandboxOutboxResponseObject, error) {
	list, err := s.Outbox.List(ctx, tenancy.ScopeFrom(ctx), keyset.NewPage(req.Params.Limit, req.Params.Cursor))
	if err != nil {
		return nil, err
	}
	answer := developeroapi.ListSandboxOutbox200JSONResponse{
		Data: []developeroapi.SandboxEffect{}, NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}
	for _, e := range list.Data {
		effect := developeroapi.SandboxEffect{
			ID: e.ID, Kind: developeroapi.SandboxEffectKind(e.Kind), OccurredAt: e.OccurredAt, To: e.To, Subject: e.Subject, Error: e.Error,
			StatusCode: nullable.NewNullNullable[int](),
		}
		if e.StatusCode != nil {
			effect.StatusCode = nullable.NewNullableWithValue(int(*e.StatusCode))
		}
		if err := json.Unmarshal(e.Payload, &effect.Payload); err != nil {
			return nil, err
		}
		answer.Data = append(answer.Data, effect)
	}
	return answer, nil
}

// CreateSampleData implements the operation.
func (s *Developer) CreateSampleData(ctx context.Context, _ developeroapi.CreateSampleDataRequestObject) (developeroapi.CreateSampleDataResponseObject, error) {
	made, err := s.Samples.Create(ctx, tenancy.ScopeFrom(ctx))
	if err != nil {
		return nil, err
	}
	return developeroapi.CreateSampleData201JSONResponse{
		Resources: made.Resources, Services: made.Services, Customers: made.Customers, Appointments: made.Appointments,
	}, nil
}
