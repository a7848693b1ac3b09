-- API tokens of third parties. They are the control plane's, like sessions: a token is
-- looked up before it is known which environment it belongs to, and emptying a sandbox
-- keeps the tokens that lead to it.

-- +goose Up
CREATE TABLE api_tokens (
    id uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    env_id uuid NOT NULL,
    is_sandbox boolean NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- "appointments:write"; which there are, internal/apitoken knows.
    scopes text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 100),
    expires_at timestamptz,
    last_used_at timestamptz,
    created_by uuid REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revoked_at timestamptz,
    version int NOT NULL DEFAULT 1,
    -- What is_sandbox says is true, here and in the table of secrets (R-163, R-174).
    CONSTRAINT api_tokens_environment FOREIGN KEY (env_id, tenant_id, is_sandbox)
        REFERENCES environments (id, tenant_id, is_sandbox) ON DELETE CASCADE,
    CONSTRAINT api_tokens_mode UNIQUE (id, is_sandbox)
);
CREATE INDEX api_tokens_tenant ON api_tokens (tenant_id, created_at DESC, id DESC);
CREATE INDEX api_tokens_environment ON api_tokens (env_id);

-- The strings that work as a token: one, and after a rotation the one before for a while.
CREATE TABLE api_token_secrets (
    -- SHA-256 of the string.
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    token_id uuid NOT NULL,
    is_sandbox boolean NOT NULL,
    -- Its first characters, by which people recognise it: too few to guess the rest.
    prefix text NOT NULL CHECK (length(prefix) = 12),
    -- The string itself is kept for sandbox tokens, which stay readable (R-165). That of
    -- a live token cannot be stored (R-167, R-197): not by mistake, and not by a server
    -- that is wrong about the mode, because the prefix and the hash have to agree too.
    plaintext text,
    created_at timestamptz NOT NULL,
    -- Set on the one that a rotation replaced.
    replaced_at timestamptz,
    expires_at timestamptz,
    CONSTRAINT api_token_secrets_token FOREIGN KEY (token_id, is_sandbox)
        REFERENCES api_tokens (id, is_sandbox) ON DELETE CASCADE,
    CONSTRAINT api_token_secrets_mode CHECK (prefix LIKE CASE WHEN is_sandbox THEN 'ss\_test\_%' ELSE 'ss\_live\_%' END),
    CONSTRAINT api_token_secrets_no_live_plaintext CHECK (
        plaintext IS NULL
        OR (is_sandbox AND plaintext ~ '^ss_test_[0-9A-Za-z]{36}$' AND starts_with(plaintext, prefix)
            AND hash = sha256(convert_to(plaintext, 'UTF8')))),
    CONSTRAINT api_token_secrets_replaced CHECK (replaced_at IS NULL OR expires_at IS NOT NULL)
);
CREATE UNIQUE INDEX api_token_secrets_one_current ON api_token_secrets (token_id) WHERE replaced_at IS NULL;
CREATE INDEX api_token_secrets_token ON api_token_secrets (token_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON api_tokens, api_token_secrets TO smoothschedule_app, smoothschedule_platform;

-- Who did it may be a token. Neither has a foreign key: what happened outlives who did it.
ALTER TABLE events ADD COLUMN actor_token_id uuid;
ALTER TABLE audit_entries ADD COLUMN actor_token_id uuid;

-- +goose Down
ALTER TABLE audit_entries DROP COLUMN actor_token_id;
ALTER TABLE events DROP COLUMN actor_token_id;
DROP TABLE api_token_secrets, api_tokens;
