-- name: InsertInvitation :one
INSERT INTO invitations (env_id, id, token_hash, email, name, role, customer_id, resource_id, invited_by, expires_at, created_at, updated_at)
VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(token_hash), sqlc.arg(email), sqlc.arg(name), sqlc.arg(role), sqlc.narg(customer_id),
        sqlc.narg(resource_id), sqlc.arg(invited_by), sqlc.arg(expires_at), sqlc.arg(now), sqlc.arg(now))
RETURNING env_id, id, token_hash, email, name, role, customer_id, resource_id, invited_by, expires_at, accepted_at, revoked_at,
       user_id, created_at, updated_at;

-- name: RevokeExpiredInvitation :exec
-- Makes room for a new invitation of the same address where the last one was not used in time.
UPDATE invitations SET revoked_at = sqlc.arg(now)::timestamptz, updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND email = sqlc.arg(email) AND accepted_at IS NULL AND revoked_at IS NULL
  AND expires_at <= sqlc.arg(now)::timestamptz;

-- name: UserWithEmailExists :one
-- Whether a user of the tenant and mode has the address.
SELECT EXISTS (SELECT FROM users WHERE email = sqlc.arg(email) AND tenant_id = sqlc.arg(tenant_id)::uuid AND is_sandbox = sqlc.arg(is_sandbox));

-- name: ListInvitations :many
-- Invitations of an environment, newest first, after the cursor. The status follows from
-- the instants.
SELECT env_id, id, token_hash, email, name, role, customer_id, resource_id, invited_by, expires_at, accepted_at, revoked_at,
       user_id, created_at, updated_at
FROM invitations
WHERE env_id = sqlc.arg(env_id)
  AND (sqlc.narg(status)::text IS NULL OR sqlc.narg(status) = CASE
       WHEN accepted_at IS NOT NULL THEN 'ACCEPTED' WHEN revoked_at IS NOT NULL THEN 'REVOKED'
       WHEN expires_at <= sqlc.arg(now)::timestamptz THEN 'EXPIRED' ELSE 'PENDING' END)
  AND (created_at, id) < (sqlc.arg(before_created_at)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(row_limit);

-- name: GetInvitation :one
SELECT env_id, id, token_hash, email, name, role, customer_id, resource_id, invited_by, expires_at, accepted_at, revoked_at,
       user_id, created_at, updated_at
FROM invitations WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: GetInvitationForUpdate :one
SELECT env_id, id, token_hash, email, name, role, customer_id, resource_id, invited_by, expires_at, accepted_at, revoked_at,
       user_id, created_at, updated_at
FROM invitations WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
FOR UPDATE;

-- name: RenewInvitation :one
-- Gives an invitation another token, which the old one dies of.
UPDATE invitations SET token_hash = sqlc.arg(token_hash), expires_at = sqlc.arg(expires_at), invited_by = sqlc.arg(invited_by),
    updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id) AND accepted_at IS NULL AND revoked_at IS NULL
RETURNING env_id, id, token_hash, email, name, role, customer_id, resource_id, invited_by, expires_at, accepted_at, revoked_at,
       user_id, created_at, updated_at;

-- name: RevokeInvitation :execrows
UPDATE invitations SET revoked_at = sqlc.arg(now)::timestamptz, updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id) AND accepted_at IS NULL AND revoked_at IS NULL;

-- name: GetInvitationByToken :one
-- An invitation that can be accepted.
SELECT env_id, id, token_hash, email, name, role, customer_id, resource_id, invited_by, expires_at, accepted_at, revoked_at,
       user_id, created_at, updated_at
FROM invitations
WHERE env_id = sqlc.arg(env_id) AND token_hash = sqlc.arg(token_hash) AND accepted_at IS NULL AND revoked_at IS NULL
  AND expires_at > sqlc.arg(now)::timestamptz;

-- name: AcceptInvitation :one
-- Uses an invitation up; of several who try at once, one gets the row.
UPDATE invitations SET accepted_at = sqlc.arg(now)::timestamptz, user_id = sqlc.arg(user_id), updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND token_hash = sqlc.arg(token_hash) AND accepted_at IS NULL AND revoked_at IS NULL
  AND expires_at > sqlc.arg(now)::timestamptz
RETURNING env_id, id, token_hash, email, name, role, customer_id, resource_id, invited_by, expires_at, accepted_at, revoked_at,
       user_id, created_at, updated_at;

-- name: GetRoleForInvitation :one
-- What whoever invited may still do; locked, so that nobody lowers it until the new user is there.
SELECT role, tenant_id FROM users WHERE id = sqlc.arg(id) AND is_active
FOR SHARE;

-- name: GetEnvironmentHost :one
-- Where the tenant of an environment lives.
SELECT e.tenant_id, e.is_sandbox, d.name AS domain
FROM environments e
JOIN domains d ON d.tenant_id = e.tenant_id AND d.kind = 'SUBDOMAIN' AND d.verified_at IS NOT NULL
WHERE e.id = sqlc.arg(env_id)
ORDER BY d.is_primary DESC, d.created_at DESC
LIMIT 1;
