-- name: GetTenantOfEnvironment :one
-- Everything that work outside of a request needs to know about an environment and its
-- tenant.
SELECT e.id AS env_id, e.is_sandbox, t.id AS tenant_id, t.name, t.status, t.plan_version_id, t.timezone, t.currency, t.sandbox_enabled,
    (SELECT jsonb_agg(jsonb_build_object('name', o.name, 'value', o.value, 'from', o.from_at, 'to', o.to_at)
                      ORDER BY o.from_at, o.created_at)
     FROM entitlement_overrides o
     WHERE o.tenant_id = t.id AND (o.to_at IS NULL OR o.to_at > sqlc.arg(now)::timestamptz))::jsonb AS overrides
FROM environments e JOIN tenants t ON t.id = e.tenant_id
WHERE e.id = sqlc.arg(env_id);
