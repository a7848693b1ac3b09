-- When a notification was written, on the real clock, as attempts at webhooks are: the outbox of
-- a sandbox shows both in one order, whatever its test clock did in between.

-- +goose Up
ALTER TABLE notifications ADD COLUMN recorded_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX notifications_recorded ON notifications (env_id, recorded_at DESC, id DESC);

-- +goose Down
DROP INDEX notifications_recorded;
ALTER TABLE notifications DROP COLUMN recorded_at;
