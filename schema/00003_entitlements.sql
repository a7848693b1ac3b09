-- Overrides of a tenant's plan, and what each environment has used of its quotas.

-- +goose Up
CREATE TABLE entitlement_overrides (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- One of the names of internal/entitle.
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    -- A feature: true grants, false denies. A quota: a number, or null for unlimited.
    value jsonb NOT NULL CHECK (jsonb_typeof(value) IN ('boolean', 'number', 'null')),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    actor_user_id uuid REFERENCES users ON DELETE SET NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz CHECK (to_at > from_at),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX entitlement_overrides_tenant ON entitlement_overrides (tenant_id, name, from_at);

GRANT SELECT ON entitlement_overrides TO smoothschedule_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON entitlement_overrides TO smoothschedule_platform;

CREATE TABLE usage_counters (
    env_id uuid NOT NULL REFERENCES environments ON DELETE CASCADE,
    quota text NOT NULL CHECK (length(quota) BETWEEN 1 AND 60),
    -- First day of the month in the tenant's zone, or 0001-01-01 for a quota that never resets.
    period date NOT NULL,
    used bigint NOT NULL CHECK (used >= 0),
    PRIMARY KEY (env_id, quota, period)
);
SELECT protect_business_table('usage_counters');

-- +goose Down
DROP TABLE usage_counters, entitlement_overrides;
