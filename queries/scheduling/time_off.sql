-- name: GetTimeOff :one
SELECT id, resource_id, title, start_at, end_at, rrule, timezone, version, created_at, updated_at
FROM time_off
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: GetTimeOffForUpdate :one
-- The same, locked until the transaction ends.
SELECT id, resource_id, title, start_at, end_at, rrule, timezone, version, created_at, updated_at
FROM time_off
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
FOR NO KEY UPDATE;

-- name: ListTimeOff :many
-- Time off by start, after the cursor.
SELECT id, resource_id, title, start_at, end_at, rrule, timezone, version, created_at, updated_at
FROM time_off
WHERE env_id = sqlc.arg(env_id)
  AND (start_at, id) > (sqlc.arg(after_start_at)::timestamptz, sqlc.arg(after_id)::uuid)
  AND start_at < sqlc.arg(to_at)::timestamptz
  AND blocks_until > sqlc.arg(from_at)::timestamptz
  AND (sqlc.narg(resource_id)::uuid IS NULL OR resource_id = sqlc.narg(resource_id))
ORDER BY start_at, id
LIMIT sqlc.arg(row_limit);

-- name: InsertTimeOff :exec
-- Without blocks_until it goes on for ever.
INSERT INTO time_off (env_id, id, resource_id, title, start_at, end_at, rrule, timezone, blocks_until, created_at,
                      updated_at)
VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.narg(resource_id), sqlc.arg(title), sqlc.arg(start_at), sqlc.arg(end_at),
        sqlc.narg(rrule), sqlc.narg(timezone), COALESCE(sqlc.narg(blocks_until)::timestamptz, 'infinity'), sqlc.arg(now),
        sqlc.arg(now));

-- name: UpdateTimeOff :exec
-- Writes time off that the transaction has locked. Until when it blocks something changes only
-- if it moves.
UPDATE time_off
SET resource_id = sqlc.narg(resource_id), title = sqlc.arg(title), start_at = sqlc.arg(start_at), end_at = sqlc.arg(end_at),
    rrule = sqlc.narg(rrule), timezone = sqlc.narg(timezone),
    blocks_until = CASE WHEN sqlc.arg(moves)::boolean THEN COALESCE(sqlc.narg(blocks_until)::timestamptz, 'infinity') ELSE blocks_until END,
    version = sqlc.arg(version), updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: DeleteTimeOff :exec
DELETE FROM time_off WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);
