-- What decides whether a service can start at a time is asked by two statements, which travel
-- together: the terms, that is the service, the customer and the resources that may be
-- taken, and what is busy, that is who has lanes of these resources.
--
-- Terms have one row for each resource (one without resource if there is none); the service
-- and the customer (null if they do not exist) are on every row.
--
-- What is busy has state 0 if it is an appointment, 1 if a hold, 2 if a hold that is over,
-- which whoever needs its lane must clear first. It is that of the window of the starts from
-- first_start to last_start, or of from_at to to_at. Under row-level security, a calculation
-- with columns is no index condition; that is why the ends of the window are sub-selects. An
-- allocation is at most 48 hours long, which bounds the piece of the index. What is read of
-- allocations is all in their primary key's index.

-- name: GetBookingTerms :many
-- The terms with the requested resources and, unless they fill every requirement, all active
-- ones that a requirement accepts.
WITH requirement AS MATERIALIZED (
    SELECT q.position, q.resource_type
    FROM service_requirements q
    WHERE q.env_id = sqlc.arg(env_id) AND q.service_id = sqlc.arg(service_id)
), choice AS MATERIALIZED (
    SELECT cardinality(sqlc.arg(requested_ids)::uuid[]) < GREATEST(count(*), 1) AS is_open FROM requirement
), named AS MATERIALIZED (
    SELECT n.position, n.resource_id
    FROM service_requirement_resources n
    WHERE n.env_id = sqlc.arg(env_id) AND n.service_id = sqlc.arg(service_id)
)
SELECT s.name AS service_name, s.version AS service_version, s.duration_minutes, s.buffer_before_minutes,
       s.buffer_after_minutes, s.price_amount, s.price_currency, s.requires_approval, s.is_active AS service_is_active,
       s.slot_step_minutes, s.min_notice_minutes, s.horizon_days, s.max_per_day, s.max_per_week,
       COALESCE((SELECT v.last_sequence FROM event_sequences v WHERE v.env_id = sqlc.arg(env_id)), 0)::bigint AS sequence,
       ARRAY (SELECT q.resource_type FROM requirement q ORDER BY q.position)::text[] AS requirement_types,
       ARRAY (SELECT n.position FROM named n ORDER BY n.position, n.resource_id)::int[] AS named_positions,
       ARRAY (SELECT n.resource_id FROM named n ORDER BY n.position, n.resource_id)::uuid[] AS named_resource_ids,
       c.name AS customer_name, c.status AS customer_status,
       r.id AS resource_id, r.name AS resource_name, r.type AS resource_type, r.capacity AS resource_capacity,
       r.is_active AS resource_is_active, r.user_id AS resource_user_id, r.weight AS resource_weight,
       r.max_per_day AS resource_max_per_day, r.max_per_week AS resource_max_per_week
FROM (SELECT sqlc.arg(env_id)::uuid AS env_id) e
LEFT JOIN services s ON s.env_id = e.env_id AND s.id = sqlc.arg(service_id)
LEFT JOIN customers c ON c.env_id = e.env_id AND c.id = sqlc.arg(customer_id)
LEFT JOIN resources r ON r.env_id = e.env_id AND (r.id = ANY (sqlc.arg(requested_ids)::uuid[])
    OR (SELECT c.is_open FROM choice c) AND r.is_active AND (
        EXISTS (SELECT FROM requirement q LEFT JOIN named n ON n.position = q.position
                WHERE q.resource_type = r.type AND (n.resource_id IS NULL OR n.resource_id = r.id))
        OR r.type IN ('STAFF', 'ROOM') AND NOT EXISTS (SELECT FROM requirement)))
ORDER BY r.id;

-- name: ListBusy :many
-- What is busy of the resources of GetBookingTerms. The window also has day_from to day_to,
-- by which those are found who have least to do.
WITH requirement AS MATERIALIZED (
    SELECT q.position, q.resource_type
    FROM service_requirements q
    WHERE q.env_id = sqlc.arg(env_id) AND q.service_id = sqlc.arg(service_id)
), choice AS MATERIALIZED (
    SELECT cardinality(sqlc.arg(requested_ids)::uuid[]) < GREATEST(count(*), 1) AS is_open FROM requirement
), named AS MATERIALIZED (
    SELECT n.position, n.resource_id
    FROM service_requirement_resources n
    WHERE n.env_id = sqlc.arg(env_id) AND n.service_id = sqlc.arg(service_id)
), span AS MATERIALIZED (
    SELECT LEAST(sqlc.arg(day_from)::timestamptz, COALESCE(sqlc.narg(from_at)::timestamptz,
               sqlc.arg(first_start)::timestamptz - make_interval(mins => s.buffer_before_minutes))) AS from_at,
           GREATEST(sqlc.arg(day_to)::timestamptz, COALESCE(sqlc.narg(to_at)::timestamptz,
               sqlc.arg(last_start)::timestamptz + make_interval(mins => s.duration_minutes + s.buffer_after_minutes))) AS to_at
    FROM services s
    WHERE s.env_id = sqlc.arg(env_id) AND s.id = sqlc.arg(service_id)
)
SELECT l.resource_id, l.lane, l.start_at, l.end_at, l.owner_id,
       CASE WHEN l.expires_at IS NULL THEN 0 WHEN l.expires_at > sqlc.arg(now)::timestamptz THEN 1 ELSE 2 END::int AS state
