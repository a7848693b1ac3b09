-- name: ListBusinesses :many
-- A page of businesses, with all that is shown of each, in one statement: which rows the
-- page has is decided first, by the index of its order, and the rest is looked up for
-- those only. With the sort "id" the page is the business that after_id names.
WITH matching AS NOT MATERIALIZED (
    SELECT t.id, t.name, t.created_at FROM tenants t
    WHERE (sqlc.narg(status)::text IS NULL OR t.status = sqlc.narg(status))
      AND (sqlc.narg(plan_code)::text IS NULL
           OR CASE WHEN t.scheduled_plan_at <= sqlc.arg(now)::timestamptz THEN t.scheduled_plan_version_id ELSE t.plan_version_id END
              IN (SELECT v.id FROM plan_versions v JOIN plans p ON p.id = v.plan_id WHERE p.code = sqlc.narg(plan_code)))
      AND (sqlc.narg(pattern)::text IS NULL OR t.name ILIKE sqlc.narg(pattern)
           OR t.id IN (SELECT e.tenant_id FROM environments e WHERE e.name ILIKE sqlc.narg(pattern) AND NOT e.is_sandbox)
           OR t.id IN (SELECT d.tenant_id FROM domains d WHERE d.name ILIKE sqlc.narg(pattern))
           OR t.id IN (SELECT u.tenant_id FROM users u WHERE u.role = 'TENANT_OWNER' AND NOT u.is_sandbox
                       AND (u.email ILIKE sqlc.narg(pattern) OR u.name ILIKE sqlc.narg(pattern))))
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
    UNION ALL
    SELECT t.id FROM tenants t WHERE sqlc.arg(sort)::text = 'id' AND t.id = sqlc.arg(after_id)::uuid
)
SELECT t.id, t.name, t.status, t.timezone, t.currency, t.sandbox_enabled, t.billing_status, t.grace_until, t.billing_anchor_on,
       t.suspended_at, t.version, t.created_at, t.updated_at,
       v.id AS plan_version_id, v.version AS plan_version, v.billing_interval, p.code AS plan_code, p.name AS plan_name,
       live.name AS schema_name,
       COALESCE((SELECT e.name FROM environments e WHERE e.tenant_id = t.id AND e.is_sandbox), '')::text AS sandbox_schema_name,
       COALESCE((SELECT d.name FROM domains d WHERE d.tenant_id = t.id AND d.is_primary), '')::text AS domain,
       COALESCE((SELECT c.used FROM usage_counters c
                 WHERE c.env_id = live.id AND c.quota = 'max_users' AND c.period = sqlc.arg(stock_period)::date), 0)::bigint AS user_count,
       (SELECT jsonb_build_object('id', u.id, 'name', u.name, 'email', u.email) FROM users u
        WHERE u.tenant_id = t.id AND u.role = 'TENANT_OWNER' AND NOT u.is_sandbox AND u.is_active
        ORDER BY u.created_at, u.id LIMIT 1)::jsonb AS owner,
       (SELECT jsonb_build_object('code', sp.code, 'name', sp.name, 'version', sv.version, 'takes_effect_at', t.scheduled_plan_at)
        FROM plan_versions sv JOIN plans sp ON sp.id = sv.plan_id
        WHERE sv.id = t.scheduled_plan_version_id AND t.scheduled_plan_at > sqlc.arg(now)::timestamptz)::jsonb AS scheduled_plan,
       (SELECT jsonb_agg(jsonb_build_object('name', o.name, 'value', o.value, 'from', o.from_at, 'to', LEAST(o.to_at, o.ended_at))
                         ORDER BY o.from_at, o.created_at, o.id)
        FROM entitlement_overrides o
        WHERE o.tenant_id = t.id AND (LEAST(o.to_at, o.ended_at) IS NULL OR LEAST(o.to_at, o.ended_at) > sqlc.arg(now)::timestamptz))::jsonb
       AS overrides
FROM page
JOIN tenants t ON t.id = page.id
JOIN environments live ON live.tenant_id = t.id AND NOT live.is_sandbox
JOIN plan_versions v ON v.id = CASE WHEN t.scheduled_plan_at <= sqlc.arg(now)::timestamptz
                                    THEN t.scheduled_plan_version_id ELSE t.plan_version_id END
JOIN plans p ON p.id = v.plan_id
ORDER BY CASE WHEN sqlc.arg(sort)::text = 'created_at' THEN t.created_at END,
         CASE WHEN sqlc.arg(sort)::text = '-created_at' THEN t.created_at END DESC,
         CASE WHEN sqlc.arg(sort)::text = 'name' THEN t.name END,
         CASE WHEN sqlc.arg(sort)::text = '-name' THEN t.name END DESC,
         CASE WHEN sqlc.arg(sort)::text IN ('created_at', 'name') THEN t.id END,
         t.id DESC;

-- name: LockTenant :one
-- What a change of a business starts from; changes of one business wait for each other.
SELECT t.id, t.name, t.status, t.sandbox_enabled, t.billing_status, t.grace_until, t.version,
       t.plan_version_id, t.scheduled_plan_version_id, t.scheduled_plan_at, t.billing_anchor_on, t.timezone, t.created_at,
       live.id AS live_env_id
FROM tenants t JOIN environments live ON live.tenant_id = t.id AND NOT live.is_sandbox
WHERE t.id = sqlc.arg(id)
FOR NO KEY UPDATE OF t;

-- name: UpdateTenant :exec
-- Changes what is given and leaves the rest; grace_until and suspended_at are always written.
UPDATE tenants SET
    name = COALESCE(sqlc.narg(name), name),
    status = COALESCE(sqlc.narg(status), status),
    sandbox_enabled = COALESCE(sqlc.narg(sandbox_enabled), sandbox_enabled),
    billing_status = COALESCE(sqlc.narg(billing_status), billing_status),
    grace_until = sqlc.narg(grace_until),
    suspended_at = CASE WHEN COALESCE(sqlc.narg(status), status) <> 'SUSPENDED' THEN NULL
                        WHEN status = 'SUSPENDED' THEN suspended_at ELSE sqlc.arg(now)::timestamptz END,
    version = version + 1,
    updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id);
