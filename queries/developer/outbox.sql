-- name: ListWebhookEffects :many
-- A page of the requests that webhooks of the environment have made, the latest first.
SELECT a.endpoint_id, a.event_id, a.number, a.started_at, a.status_code, a.response, a.error, w.url, e.type, e.data
FROM webhook_attempts a
JOIN webhook_endpoints w ON w.env_id = a.env_id AND w.id = a.endpoint_id
JOIN events e ON e.env_id = a.env_id AND e.id = a.event_id
WHERE a.env_id = sqlc.arg(env_id)
  AND (a.started_at, a.endpoint_id, a.event_id, a.number)
      < (sqlc.arg(before_at)::timestamptz, sqlc.arg(before_endpoint)::uuid, sqlc.arg(before_event)::uuid, sqlc.arg(before_number)::int)
ORDER BY a.started_at DESC, a.endpoint_id DESC, a.event_id DESC, a.number DESC LIMIT sqlc.arg(row_limit);
