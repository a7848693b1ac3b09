package api

import (
	"context"

	"github.com/oapi-codegen/nullable"

	developeroapi "github.com/smoothschedule/smoothschedule/gen/api/developer"
	"github.com/smoothschedule/smoothschedule/internal/convert"
	"github.com/smoothschedule/smoothschedule/internal/etag"
	"github.com/smoothschedule/smoothschedule/internal/keyset"
	"github.com/smoothschedule/smoothschedule/internal/platform/developer"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
)

// ListWebhooks implements the operation.
func (s *Developer) ListWebhooks(ctx context.Context, req developeroapi.ListWebhooksRequestObject) (developeroapi.ListWebhooksResponseObject, error) {
	list, err := s.Webhooks.List(ctx, tenancy.ScopeFrom(ctx), keyset.NewPage(req.Params.Limit, req.Params.Cursor))
	if err != nil {
		return nil, err
	}
	answer := developeroapi.ListWebhooks200JSONResponse{
		Data: []developeroapi.Webhook{}, NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}
	for _, w := range list.Data {
		answer.Data = append(answer.Data, ToAPIWebhook(w))
	}
	return answer, nil
}

// CreateWebhook implements the operation.
func (s *Developer) CreateWebhook(ctx context.Context, req developeroapi.CreateWebhookRequestObject) (developeroapi.CreateWebhookResponseObject, error) {
	in := developer.WebhookInput{URL: req.Body.URL, EventTypes: req.Body.EventTypes}
	if req.Body.Description != nil {
		in.Description = *req.Body.Description
	}
	created, secret, err := s.Webhooks.Create(ctx, tenancy.ScopeFrom(ctx), in)
	if err != nil {
		return nil, err
	}
	return developeroapi.CreateWebhook201JSONResponse{
		Body: withSecret(*created, secret), Headers: developeroapi.CreateWebhook201ResponseHeaders{ETag: etag.Format(created.Version)},
	}, nil
}

// GetWebhook implements the operation.
func (s *Developer) GetWebhook(ctx context.Context, req developeroapi.GetWebhookRequestObject) (developeroapi.GetWebhookResponseObject, error) {
	found, err := s.Webhooks.Get(ctx, tenancy.ScopeFrom(ctx), req.ID)
	if err != nil {
		return nil, err
	}
	return developeroapi.GetWebhook200JSONResponse{
		Body: ToAPIWebhook(*found), Headers: developeroapi.GetWebhook200ResponseHeaders{ETag: etag.Format(found.Version)},
	}, nil
}

// UpdateWebhook implements the operation.
func (s *Developer) UpdateWebhook(ctx context.Context, req developeroapi.UpdateWebhookRequestObject) (developeroapi.UpdateWebhookResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	updated, err := s.Webhooks.Update(ctx, tenancy.ScopeFrom(ctx), req.ID, version, developer.WebhookPatch{
		URL: req.Body.URL, Description: req.Body.Description, EventTypes: req.Body.EventTypes, IsEnabled: req.Body.IsEnabled,
	})
	if err != nil {
		return nil, err
	}
	return developeroapi.UpdateWebhook200JSONResponse{
		Body: ToAPIWebhook(*updated), Headers: developeroapi.UpdateWebhook200ResponseHeaders{ETag: etag.Format(updated.Version)},
	}, nil
}

