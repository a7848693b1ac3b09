-- Series: appointments that recur and are booked as one.

-- +goose Up

-- What a series was booked with. What has become of its appointments is theirs to say.
CREATE TABLE series (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- Of the first occurrence of the rule, which need not have been free.
    start_at timestamptz NOT NULL,
    -- The value of an RRULE, and the zone on whose clock it recurs: that of the business when
    -- it was booked.
    rrule text NOT NULL CHECK (length(rrule) BETWEEN 1 AND 500),
    timezone text NOT NULL CHECK (length(timezone) BETWEEN 1 AND 64),
    -- The resources that were asked for; not a key, because they need not have been taken.
    resource_ids uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(resource_ids) <= 20),
    notes text NOT NULL DEFAULT '' CHECK (length(notes) <= 2000),
    created_by uuid,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, id),
    -- Appointments keep a customer and a service from being deleted; a series that has none left
    -- does not.
    CONSTRAINT series_service FOREIGN KEY (env_id, service_id) REFERENCES services (env_id, id)
        ON DELETE CASCADE DEFERRABLE,
    CONSTRAINT series_customer FOREIGN KEY (env_id, customer_id) REFERENCES customers (env_id, id)
        ON DELETE CASCADE DEFERRABLE
);
CREATE INDEX series_customer ON series (env_id, customer_id, id);
CREATE INDEX series_service ON series (env_id, service_id);
SELECT protect_business_table('series');

ALTER TABLE appointments
    ADD COLUMN series_id uuid,
    ADD CONSTRAINT appointments_series FOREIGN KEY (env_id, series_id) REFERENCES series (env_id, id) DEFERRABLE;
CREATE INDEX appointments_series ON appointments (env_id, series_id, start_at, id) WHERE series_id IS NOT NULL;

-- +goose Down
ALTER TABLE appointments DROP COLUMN series_id;
DROP TABLE series;
