-- Webhooks: where events of an environment are sent, what has been sent, and how it went.

-- +goose Up
CREATE TABLE webhook_endpoints (
    env_id uuid NOT NULL REFERENCES environments ON DELETE CASCADE,
    id uuid NOT NULL,
    url text NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 500),
    -- "appointment.created", "appointment.*" or "*".
    event_types text[] NOT NULL CHECK (cardinality(event_types) BETWEEN 1 AND 100),
    is_enabled boolean NOT NULL DEFAULT true,
    -- Why it does not get events: a person, five days of failures, or its own answer 410.
    disabled_reason text CHECK (disabled_reason IN ('MANUAL', 'FAILING', 'GONE')),
    -- Since when every attempt has failed.
    failing_since timestamptz,
    -- Encrypted with a key of the configuration; the one before signs too until it expires.
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_secret_expires_at timestamptz,
    -- When a job will look after it next, on the real clock.
    wake_at timestamptz,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, id),
    CHECK (is_enabled = (disabled_reason IS NULL)),
    CHECK ((previous_secret IS NULL) = (previous_secret_expires_at IS NULL))
);
CREATE INDEX webhook_endpoints_newest ON webhook_endpoints (env_id, created_at DESC, id DESC);
SELECT protect_business_table('webhook_endpoints');

-- An event on its way to an endpoint. The table is the queue: jobs only say where to look.
CREATE TABLE webhook_deliveries (
    env_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    -- Also the id of the delivery, and the webhook-id of every attempt.
    event_id uuid NOT NULL,
    sequence bigint NOT NULL,
    status text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    -- Attempts ever made, and those since it was (re)started, which count for the schedule.
    attempts int NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    tries int NOT NULL DEFAULT 0 CHECK (tries >= 0),
    -- On the clock of the environment.
    next_attempt_at timestamptz,
    -- Until then, on the real clock, a server is making an attempt.
    claimed_until timestamptz,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (env_id, endpoint_id, event_id),
    CHECK ((status = 'PENDING') = (next_attempt_at IS NOT NULL)),
    CHECK ((status = 'PENDING') = (finished_at IS NULL)),
    CONSTRAINT webhook_deliveries_endpoint FOREIGN KEY (env_id, endpoint_id) REFERENCES webhook_endpoints (env_id, id)
        ON DELETE CASCADE DEFERRABLE,
    CONSTRAINT webhook_deliveries_event FOREIGN KEY (env_id, event_id) REFERENCES events (env_id, id)
        ON DELETE CASCADE DEFERRABLE
);
CREATE INDEX webhook_deliveries_newest ON webhook_deliveries (env_id, endpoint_id, sequence DESC);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (env_id, endpoint_id, next_attempt_at) WHERE status = 'PENDING';
CREATE INDEX webhook_deliveries_event ON webhook_deliveries (env_id, event_id);
SELECT protect_business_table('webhook_deliveries');

CREATE TABLE webhook_attempts (
    env_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    number int NOT NULL CHECK (number > 0),
    -- On the real clock.
    started_at timestamptz NOT NULL,
    duration_ms int NOT NULL CHECK (duration_ms >= 0),
    -- Null if there was no answer.
    status_code int CHECK (status_code BETWEEN 100 AND 999),
    -- The beginning of the body that was answered, for people to look at.
    response text NOT NULL DEFAULT '' CHECK (length(response) <= 2000),
    error text NOT NULL DEFAULT '' CHECK (length(error) <= 500),
    PRIMARY KEY (env_id, endpoint_id, event_id, number),
    CONSTRAINT webhook_attempts_delivery FOREIGN KEY (env_id, endpoint_id, event_id)
        REFERENCES webhook_deliveries (env_id, endpoint_id, event_id) ON DELETE CASCADE DEFERRABLE
);
SELECT protect_business_table('webhook_attempts');

-- +goose Down
DROP TABLE webhook_attempts, webhook_deliveries, webhook_endpoints;
