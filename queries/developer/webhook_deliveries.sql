-- name: ListWebhookEnvironments :many
-- Those of the environments that have an enabled endpoint.
SELECT DISTINCT env_id FROM webhook_endpoints WHERE env_id = ANY (sqlc.arg(env_ids)::uuid[]) AND is_enabled;

-- name: FanOutEvents :execrows
-- Adds a delivery for each endpoint that wants one of the events and may have it. The event lists are one entry for each
-- event. What is there already, because of a replay or a server of the version before, is not added again.
-- A delivery is due now if the clock of the environment has been set back since the event.
INSERT INTO webhook_deliveries (env_id, endpoint_id, event_id, sequence, next_attempt_at, created_at)
SELECT w.env_id, w.id, a.id, a.sequence, LEAST(a.occurred_at, sqlc.arg(now)::timestamptz), a.occurred_at
FROM webhook_endpoints w
JOIN (
    SELECT e.id, (sqlc.arg(sequences)::bigint[])[e.n] AS sequence, (sqlc.arg(types)::text[])[e.n] AS type,
        (sqlc.arg(occurred_at)::timestamptz[])[e.n] AS occurred_at
    FROM unnest(sqlc.arg(ids)::uuid[]) WITH ORDINALITY AS e (id, n)
) a ON w.event_types && ARRAY[a.type, split_part(a.type, '.', 1) || '.*', '*'] AND w.read_scopes && ARRAY[event_scope(a.type), '*']
WHERE w.env_id = sqlc.arg(env_id) AND w.is_enabled
ON CONFLICT DO NOTHING;

-- name: AddDelivery :execrows
-- Adds a delivery of one event to one endpoint, whatever types it wants, if it may have the event.
INSERT INTO webhook_deliveries (env_id, endpoint_id, event_id, sequence, next_attempt_at, created_at)
SELECT w.env_id, w.id, e.id, e.sequence, e.occurred_at, e.occurred_at
FROM webhook_endpoints w JOIN events e ON e.env_id = sqlc.arg(env_id) AND e.id = sqlc.arg(event_id)
WHERE w.env_id = sqlc.arg(env_id) AND w.id = sqlc.arg(endpoint_id) AND w.is_enabled AND w.read_scopes && ARRAY[event_scope(e.type), '*'];

-- name: ClaimDeliveries :many
-- Takes the deliveries to an endpoint that have been due for longest, for as long as an
-- attempt can take; a server that dies gives them back that way. Times of deliveries are the
-- environment's, the claim's are real. What the endpoint may not get, because its event types
-- were chosen anew by somebody who may not read it, is cancelled instead. What is taken is joined by
-- its whole key: named once more, the endpoint alone would lead through everything that it ever got.
WITH due AS MATERIALIZED (
    SELECT x.env_id, x.endpoint_id, x.event_id FROM webhook_deliveries x
    WHERE x.env_id = sqlc.arg(env_id) AND x.endpoint_id = sqlc.arg(endpoint_id) AND x.status = 'PENDING'
      AND x.next_attempt_at <= sqlc.arg(now)::timestamptz AND (x.claimed_until IS NULL OR x.claimed_until <= sqlc.arg(real_now)::timestamptz)
    ORDER BY x.next_attempt_at, x.sequence LIMIT sqlc.arg(row_limit) FOR UPDATE SKIP LOCKED
), refused AS (
    UPDATE webhook_deliveries d SET status = 'CANCELLED', next_attempt_at = NULL, claimed_until = NULL, finished_at = sqlc.arg(now)::timestamptz
    FROM due, webhook_endpoints w, events e
    WHERE d.env_id = due.env_id AND d.endpoint_id = due.endpoint_id AND d.event_id = due.event_id
      AND w.env_id = sqlc.arg(env_id) AND w.id = sqlc.arg(endpoint_id)
      AND e.env_id = sqlc.arg(env_id) AND e.id = due.event_id AND NOT w.read_scopes && ARRAY[event_scope(e.type), '*']
)
UPDATE webhook_deliveries d SET claimed_until = sqlc.arg(claimed_until)::timestamptz
FROM due, webhook_endpoints w, events e
WHERE d.env_id = due.env_id AND d.endpoint_id = due.endpoint_id AND d.event_id = due.event_id
  AND w.env_id = sqlc.arg(env_id) AND w.id = sqlc.arg(endpoint_id) AND w.is_enabled
  AND e.env_id = sqlc.arg(env_id) AND e.id = due.event_id AND w.read_scopes && ARRAY[event_scope(e.type), '*']
RETURNING d.tries, e.id, e.sequence, e.type, e.version, e.occurred_at, e.data,
          w.url, w.secret, w.previous_secret, w.previous_secret_expires_at;

