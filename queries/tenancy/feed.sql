-- name: AddFeedConsumer :execrows
-- Notes a consumer that is started for the first time.
INSERT INTO feed_consumers (name) VALUES ($1) ON CONFLICT DO NOTHING;

-- name: SetFeedPositionsToEnd :exec
-- Lets a consumer begin behind the events that there are, in all environments that have no position.
INSERT INTO feed_positions (env_id, consumer, last_sequence, updated_at)
SELECT s.env_id, sqlc.arg(consumer), s.last_sequence, sqlc.arg(now) FROM event_sequences s
ON CONFLICT DO NOTHING;

-- name: AddFeedPosition :exec
-- Begins the feed of an environment, unless the consumer has a position.
INSERT INTO feed_positions (env_id, consumer, last_sequence, updated_at)
VALUES (sqlc.arg(env_id), sqlc.arg(consumer), 0, sqlc.arg(now))
ON CONFLICT DO NOTHING;

-- name: TryLockFeedPosition :one
-- Locks a position; no row if another transaction has it, or if there is none.
SELECT last_sequence, failures, next_attempt_at FROM feed_positions
WHERE env_id = sqlc.arg(env_id) AND consumer = sqlc.arg(consumer) FOR UPDATE SKIP LOCKED;

-- name: LockFeedPosition :one
-- Locks a position, when no other transaction has it any more.
SELECT last_sequence, failures, next_attempt_at FROM feed_positions
WHERE env_id = sqlc.arg(env_id) AND consumer = sqlc.arg(consumer) FOR UPDATE;

-- name: ListFeedEvents :many
-- The next events of a consumer whose position is locked, in order, with the end of the feed at the same
-- instant on every row. Without an event there is one row, with sequence 0.
SELECT s.last_sequence AS feed_end, COALESCE(e.sequence, 0)::bigint AS sequence,
    COALESCE(e.id, '00000000-0000-0000-0000-000000000000')::uuid AS id, COALESCE(e.type, '')::text AS type,
    COALESCE(e.version, 0)::int AS version, COALESCE(e.occurred_at, 'epoch')::timestamptz AS occurred_at,
    e.actor_user_id, e.actor_token_id, e.impersonator_user_id, COALESCE(e.data, 'null')::jsonb AS data
FROM event_sequences s
JOIN feed_positions p ON p.env_id = sqlc.arg(env_id) AND p.consumer = sqlc.arg(consumer)
LEFT JOIN LATERAL (
    SELECT * FROM events
    WHERE events.env_id = sqlc.arg(env_id) AND events.sequence > p.last_sequence
    ORDER BY events.sequence
    LIMIT CASE WHEN p.last_sequence < p.isolate_until THEN 1 ELSE sqlc.arg(row_limit)::int END
) e ON true
WHERE s.env_id = sqlc.arg(env_id)
ORDER BY e.sequence;

-- name: SetFeedPosition :exec
-- Notes that the events up to last_sequence are handled.
UPDATE feed_positions
SET last_sequence = sqlc.arg(last_sequence), failures = 0, next_attempt_at = NULL, last_error = '', updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND consumer = sqlc.arg(consumer);

-- name: SetFeedFailure :exec
-- Notes that the events after last_sequence could not be handled, unless the position has moved.
UPDATE feed_positions
SET failures = sqlc.arg(failures), isolate_until = GREATEST(isolate_until, sqlc.arg(isolate_until)::bigint),
    next_attempt_at = sqlc.arg(next_attempt_at)::timestamptz, last_error = sqlc.arg(error), updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND consumer = sqlc.arg(consumer) AND last_sequence = sqlc.arg(last_sequence);

-- name: PassParkedEvent :execrows
-- Moves a position from last_sequence to the event that is parked, unless it has moved.
UPDATE feed_positions
SET last_sequence = sqlc.arg(parked_sequence), failures = 0, next_attempt_at = NULL, last_error = '', updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND consumer = sqlc.arg(consumer) AND last_sequence = sqlc.arg(last_sequence);

-- name: ParkEvent :exec
-- Keeps an event that could not be handled.
INSERT INTO feed_parked_events (env_id, sequence, consumer, attempts, error, parked_at)
VALUES (sqlc.arg(env_id), sqlc.arg(sequence), sqlc.arg(consumer), sqlc.arg(attempts), sqlc.arg(error), sqlc.arg(now));

