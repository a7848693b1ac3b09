-- The catalog of an environment: services, resources, hours and time off. Every statement that relies
-- on it returns the version of the catalog in its snapshot: zero if the transaction itself has changed the
-- catalog, which then has no version yet. See package catalog.

-- name: GetCatalogVersion :one
SELECT COALESCE((SELECT v.version FROM current_catalogues v WHERE v.env_id = sqlc.arg(env_id)),
                '00000000-0000-0000-0000-000000000000')::uuid AS version;

-- name: ListCatalogServices :many
-- All services. Requirements are arrays: see services.sql.
SELECT s.id, s.name, s.version, s.duration_minutes, s.buffer_before_minutes, s.buffer_after_minutes, s.price_amount,
       s.price_currency, s.requires_approval, s.is_active, s.slot_step_minutes, s.min_notice_minutes, s.horizon_days, s.max_per_day,
       s.max_per_week,
       ARRAY (SELECT q.resource_type FROM service_requirements q
              WHERE q.env_id = s.env_id AND q.service_id = s.id ORDER BY q.position)::text[] AS requirement_types,
       ARRAY (SELECT n.position FROM service_requirement_resources n
              WHERE n.env_id = s.env_id AND n.service_id = s.id ORDER BY n.position, n.resource_id)::int[] AS named_positions,
       ARRAY (SELECT n.resource_id FROM service_requirement_resources n
              WHERE n.env_id = s.env_id AND n.service_id = s.id ORDER BY n.position, n.resource_id)::uuid[] AS named_resource_ids
FROM services s
WHERE s.env_id = sqlc.arg(env_id);

-- name: ListCatalogResources :many
-- All resources, in the order of their ids.
SELECT r.id, r.name, r.type, r.capacity, r.is_active, r.user_id, r.weight, r.max_per_day, r.max_per_week
FROM resources r
WHERE r.env_id = sqlc.arg(env_id)
ORDER BY r.id;

-- name: ListCalendarEntries :many
-- Hours and time off between from_at and to_at of the business (no resource) and of all resources:
-- kind HOURS is a schedule, OVERRIDE one of its dates, TIME_OFF a time off or a closure. Dates have a margin
-- of four days, for time zones and for hours that end after midnight.
SELECT 'HOURS'::text AS kind, s.resource_id, s.id AS object_id, s.timezone, s.weekdays, s.start_minutes, s.end_minutes,
       NULL::date AS date, NULL::timestamptz AS start_at, NULL::timestamptz AS end_at, NULL::text AS rrule
FROM schedules s
WHERE s.env_id = sqlc.arg(env_id) AND s.is_set
UNION ALL
SELECT 'OVERRIDE', s.resource_id, s.id, s.timezone, '{}'::int[], o.start_minutes, o.end_minutes, o.date, NULL, NULL, NULL
FROM schedules s
JOIN schedule_overrides o ON o.env_id = s.env_id AND o.schedule_id = s.id
WHERE s.env_id = sqlc.arg(env_id) AND s.is_set
  AND o.date >= (sqlc.arg(from_at)::timestamptz - interval '4 days')::date
  AND o.date <= (sqlc.arg(to_at)::timestamptz + interval '4 days')::date
UNION ALL
SELECT 'TIME_OFF', f.resource_id, f.id, f.timezone, '{}'::int[], '{}'::int[], '{}'::int[], NULL, f.start_at, f.end_at, f.rrule
FROM time_off f
WHERE f.env_id = sqlc.arg(env_id) AND f.start_at < sqlc.arg(to_at)::timestamptz AND f.blocks_until > sqlc.arg(from_at)::timestamptz;
