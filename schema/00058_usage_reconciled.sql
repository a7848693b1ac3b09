-- The counters of an environment are compared with what they count once a day, whenever servers
-- start: the environment says when it was done last. For a while this had the number 57, and what is
-- 57 now was part of 55: a database of that time has the column already, and all of 57.

-- +goose Up
ALTER TABLE environments ADD COLUMN IF NOT EXISTS usage_reconciled_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX IF NOT EXISTS environments_usage_reconciled ON environments (usage_reconciled_at, id);
GRANT UPDATE (usage_reconciled_at) ON environments TO smoothschedule_platform;

-- +goose Down
REVOKE UPDATE (usage_reconciled_at) ON environments FROM smoothschedule_platform;
ALTER TABLE environments DROP COLUMN usage_reconciled_at;