-- name: ListFeedsBehind :many
-- The environments in which consumers have not reached the end of the feed, with the id of the first event
-- that they have not handled; all zeros if it has expired.
SELECT s.env_id, c.name::text AS consumer, s.last_sequence, p.next_attempt_at,
    COALESCE((SELECT e.id FROM events e WHERE e.env_id = s.env_id AND e.sequence > COALESCE(p.last_sequence, 0) ORDER BY e.sequence LIMIT 1),
             '00000000-0000-0000-0000-000000000000')::uuid AS first_event_id
FROM event_sequences s
CROSS JOIN unnest(sqlc.arg(consumers)::text[]) AS c (name)
LEFT JOIN feed_positions p ON p.env_id = s.env_id AND p.consumer = c.name
WHERE s.last_sequence > COALESCE(p.last_sequence, 0)
LIMIT sqlc.arg(row_limit);

-- name: PassFeeds :exec
-- Moves a consumer's positions forward in environments in which it has nothing to do, except where another
-- transaction has the position.
WITH passed AS MATERIALIZED (
    SELECT e.env_id, (sqlc.arg(last_sequences)::bigint[])[e.n] AS last_sequence
    FROM unnest(sqlc.arg(env_ids)::uuid[]) WITH ORDINALITY AS e (env_id, n)
), added AS (
    INSERT INTO feed_positions (env_id, consumer, last_sequence, updated_at)
    SELECT passed.env_id, sqlc.arg(consumer), passed.last_sequence, sqlc.arg(now) FROM passed
    ON CONFLICT DO NOTHING
), free AS MATERIALIZED (
    SELECT x.env_id, passed.last_sequence FROM feed_positions x JOIN passed ON passed.env_id = x.env_id
    WHERE x.consumer = sqlc.arg(consumer) AND x.last_sequence < passed.last_sequence
    ORDER BY x.env_id FOR UPDATE OF x SKIP LOCKED
)
UPDATE feed_positions p
SET last_sequence = free.last_sequence, failures = 0, next_attempt_at = NULL, last_error = '', updated_at = sqlc.arg(now)
FROM free WHERE p.env_id = free.env_id AND p.consumer = sqlc.arg(consumer);

-- name: CountParkedEvents :many
-- How many events are parked, of each consumer that has any.
SELECT consumer, count(*) AS count FROM feed_parked_events GROUP BY consumer;

-- name: ListParkedEvents :many
-- The parked events of all environments, or of one consumer, the oldest first.
SELECT f.env_id, f.consumer, f.sequence, e.type, f.attempts, f.error, f.parked_at
FROM feed_parked_events f JOIN events e ON e.env_id = f.env_id AND e.sequence = f.sequence
WHERE sqlc.narg(consumer)::text IS NULL OR f.consumer = sqlc.narg(consumer)
ORDER BY f.parked_at, f.env_id, f.sequence, f.consumer LIMIT sqlc.arg(row_limit);

-- name: LockParkedEvent :one
-- A parked event that no other transaction has.
SELECT e.sequence, e.id, e.type, e.version, e.occurred_at, e.actor_user_id, e.actor_token_id, e.impersonator_user_id, e.data
FROM feed_parked_events f JOIN events e ON e.env_id = sqlc.arg(env_id) AND e.sequence = f.sequence
WHERE f.env_id = sqlc.arg(env_id) AND f.sequence = sqlc.arg(sequence) AND f.consumer = sqlc.arg(consumer)
FOR UPDATE OF f SKIP LOCKED;

-- name: DeleteParkedEvent :exec
-- Forgets a parked event that has been handled.
DELETE FROM feed_parked_events WHERE env_id = sqlc.arg(env_id) AND sequence = sqlc.arg(sequence) AND consumer = sqlc.arg(consumer);

-- name: SetParkedEventFailure :exec
-- Notes that a parked event has failed again.
UPDATE feed_parked_events SET attempts = attempts + 1, error = sqlc.arg(error)
WHERE env_id = sqlc.arg(env_id) AND sequence = sqlc.arg(sequence) AND consumer = sqlc.arg(consumer);
