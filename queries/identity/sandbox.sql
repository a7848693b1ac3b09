-- name: EmptyEnvironment :exec
-- Deletes all business rows of the environment of the transaction; refuses a live one.
SELECT empty_environment();

-- name: DeleteTestClock :exec
-- Gives the sandbox of a tenant the real time back.
DELETE FROM sandbox_clocks WHERE tenant_id = $1;

-- name: DeleteSandboxUsers :exec
-- The users of the sandbox go too, but for the one who asks.
DELETE FROM users WHERE tenant_id = sqlc.arg(tenant_id)::uuid AND is_sandbox AND id <> sqlc.arg(except_id);

-- name: SetSessionSandboxMode :execrows
-- Sets the mode of a session that still works.
UPDATE sessions SET sandbox_mode = sqlc.arg(sandbox_mode)
WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id) AND revoked_at IS NULL;
