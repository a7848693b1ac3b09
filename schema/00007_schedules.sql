-- When the business and its resources can be booked: hours, overrides, time off; and
-- the settings of services and resources that limit bookings.

-- +goose Up

-- The hours of the business (no resource), or of one resource. Intervals are minutes
-- after midnight on the clock of the zone; they belong to the day on which they start,
-- and may end on the next one.
CREATE TABLE schedules (
    env_id uuid NOT NULL REFERENCES environments ON DELETE CASCADE,
    id uuid NOT NULL,
    resource_id uuid,
    -- A row stays when hours are deleted, so that versions go on and never mean
    -- something else than before.
    is_set boolean NOT NULL,
    -- An IANA name; null is that of the business.
    timezone text CHECK (timezone IS NULL OR length(timezone) BETWEEN 1 AND 64 AND resource_id IS NOT NULL),
    -- The nth interval is on weekdays[n], from start_minutes[n] to end_minutes[n]; in the
    -- order of the week. One row for each schedule is what makes the hours of a hundred
    -- resources one short read.
    weekdays int[] NOT NULL DEFAULT '{}' CHECK (0 <= ALL (weekdays) AND 6 >= ALL (weekdays)), -- 0 is Monday
    start_minutes int[] NOT NULL DEFAULT '{}' CHECK (0 <= ALL (start_minutes) AND 1439 >= ALL (start_minutes)),
    end_minutes int[] NOT NULL DEFAULT '{}' CHECK (1 <= ALL (end_minutes) AND 2880 >= ALL (end_minutes)),
    version int NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, id),
    CHECK (cardinality(weekdays) = cardinality(start_minutes) AND cardinality(weekdays) = cardinality(end_minutes)),
    CONSTRAINT schedules_of_resource UNIQUE NULLS NOT DISTINCT (env_id, resource_id),
    CONSTRAINT schedules_resource FOREIGN KEY (env_id, resource_id) REFERENCES resources (env_id, id)
        ON DELETE CASCADE DEFERRABLE
);
SELECT protect_business_table('schedules');

-- What counts on one date instead of the weekly hours; without intervals it is closed.
CREATE TABLE schedule_overrides (
    env_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    date date NOT NULL,
    name text NOT NULL DEFAULT '' CHECK (length(name) <= 100),
    start_minutes int[] NOT NULL DEFAULT '{}' CHECK (0 <= ALL (start_minutes) AND 1439 >= ALL (start_minutes)),
    end_minutes int[] NOT NULL DEFAULT '{}' CHECK (1 <= ALL (end_minutes) AND 2880 >= ALL (end_minutes)),
    PRIMARY KEY (env_id, schedule_id, date),
    CHECK (cardinality(start_minutes) = cardinality(end_minutes)),
    CONSTRAINT schedule_overrides_schedule FOREIGN KEY (env_id, schedule_id) REFERENCES schedules (env_id, id)
        ON DELETE CASCADE DEFERRABLE
);
SELECT protect_business_table('schedule_overrides');

-- Times at which a resource, or the whole business (no resource), cannot be booked.
CREATE TABLE time_off (
    env_id uuid NOT NULL REFERENCES environments ON DELETE CASCADE,
    id uuid NOT NULL,
    resource_id uuid,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
    -- Of the first occurrence.
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL CHECK (end_at > start_at AND end_at - start_at <= interval '366 days'),
    -- The value of an RRULE, and the zone on whose clock it recurs: that of the resource or
    -- the business when it was written. A later change of theirs does not move it.
    rrule text CHECK (length(rrule) BETWEEN 1 AND 500),
    timezone text CHECK ((timezone IS NULL) = (rrule IS NULL) AND (timezone IS NULL OR length(timezone) BETWEEN 1 AND 64)),
    -- After this it blocks nothing more: end_at, or for what recurs a bound of the end of
    -- its last occurrence, or infinity. What is over is skipped by index.
    blocks_until timestamptz NOT NULL CHECK (blocks_until >= end_at),
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, id),
    CONSTRAINT time_off_resource FOREIGN KEY (env_id, resource_id) REFERENCES resources (env_id, id)
        ON DELETE CASCADE DEFERRABLE
);
CREATE INDEX time_off_start ON time_off (env_id, start_at, id);
CREATE INDEX time_off_resource_until ON time_off (env_id, resource_id, blocks_until);
SELECT protect_business_table('time_off');

ALTER TABLE services
    ADD COLUMN slot_step_minutes int NOT NULL DEFAULT 15 CHECK (slot_step_minutes BETWEEN 1 AND 1440),
    ADD COLUMN min_notice_minutes int NOT NULL DEFAULT 0 CHECK (min_notice_minutes BETWEEN 0 AND 525600),
    -- Null in these, and in those of resources, is no limit.
    ADD COLUMN horizon_days int CHECK (horizon_days BETWEEN 1 AND 1095),
    ADD COLUMN max_per_day int CHECK (max_per_day BETWEEN 1 AND 10000),
    ADD COLUMN max_per_week int CHECK (max_per_week BETWEEN 1 AND 10000);

ALTER TABLE resources
    -- When several resources will do, the one with the highest weight is taken.
    ADD COLUMN weight int NOT NULL DEFAULT 1 CHECK (weight BETWEEN 0 AND 100),
    ADD COLUMN max_per_day int CHECK (max_per_day BETWEEN 1 AND 10000),
    ADD COLUMN max_per_week int CHECK (max_per_week BETWEEN 1 AND 10000);

-- +goose Down
ALTER TABLE resources DROP COLUMN weight, DROP COLUMN max_per_day, DROP COLUMN max_per_week;
ALTER TABLE services DROP COLUMN slot_step_minutes, DROP COLUMN min_notice_minutes, DROP COLUMN horizon_days,
    DROP COLUMN max_per_day, DROP COLUMN max_per_week;
DROP TABLE time_off, schedule_overrides, schedules;