-- name: RecordAttempts :many
-- Notes attempts and what follows from each, and returns the deliveries that are still the
-- caller's: not those that somebody else has taken in the meantime. The lists are one entry
-- for each attempt; status code 0 is none, and only what is PENDING has a next attempt. An
-- endpoint that has received something works again.
WITH done AS MATERIALIZED (
    SELECT sqlc.arg(env_id)::uuid AS env_id, sqlc.arg(endpoint_id)::uuid AS endpoint_id, a.event_id, (sqlc.arg(claimed_until)::timestamptz[])[a.n] AS claimed_until, (sqlc.arg(statuses)::text[])[a.n] AS status,
        (sqlc.arg(next_attempts_at)::timestamptz[])[a.n] AS next_attempt_at, (sqlc.arg(started_at)::timestamptz[])[a.n] AS started_at,
        (sqlc.arg(durations_ms)::int[])[a.n] AS duration_ms, NULLIF((sqlc.arg(status_codes)::int[])[a.n], 0) AS status_code,
        (sqlc.arg(responses)::text[])[a.n] AS response, (sqlc.arg(errors)::text[])[a.n] AS error
    FROM unnest(sqlc.arg(event_ids)::uuid[]) WITH ORDINALITY AS a (event_id, n)
), recovered AS (
    UPDATE webhook_endpoints w SET failing_since = NULL
    WHERE w.env_id = sqlc.arg(env_id) AND w.id = sqlc.arg(endpoint_id) AND w.failing_since IS NOT NULL
      AND 'SUCCEEDED' = ANY (sqlc.arg(statuses)::text[])
), settled AS (
    UPDATE webhook_deliveries d
    SET status = done.status, attempts = d.attempts + 1, tries = d.tries + 1, claimed_until = NULL,
        next_attempt_at = CASE WHEN done.status = 'PENDING' THEN done.next_attempt_at END,
        finished_at = CASE WHEN done.status <> 'PENDING' THEN sqlc.arg(now)::timestamptz END
    FROM done
    WHERE d.env_id = done.env_id AND d.endpoint_id = done.endpoint_id AND d.event_id = done.event_id
      AND d.claimed_until = done.claimed_until
    RETURNING d.event_id, d.attempts
)
INSERT INTO webhook_attempts (env_id, endpoint_id, event_id, number, started_at, duration_ms, status_code, response, error)
SELECT done.env_id, done.endpoint_id, done.event_id, settled.attempts, done.started_at, done.duration_ms,
       done.status_code, done.response, done.error
FROM settled JOIN done USING (event_id)
RETURNING event_id;

-- name: SetWebhookFailing :one
-- Notes that an endpoint has failed, and returns since when it has done nothing else.
UPDATE webhook_endpoints SET failing_since = COALESCE(failing_since, sqlc.arg(now)::timestamptz)
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
RETURNING failing_since::timestamptz AS failing_since;

-- name: GetNextAttemptAt :one
-- When a delivery to an endpoint is due next, of those that no server is busy with.
SELECT d.next_attempt_at FROM webhook_deliveries d
JOIN webhook_endpoints w ON w.env_id = d.env_id AND w.id = d.endpoint_id AND w.is_enabled
WHERE d.env_id = sqlc.arg(env_id) AND d.endpoint_id = sqlc.arg(endpoint_id) AND d.status = 'PENDING'
  AND (d.claimed_until IS NULL OR d.claimed_until <= sqlc.arg(real_now)::timestamptz)
ORDER BY d.next_attempt_at LIMIT 1;

-- name: ListDueEndpoints :many
-- Endpoints of the environment with a delivery that is due and that no server is busy with.
-- There are few endpoints and maybe many deliveries: each endpoint's first is looked for.
SELECT w.id FROM webhook_endpoints w
CROSS JOIN LATERAL (
    SELECT FROM webhook_deliveries d
    WHERE d.env_id = sqlc.arg(env_id) AND d.endpoint_id = w.id AND d.status = 'PENDING' AND d.next_attempt_at <= sqlc.arg(now)::timestamptz
      AND (d.claimed_until IS NULL OR d.claimed_until <= sqlc.arg(real_now)::timestamptz)
    LIMIT 1
) due
WHERE w.env_id = sqlc.arg(env_id) AND w.is_enabled;

-- name: PlanWake :execrows
-- Notes when a job will look after an endpoint, unless one will do so earlier.
UPDATE webhook_endpoints SET wake_at = sqlc.arg(wake_at)::timestamptz
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
  AND (wake_at IS NULL OR wake_at > sqlc.arg(wake_at)::timestamptz OR wake_at <= sqlc.arg(real_now)::timestamptz);

-- name: ListOverdueEndpoints :many
-- Endpoints of all environments with deliveries that should have been attempted some time
-- ago, on the clock of the environment: a server that died, or a job that got lost.
SELECT DISTINCT d.env_id, d.endpoint_id
FROM webhook_deliveries d
JOIN environments v ON v.id = d.env_id
JOIN webhook_endpoints w ON w.env_id = d.env_id AND w.id = d.endpoint_id AND w.is_enabled
LEFT JOIN sandbox_clocks c ON c.tenant_id = v.tenant_id AND v.is_sandbox
WHERE d.status = 'PENDING' AND (d.claimed_until IS NULL OR d.claimed_until < sqlc.arg(before)::timestamptz)
  AND d.next_attempt_at < sqlc.arg(before)::timestamptz + COALESCE(c.ahead_microseconds, 0) * interval '1 microsecond'
LIMIT 1000;

-- name: ListPendingEndpoints :many
-- Endpoints of the environment to which something is on its way.
SELECT DISTINCT endpoint_id FROM webhook_deliveries WHERE env_id = $1 AND status = 'PENDING';
