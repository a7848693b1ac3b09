-- Invitations: of a business by the platform, and of its people by the business.

-- +goose Up
CREATE TABLE tenant_invitations (
    id uuid PRIMARY KEY,
    -- SHA-256 of the token; the token itself is known to its holder only.
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    -- Of the owner to be.
    email text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
    business_name text NOT NULL CHECK (length(business_name) BETWEEN 1 AND 255),
    subdomain text NOT NULL CHECK (length(subdomain) BETWEEN 1 AND 55),
    plan_code text NOT NULL REFERENCES plans (code),
    timezone text NOT NULL CHECK (length(timezone) BETWEEN 1 AND 64),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    -- What becomes overrides of the plan: {"can_use_calendar_sync": true, "max_users": 50, ...}
    grants jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(grants) = 'object'),
    -- Whoever gave the present token.
    invited_by uuid REFERENCES users ON DELETE SET NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at timestamptz,
    -- What came of it; the invitation outlives it.
    tenant_id uuid REFERENCES tenants ON DELETE SET NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (accepted_at IS NULL OR revoked_at IS NULL)
);
CREATE INDEX tenant_invitations_newest ON tenant_invitations (created_at DESC, id DESC);
CREATE UNIQUE INDEX tenant_invitations_subdomain ON tenant_invitations (subdomain) WHERE accepted_at IS NULL AND revoked_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON tenant_invitations TO smoothschedule_platform;

CREATE TABLE invitations (
    env_id uuid NOT NULL REFERENCES environments ON DELETE CASCADE,
    id uuid NOT NULL,
    -- SHA-256 of the token, which begins with env_id.
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    email text NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
    name text NOT NULL DEFAULT '' CHECK (length(name) <= 255),
    role text NOT NULL CHECK (role IN ('TENANT_OWNER', 'TENANT_MANAGER', 'TENANT_STAFF', 'CUSTOMER')),
    -- What the new user becomes the login of.
    customer_id uuid CHECK (customer_id IS NULL OR role = 'CUSTOMER'),
    resource_id uuid CHECK (resource_id IS NULL OR role <> 'CUSTOMER'),
    -- Whoever gave the present token. No foreign key: it may be a user of the platform,
    -- or a live one who works in the sandbox.
    invited_by uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    revoked_at timestamptz,
    -- What came of it. No foreign key: the invitation outlives the user.
    user_id uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, id),
    CONSTRAINT invitations_token UNIQUE (env_id, token_hash),
    CHECK (accepted_at IS NULL OR revoked_at IS NULL),
    CONSTRAINT invitations_customer FOREIGN KEY (env_id, customer_id) REFERENCES customers (env_id, id)
        ON DELETE SET NULL (customer_id) DEFERRABLE,
    CONSTRAINT invitations_resource FOREIGN KEY (env_id, resource_id) REFERENCES resources (env_id, id)
        ON DELETE SET NULL (resource_id) DEFERRABLE
);
CREATE INDEX invitations_newest ON invitations (env_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX invitations_email ON invitations (env_id, email) WHERE accepted_at IS NULL AND revoked_at IS NULL;
CREATE INDEX invitations_customer ON invitations (env_id, customer_id);
CREATE INDEX invitations_resource ON invitations (env_id, resource_id);
SELECT protect_business_table('invitations');

-- +goose Down
DROP TABLE invitations, tenant_invitations;
