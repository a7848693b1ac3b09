-- What lets somebody who is not signed in get at one hold, or one appointment: who has the
-- token, of which only the hash is kept.

-- +goose Up
CREATE TABLE booking_capabilities (
    env_id uuid NOT NULL,
    -- SHA-256.
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    hold_id uuid,
    appointment_id uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, token_hash),
    CHECK (num_nonnulls(hold_id, appointment_id) = 1),
    CONSTRAINT booking_capabilities_hold FOREIGN KEY (env_id, hold_id) REFERENCES holds (env_id, id)
        ON DELETE CASCADE DEFERRABLE,
    CONSTRAINT booking_capabilities_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES appointments (env_id, id)
        ON DELETE CASCADE DEFERRABLE
);
CREATE INDEX booking_capabilities_hold ON booking_capabilities (env_id, hold_id) WHERE hold_id IS NOT NULL;
CREATE INDEX booking_capabilities_appointment ON booking_capabilities (env_id, appointment_id) WHERE appointment_id IS NOT NULL;
SELECT protect_business_table('booking_capabilities');

-- Customers are found by their address, written in any case. Under row-level security,
-- lower() in a condition would be no index condition.
ALTER TABLE customers ADD COLUMN email_lower text NOT NULL GENERATED ALWAYS AS (lower(email)) STORED;
CREATE INDEX customers_email_lower ON customers (env_id, email_lower);

-- +goose Down
ALTER TABLE customers DROP COLUMN email_lower;
DROP TABLE booking_capabilities;
