-- name: ResolveRequest :one
-- Everything a request needs to know about who asks, at which host, in one round
-- trip. It always answers one row; what was not found is null. A tenant is the one
-- of the host, else the one of the session's user; it is looked up by itself, because
-- a join like the others may become a hash table of all tenants. A session of a masquerade
-- counts only while every session beneath it does. Overrides come in the order in which
-- they were made.
SELECT
    d.tenant_id AS host_tenant_id,
    s.id AS session_id,
    s.sandbox_mode,
    s.last_used_at,
    s.impersonator_id,
    s.read_only,
    COALESCE(masquerade_role(s.impersonator_id, s.ancestor_ids, sqlc.arg(now)), '')::text AS impersonator_role,
    u.id AS user_id,
    u.tenant_id AS user_tenant_id,
    u.is_sandbox AS user_is_sandbox,
    u.role AS user_role,
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
LEFT JOIN sessions s ON s.token_hash = sqlc.arg(token_hash)::bytea AND s.revoked_at IS NULL AND s.expires_at > sqlc.arg(now)::timestamptz
    AND (s.impersonator_id IS NULL OR masquerade_role(s.impersonator_id, s.ancestor_ids, sqlc.arg(now)) IS NOT NULL)
LEFT JOIN users u ON u.id = s.user_id AND u.is_active
CROSS JOIN LATERAL (
    SELECT n.id, n.name, n.status, n.plan_version_id, n.scheduled_plan_at, n.scheduled_plan_version_id, n.grace_until,
           n.timezone, n.currency, n.sandbox_enabled
    FROM (SELECT) it LEFT JOIN tenants n ON n.id = COALESCE(d.tenant_id, u.tenant_id)
    OFFSET 0
) t;

-- name: ListEnvironmentsOfTenant :many
-- The environments of a tenant: two, or fewer if the sandbox is still to be made.
SELECT id, tenant_id, name, is_sandbox FROM environments WHERE tenant_id = $1;

-- name: TouchSession :exec
-- Notes that a session was used; guarded, so that parallel requests write once.
UPDATE sessions SET last_used_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND last_used_at < sqlc.arg(now)::timestamptz - interval '1 minute';

-- name: GetSuccessorOfDomain :one
-- Where a tenant lives that gave a subdomain up not long ago.
SELECT c.name FROM domains o JOIN domains c ON c.tenant_id = o.tenant_id AND c.kind = 'SUBDOMAIN' AND c.verified_at IS NOT NULL
WHERE o.name = sqlc.arg(name) AND o.reserved_until > sqlc.arg(now)::timestamptz;
