-- name: ListSurroundings :many
-- What else decides about a time between from_at and to_at, for the business (no
-- resource) and the given resources (null is all): kind HOURS is a schedule, OVERRIDE one of its
-- dates, TIME_OFF a time off or a closure. Dates are read with four days of margin, for
-- zones and for hours over midnight.
SELECT 'HOURS'::text AS kind, s.resource_id, s.id AS object_id, s.timezone, s.weekdays, s.start_minutes, s.end_minutes,
       NULL::date AS date, NULL::timestamptz AS start_at, NULL::timestamptz AS end_at, NULL::text AS rrule
FROM schedules s
WHERE s.env_id = sqlc.arg(env_id) AND s.is_set
  AND (s.resource_id IS NULL OR sqlc.narg(resource_ids)::uuid[] IS NULL OR s.resource_id = ANY (sqlc.narg(resource_ids)::uuid[]))
UNION ALL
SELECT 'OVERRIDE', s.resource_id, s.id, s.timezone, '{}'::int[], o.start_minutes, o.end_minutes, o.date, NULL, NULL, NULL
FROM schedules s
JOIN schedule_overrides o ON o.env_id = s.env_id AND o.schedule_id = s.id
WHERE s.env_id = sqlc.arg(env_id) AND s.is_set
  AND (s.resource_id IS NULL OR sqlc.narg(resource_ids)::uuid[] IS NULL OR s.resource_id = ANY (sqlc.narg(resource_ids)::uuid[]))
  AND o.date >= (sqlc.arg(from_at)::timestamptz - interval '4 days')::date
  AND o.date <= (sqlc.arg(to_at)::timestamptz + interval '4 days')::date
UNION ALL
SELECT 'TIME_OFF', f.resource_id, f.id, f.timezone, '{}'::int[], '{}'::int[], '{}'::int[], NULL, f.start_at, f.end_at, f.rrule
FROM time_off f
WHERE f.env_id = sqlc.arg(env_id) AND (f.resource_id IS NULL OR sqlc.narg(resource_ids)::uuid[] IS NULL OR f.resource_id = ANY (sqlc.narg(resource_ids)::uuid[]))
  AND f.start_at < sqlc.arg(to_at)::timestamptz AND f.blocks_until > sqlc.arg(from_at)::timestamptz;

-- name: CountBookingsByDate :many
-- How many appointments start on each date of the business's zone: those of the service
-- (no resource), and those that take each of the given resources (null is all). Cancelled
-- ones and no-shows do not count, and holds do until they are over. Where neither the
-- service nor any resource has a limit, nothing is counted, nor is the counting prepared:
-- that is why it is a function.
WITH limited AS (
    (SELECT FROM services v WHERE v.env_id = sqlc.arg(env_id) AND v.id = sqlc.arg(service_id) AND num_nonnulls(v.max_per_day, v.max_per_week) > 0)
    UNION ALL
    (SELECT FROM resources r WHERE r.env_id = sqlc.arg(env_id) AND num_nonnulls(r.max_per_day, r.max_per_week) > 0)
    LIMIT 1
)
SELECT b.resource_id::uuid AS resource_id, b.date::date AS date, b.n::int AS n
FROM limited
CROSS JOIN LATERAL count_bookings_by_date(sqlc.arg(env_id)::uuid, sqlc.arg(service_id)::uuid, sqlc.narg(resource_ids)::uuid[],
    sqlc.arg(except_owner_id)::uuid, sqlc.arg(timezone)::text, sqlc.arg(from_at)::timestamptz, sqlc.arg(to_at)::timestamptz,
    sqlc.arg(now)::timestamptz) AS b (resource_id, date, n);
