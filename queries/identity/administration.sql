-- name: LockActiveSuperusers :many
-- The active superusers of the platform, locked in a fixed order: two requests that each
-- remove one of the last two cannot both succeed.
SELECT id FROM users WHERE tenant_id IS NULL AND role = 'SUPERUSER' AND is_active
ORDER BY id
FOR UPDATE;

-- name: GetPlatformUserForUpdate :one
-- A user of the platform, locked until the transaction ends.
SELECT id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at
FROM users WHERE id = sqlc.arg(id) AND tenant_id IS NULL
FOR UPDATE;

-- name: UpdatePlatformUser :one
-- Changes what is given and leaves the rest.
UPDATE users SET
    email = COALESCE(sqlc.narg(email), email),
    username = COALESCE(sqlc.narg(username), username),
    name = COALESCE(sqlc.narg(name), name),
    role = COALESCE(sqlc.narg(role), role),
    is_active = COALESCE(sqlc.narg(is_active), is_active),
    version = version + 1,
    updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND tenant_id IS NULL
RETURNING id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at;

-- name: GetCustomerUserForUpdate :one
-- A customer's login, locked until the transaction ends.
SELECT id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at
FROM users
WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id)::uuid AND is_sandbox = sqlc.arg(is_sandbox) AND role = 'CUSTOMER'
FOR UPDATE;

-- name: TakeRole :one
-- Makes the transaction work in another role, and returns the one before.
SELECT current_user::text AS was, set_config('role', sqlc.arg(role), true) AS becomes;

-- name: SetFirstPlatformPassword :exec
-- Gives a new user of the platform their hash.
SELECT set_first_platform_password(sqlc.arg(user_id), sqlc.arg(hash), sqlc.arg(chosen_by_owner));
