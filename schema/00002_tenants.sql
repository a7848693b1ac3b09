-- Tenants, their plans, their two environments, their hosts and their users:
-- the control plane. These tables have no row-level security; every query on
-- them names the tenant.

-- +goose Up
CREATE TABLE plans (
    id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[a-z][a-z0-9_]{1,39}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- From the smallest plan to the largest: "the plan that unlocks a feature"
    -- is the first by rank that has it.
    rank int NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE plan_versions (
    id uuid PRIMARY KEY,
    plan_id uuid NOT NULL REFERENCES plans,
    version int NOT NULL CHECK (version > 0),
    status text NOT NULL CHECK (status IN ('DRAFT', 'PUBLISHED', 'ARCHIVED')),
    -- {"can_use_webhooks": true, ...}; a name that is missing is off.
    features jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(features) = 'object'),
    -- {"max_resources": 3, "max_users": null, ...}; null is unlimited, a name that is missing is 0.
    limits jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(limits) = 'object'),
    price_amount bigint NOT NULL CHECK (price_amount >= 0),
    price_currency text NOT NULL CHECK (price_currency ~ '^[A-Z]{3}$'),
    billing_interval text NOT NULL CHECK (billing_interval IN ('MONTH', 'YEAR')),
    published_at timestamptz CHECK ((published_at IS NULL) = (status = 'DRAFT')),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (plan_id, version)
);
CREATE UNIQUE INDEX plan_versions_one_draft ON plan_versions (plan_id) WHERE status = 'DRAFT';
CREATE UNIQUE INDEX plan_versions_one_published ON plan_versions (plan_id) WHERE status = 'PUBLISHED';

-- What a tenant has bought must not change under it, and servers keep published
-- versions in memory for ever: both rest on this trigger.
-- +goose StatementBegin
CREATE FUNCTION keep_published_plan_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'DRAFT' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'DELETE'
        OR NEW.status = 'DRAFT'
        OR (NEW.id, NEW.plan_id, NEW.version, NEW.features, NEW.limits, NEW.price_amount, NEW.price_currency,
            NEW.billing_interval, NEW.published_at)
        IS DISTINCT FROM
           (OLD.id, OLD.plan_id, OLD.version, OLD.features, OLD.limits, OLD.price_amount, OLD.price_currency,
            OLD.billing_interval, OLD.published_at)
    THEN
        RAISE EXCEPTION 'plan version % is published and cannot be changed', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER keep_published BEFORE UPDATE OR DELETE ON plan_versions
    FOR EACH ROW EXECUTE FUNCTION keep_published_plan_version();

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'TRIAL', 'SUSPENDED')),
    plan_version_id uuid NOT NULL REFERENCES plan_versions,
    -- An IANA name: months of quotas, and everything local, are counted in it.
    timezone text NOT NULL DEFAULT 'UTC' CHECK (length(timezone) BETWEEN 1 AND 64),
    currency text NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
    sandbox_enabled boolean NOT NULL DEFAULT true,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- A tenant has exactly one live and one sandbox environment. Rows never change,
-- so servers may keep them in memory.
CREATE TABLE environments (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    -- The schema_name and sandbox_schema_name of the API (R-014, R-020).
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    is_sandbox boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, is_sandbox),
    UNIQUE (id, tenant_id, is_sandbox)
);

CREATE TABLE domains (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('SUBDOMAIN', 'CUSTOM')),
    -- A subdomain is one label ("demo"), a custom domain a full name with dots:
    -- one look-up by name serves both without confusing them.
    name text NOT NULL UNIQUE
        CHECK (name = lower(name) AND length(name) <= 253 AND (kind = 'CUSTOM') = (strpos(name, '.') > 0)),
    is_primary boolean NOT NULL DEFAULT false,
    -- Requests are served only after this is set.
    verified_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX domains_tenant ON domains (tenant_id);
CREATE UNIQUE INDEX domains_one_primary ON domains (tenant_id) WHERE is_primary;

CREATE TABLE users (
    id uuid PRIMARY KEY,
    -- All three are null for platform users. The environment is that of the
    -- tenant and the mode: it lets business rows refer to a user by a composite
    -- key that cannot cross from one world to the other.
    tenant_id uuid,
    env_id uuid,
    is_sandbox boolean NOT NULL DEFAULT false,
    email text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
    username text NOT NULL CHECK (length(username) BETWEEN 1 AND 254),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    role text NOT NULL CHECK (role IN (
        'SUPERUSER', 'PLATFORM_MANAGER', 'PLATFORM_SUPPORT', 'PLATFORM_SALES',
        'TENANT_OWNER', 'TENANT_MANAGER', 'TENANT_STAFF', 'CUSTOMER')),
    password_hash text NOT NULL,
    is_active boolean NOT NULL DEFAULT true,
    last_login_at timestamptz,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_tenant FOREIGN KEY (tenant_id) REFERENCES tenants ON DELETE CASCADE,
    CONSTRAINT users_environment FOREIGN KEY (env_id, tenant_id, is_sandbox)
        REFERENCES environments (id, tenant_id, is_sandbox) ON DELETE CASCADE,
    CONSTRAINT users_role_fits_tenant CHECK (
        (tenant_id IS NULL) = (role IN ('SUPERUSER', 'PLATFORM_MANAGER', 'PLATFORM_SUPPORT', 'PLATFORM_SALES'))
        AND (tenant_id IS NULL) = (env_id IS NULL)
        AND NOT (tenant_id IS NULL AND is_sandbox)),
    -- The same address may exist in several businesses, and in both modes of one.
    CONSTRAINT users_email UNIQUE NULLS NOT DISTINCT (tenant_id, is_sandbox, email),
    CONSTRAINT users_username UNIQUE NULLS NOT DISTINCT (tenant_id, is_sandbox, username),
    CONSTRAINT users_in_environment UNIQUE (env_id, id)
);

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    -- SHA-256 of the token; the token itself is known to its holder only.
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- The value that POST /api/sandbox/toggle/ sets (R-141).
    sandbox_mode boolean NOT NULL DEFAULT false,
    user_agent text NOT NULL DEFAULT '',
    address inet,
    created_at timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX sessions_user ON sessions (user_id, created_at DESC);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Failures of sign-in, by account and by address, within a sliding window.
CREATE TABLE login_throttles (
    key text PRIMARY KEY CHECK (length(key) <= 100),
    failures int NOT NULL CHECK (failures >= 0),
    window_started_at timestamptz NOT NULL,
    blocked_until timestamptz
);

GRANT SELECT ON plans, plan_versions, tenants, environments, domains TO smoothschedule_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON users, sessions, login_throttles TO smoothschedule_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON plans, plan_versions, tenants, domains, users, sessions, login_throttles
    TO smoothschedule_platform;
GRANT SELECT, INSERT ON environments TO smoothschedule_platform;

-- +goose Down
DROP TABLE login_throttles, sessions, users, domains, environments, tenants, plan_versions, plans;
DROP FUNCTION keep_published_plan_version();
