-- name: InsertOverride :exec
INSERT INTO entitlement_overrides (id, tenant_id, name, value, reason, actor_user_id, from_at, to_at, created_at)
VALUES (sqlc.arg(id), sqlc.arg(tenant_id), sqlc.arg(name), sqlc.arg(value), sqlc.arg(reason), sqlc.narg(actor_user_id),
        sqlc.arg(from_at), sqlc.narg(to_at), sqlc.arg(now));

-- name: GetOverride :one
SELECT o.id, o.name, o.value, o.reason, o.from_at, o.to_at, o.created_at, o.ended_at,
       a.id AS actor_id, a.name AS actor_name, a.email AS actor_email, e.id AS ender_id, e.name AS ender_name, e.email AS ender_email
FROM entitlement_overrides o
LEFT JOIN users a ON a.id = o.actor_user_id
LEFT JOIN users e ON e.id = o.ended_by
WHERE o.tenant_id = sqlc.arg(tenant_id) AND o.id = sqlc.arg(id);

-- name: ListOverrides :many
-- Everything that was ever granted or denied to a business, the newest first.
SELECT o.id, o.name, o.value, o.reason, o.from_at, o.to_at, o.created_at, o.ended_at,
       a.id AS actor_id, a.name AS actor_name, a.email AS actor_email, e.id AS ender_id, e.name AS ender_name, e.email AS ender_email
FROM entitlement_overrides o
LEFT JOIN users a ON a.id = o.actor_user_id
LEFT JOIN users e ON e.id = o.ended_by
WHERE o.tenant_id = sqlc.arg(tenant_id)
  AND (o.created_at, o.id) < (sqlc.arg(before_created_at)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY o.created_at DESC, o.id DESC
LIMIT sqlc.arg(row_limit);

-- name: EndOverride :execrows
-- No row if it has ended already, by itself or by somebody.
UPDATE entitlement_overrides SET ended_at = sqlc.arg(now)::timestamptz, ended_by = sqlc.narg(ended_by)
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id) AND ended_at IS NULL
  AND (to_at IS NULL OR to_at > sqlc.arg(now)::timestamptz);

-- name: TenantExists :one
SELECT EXISTS (SELECT FROM tenants WHERE id = $1);
