-- A schedule is read as flat rows, one for each of its overrides and one if it has none.

-- name: GetBusinessHours :many
-- The hours of the business; one row of nulls if they were never set.
SELECT s.is_set, s.timezone, s.weekdays, s.start_minutes, s.end_minutes, s.version,
       o.date AS override_date, o.name AS override_name, o.start_minutes AS override_start_minutes,
       o.end_minutes AS override_end_minutes
FROM (SELECT sqlc.arg(env_id)::uuid AS env_id) e
LEFT JOIN schedules s ON s.env_id = e.env_id AND s.resource_id IS NULL
LEFT JOIN schedule_overrides o ON o.env_id = s.env_id AND o.schedule_id = s.id
ORDER BY o.date;

-- name: GetResourceHours :many
-- The hours of a resource; no row if there is no such resource, and one of nulls if its
-- hours were never set.
SELECT s.is_set, s.timezone, s.weekdays, s.start_minutes, s.end_minutes, s.version,
       o.date AS override_date, o.name AS override_name, o.start_minutes AS override_start_minutes,
       o.end_minutes AS override_end_minutes
FROM resources r
LEFT JOIN schedules s ON s.env_id = r.env_id AND s.resource_id = r.id
LEFT JOIN schedule_overrides o ON o.env_id = s.env_id AND o.schedule_id = s.id
WHERE r.env_id = sqlc.arg(env_id) AND r.id = sqlc.arg(resource_id)
ORDER BY o.date;

-- name: GetScheduleTimezone :one
-- The zone of a resource; null if it has none of its own.
SELECT timezone FROM schedules WHERE env_id = sqlc.arg(env_id) AND resource_id = sqlc.arg(resource_id)::uuid;

-- name: EnsureSchedule :exec
-- Makes a row to lock for hours that were never set; it counts as their first version.
INSERT INTO schedules (env_id, id, resource_id, is_set, updated_at)
VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.narg(resource_id), false, sqlc.arg(now))
ON CONFLICT ON CONSTRAINT schedules_of_resource DO NOTHING;

-- name: LockSchedule :one
-- Keeps others from changing the hours of a resource, or of the business (null), until
-- the transaction ends.
SELECT id, is_set, version FROM schedules
WHERE env_id = sqlc.arg(env_id) AND resource_id IS NOT DISTINCT FROM sqlc.narg(resource_id)
FOR NO KEY UPDATE;

-- name: UpdateSchedule :exec
-- Writes hours that the transaction has locked, and removes their overrides.
WITH removed AS (
    DELETE FROM schedule_overrides o WHERE o.env_id = sqlc.arg(env_id) AND o.schedule_id = sqlc.arg(id)
)
UPDATE schedules s
SET is_set = sqlc.arg(is_set), timezone = sqlc.narg(timezone), weekdays = sqlc.arg(weekdays),
    start_minutes = sqlc.arg(start_minutes), end_minutes = sqlc.arg(end_minutes), version = sqlc.arg(version),
    updated_at = sqlc.arg(now)
WHERE s.env_id = sqlc.arg(env_id) AND s.id = sqlc.arg(id);

-- name: InsertScheduleOverrides :exec
-- The overrides of a schedule, each with those of the intervals that have its date.
INSERT INTO schedule_overrides (env_id, schedule_id, date, name, start_minutes, end_minutes)
SELECT sqlc.arg(env_id), sqlc.arg(schedule_id), o.date, o.name,
       COALESCE(array_agg(i.start_minute ORDER BY i.start_minute) FILTER (WHERE i.start_minute IS NOT NULL), '{}'),
       COALESCE(array_agg(i.end_minute ORDER BY i.start_minute) FILTER (WHERE i.end_minute IS NOT NULL), '{}')
FROM (SELECT unnest(sqlc.arg(dates)::date[]) AS date, unnest(sqlc.arg(names)::text[]) AS name) o
LEFT JOIN (
    SELECT unnest(sqlc.arg(interval_dates)::date[]) AS date, unnest(sqlc.arg(start_minutes)::int[]) AS start_minute,
           unnest(sqlc.arg(end_minutes)::int[]) AS end_minute
) i ON i.date = o.date
GROUP BY o.date, o.name;
