-- name: ListUsers :many
-- A page of the users of the whole platform, each with their business. Which rows the
-- page has is decided first, by the index of its order.
WITH matching AS NOT MATERIALIZED (
    SELECT u.id, u.name, u.created_at FROM users u
    WHERE (sqlc.narg(role)::text IS NULL OR u.role = sqlc.narg(role))
      AND (sqlc.narg(is_active)::boolean IS NULL OR u.is_active = sqlc.narg(is_active))
      AND (sqlc.narg(is_sandbox)::boolean IS NULL OR u.is_sandbox = sqlc.narg(is_sandbox))
      AND (sqlc.narg(pattern)::text IS NULL
           OR u.name ILIKE sqlc.narg(pattern) OR u.email ILIKE sqlc.narg(pattern) OR u.username ILIKE sqlc.narg(pattern))
), page AS (
    (SELECT m.id FROM matching m
     WHERE sqlc.arg(sort)::text = 'created_at' AND (m.created_at, m.id) > (sqlc.arg(after_created_at)::timestamptz, sqlc.arg(after_id)::uuid)
     ORDER BY m.created_at, m.id LIMIT sqlc.arg(row_limit))
    UNION ALL
    (SELECT m.id FROM matching m
     WHERE sqlc.arg(sort)::text = '-created_at' AND (m.created_at, m.id) < (sqlc.arg(after_created_at)::timestamptz, sqlc.arg(after_id)::uuid)
     ORDER BY m.created_at DESC, m.id DESC LIMIT sqlc.arg(row_limit))
    UNION ALL
    (SELECT m.id FROM matching m
     WHERE sqlc.arg(sort)::text = 'name' AND (m.name, m.id) > (sqlc.arg(after_name)::text, sqlc.arg(after_id)::uuid)
     ORDER BY m.name, m.id LIMIT sqlc.arg(row_limit))
    UNION ALL
    -- No name is above all others, so the first page has no bound.
    (SELECT m.id FROM matching m
     WHERE sqlc.arg(sort)::text = '-name'
       AND (sqlc.arg(first_page)::boolean OR (m.name, m.id) < (sqlc.arg(after_name)::text, sqlc.arg(after_id)::uuid))
     ORDER BY m.name DESC, m.id DESC LIMIT sqlc.arg(row_limit))
)
SELECT u.id, u.tenant_id, u.env_id, u.is_sandbox, u.email, u.username, u.name, u.role, u.is_active, u.last_login_at, u.version,
       u.created_at, u.updated_at, t.name AS business_name, live.name AS business_schema_name
FROM page
JOIN users u ON u.id = page.id
LEFT JOIN tenants t ON t.id = u.tenant_id
LEFT JOIN environments live ON live.tenant_id = u.tenant_id AND NOT live.is_sandbox
ORDER BY CASE WHEN sqlc.arg(sort)::text = 'created_at' THEN u.created_at END,
         CASE WHEN sqlc.arg(sort)::text = '-created_at' THEN u.created_at END DESC,
         CASE WHEN sqlc.arg(sort)::text = 'name' THEN u.name END,
         CASE WHEN sqlc.arg(sort)::text = '-name' THEN u.name END DESC,
         CASE WHEN sqlc.arg(sort)::text IN ('created_at', 'name') THEN u.id END,
         u.id DESC;

-- name: ListUsersOfBusiness :many
-- The same for the users of one business, of whom there are few.
SELECT u.id, u.tenant_id, u.env_id, u.is_sandbox, u.email, u.username, u.name, u.role, u.is_active, u.last_login_at, u.version,
       u.created_at, u.updated_at, t.name AS business_name, live.name AS business_schema_name
FROM users u
JOIN tenants t ON t.id = u.tenant_id
JOIN environments live ON live.tenant_id = u.tenant_id AND NOT live.is_sandbox
WHERE u.tenant_id = sqlc.arg(tenant_id)::uuid
  AND (sqlc.narg(role)::text IS NULL OR u.role = sqlc.narg(role))
  AND (sqlc.narg(is_active)::boolean IS NULL OR u.is_active = sqlc.narg(is_active))
  AND (sqlc.narg(is_sandbox)::boolean IS NULL OR u.is_sandbox = sqlc.narg(is_sandbox))
  AND (sqlc.narg(pattern)::text IS NULL
       OR u.name ILIKE sqlc.narg(pattern) OR u.email ILIKE sqlc.narg(pattern) OR u.username ILIKE sqlc.narg(pattern))
  AND CASE sqlc.arg(sort)::text
          WHEN 'created_at' THEN (u.created_at, u.id) > (sqlc.arg(after_created_at)::timestamptz, sqlc.arg(after_id)::uuid)
          WHEN '-created_at' THEN (u.created_at, u.id) < (sqlc.arg(after_created_at)::timestamptz, sqlc.arg(after_id)::uuid)
          WHEN 'name' THEN (u.name, u.id) > (sqlc.arg(after_name)::text, sqlc.arg(after_id)::uuid)
          ELSE sqlc.arg(first_page)::boolean OR (u.name, u.id) < (sqlc.arg(after_name)::text, sqlc.arg(after_id)::uuid)
      END
ORDER BY CASE WHEN sqlc.arg(sort)::text = 'created_at' THEN u.created_at END,
         CASE WHEN sqlc.arg(sort)::text = '-created_at' THEN u.created_at END DESC,
         CASE WHEN sqlc.arg(sort)::text = 'name' THEN u.name END,
         CASE WHEN sqlc.arg(sort)::text = '-name' THEN u.name END DESC,
         CASE WHEN sqlc.arg(sort)::text IN ('created_at', 'name') THEN u.id END,
         u.id DESC
LIMIT sqlc.arg(row_limit);

-- name: GetUser :one
SELECT u.id, u.tenant_id, u.env_id, u.is_sandbox, u.email, u.username, u.name, u.role, u.is_active, u.last_login_at, u.version,
       u.created_at, u.updated_at, t.name AS business_name, live.name AS business_schema_name
FROM users u
LEFT JOIN tenants t ON t.id = u.tenant_id
LEFT JOIN environments live ON live.tenant_id = u.tenant_id AND NOT live.is_sandbox
WHERE u.id = $1;