FROM resources r
JOIN allocations l ON l.env_id = r.env_id AND l.resource_id = r.id AND l.active AND l.owner_id <> sqlc.arg(except_owner_id)
    AND l.start_at < (SELECT w.to_at FROM span w)
    AND l.start_at > (SELECT w.from_at FROM span w) - interval '48 hours'
    AND l.end_at > (SELECT w.from_at FROM span w)
WHERE r.env_id = sqlc.arg(env_id) AND (r.id = ANY (sqlc.arg(requested_ids)::uuid[])
    OR (SELECT c.is_open FROM choice c) AND r.is_active AND (
        EXISTS (SELECT FROM requirement q LEFT JOIN named n ON n.position = q.position
                WHERE q.resource_type = r.type AND (n.resource_id IS NULL OR n.resource_id = r.id))
        OR r.type IN ('STAFF', 'ROOM') AND NOT EXISTS (SELECT FROM requirement)));

-- name: GetTermsOfRequested :many
-- The terms with the requested resources only. Where they leave requirements open, which
-- requirement_types tells, it has too few resources; whoever asks must see to that. It
-- stands by itself because PostgreSQL prepares every part of a statement, also those that
-- never run, and this one is part of every booking; likewise ListBusyOfRequested.
SELECT s.name AS service_name, s.version AS service_version, s.duration_minutes, s.buffer_before_minutes,
       s.buffer_after_minutes, s.price_amount, s.price_currency, s.requires_approval, s.is_active AS service_is_active,
       s.slot_step_minutes, s.min_notice_minutes, s.horizon_days, s.max_per_day, s.max_per_week,
       COALESCE((SELECT v.last_sequence FROM event_sequences v WHERE v.env_id = sqlc.arg(env_id)), 0)::bigint AS sequence,
       ARRAY (SELECT q.resource_type FROM service_requirements q
              WHERE q.env_id = sqlc.arg(env_id) AND q.service_id = sqlc.arg(service_id) ORDER BY q.position)::text[] AS requirement_types,
       ARRAY (SELECT n.position FROM service_requirement_resources n
              WHERE n.env_id = sqlc.arg(env_id) AND n.service_id = sqlc.arg(service_id)
              ORDER BY n.position, n.resource_id)::int[] AS named_positions,
       ARRAY (SELECT n.resource_id FROM service_requirement_resources n
              WHERE n.env_id = sqlc.arg(env_id) AND n.service_id = sqlc.arg(service_id)
              ORDER BY n.position, n.resource_id)::uuid[] AS named_resource_ids,
       c.name AS customer_name, c.status AS customer_status,
       r.id AS resource_id, r.name AS resource_name, r.type AS resource_type, r.capacity AS resource_capacity,
       r.is_active AS resource_is_active, r.user_id AS resource_user_id, r.weight AS resource_weight,
       r.max_per_day AS resource_max_per_day, r.max_per_week AS resource_max_per_week
FROM (SELECT sqlc.arg(env_id)::uuid AS env_id) e
LEFT JOIN services s ON s.env_id = e.env_id AND s.id = sqlc.arg(service_id)
LEFT JOIN customers c ON c.env_id = e.env_id AND c.id = sqlc.arg(customer_id)
LEFT JOIN resources r ON r.env_id = e.env_id AND r.id = ANY (sqlc.arg(requested_ids)::uuid[])
ORDER BY r.id;

-- name: ListBusyOfRequested :many
-- What is busy of the requested resources.
WITH span AS MATERIALIZED (
    SELECT COALESCE(sqlc.narg(from_at)::timestamptz,
               sqlc.arg(first_start)::timestamptz - make_interval(mins => s.buffer_before_minutes)) AS from_at,
           COALESCE(sqlc.narg(to_at)::timestamptz,
               sqlc.arg(last_start)::timestamptz + make_interval(mins => s.duration_minutes + s.buffer_after_minutes)) AS to_at
    FROM services s
    WHERE s.env_id = sqlc.arg(env_id) AND s.id = sqlc.arg(service_id)
)
SELECT l.resource_id, l.lane, l.start_at, l.end_at, l.owner_id,
       CASE WHEN l.expires_at IS NULL THEN 0 WHEN l.expires_at > sqlc.arg(now)::timestamptz THEN 1 ELSE 2 END::int AS state
FROM allocations l
WHERE l.env_id = sqlc.arg(env_id) AND l.resource_id = ANY (sqlc.arg(requested_ids)::uuid[]) AND l.active
  AND l.owner_id <> sqlc.arg(except_owner_id)
  AND l.start_at < (SELECT w.to_at FROM span w)
  AND l.start_at > (SELECT w.from_at FROM span w) - interval '48 hours'
  AND l.end_at > (SELECT w.from_at FROM span w);

-- name: ListBuffers :many
-- The buffers of what has lanes in a window. They decide nothing, since allocations
-- contain them, but an explanation tells them from what is booked.
SELECT a.id AS owner_id, a.buffer_before_minutes, a.buffer_after_minutes
FROM appointments a
WHERE a.env_id = sqlc.arg(env_id) AND a.start_at > sqlc.arg(from_at)::timestamptz AND a.start_at < sqlc.arg(to_at)::timestamptz
  AND a.status IN ('PENDING', 'CONFIRMED') AND a.buffer_before_minutes + a.buffer_after_minutes > 0
UNION ALL
SELECT h.id, h.buffer_before_minutes, h.buffer_after_minutes
FROM holds h
WHERE h.env_id = sqlc.arg(env_id) AND h.start_at > sqlc.arg(from_at)::timestamptz AND h.start_at < sqlc.arg(to_at)::timestamptz
  AND h.status = 'ACTIVE' AND h.buffer_before_minutes + h.buffer_after_minutes > 0;
