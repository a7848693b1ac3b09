-- name: GetLoginBlock :one
-- The latest instant until which any of the keys is blocked; the epoch if none is.
SELECT COALESCE(max(blocked_until), 'epoch')::timestamptz AS blocked_until
FROM login_throttles WHERE key = ANY(sqlc.arg(keys)::text[]);

-- name: NoteLoginFailure :one
-- Counts a failure; the window starts anew when the last one is over, and every
-- failure from the threshold on blocks the key for the given time.
INSERT INTO login_throttles AS l (key, failures, window_started_at, blocked_until)
VALUES (sqlc.arg(key), 1, sqlc.arg(now)::timestamptz,
        CASE WHEN sqlc.arg(threshold)::int <= 1 THEN sqlc.arg(block_until)::timestamptz END)
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN l.window_started_at < sqlc.arg(window_start)::timestamptz THEN 1 ELSE l.failures + 1 END,
    window_started_at = CASE WHEN l.window_started_at < sqlc.arg(window_start)::timestamptz
                             THEN sqlc.arg(now)::timestamptz ELSE l.window_started_at END,
    blocked_until = CASE
        WHEN l.window_started_at >= sqlc.arg(window_start)::timestamptz AND l.failures + 1 >= sqlc.arg(threshold)::int
        THEN sqlc.arg(block_until)::timestamptz END
RETURNING failures;

-- name: ForgetLoginFailures :exec
-- A successful sign-in clears the account's failures; those of the address stay.
DELETE FROM login_throttles WHERE key = sqlc.arg(key);

-- name: DeleteOldLoginThrottles :execrows
DELETE FROM login_throttles WHERE window_started_at < sqlc.arg(before) AND COALESCE(blocked_until < sqlc.arg(before), true);
