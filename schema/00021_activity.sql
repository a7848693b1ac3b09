-- Counts for the platform's metrics, so that nobody has to look at every appointment.

-- +goose Up

-- How many appointments were booked in the live environments on each day (UTC).
-- activity_cursors says up to which event of each environment that is true; what came
-- after is counted from the events.
CREATE TABLE daily_bookings (
    day date PRIMARY KEY,
    booked bigint NOT NULL
);
CREATE TABLE activity_cursors (
    env_id uuid PRIMARY KEY REFERENCES environments ON DELETE CASCADE,
    sequence bigint NOT NULL
);

-- How many requests were answered on each day (UTC), by business. The zero UUID stands
-- for requests outside of any; no foreign key, because the count outlives the business.
CREATE TABLE daily_api_calls (
    day date NOT NULL,
    tenant_id uuid NOT NULL,
    calls bigint NOT NULL,
    PRIMARY KEY (day, tenant_id)
);

GRANT SELECT, INSERT, UPDATE ON daily_bookings, activity_cursors, daily_api_calls TO smoothschedule_platform;

-- +goose Down
DROP TABLE daily_api_calls, activity_cursors, daily_bookings;
