-- What a subscription is beside its plan: periods of billing, a change of plan to come,
-- grace for those who pay late, the history of overrides, and warnings about quotas.

-- +goose Up
ALTER TABLE tenants
    -- The local day from which periods of billing are counted; null is the day of creation.
    ADD COLUMN billing_anchor_on date,
    -- From that instant on, requests resolve to the scheduled version; what makes it
    -- the pinned one may come later.
    ADD COLUMN scheduled_plan_version_id uuid REFERENCES plan_versions,
    ADD COLUMN scheduled_plan_at timestamptz,
    ADD COLUMN billing_status text NOT NULL DEFAULT 'CURRENT' CHECK (billing_status IN ('CURRENT', 'PAST_DUE')),
    -- Until then everything works although the subscription is past due.
    ADD COLUMN grace_until timestamptz,
    ADD COLUMN suspended_at timestamptz,
    ADD CONSTRAINT tenants_scheduled_plan CHECK ((scheduled_plan_version_id IS NULL) = (scheduled_plan_at IS NULL)),
    ADD CONSTRAINT tenants_grace CHECK ((billing_status = 'PAST_DUE') = (grace_until IS NOT NULL));
CREATE INDEX tenants_scheduled_plan ON tenants (scheduled_plan_at) WHERE scheduled_plan_at IS NOT NULL;
-- The orders of the platform's lists.
CREATE INDEX tenants_name ON tenants (name, id);
CREATE INDEX tenants_newest ON tenants (created_at, id);
CREATE INDEX users_name ON users (name, id);
CREATE INDEX users_newest ON users (created_at, id);
CREATE INDEX users_owners ON users (tenant_id, created_at, id) WHERE role = 'TENANT_OWNER';

ALTER TABLE plan_versions
    -- Of a draft: how often it was changed, so that two editors do not lose each other's work.
    ADD COLUMN revision int NOT NULL DEFAULT 1;

ALTER TABLE entitlement_overrides
    -- Set when somebody ended it before its time; the row stays.
    ADD COLUMN ended_at timestamptz,
    ADD COLUMN ended_by uuid REFERENCES users ON DELETE SET NULL;
CREATE INDEX entitlement_overrides_newest ON entitlement_overrides (tenant_id, created_at DESC, id DESC);

ALTER TABLE usage_counters
    -- The highest share of the limit, in percent, that was told to the tenant in this
    -- period, and the limit it was a share of.
    ADD COLUMN warned_percent smallint NOT NULL DEFAULT 0,
    ADD COLUMN warned_limit bigint;

-- +goose Down
ALTER TABLE usage_counters DROP COLUMN warned_limit, DROP COLUMN warned_percent;
DROP INDEX entitlement_overrides_newest;
ALTER TABLE entitlement_overrides DROP COLUMN ended_by, DROP COLUMN ended_at;
ALTER TABLE plan_versions DROP COLUMN revision;
DROP INDEX users_owners, users_newest, users_name, tenants_newest, tenants_name, tenants_scheduled_plan;
ALTER TABLE tenants
    DROP CONSTRAINT tenants_grace,
    DROP CONSTRAINT tenants_scheduled_plan,
    DROP COLUMN suspended_at,
    DROP COLUMN grace_until,
    DROP COLUMN billing_status,
    DROP COLUMN scheduled_plan_at,
    DROP COLUMN scheduled_plan_version_id,
    DROP COLUMN billing_anchor_on;
