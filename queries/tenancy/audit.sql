-- name: InsertAuditEntry :exec
-- Adds one entry to the trail, which can only grow.
INSERT INTO audit_entries (id, occurred_at, tenant_id, env_id, actor_user_id, actor_role, action,
                           target_type, target_id, outcome, request_id, address, detail,
                           impersonator_user_id, impersonator_role, actor_token_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: ListAuditEntries :many
-- The trail of one business in one mode (and, with env_id, what has no mode if
-- with_modeless), or of everything, newest first, after the cursor. It is planned for the
-- filters at hand, see internal/audit: each of them has an index.
SELECT id, occurred_at, tenant_id, env_id, actor_user_id, actor_role, action, target_type, target_id, outcome, request_id,
       address, detail, impersonator_user_id, impersonator_role, actor_token_id
FROM audit_entries
WHERE (sqlc.narg(tenant_id)::uuid IS NULL OR tenant_id = sqlc.narg(tenant_id))
  AND (sqlc.narg(env_id)::uuid IS NULL OR env_id = sqlc.narg(env_id) OR (sqlc.arg(with_modeless)::boolean AND env_id IS NULL))
  AND (sqlc.narg(actor)::uuid IS NULL OR actor_user_id = sqlc.narg(actor) OR impersonator_user_id = sqlc.narg(actor))
  AND (sqlc.narg(action)::text IS NULL OR action = sqlc.narg(action))
  AND (sqlc.narg(target_type)::text IS NULL OR target_type = sqlc.narg(target_type))
  AND (sqlc.narg(target)::text IS NULL OR target_id = sqlc.narg(target))
  AND (sqlc.narg(outcome)::text IS NULL OR outcome = sqlc.narg(outcome))
  AND (sqlc.narg(from_at)::timestamptz IS NULL OR occurred_at >= sqlc.narg(from_at))
  AND (sqlc.narg(to_at)::timestamptz IS NULL OR occurred_at < sqlc.narg(to_at))
  AND (occurred_at, id) < (sqlc.arg(before_occurred_at)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY occurred_at DESC, id DESC
LIMIT sqlc.arg(row_limit);
