-- name: GetUserForLogin :one
-- The user of a tenant and mode (null tenant: of the platform) with an e-mail address.
SELECT id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at
FROM users
WHERE email = sqlc.arg(email) AND tenant_id IS NOT DISTINCT FROM sqlc.narg(tenant_id)::uuid AND is_sandbox = sqlc.arg(is_sandbox);

-- name: ListUsersByEmail :many
-- The active users of a tenant and mode (null tenant: of the platform) with one of the addresses.
SELECT id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at
FROM users
WHERE email = ANY(sqlc.arg(emails)::text[]) AND tenant_id IS NOT DISTINCT FROM sqlc.narg(tenant_id)::uuid
  AND is_sandbox = sqlc.arg(is_sandbox) AND is_active;

-- name: AnyPlatformUserExists :one
-- Whether the platform has a user with one of the addresses, active or not.
SELECT EXISTS (SELECT FROM users WHERE tenant_id IS NULL AND email = ANY(sqlc.arg(emails)::text[]));

-- name: AnyUserExists :one
-- Whether there is any user at all.
SELECT EXISTS (SELECT FROM users);

-- name: GetUserByID :one
-- The signed-in user; the id comes from the session, so no tenant is named.
SELECT id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at
FROM users WHERE id = $1;

-- name: GetTenantUser :one
-- A user who works for the tenant, in one mode.
SELECT id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at
FROM users
WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id)::uuid AND is_sandbox = sqlc.arg(is_sandbox)
  AND role IN ('TENANT_OWNER', 'TENANT_MANAGER', 'TENANT_STAFF');

-- name: GetTenantUserForUpdate :one
-- The same, locked until the transaction ends.
SELECT id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at
FROM users
WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id)::uuid AND is_sandbox = sqlc.arg(is_sandbox)
  AND role IN ('TENANT_OWNER', 'TENANT_MANAGER', 'TENANT_STAFF')
FOR UPDATE;

-- name: ListTenantUsers :many
-- Those who work for the tenant in one mode, newest first, after the cursor.
SELECT id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at
FROM users
WHERE tenant_id = sqlc.arg(tenant_id)::uuid AND is_sandbox = sqlc.arg(is_sandbox)
  AND role IN ('TENANT_OWNER', 'TENANT_MANAGER', 'TENANT_STAFF')
  AND (sqlc.narg(role)::text IS NULL OR role = sqlc.narg(role))
  AND (sqlc.narg(is_active)::boolean IS NULL OR is_active = sqlc.narg(is_active))
  AND (created_at, id) < (sqlc.arg(before_created_at)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(row_limit);

-- name: InsertUser :one
INSERT INTO users (id, tenant_id, env_id, is_sandbox, email, username, name, role, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.narg(tenant_id), sqlc.narg(env_id), sqlc.arg(is_sandbox), sqlc.arg(email), sqlc.arg(username),
        sqlc.arg(name), sqlc.arg(role), sqlc.arg(now), sqlc.arg(now))
RETURNING id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at;

-- name: UpdateUser :one
-- Changes what is given and leaves the rest.
UPDATE users SET
    email = COALESCE(sqlc.narg(email), email),
    username = COALESCE(sqlc.narg(username), username),
    name = COALESCE(sqlc.narg(name), name),
    role = COALESCE(sqlc.narg(role), role),
    is_active = COALESCE(sqlc.narg(is_active), is_active),
    version = version + 1,
    updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id)::uuid AND is_sandbox = sqlc.arg(is_sandbox)
RETURNING id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at;

-- name: NotePasswordChange :one
-- Locks an active user whose password changes in the transaction: before the hash, so that nobody signs in
-- with the old one meanwhile.
UPDATE users SET version = version + 1, updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND is_active
RETURNING id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at;

-- name: GetCredentials :one
-- What a password is hashed with, and what the markers of browsers are signed with; both empty for a user
-- without a password, and for one who does not exist.
SELECT password_parameters(sqlc.arg(user_id)) AS parameters, device_key(sqlc.arg(user_id)) AS device_key;

-- name: GetDeviceKey :one
SELECT device_key(sqlc.arg(user_id));

-- name: PasswordFits :one
-- Whether the hash is that of the user.
SELECT password_fits(sqlc.arg(user_id), sqlc.arg(hash)) AS fits;

-- name: SetFirstPassword :exec
-- Gives a new user their hash.
SELECT set_first_password(sqlc.arg(user_id), sqlc.arg(hash), sqlc.arg(chosen_by_owner));

-- name: PasswordChosenByOwner :one
-- Whether the user chose the password, and nobody else may know it. Lock the user first.
SELECT chosen_by_owner(sqlc.arg(user_id)) AS chosen;

-- name: ReplacePassword :one
-- Replaces the hash that was verified; false if another request replaced it first.
SELECT replace_password(sqlc.arg(user_id), sqlc.arg(verified_hash), sqlc.arg(hash)) AS replaced;

-- name: ResetPassword :one
-- Uses the reset of the token up and replaces the hash; false if the user has no such reset.
SELECT reset_password(sqlc.arg(user_id), sqlc.arg(token_hash), sqlc.arg(now), sqlc.arg(hash)) AS reset;

-- name: NoteLogin :one
-- Locks the user for the session that follows in the transaction; no row if they were
-- deactivated, or got another password, after the one they gave was verified. Null: none was given.
UPDATE users SET last_login_at = sqlc.arg(now)::timestamptz
WHERE id = sqlc.arg(id) AND is_active
  AND (sqlc.narg(verified_hash)::text IS NULL OR password_fits(id, sqlc.narg(verified_hash)::text))
RETURNING id, tenant_id, env_id, is_sandbox, email, username, name, role, is_active, last_login_at, version,
       created_at, updated_at;

-- name: DeleteUser :exec
DELETE FROM users WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id)::uuid AND is_sandbox = sqlc.arg(is_sandbox);

-- name: LockActiveOwners :many
-- The active owners of a tenant in one mode, locked in a fixed order: two requests
-- that each remove one of the last two owners cannot both succeed.
SELECT id FROM users
WHERE tenant_id = sqlc.arg(tenant_id)::uuid AND is_sandbox = sqlc.arg(is_sandbox) AND role = 'TENANT_OWNER' AND is_active
ORDER BY id
FOR UPDATE;
