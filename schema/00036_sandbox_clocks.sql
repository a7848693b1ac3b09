-- The test clock of a tenant's sandbox. It belongs to the control plane: who asks is resolved
-- before an environment is set. Without a row the sandbox has the real time.

-- +goose Up
CREATE TABLE sandbox_clocks (
    tenant_id uuid PRIMARY KEY REFERENCES tenants ON DELETE CASCADE,
    -- How far the sandbox is ahead of the real time; negative is behind.
    ahead_microseconds bigint NOT NULL,
    changed_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON sandbox_clocks TO smoothschedule_app;
GRANT SELECT ON sandbox_clocks TO smoothschedule_platform;

-- +goose Down
DROP TABLE sandbox_clocks;
