-- name: TryLockIdempotencyKey :one
-- Takes the key for this transaction; false if another one that runs has it.
SELECT pg_try_advisory_xact_lock(sqlc.arg(lock)::bigint);

-- name: GetIdempotentAnswer :one
-- The answer that is kept for a key, unless it is too old. With the key locked, it is the
-- last word: whoever had the lock before has committed.
SELECT request_mac, status, headers, body FROM idempotency_keys
WHERE principal_id = sqlc.arg(principal_id) AND env_id = sqlc.arg(env_id) AND key_hash = sqlc.arg(key_hash)
  AND expires_at > sqlc.arg(now)::timestamptz;

-- name: KeepIdempotentAnswer :exec
-- Keeps the answer, in the place of one that is too old.
INSERT INTO idempotency_keys (principal_id, env_id, key_hash, request_mac, status, headers, body, created_at, expires_at)
VALUES (sqlc.arg(principal_id), sqlc.arg(env_id), sqlc.arg(key_hash), sqlc.arg(request_mac), sqlc.arg(status), sqlc.arg(headers),
        sqlc.arg(body), sqlc.arg(now), sqlc.arg(expires_at))
ON CONFLICT (principal_id, env_id, key_hash) DO UPDATE
SET request_mac = excluded.request_mac, status = excluded.status, headers = excluded.headers, body = excluded.body,
    created_at = excluded.created_at, expires_at = excluded.expires_at;

-- name: DeleteOldIdempotencyKeys :execrows
DELETE FROM idempotency_keys WHERE expires_at <= sqlc.arg(now);
