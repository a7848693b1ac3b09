-- The outbox of a sandbox lists the latest attempts first: without an index it looks at all
-- there ever were for each page.

-- +goose Up
CREATE INDEX webhook_attempts_latest ON webhook_attempts (env_id, started_at, endpoint_id, event_id, number);

-- +goose Down
DROP INDEX webhook_attempts_latest;
