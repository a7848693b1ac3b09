-- name: AppendEvent :exec
-- Gives the next sequence of the environment to an event. The update of event_sequences
-- serializes the writers of one environment until commit. An environment without a sequence
-- gives null, which the table refuses.
WITH next AS (
    UPDATE event_sequences SET last_sequence = last_sequence + 1
    WHERE event_sequences.env_id = sqlc.arg(env_id)
    RETURNING last_sequence
)
INSERT INTO events (env_id, id, sequence, type, version, occurred_at, actor_user_id, actor_token_id, impersonator_user_id, data)
VALUES (sqlc.arg(env_id), sqlc.arg(id), (SELECT last_sequence FROM next), sqlc.arg(type), 1,
        sqlc.arg(occurred_at), sqlc.narg(actor_user_id), sqlc.narg(actor_token_id), sqlc.narg(impersonator_user_id), sqlc.arg(data)::text::jsonb);

-- name: AppendEvents :exec
-- The same for several, in their order.
WITH next AS (
    UPDATE event_sequences SET last_sequence = last_sequence + cardinality(sqlc.arg(ids)::uuid[])
    WHERE event_sequences.env_id = sqlc.arg(env_id)
    RETURNING last_sequence - cardinality(sqlc.arg(ids)::uuid[]) AS base
)
INSERT INTO events (env_id, id, sequence, type, version, occurred_at, actor_user_id, actor_token_id, impersonator_user_id, data)
SELECT sqlc.arg(env_id), e.id, next.base + e.n, (sqlc.arg(types)::text[])[e.n], 1,
       sqlc.arg(occurred_at), sqlc.narg(actor_user_id), sqlc.narg(actor_token_id), sqlc.narg(impersonator_user_id), (sqlc.arg(data)::text[])[e.n]::jsonb
FROM unnest(sqlc.arg(ids)::uuid[]) WITH ORDINALITY AS e (id, n) LEFT JOIN next ON true;
