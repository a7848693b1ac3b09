package api

import (
	"context"
	"encoding/json"
	"time"

	developeroapi "github.com/smoothschedule/smoothschedule/gen/api/developer"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListEvents implements the operation.
func (s *Developer) ListEvents(ctx context.Context, req developeroapi.ListEventsRequestObject) (developeroapi.ListEventsResponseObject, error) {
	query := developer.EventQuery{After: req.Params.After, Limit: keyset.NewPage(req.Params.Limit, nil).Size()}
	if req.Params.Types != nil {
		query.Types = *req.Params.Types
	}
	if req.Params.Wait != nil {
		query.Wait = time.Duration(*req.Params.Wait) * time.Second
	}
	page, err := s.Events.List(ctx, tenancy.ScopeFrom(ctx), query)
	if err != nil {
		return nil, err
	}
	data := make([]json.RawMessage, len(page.Data))
	for i := range page.Data {
		if data[i], err = json.Marshal(page.Data[i]); err != nil {
			return nil, err
		}
	}
	return developeroapi.ListEvents200JSONResponse{Data: data, NextAfter: page.NextAfter}, nil
}
