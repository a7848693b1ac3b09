-- What decides whether a service can start at a time is the catalogue, and what these
-- statements say, which travel together.

-- name: GetBookingState :one
-- The version of the catalogue, and the customer (null if they do not exist).
SELECT COALESCE((SELECT v.version FROM current_catalogues v WHERE v.env_id = sqlc.arg(env_id)),
                '00000000-0000-0000-0000-000000000000')::uuid AS catalogue_version,
       c.name AS customer_name, c.status AS customer_status
FROM (SELECT) one
LEFT JOIN customers c ON c.env_id = sqlc.arg(env_id) AND c.id = sqlc.arg(customer_id);

-- name: GetLastSequence :one
-- That of the last event of the environment, by which a search names what it has seen. It
-- comes first, and so is never newer than that.
SELECT COALESCE((SELECT v.last_sequence FROM event_sequences v WHERE v.env_id = sqlc.arg(env_id)), 0)::bigint AS sequence;

-- name: ListBusy :many
-- Who has lanes of the resources between from_at and to_at: state 0 is an appointment, 1 a
-- hold, 2 a hold that is over, which whoever needs its lane must clear first. The rows of one
-- resource follow each other. An allocation is at most 48 hours long, which bounds the piece
-- of the index; the earliest start is given, because under row-level security a calculation
-- is no index condition. What is read of allocations is all in their primary key's index.
SELECT l.resource_id, l.lane, l.start_at, l.end_at, l.owner_id,
       CASE WHEN l.expires_at IS NULL THEN 0 WHEN l.expires_at > sqlc.arg(now)::timestamptz THEN 1 ELSE 2 END::int AS state
FROM allocations l
WHERE l.env_id = sqlc.arg(env_id) AND l.resource_id = ANY (sqlc.arg(resource_ids)::uuid[]) AND l.active
  AND l.owner_id <> sqlc.arg(except_owner_id)
  AND l.start_at > sqlc.arg(earliest_start)::timestamptz AND l.start_at < sqlc.arg(to_at)::timestamptz
  AND l.end_at > sqlc.arg(from_at)::timestamptz;

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
