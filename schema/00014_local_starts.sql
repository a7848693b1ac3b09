-- Appointments remember what the clock showed when they were booked, because governments
-- change the rules of time zones after that.

-- +goose Up
ALTER TABLE appointments
    -- What the clock of the zone showed at the start, by the rules of that release of the time
    -- zone database (null: not known). Null are appointments of the time before this column, until
    -- `smoothschedule tzdata apply` has seen them.
    ADD COLUMN local_start_at timestamp,
    ADD COLUMN timezone text CHECK (length(timezone) BETWEEN 1 AND 64),
    ADD COLUMN tzdata_version text CHECK (length(tzdata_version) BETWEEN 1 AND 20),
    ADD CONSTRAINT appointments_local_start CHECK ((local_start_at IS NULL) = (timezone IS NULL));

-- +goose Down
ALTER TABLE appointments DROP COLUMN local_start_at, DROP COLUMN timezone, DROP COLUMN tzdata_version;
