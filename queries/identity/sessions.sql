-- name: OpenSession :one
-- Makes a session of an active user whose hash was verified (null: of a persona); false if that entitles to none.
SELECT open_session(sqlc.arg(id), sqlc.arg(token_hash), sqlc.arg(user_id), sqlc.narg(verified_hash), sqlc.arg(sandbox_mode),
    sqlc.arg(user_agent), sqlc.narg(address), sqlc.arg(now), sqlc.arg(expires_at)) AS opened;

-- name: ListSessionsOfUser :many
-- Sessions of their own that still work, newest first, after the cursor.
SELECT id, user_agent, address, sandbox_mode, created_at, last_used_at, expires_at
FROM sessions
WHERE user_id = sqlc.arg(user_id) AND impersonator_id IS NULL AND revoked_at IS NULL AND expires_at > sqlc.arg(now)
  AND (created_at, id) < (sqlc.arg(before_created_at)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(row_limit);

-- name: RevokeSession :execrows
-- Ends one session of a user; no row if it is not theirs or has ended.
UPDATE sessions SET revoked_at = sqlc.arg(now)::timestamptz
WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id) AND revoked_at IS NULL AND expires_at > sqlc.arg(now)::timestamptz;

-- name: RevokeSessionsOfUser :exec
-- Ends all sessions of a user but the one given (null: all of them).
UPDATE sessions SET revoked_at = sqlc.arg(now)::timestamptz
WHERE user_id = sqlc.arg(user_id) AND revoked_at IS NULL AND id IS DISTINCT FROM sqlc.narg(except_id)::uuid;

-- name: DeleteDeadSessions :execrows
-- Removes sessions that ended before the given instant.
DELETE FROM sessions WHERE expires_at < sqlc.arg(before) OR revoked_at < sqlc.arg(before);