// DeleteWebhook implements the operation.
func (s *Developer) DeleteWebhook(ctx context.Context, req developeroapi.DeleteWebhookRequestObject) (developeroapi.DeleteWebhookResponseObject, error) {
	version, err := etag.Parse(req.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.Webhooks.Delete(ctx, tenancy.ScopeFrom(ctx), req.ID, version); err != nil {
		return nil, err
	}
	return developeroapi.DeleteWebhook204Response{}, nil
}

// RotateWebhookSecret implements the operation.
func (s *Developer) RotateWebhookSecret(
	ctx context.Context, req developeroapi.RotateWebhookSecretRequestObject,
) (developeroapi.RotateWebhookSecretResponseObject, error) {
	rotated, secret, err := s.Webhooks.RotateSecret(ctx, tenancy.ScopeFrom(ctx), req.ID)
	if err != nil {
		return nil, err
	}
	return developeroapi.RotateWebhookSecret200JSONResponse{
		Body: withSecret(*rotated, secret), Headers: developeroapi.RotateWebhookSecret200ResponseHeaders{ETag: etag.Format(rotated.Version)},
	}, nil
}

// PingWebhook implements the operation.
func (s *Developer) PingWebhook(ctx context.Context, req developeroapi.PingWebhookRequestObject) (developeroapi.PingWebhookResponseObject, error) {
	delivery, err := s.Webhooks.Ping(ctx, tenancy.ScopeFrom(ctx), req.ID)
	if err != nil {
		return nil, err
	}
	return developeroapi.PingWebhook202JSONResponse(ToAPIWebhookDelivery(*delivery)), nil
}

// ReplayWebhook implements the operation.
func (s *Developer) ReplayWebhook(ctx context.Context, req developeroapi.ReplayWebhookRequestObject) (developeroapi.ReplayWebhookResponseObject, error) {
	replayed, err := s.Webhooks.Replay(ctx, tenancy.ScopeFrom(ctx), req.ID, req.Body.Since)
	if err != nil {
		return nil, err
	}
	return developeroapi.ReplayWebhook202JSONResponse{Replayed: replayed}, nil
}

// ListWebhookDeliveries implements the operation.
func (s *Developer) ListWebhookDeliveries(
	ctx context.Context, req developeroapi.ListWebhookDeliveriesRequestObject,
) (developeroapi.ListWebhookDeliveriesResponseObject, error) {
	filter := developer.DeliveryFilter{EndpointID: req.ID, Status: (*string)(req.Params.Status)}
	list, err := s.Webhooks.ListDeliveries(ctx, tenancy.ScopeFrom(ctx), filter, keyset.NewPage(req.Params.Limit, req.Params.Cursor))
	if err != nil {
		return nil, err
	}
	answer := developeroapi.ListWebhookDeliveries200JSONResponse{
		Data: []developeroapi.WebhookDelivery{}, NextCursor: convert.Nullable(list.NextCursor), HasMore: list.NextCursor != nil,
	}
	for _, d := range list.Data {
		answer.Data = append(answer.Data, ToAPIWebhookDelivery(d))
	}
	return answer, nil
}

// ReplayWebhookDelivery implements the operation.
func (s *Developer) ReplayWebhookDelivery(
	ctx context.Context, req developeroapi.ReplayWebhookDeliveryRequestObject,
) (developeroapi.ReplayWebhookDeliveryResponseObject, error) {
	delivery, err := s.Webhooks.ReplayDelivery(ctx, tenancy.ScopeFrom(ctx), req.ID, req.DeliveryID)
	if err != nil {
		return nil, err
	}
	return developeroapi.ReplayWebhookDelivery202JSONResponse(ToAPIWebhookDelivery(*delivery)), nil
}

// ToAPIWebhook converts an endpoint.
func ToAPIWebhook(w developer.Webhook) developeroapi.Webhook {
	reason := nullable.NewNullNullable[developeroapi.WebhookDisabledReason]()
	if w.DisabledReason != nil {
		reason = nullable.NewNullableWithValue(developeroapi.WebhookDisabledReason(*w.DisabledReason))
	}
	return developeroapi.Webhook{
		ID: w.ID, URL: w.URL, Description: w.Description, EventTypes: w.EventTypes, ReadScopes: w.ReadScopes,
		IsEnabled: w.IsEnabled, DisabledReason: reason,
		FailingSince: convert.Nullable(w.FailingSince), PreviousSecretExpiresAt: convert.Nullable(w.PreviousSecretExpiresAt),
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Version: int(w.Version),
	}
}

func withSecret(w developer.Webhook, secret string) developeroapi.WebhookWithSecret {
	reason := nullable.NewNullNullable[developeroapi.WebhookWithSecretDisabledReason]()
	if w.DisabledReason != nil {
		reason = nullable.NewNullableWithValue(developeroapi.WebhookWithSecretDisabledReason(*w.DisabledReason))
	}
	return developeroapi.WebhookWithSecret{
		ID: w.ID, Secret: secret, URL: w.URL, Description: w.Description, EventTypes: w.EventTypes, ReadScopes: w.ReadScopes,
		IsEnabled: w.IsEnabled, DisabledReason: reason, FailingSince: convert.Nullable(w.FailingSince), PreviousSecretExpiresAt: convert.Nullable(w.PreviousSecretExpiresAt),
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Version: int(w.Version),
	}
}

// ToAPIWebhookDelivery converts a delivery with its attempts.
func ToAPIWebhookDelivery(d developer.Delivery) developeroapi.WebhookDelivery {
	delivery := developeroapi.WebhookDelivery{
		ID: d.ID, EventType: d.EventType, Sequence: d.Sequence, Status: developeroapi.WebhookDeliveryStatus(d.Status),
		AttemptCount: int(d.AttemptCount), Attempts: []developeroapi.WebhookAttempt{}, NextAttemptAt: convert.Nullable(d.NextAttemptAt),
		FinishedAt: convert.Nullable(d.FinishedAt), CreatedAt: d.CreatedAt,
	}
	for _, a := range d.Attempts {
		status := nullable.NewNullNullable[int]()
		if a.StatusCode != nil {
			status = nullable.NewNullableWithValue(int(*a.StatusCode))
		}
		delivery.Attempts = append(delivery.Attempts, developeroapi.WebhookAttempt{
			Number: int(a.Number), StartedAt: a.StartedAt, DurationMs: int(a.DurationMS), StatusCode: status,
			Response: a.Response, Error: a.Error,
		})
	}
	return delivery
}
