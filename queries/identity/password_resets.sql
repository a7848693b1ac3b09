-- name: PutPasswordReset :exec
-- The user's only reset; it replaces the one before.
INSERT INTO password_resets (user_id, token_hash, issued_by, created_at, expires_at)
VALUES (sqlc.arg(user_id), sqlc.arg(token_hash), sqlc.arg(issued_by), sqlc.arg(now), sqlc.arg(expires_at))
ON CONFLICT (user_id) DO UPDATE SET
    token_hash = excluded.token_hash, issued_by = excluded.issued_by, created_at = excluded.created_at, expires_at = excluded.expires_at;

-- name: GetUserOfPasswordReset :one
-- Whom a token gives a new password.
SELECT user_id FROM password_resets WHERE token_hash = sqlc.arg(token_hash) AND expires_at > sqlc.arg(now);

-- name: LockPasswordReset :one
-- The reset of a token, locked until the transaction ends; no row if it was used, replaced, or has expired.
SELECT user_id, issued_by FROM password_resets WHERE token_hash = sqlc.arg(token_hash) AND expires_at > sqlc.arg(now)
FOR UPDATE;

-- name: DeletePasswordResetOfUser :exec
-- With another password, whoever has the token must not change it again.
DELETE FROM password_resets WHERE user_id = sqlc.arg(user_id);

-- name: DeleteOldPasswordResets :execrows
DELETE FROM password_resets WHERE expires_at <= sqlc.arg(now);
