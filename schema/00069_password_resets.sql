-- A new password for a user, chosen by themselves, at the instance of somebody above them.

-- +goose Up
CREATE TABLE password_resets (
    -- A new reset replaces the one before.
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    -- SHA-256 of the token.
    token_hash bytea NOT NULL CONSTRAINT password_resets_token UNIQUE CHECK (length(token_hash) = 32),
    -- Whoever gave the token. No foreign key: a reset of somebody who is gone opens nothing.
    issued_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_resets_expiry ON password_resets (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON password_resets TO smoothschedule_app;

-- +goose Down
DROP TABLE password_resets;
