-- Answers that are kept for an Idempotency-Key. The row is written by the transaction
-- whose effect it tells of, so there is never one without the other.
--
-- It is a table of the control plane, without row-level security, because keys also guard
-- requests that belong to no environment; each row is reached by its whole key only.

-- +goose Up
CREATE TABLE idempotency_keys (
    -- The user or the API token, or what is made of an anonymous client's address.
    principal_id uuid NOT NULL,
    -- All zeros for requests that belong to no business.
    env_id uuid NOT NULL,
    -- SHA-256 of the key.
    key_hash bytea NOT NULL CHECK (length(key_hash) = 32),
    -- HMAC-SHA-256 of the request, keyed with the key itself, which is stored nowhere: a
    -- body may hold a password, and a plain sum of it could be guessed.
    request_mac bytea NOT NULL CHECK (length(request_mac) = 32),
    status int NOT NULL CHECK (status BETWEEN 200 AND 299),
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (principal_id, env_id, key_hash)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO smoothschedule_app, smoothschedule_platform;

-- +goose Down
DROP TABLE idempotency_keys;
