-- name: InsertNotification :exec
INSERT INTO notifications (env_id, id, kind, channel, customer_id, user_id, address, data, created_at, recorded_at)
VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(kind), sqlc.arg(channel), sqlc.narg(customer_id), sqlc.narg(user_id),
        sqlc.narg(address), sqlc.arg(data), sqlc.arg(now), sqlc.arg(recorded_at));

-- name: ListOwnerAddresses :many
-- The addresses of those who own the business; owners work in both modes.
SELECT email FROM users
WHERE tenant_id = sqlc.arg(tenant_id)::uuid AND NOT is_sandbox AND role = 'TENANT_OWNER' AND is_active
ORDER BY email;
