-- name: ClaimDelivery :one
-- Takes the delivery to an endpoint that has been due for longest, for as long as an attempt
-- can take; a server that dies gives it back that way. Times of deliveries are the
-- environment's, the claim's are real.
UPDATE webhook_deliveries d SET claimed_until = sqlc.arg(claimed_until)::timestamptz
FROM webhook_endpoints w, events e
WHERE d.env_id = sqlc.arg(env_id) AND d.endpoint_id = sqlc.arg(endpoint_id)
  AND w.env_id = d.env_id AND w.id = d.endpoint_id AND w.is_enabled AND e.env_id = d.env_id AND e.id = d.event_id
  AND d.event_id = (
    SELECT x.event_id FROM webhook_deliveries x
    WHERE x.env_id = sqlc.arg(env_id) AND x.endpoint_id = sqlc.arg(endpoint_id) AND x.status = 'PENDING'
      AND x.next_attempt_at <= sqlc.arg(now)::timestamptz AND (x.claimed_until IS NULL OR x.claimed_until <= sqlc.arg(real_now)::timestamptz)
    ORDER BY x.next_attempt_at, x.sequence LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING d.attempts, d.tries, e.id, e.sequence, e.type, e.version, e.occurred_at, e.data,
          w.url, w.secret, w.previous_secret, w.previous_secret_expires_at, w.failing_since;

-- name: RecordAttempt :execrows
-- Notes an attempt and what follows from it, unless somebody else has taken the delivery in
-- the meantime.
WITH settled AS (
    UPDATE webhook_deliveries d
    SET status = sqlc.arg(status), attempts = d.attempts + 1, tries = d.tries + 1, next_attempt_at = sqlc.narg(next_attempt_at),
        claimed_until = NULL, finished_at = sqlc.narg(finished_at)
    WHERE d.env_id = sqlc.arg(env_id) AND d.endpoint_id = sqlc.arg(endpoint_id) AND d.event_id = sqlc.arg(event_id)
      AND d.claimed_until = sqlc.arg(claimed_until)::timestamptz
    RETURNING d.attempts
)
INSERT INTO webhook_attempts (env_id, endpoint_id, event_id, number, started_at, duration_ms, status_code, response, error)
SELECT sqlc.arg(env_id), sqlc.arg(endpoint_id), sqlc.arg(event_id), settled.attempts, sqlc.arg(started_at), sqlc.arg(duration_ms),
       sqlc.narg(status_code), sqlc.arg(response), sqlc.arg(error)
FROM settled;

-- name: SetWebhookFailing :one
-- Notes since when an endpoint has failed; null says that it works.
UPDATE webhook_endpoints SET failing_since = CASE WHEN sqlc.arg(failing)::bool THEN COALESCE(failing_since, sqlc.arg(now)::timestamptz) END
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
RETURNING failing_since;

-- name: GetNextAttemptAt :one
-- When a delivery to an endpoint is due next, of those that no server is busy with.
SELECT d.next_attempt_at FROM webhook_deliveries d
JOIN webhook_endpoints w ON w.env_id = d.env_id AND w.id = d.endpoint_id AND w.is_enabled
WHERE d.env_id = sqlc.arg(env_id) AND d.endpoint_id = sqlc.arg(endpoint_id) AND d.status = 'PENDING'
  AND (d.claimed_until IS NULL OR d.claimed_until <= sqlc.arg(real_now)::timestamptz)
ORDER BY d.next_attempt_at LIMIT 1;

-- name: PlanWake :execrows
-- Notes when a job will look after an endpoint, unless one will do so earlier.
UPDATE webhook_endpoints SET wake_at = sqlc.arg(wake_at)::timestamptz
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
  AND (wake_at IS NULL OR wake_at > sqlc.arg(wake_at)::timestamptz OR wake_at <= sqlc.arg(real_now)::timestamptz);

-- name: ListOverdueEndpoints :many
-- Endpoints of all environments with deliveries that should have been attempted some time
-- ago: a server that died, or a job that got lost. Sandboxes may have a clock of their own,
-- so they are looked at whenever something is on its way.
SELECT DISTINCT d.env_id, d.endpoint_id
FROM webhook_deliveries d
JOIN environments v ON v.id = d.env_id
JOIN webhook_endpoints w ON w.env_id = d.env_id AND w.id = d.endpoint_id AND w.is_enabled
WHERE d.status = 'PENDING' AND (d.claimed_until IS NULL OR d.claimed_until < sqlc.arg(before)::timestamptz)
  AND (d.next_attempt_at < sqlc.arg(before)::timestamptz OR v.is_sandbox)
LIMIT 1000;

-- name: ListPendingEndpoints :many
-- Endpoints of the environment to which something is on its way.
SELECT DISTINCT endpoint_id FROM webhook_deliveries WHERE env_id = $1 AND status = 'PENDING';
