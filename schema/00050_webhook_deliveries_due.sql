-- A replay makes thousands of deliveries that are due at one instant. Which of them come first
-- must be known from the index: sorting them anew for every claim takes longer than sending.

-- +goose Up
CREATE INDEX webhook_deliveries_due_in_order ON webhook_deliveries (env_id, endpoint_id, next_attempt_at, sequence) WHERE status = 'PENDING';
DROP INDEX webhook_deliveries_due;

-- +goose Down
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (env_id, endpoint_id, next_attempt_at) WHERE status = 'PENDING';
DROP INDEX webhook_deliveries_due_in_order;
