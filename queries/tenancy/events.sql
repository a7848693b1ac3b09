-- name: AppendEvents :exec
-- Gives the next sequences of the environment to the events, in their order. The
-- update of event_sequences serialises the writers of one environment until commit.
-- An environment without a sequence gives null, which the table refuses. Every endpoint
-- that wants an event gets a delivery, and one job looks after all of them; without endpoints
-- that costs a look into an empty index. A ping is for the endpoint that its data names.
WITH next AS (
    UPDATE event_sequences SET last_sequence = last_sequence + cardinality(sqlc.arg(ids)::uuid[])
    WHERE event_sequences.env_id = sqlc.arg(env_id)
    RETURNING last_sequence - cardinality(sqlc.arg(ids)::uuid[]) AS base
), appended AS (
    INSERT INTO events (env_id, id, sequence, type, version, occurred_at, actor_user_id, actor_token_id, impersonator_user_id, data)
    SELECT sqlc.arg(env_id), e.id, next.base + e.n, (sqlc.arg(types)::text[])[e.n], 1,
           sqlc.arg(occurred_at), sqlc.narg(actor_user_id), sqlc.narg(actor_token_id), sqlc.narg(impersonator_user_id), (sqlc.arg(data)::text[])[e.n]::jsonb
    FROM unnest(sqlc.arg(ids)::uuid[]) WITH ORDINALITY AS e (id, n) LEFT JOIN next ON true
    RETURNING id, sequence, type, CASE type WHEN 'webhook.ping' THEN data->>'webhook_id' END AS only_endpoint
), deliveries AS (
    INSERT INTO webhook_deliveries (env_id, endpoint_id, event_id, sequence, next_attempt_at, created_at)
    SELECT w.env_id, w.id, a.id, a.sequence, sqlc.arg(occurred_at), sqlc.arg(occurred_at)
    FROM webhook_endpoints w JOIN appended a
        ON CASE WHEN a.only_endpoint IS NULL THEN w.event_types && ARRAY[a.type, split_part(a.type, '.', 1) || '.*', '*']
                ELSE w.id::text = a.only_endpoint END
    WHERE w.env_id = sqlc.arg(env_id) AND w.is_enabled
    RETURNING env_id
)
INSERT INTO river.river_job (kind, queue, args)
SELECT 'webhook_fan_out', 'webhooks', jsonb_build_object('env_id', sqlc.arg(env_id)::uuid)
WHERE EXISTS (SELECT FROM deliveries);

