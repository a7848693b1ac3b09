-- The state that decides, together with the catalog, whether a service can start at a time. These
-- statements are sent in one batch.

-- name: GetBookingState :one
-- The version of the catalog, and the customer (null if there is none).
SELECT COALESCE((SELECT v.version FROM current_catalogues v WHERE v.env_id = sqlc.arg(env_id)),
                '00000000-0000-0000-0000-000000000000')::uuid AS catalog_version,
       c.name AS customer_name, c.status AS customer_status
FROM (SELECT) one
LEFT JOIN customers c ON c.env_id = sqlc.arg(env_id) AND c.id = sqlc.arg(customer_id);

-- name: GetLastSequence :one
-- The sequence of the last event of the environment: the tag of a search. It is read first, so it is never
-- newer than the data.
SELECT COALESCE((SELECT v.last_sequence FROM event_sequences v WHERE v.env_id = sqlc.arg(env_id)), 0)::bigint AS sequence;

-- name: ListBusy :many
-- The allocations of the resources between from_at and to_at: state 0 is an appointment, 1 a hold, 2 an
-- expired hold, which must be expired before its lane can be taken. The rows of one resource follow
-- each other. An allocation is at most 48 hours long, which limits the range of the index; the earliest
-- start is a parameter, because under row-level security an expression is no index condition. All
-- columns are in the index of the primary key.
SELECT l.resource_id, l.lane, l.start_at, l.end_at, l.owner_id,
       CASE WHEN l.expires_at IS NULL THEN 0 WHEN l.expires_at > sqlc.arg(now)::timestamptz THEN 1 ELSE 2 END::int AS state
FROM allocations l
WHERE l.env_id = sqlc.arg(env_id) AND l.resource_id = ANY (sqlc.arg(resource_ids)::uuid[]) AND l.active
  AND l.owner_id <> sqlc.arg(except_owner_id)
  AND l.start_at > sqlc.arg(earliest_start)::timestamptz AND l.start_at < sqlc.arg(to_at)::timestamptz
  AND l.end_at > sqlc.arg(from_at)::timestamptz;

-- name: ListBuffers :many
-- The buffers of appointments and holds in a window. Allocations include them; only explanations need
-- them separately.
SELECT a.id AS owner_id, a.buffer_before_minutes, a.buffer_after_minutes
FROM appointments a
WHERE a.env_id = sqlc.arg(env_id) AND a.start_at > sqlc.arg(from_at)::timestamptz AND a.start_at < sqlc.arg(to_at)::timestamptz
  AND a.status IN ('PENDING', 'CONFIRMED') AND a.buffer_before_minutes + a.buffer_after_minutes > 0
UNION ALL
SELECT h.id, h.buffer_before_minutes, h.buffer_after_minutes
FROM holds h
WHERE h.env_id = sqlc.arg(env_id) AND h.start_at > sqlc.arg(from_at)::timestamptz AND h.start_at < sqlc.arg(to_at)::timestamptz
  AND h.status = 'ACTIVE' AND h.buffer_before_minutes + h.buffer_after_minutes > 0;
