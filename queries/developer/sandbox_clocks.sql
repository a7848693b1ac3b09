-- name: GetSandboxClock :one
-- How far a tenant's sandbox is ahead of the real time; no row is not at all.
SELECT ahead_microseconds FROM sandbox_clocks WHERE tenant_id = $1;

-- name: AdvanceSandboxClock :one
-- Moves the clock on from where it is, also if somebody else does so at the same time.
INSERT INTO sandbox_clocks AS c (tenant_id, ahead_microseconds, changed_at)
VALUES (sqlc.arg(tenant_id), sqlc.arg(by_microseconds), sqlc.arg(changed_at))
ON CONFLICT (tenant_id) DO UPDATE
SET ahead_microseconds = c.ahead_microseconds + EXCLUDED.ahead_microseconds, changed_at = EXCLUDED.changed_at
RETURNING ahead_microseconds;

-- name: SetSandboxClock :exec
-- Sets the clock.
INSERT INTO sandbox_clocks (tenant_id, ahead_microseconds, changed_at)
VALUES (sqlc.arg(tenant_id), sqlc.arg(ahead_microseconds), sqlc.arg(changed_at))
ON CONFLICT (tenant_id) DO UPDATE
SET ahead_microseconds = EXCLUDED.ahead_microseconds, changed_at = EXCLUDED.changed_at;

-- name: DeleteSandboxClock :exec
-- Gives the sandbox the real time back.
DELETE FROM sandbox_clocks WHERE tenant_id = $1;

-- name: ForgetWakes :exec
-- What was planned for the attempts to come was planned on another clock.
UPDATE webhook_endpoints SET wake_at = NULL WHERE env_id = $1 AND wake_at IS NOT NULL;

-- name: GetSandboxClockForUpdate :one
-- How far the sandbox is ahead, while nobody else moves it.
SELECT ahead_microseconds FROM sandbox_clocks WHERE tenant_id = $1 FOR UPDATE;

-- name: BringForwardDeliveries :exec
-- Keeps the time that is left until the next attempts when the clock is set back.
UPDATE webhook_deliveries SET next_attempt_at = next_attempt_at - sqlc.arg(by_microseconds)::bigint * interval '1 microsecond'
WHERE env_id = sqlc.arg(env_id) AND status = 'PENDING';
