-- name: ListEvents :many
-- A page of the feed after a sequence, in order, with the bounds of the feed on every row.
-- Without an event there is one row, with sequence 0. It is one statement, and so one instant:
-- no event that is not on the page is at or before last_sequence and after the page. A type
-- is wanted if it is in types, or its noun is in nouns; null wants all.
SELECT s.last_sequence, s.expired_sequence, COALESCE(e.sequence, 0)::bigint AS sequence,
    COALESCE(e.id, '00000000-0000-0000-0000-000000000000')::uuid AS id, COALESCE(e.type, '')::text AS type,
    COALESCE(e.version, 0)::int AS version, COALESCE(e.occurred_at, 'epoch')::timestamptz AS occurred_at,
    COALESCE(e.data, 'null')::jsonb AS data
FROM event_sequences s
LEFT JOIN LATERAL (
    SELECT * FROM events
    WHERE events.env_id = sqlc.arg(env_id) AND events.sequence > sqlc.arg(after)::bigint
      AND (sqlc.narg(types)::text[] IS NULL OR events.type = ANY (sqlc.narg(types)::text[])
           OR split_part(events.type, '.', 1) = ANY (sqlc.arg(nouns)::text[]))
    ORDER BY events.sequence LIMIT sqlc.arg(row_limit)
) e ON true
WHERE s.env_id = sqlc.arg(env_id)
ORDER BY e.sequence;

-- name: ExpireEvents :exec
-- Marks the events of all environments that are older than an id (version 7 begins with
-- the time) as expired, so that readers who have not had them hear of it.
UPDATE event_sequences s SET expired_sequence = old.sequence
FROM (SELECT q.env_id, (SELECT max(e.sequence) FROM events e WHERE e.env_id = q.env_id AND e.id < sqlc.arg(before)) AS sequence
      FROM event_sequences q) old
WHERE old.env_id = s.env_id AND old.sequence > s.expired_sequence;

-- name: DeleteExpiredEvents :execrows
-- Removes some of the expired events of all environments, and what was delivered of them.
DELETE FROM events e
USING (
    SELECT x.env_id, x.sequence FROM event_sequences s JOIN events x ON x.env_id = s.env_id AND x.sequence <= s.expired_sequence
    LIMIT sqlc.arg(row_limit)
) old
WHERE e.env_id = old.env_id AND e.sequence = old.sequence;
