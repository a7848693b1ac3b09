-- name: InsertNotification :exec
INSERT INTO notifications (env_id, id, kind, channel, customer_id, user_id, address, data, created_at)
VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(kind), sqlc.arg(channel), sqlc.narg(customer_id), sqlc.narg(user_id),
        sqlc.narg(address), sqlc.arg(data), sqlc.arg(now));
