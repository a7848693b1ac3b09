-- name: InsertTenantInvitation :one
INSERT INTO tenant_invitations (id, token_hash, email, business_name, subdomain, plan_code, timezone, currency, grants, invited_by,
                                expires_at, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(token_hash), sqlc.arg(email), sqlc.arg(business_name), sqlc.arg(subdomain), sqlc.arg(plan_code),
        sqlc.arg(timezone), sqlc.arg(currency), sqlc.arg(grants), sqlc.arg(invited_by)::uuid, sqlc.arg(expires_at), sqlc.arg(now), sqlc.arg(now))
RETURNING id, token_hash, email, business_name, subdomain, plan_code, timezone, currency, grants, invited_by, expires_at, accepted_at,
       revoked_at, tenant_id, created_at, updated_at;

-- name: RevokeExpiredTenantInvitation :exec
-- Makes room for a new invitation with the same subdomain where the last one was not used in time.
UPDATE tenant_invitations SET revoked_at = sqlc.arg(now)::timestamptz, updated_at = sqlc.arg(now)
WHERE subdomain = sqlc.arg(subdomain) AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at <= sqlc.arg(now)::timestamptz;

-- name: SubdomainIsTaken :one
-- Whether a host or an environment of another tenant has the name already.
SELECT EXISTS (SELECT FROM domains d WHERE d.name = sqlc.arg(subdomain)
                 AND (d.verified_at IS NOT NULL OR d.reserved_until > sqlc.arg(now)::timestamptz)
                 AND d.tenant_id IS DISTINCT FROM sqlc.narg(except_tenant_id)::uuid
               UNION ALL SELECT FROM environments e WHERE e.name = ANY(sqlc.arg(environment_names)::text[])
                 AND e.tenant_id IS DISTINCT FROM sqlc.narg(except_tenant_id)::uuid);

-- name: ListTenantInvitations :many
-- Newest first, after the cursor.
SELECT id, token_hash, email, business_name, subdomain, plan_code, timezone, currency, grants, invited_by, expires_at, accepted_at,
       revoked_at, tenant_id, created_at, updated_at
FROM tenant_invitations
WHERE (sqlc.narg(status)::text IS NULL OR sqlc.narg(status) = CASE
       WHEN accepted_at IS NOT NULL THEN 'ACCEPTED' WHEN revoked_at IS NOT NULL THEN 'REVOKED'
       WHEN expires_at <= sqlc.arg(now)::timestamptz THEN 'EXPIRED' ELSE 'PENDING' END)
  AND (created_at, id) < (sqlc.arg(before_created_at)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(row_limit);

-- name: GetTenantInvitation :one
SELECT id, token_hash, email, business_name, subdomain, plan_code, timezone, currency, grants, invited_by, expires_at, accepted_at,
       revoked_at, tenant_id, created_at, updated_at
FROM tenant_invitations WHERE id = $1;

-- name: RenewTenantInvitation :one
-- Gives an invitation another token, which the old one dies of; no row if it was used or revoked.
UPDATE tenant_invitations SET token_hash = sqlc.arg(token_hash), expires_at = sqlc.arg(expires_at), invited_by = sqlc.arg(invited_by)::uuid,
    updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND accepted_at IS NULL AND revoked_at IS NULL
RETURNING id, token_hash, email, business_name, subdomain, plan_code, timezone, currency, grants, invited_by, expires_at, accepted_at,
       revoked_at, tenant_id, created_at, updated_at;

-- name: RevokeTenantInvitation :execrows
UPDATE tenant_invitations SET revoked_at = sqlc.arg(now)::timestamptz, updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND accepted_at IS NULL AND revoked_at IS NULL;

-- name: GetTenantInvitationByToken :one
-- An invitation that can be accepted.
SELECT id, token_hash, email, business_name, subdomain, plan_code, timezone, currency, grants, invited_by, expires_at, accepted_at,
       revoked_at, tenant_id, created_at, updated_at
FROM tenant_invitations
WHERE token_hash = sqlc.arg(token_hash) AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > sqlc.arg(now)::timestamptz;

-- name: AcceptTenantInvitation :one
-- Uses an invitation up; of several who try at once, one gets the row. What comes of it
-- is noted when it is there.
UPDATE tenant_invitations SET accepted_at = sqlc.arg(now)::timestamptz, updated_at = sqlc.arg(now)
WHERE token_hash = sqlc.arg(token_hash) AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > sqlc.arg(now)::timestamptz
RETURNING id, token_hash, email, business_name, subdomain, plan_code, timezone, currency, grants, invited_by, expires_at, accepted_at,
       revoked_at, tenant_id, created_at, updated_at;

-- name: NoteTenantOfInvitation :exec
UPDATE tenant_invitations SET tenant_id = sqlc.arg(tenant_id)::uuid WHERE id = sqlc.arg(id);

-- name: InsertGrant :exec
-- An override of the plan, from now on.
INSERT INTO entitlement_overrides (id, tenant_id, name, value, reason, actor_user_id, from_at, created_at)
VALUES (sqlc.arg(id), sqlc.arg(tenant_id), sqlc.arg(name), sqlc.arg(value), sqlc.arg(reason), sqlc.narg(actor_user_id), sqlc.arg(now), sqlc.arg(now));
