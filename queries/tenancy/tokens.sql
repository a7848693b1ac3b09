-- name: ResolveTokenRequest :one
-- What ResolveRequest is for sessions: everything a request with an API token needs to
-- know, in one round trip. It always answers one row; what was not found is null.
SELECT
    d.tenant_id AS host_tenant_id,
    k.id AS token_id,
    k.tenant_id AS token_tenant_id,
    k.is_sandbox AS token_is_sandbox,
    k.scopes AS token_scopes,
    k.last_used_at,
    t.id AS tenant_id,
    t.name AS tenant_name,
    t.status AS tenant_status,
    (CASE WHEN t.scheduled_plan_at <= sqlc.arg(now)::timestamptz
          THEN t.scheduled_plan_version_id ELSE t.plan_version_id END)::uuid AS plan_version_id,
    t.grace_until,
    t.timezone AS tenant_timezone,
    t.currency AS tenant_currency,
    t.sandbox_enabled,
    COALESCE((SELECT c.ahead_microseconds FROM sandbox_clocks c WHERE c.tenant_id = t.id), 0)::bigint AS sandbox_ahead_microseconds,
    ARRAY (SELECT jsonb_build_object('name', o.name, 'value', o.value, 'from', o.from_at, 'to', LEAST(o.to_at, o.ended_at))
           FROM entitlement_overrides o
           WHERE o.tenant_id = t.id AND (LEAST(o.to_at, o.ended_at) IS NULL OR LEAST(o.to_at, o.ended_at) > sqlc.arg(now)::timestamptz)
           ORDER BY o.from_at, o.created_at, o.id)::jsonb[] AS overrides
FROM (SELECT) one
LEFT JOIN domains d ON d.name = sqlc.arg(domain)::text AND d.verified_at IS NOT NULL
LEFT JOIN api_token_secrets s ON s.hash = sqlc.arg(hash)::bytea AND (s.expires_at IS NULL OR s.expires_at > sqlc.arg(now)::timestamptz)
LEFT JOIN api_tokens k ON k.id = s.token_id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > sqlc.arg(now)::timestamptz)
CROSS JOIN LATERAL (
    SELECT n.id, n.name, n.status, n.plan_version_id, n.scheduled_plan_at, n.scheduled_plan_version_id, n.grace_until,
           n.timezone, n.currency, n.sandbox_enabled
    FROM (SELECT) it LEFT JOIN tenants n ON n.id = COALESCE(d.tenant_id, k.tenant_id)
    OFFSET 0
) t;

-- name: TouchToken :exec
-- Notes that a token was used; guarded, so that parallel requests write once a minute.
UPDATE api_tokens SET last_used_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND (last_used_at IS NULL OR last_used_at < sqlc.arg(now)::timestamptz - interval '1 minute');
