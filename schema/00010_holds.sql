-- Holds: times that somebody keeps for a few minutes while they make up their mind. A hold
-- takes the same lanes as an appointment, under the same exclusion constraint.

-- +goose Up
CREATE TABLE holds (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    -- An ACTIVE hold whose expires_at is over holds nothing, whoever has noticed; EXPIRED
    -- says that its lanes have been cleared away.
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'BOOKED', 'EXPIRED')),
    service_id uuid NOT NULL,
    -- For whom; null is not known yet.
    customer_id uuid,
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL CHECK (end_at > start_at),
    -- As they were when it was made: what is held is booked as it was offered.
    buffer_before_minutes int NOT NULL CHECK (buffer_before_minutes >= 0),
    buffer_after_minutes int NOT NULL CHECK (buffer_after_minutes >= 0),
    service_version int NOT NULL,
    price_amount bigint NOT NULL CHECK (price_amount >= 0),
    price_currency text NOT NULL CHECK (price_currency ~ '^[A-Z]{3}$'),
    resource_ids uuid[] NOT NULL CHECK (cardinality(resource_ids) > 0),
    expires_at timestamptz NOT NULL,
    -- What it has become.
    appointment_id uuid CHECK ((appointment_id IS NOT NULL) = (status = 'BOOKED')),
    created_by uuid,
    created_at timestamptz NOT NULL CHECK (created_at <= expires_at),
    PRIMARY KEY (env_id, id),
    CONSTRAINT holds_service FOREIGN KEY (env_id, service_id) REFERENCES services (env_id, id) ON DELETE CASCADE DEFERRABLE,
    CONSTRAINT holds_customer FOREIGN KEY (env_id, customer_id) REFERENCES customers (env_id, id) ON DELETE CASCADE DEFERRABLE,
    CONSTRAINT holds_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES appointments (env_id, id)
        ON DELETE CASCADE DEFERRABLE
);
CREATE INDEX holds_expiry ON holds (env_id, expires_at, id);
CREATE INDEX holds_service ON holds (env_id, service_id);
CREATE INDEX holds_customer ON holds (env_id, customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX holds_appointment ON holds (env_id, appointment_id) WHERE appointment_id IS NOT NULL;
SELECT protect_business_table('holds');

-- The owner of an allocation is its appointment or its hold. The primary key is also the
-- index by which the busy times of a resource are read, so that there is no index more
-- than before for a booking to write.
ALTER TABLE allocations DROP CONSTRAINT allocations_pkey;
ALTER TABLE allocations ALTER COLUMN appointment_id DROP NOT NULL;
ALTER TABLE allocations
    ADD COLUMN hold_id uuid,
    -- That of the hold, so that the busy times of a resource tell which of them are over.
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN owner_id uuid NOT NULL GENERATED ALWAYS AS (COALESCE(appointment_id, hold_id)) STORED,
    ADD CONSTRAINT allocations_one_owner CHECK (num_nonnulls(appointment_id, hold_id) = 1 AND num_nulls(hold_id, expires_at) <> 1),
    ADD CONSTRAINT allocations_hold FOREIGN KEY (env_id, hold_id) REFERENCES holds (env_id, id) ON DELETE CASCADE DEFERRABLE;
ALTER TABLE allocations ADD PRIMARY KEY (env_id, resource_id, start_at, owner_id);
DROP INDEX allocations_resource_start;
CREATE UNIQUE INDEX allocations_appointment ON allocations (env_id, appointment_id, resource_id);
CREATE INDEX allocations_hold ON allocations (env_id, hold_id) WHERE hold_id IS NOT NULL;

-- +goose Down
DELETE FROM allocations WHERE hold_id IS NOT NULL;
DROP INDEX allocations_hold, allocations_appointment;
CREATE INDEX allocations_resource_start ON allocations (env_id, resource_id, start_at);
ALTER TABLE allocations DROP CONSTRAINT allocations_pkey;
ALTER TABLE allocations DROP COLUMN owner_id, DROP COLUMN expires_at, DROP COLUMN hold_id;
ALTER TABLE allocations ALTER COLUMN appointment_id SET NOT NULL;
ALTER TABLE allocations ADD PRIMARY KEY (env_id, appointment_id, resource_id);
DROP TABLE holds;
