-- name: InsertAuditEntry :exec
-- Adds one entry to the trail, which can only grow.
INSERT INTO audit_entries (id, occurred_at, tenant_id, env_id, actor_user_id, actor_role, action,
                           target_type, target_id, outcome, request_id, address, detail,
                           impersonator_user_id, impersonator_role, actor_token_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);
