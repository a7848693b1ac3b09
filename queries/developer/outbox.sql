-- name: ListEffects :many
-- A page of what the environment has sent, the latest first: requests of webhooks, and
-- notifications, which are of no endpoint and have one attempt, number 0. Each kind gives no
-- more than a page. What is shown is about events of the types or nouns that may be read, null for
-- all; what went to customers is shown if they may be read.
(SELECT 'webhook'::text AS kind, a.started_at AS at, a.endpoint_id, a.event_id AS id, a.number, a.status_code, a.error,
        w.url AS recipient, e.type AS subject, e.data
 FROM webhook_attempts a
 JOIN webhook_endpoints w ON w.env_id = a.env_id AND w.id = a.endpoint_id
 JOIN events e ON e.env_id = a.env_id AND e.id = a.event_id
 WHERE a.env_id = sqlc.arg(env_id)
   AND (sqlc.narg(types)::text[] IS NULL OR e.type = ANY (sqlc.narg(types)::text[])
        OR split_part(e.type, '.', 1) = ANY (sqlc.arg(nouns)::text[]))
   AND (a.started_at, a.endpoint_id, a.event_id, a.number)
       < (sqlc.arg(before_at)::timestamptz, sqlc.arg(before_endpoint)::uuid, sqlc.arg(before_id)::uuid, sqlc.arg(before_number)::int)
 ORDER BY a.started_at DESC, a.endpoint_id DESC, a.event_id DESC, a.number DESC LIMIT sqlc.arg(row_limit))
UNION ALL
(SELECT 'notification'::text, n.recorded_at, '00000000-0000-0000-0000-000000000000'::uuid, n.id, 0, NULL::int, ''::text,
        COALESCE(n.address, c.email, u.email, '')::text, n.kind, n.data
 FROM notifications n
 LEFT JOIN customers c ON c.env_id = n.env_id AND c.id = n.customer_id
 LEFT JOIN users u ON u.env_id = n.env_id AND u.id = n.user_id
 WHERE n.env_id = sqlc.arg(env_id)
   AND (sqlc.narg(types)::text[] IS NULL OR n.kind = ANY (sqlc.narg(types)::text[])
        OR split_part(n.kind, '.', 1) = ANY (sqlc.arg(nouns)::text[]))
   AND (n.customer_id IS NULL OR sqlc.arg(with_customers)::boolean)
   AND (n.recorded_at, '00000000-0000-0000-0000-000000000000'::uuid, n.id, 0)
       < (sqlc.arg(before_at)::timestamptz, sqlc.arg(before_endpoint)::uuid, sqlc.arg(before_id)::uuid, sqlc.arg(before_number)::int)
 ORDER BY n.recorded_at DESC, n.id DESC LIMIT sqlc.arg(row_limit))
ORDER BY at DESC, endpoint_id DESC, id DESC, number DESC LIMIT sqlc.arg(row_limit);
