-- name: CountWebhooks :one
-- How many endpoints the environment has.
SELECT count(*) FROM webhook_endpoints WHERE env_id = $1;

-- name: InsertWebhook :exec
-- Adds an endpoint that gets events from now on.
INSERT INTO webhook_endpoints (env_id, id, url, description, event_types, read_scopes, secret, created_at, updated_at)
VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(url), sqlc.arg(description), sqlc.arg(event_types), sqlc.arg(read_scopes),
        sqlc.arg(secret), sqlc.arg(now), sqlc.arg(now));

-- name: GetWebhook :one
-- One endpoint.
SELECT id, url, description, event_types, read_scopes, is_enabled, disabled_reason, failing_since, previous_secret_expires_at,
       version, created_at, updated_at
FROM webhook_endpoints WHERE env_id = $1 AND id = $2;

-- name: GetWebhookForUpdate :one
-- One endpoint, which nobody else changes until the transaction ends. Events that are
-- appended at the same time may refer to it.
SELECT id, url, description, event_types, read_scopes, is_enabled, disabled_reason, failing_since, previous_secret_expires_at,
       version, created_at, updated_at
FROM webhook_endpoints WHERE env_id = $1 AND id = $2 FOR NO KEY UPDATE;

-- name: ListWebhooks :many
-- A page of endpoints, the newest first, after a position.
SELECT id, url, description, event_types, read_scopes, is_enabled, disabled_reason, failing_since, previous_secret_expires_at,
       version, created_at, updated_at
FROM webhook_endpoints
WHERE env_id = sqlc.arg(env_id) AND (created_at, id) < (sqlc.arg(before_created_at)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY created_at DESC, id DESC LIMIT sqlc.arg(row_limit);

-- name: UpdateWebhook :exec
-- Writes everything of an endpoint but its secrets.
UPDATE webhook_endpoints
SET url = sqlc.arg(url), description = sqlc.arg(description), event_types = sqlc.arg(event_types),
    read_scopes = sqlc.arg(read_scopes), is_enabled = sqlc.arg(is_enabled), disabled_reason = sqlc.narg(disabled_reason), failing_since = sqlc.narg(failing_since), version = sqlc.arg(version),
    updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: RotateWebhookSecret :exec
-- Gives an endpoint a new secret; the one it had signs too until it expires.
UPDATE webhook_endpoints
SET previous_secret = secret, previous_secret_expires_at = sqlc.arg(expires_at)::timestamptz, secret = sqlc.arg(secret),
    version = sqlc.arg(version), updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: DeleteWebhook :exec
-- Removes an endpoint with its deliveries.
DELETE FROM webhook_endpoints WHERE env_id = $1 AND id = $2;

-- name: CancelDeliveries :exec
-- Ends what is still on its way to an endpoint.
UPDATE webhook_deliveries SET status = 'CANCELLED', next_attempt_at = NULL, claimed_until = NULL, finished_at = sqlc.arg(now)::timestamptz
WHERE env_id = sqlc.arg(env_id) AND endpoint_id = sqlc.arg(endpoint_id) AND status = 'PENDING';

-- name: ListDeliveries :many
-- A page of deliveries to an endpoint, those of the latest events first, with their latest
-- attempts.
SELECT d.event_id, d.sequence, d.status, d.attempts AS attempt_count, d.next_attempt_at, d.created_at, d.finished_at, e.type,
    COALESCE((SELECT jsonb_agg(to_jsonb(a) - 'env_id' - 'endpoint_id' - 'event_id' ORDER BY a.number)
              FROM (SELECT * FROM webhook_attempts x WHERE x.env_id = d.env_id AND x.endpoint_id = d.endpoint_id AND x.event_id = d.event_id
                    ORDER BY x.number DESC LIMIT 20) a), '[]')::jsonb AS attempts
FROM webhook_deliveries d JOIN events e ON e.env_id = d.env_id AND e.id = d.event_id
WHERE d.env_id = sqlc.arg(env_id) AND d.endpoint_id = sqlc.arg(endpoint_id) AND d.sequence < sqlc.arg(before_sequence)::bigint
  AND (sqlc.narg(status)::text IS NULL OR d.status = sqlc.narg(status))
ORDER BY d.sequence DESC LIMIT sqlc.arg(row_limit);

-- name: GetDelivery :one
-- One delivery, with its latest attempts.
SELECT d.event_id, d.sequence, d.status, d.attempts AS attempt_count, d.next_attempt_at, d.created_at, d.finished_at, e.type,
    COALESCE((SELECT jsonb_agg(to_jsonb(a) - 'env_id' - 'endpoint_id' - 'event_id' ORDER BY a.number)
              FROM (SELECT * FROM webhook_attempts x WHERE x.env_id = d.env_id AND x.endpoint_id = d.endpoint_id AND x.event_id = d.event_id
                    ORDER BY x.number DESC LIMIT 20) a), '[]')::jsonb AS attempts
FROM webhook_deliveries d JOIN events e ON e.env_id = d.env_id AND e.id = d.event_id
WHERE d.env_id = sqlc.arg(env_id) AND d.endpoint_id = sqlc.arg(endpoint_id) AND d.event_id = sqlc.arg(event_id);

-- name: RestartDelivery :execrows
-- Sends an event once more, with the whole schedule of attempts ahead.
UPDATE webhook_deliveries
SET status = 'PENDING', tries = 0, next_attempt_at = sqlc.arg(now)::timestamptz, claimed_until = NULL, finished_at = NULL
WHERE env_id = sqlc.arg(env_id) AND endpoint_id = sqlc.arg(endpoint_id) AND event_id = sqlc.arg(event_id);

-- name: CountEventsSince :one
-- How many events of the wanted types there are since an instant, counted up to a limit.
SELECT count(*) FROM (
    SELECT 1 FROM events e
    WHERE e.env_id = sqlc.arg(env_id) AND e.occurred_at >= sqlc.arg(since)::timestamptz AND e.type <> 'webhook.ping'
      AND (sqlc.narg(types)::text[] IS NULL OR e.type = ANY (sqlc.narg(types)::text[])
           OR split_part(e.type, '.', 1) = ANY (sqlc.arg(nouns)::text[]))
    LIMIT sqlc.arg(row_limit)
) AS counted;

-- name: ReplayEvents :execrows
-- Sends the events of the wanted types since an instant (once more), also those that the
-- endpoint did not get at the time.
INSERT INTO webhook_deliveries (env_id, endpoint_id, event_id, sequence, next_attempt_at, created_at)
SELECT e.env_id, sqlc.arg(endpoint_id), e.id, e.sequence, sqlc.arg(now)::timestamptz, sqlc.arg(now)::timestamptz
FROM events e
WHERE e.env_id = sqlc.arg(env_id) AND e.occurred_at >= sqlc.arg(since)::timestamptz AND e.type <> 'webhook.ping'
  AND (sqlc.narg(types)::text[] IS NULL OR e.type = ANY (sqlc.narg(types)::text[])
       OR split_part(e.type, '.', 1) = ANY (sqlc.arg(nouns)::text[]))
ON CONFLICT (env_id, endpoint_id, event_id) DO UPDATE
SET status = 'PENDING', tries = 0, next_attempt_at = EXCLUDED.next_attempt_at, claimed_until = NULL, finished_at = NULL;
