-- name: ListLocalStarts :many
-- The appointments to come, with what the clock showed when they were booked, after the
-- cursor.
SELECT id, start_at, local_start_at, timezone
FROM appointments
WHERE env_id = sqlc.arg(env_id) AND status IN ('PENDING', 'CONFIRMED')
  AND (start_at, id) > (sqlc.arg(after_start_at)::timestamptz, sqlc.arg(after_id)::uuid)
ORDER BY start_at, id
LIMIT sqlc.arg(row_limit);

-- name: RememberLocalStarts :exec
-- Writes what the clock shows for appointments of which nobody has noted it; those that
-- have moved meanwhile know it.
UPDATE appointments a
SET local_start_at = r.local_start_at, timezone = sqlc.arg(timezone)::text, tzdata_version = sqlc.narg(tzdata_version)
FROM (SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(start_ats)::timestamptz[]) AS start_at,
             unnest(sqlc.arg(local_start_ats)::timestamp[]) AS local_start_at) r
WHERE a.env_id = sqlc.arg(env_id) AND a.id = r.id AND a.start_at = r.start_at AND a.local_start_at IS NULL;
