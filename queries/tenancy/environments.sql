-- name: GetTenantOfEnvironment :one
-- Everything that work outside of a request needs to know about an environment and its
-- tenant.
SELECT e.id AS env_id, e.is_sandbox, t.id AS tenant_id, t.name, t.status, t.timezone, t.currency, t.sandbox_enabled,
    COALESCE((SELECT c.ahead_microseconds FROM sandbox_clocks c WHERE c.tenant_id = t.id), 0)::bigint AS sandbox_ahead_microseconds,
    (CASE WHEN t.scheduled_plan_at <= sqlc.arg(now)::timestamptz
          THEN t.scheduled_plan_version_id ELSE t.plan_version_id END)::uuid AS plan_version_id,
    t.grace_until,
    ARRAY (SELECT jsonb_build_object('name', o.name, 'value', o.value, 'from', o.from_at, 'to', LEAST(o.to_at, o.ended_at))
           FROM entitlement_overrides o
           WHERE o.tenant_id = t.id AND (LEAST(o.to_at, o.ended_at) IS NULL OR LEAST(o.to_at, o.ended_at) > sqlc.arg(now)::timestamptz)
           ORDER BY o.from_at, o.created_at, o.id)::jsonb[] AS overrides
FROM environments e JOIN tenants t ON t.id = e.tenant_id
WHERE e.id = sqlc.arg(env_id);

-- name: ListEnvironments :many
-- All environments there are, for work that goes through them one by one.
SELECT id, tenant_id, name, is_sandbox FROM environments ORDER BY name;
