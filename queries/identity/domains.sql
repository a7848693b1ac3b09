-- name: LockTenantForDomains :exec
-- Lets changes of a tenant's domains happen one after the other.
SELECT id FROM tenants WHERE id = $1 FOR NO KEY UPDATE;

-- name: ListDomains :many
-- The domains of a tenant, newest first, after the cursor; not what it gave up long ago.
SELECT id, tenant_id, kind, name, is_primary, verified_at, created_at, verification_token, reserved_until, checked_at, missing_since, suspended_at
FROM domains
WHERE tenant_id = sqlc.arg(tenant_id) AND (reserved_until IS NULL OR reserved_until > sqlc.arg(now)::timestamptz)
  AND (created_at, id) < (sqlc.arg(before_created_at)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(row_limit);

-- name: GetDomain :one
SELECT id, tenant_id, kind, name, is_primary, verified_at, created_at, verification_token, reserved_until, checked_at, missing_since, suspended_at
FROM domains WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id);

-- name: GetSubdomain :one
-- The subdomain that a tenant lives at.
SELECT id, tenant_id, kind, name, is_primary, verified_at, created_at, verification_token, reserved_until, checked_at, missing_since, suspended_at
FROM domains WHERE tenant_id = sqlc.arg(tenant_id) AND kind = 'SUBDOMAIN' AND reserved_until IS NULL;

-- name: CountCustomDomains :one
SELECT count(*) FROM domains WHERE tenant_id = sqlc.arg(tenant_id) AND kind = 'CUSTOM';

-- name: InsertCustomDomain :one
INSERT INTO domains (id, tenant_id, kind, name, verification_token, created_at)
VALUES (sqlc.arg(id), sqlc.arg(tenant_id), 'CUSTOM', sqlc.arg(name), sqlc.arg(verification_token), sqlc.arg(now))
RETURNING id, tenant_id, kind, name, is_primary, verified_at, created_at, verification_token, reserved_until, checked_at, missing_since, suspended_at;

-- name: SetDomainVerified :one
-- Serves a domain from now on. Of several tenants that claim it, one gets it.
UPDATE domains SET verified_at = COALESCE(verified_at, sqlc.arg(now)::timestamptz), checked_at = sqlc.arg(now)::timestamptz,
    missing_since = NULL, suspended_at = NULL
WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id) AND kind = 'CUSTOM'
RETURNING id, tenant_id, kind, name, is_primary, verified_at, created_at, verification_token, reserved_until, checked_at, missing_since, suspended_at;

-- name: ListDomainsToCheck :many
-- The custom domains that are served and were not looked at since, those of the longest time first. Those without
-- a token were never proved: whoever made the business knew that they were its own.
SELECT id, tenant_id, kind, name, is_primary, verified_at, created_at, verification_token, reserved_until, checked_at, missing_since, suspended_at
FROM domains
WHERE kind = 'CUSTOM' AND verified_at IS NOT NULL AND verification_token <> '' AND COALESCE(checked_at, verified_at) <= sqlc.arg(checked_before)::timestamptz
ORDER BY checked_at NULLS FIRST, id
LIMIT sqlc.arg(row_limit);

-- name: NoteDomainChecked :exec
-- Stores the result of a check that began at now, with the time since which the record is missing; nothing if the
-- domain has been verified or checked since then, because that result is newer.
UPDATE domains SET checked_at = sqlc.arg(now)::timestamptz, missing_since = sqlc.narg(missing_since)::timestamptz
WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id) AND kind = 'CUSTOM' AND verified_at IS NOT NULL
  AND COALESCE(checked_at, verified_at) < sqlc.arg(now)::timestamptz;

-- name: SuspendDomain :execrows
-- Takes a domain out of service; no row if it is not served, or has been found again meanwhile.
UPDATE domains SET verified_at = NULL, is_primary = false, suspended_at = sqlc.arg(now)::timestamptz, checked_at = sqlc.arg(now)::timestamptz
WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id) AND kind = 'CUSTOM' AND verified_at IS NOT NULL
  AND missing_since <= sqlc.arg(missing_before)::timestamptz;

-- name: ClearPrimaryDomain :exec
UPDATE domains SET is_primary = false WHERE tenant_id = sqlc.arg(tenant_id) AND is_primary;

-- name: SetPrimaryDomain :one
-- Only what is served can be the primary one.
UPDATE domains SET is_primary = true
WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id) AND verified_at IS NOT NULL
RETURNING id, tenant_id, kind, name, is_primary, verified_at, created_at, verification_token, reserved_until, checked_at, missing_since, suspended_at;

-- name: DeleteCustomDomain :execrows
DELETE FROM domains WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id) AND kind = 'CUSTOM';

-- name: ReserveDomain :exec
-- Takes a subdomain out of service, and keeps others from it for a while.
UPDATE domains SET verified_at = NULL, is_primary = false, reserved_until = sqlc.arg(reserved_until)::timestamptz
WHERE id = sqlc.arg(id) AND tenant_id = sqlc.arg(tenant_id) AND kind = 'SUBDOMAIN';

-- name: CountReservations :one
-- How many subdomains are kept for a tenant, beside one that it takes back.
SELECT count(*) FROM domains
WHERE tenant_id = sqlc.arg(tenant_id) AND reserved_until > sqlc.arg(now)::timestamptz AND name <> sqlc.arg(except_name);

-- name: DeleteReservation :exec
-- Frees a subdomain that was given up long ago, or by the tenant that wants it back.
DELETE FROM domains
WHERE name = sqlc.arg(name) AND (reserved_until <= sqlc.arg(now)::timestamptz
    OR (reserved_until IS NOT NULL AND tenant_id = sqlc.narg(tenant_id)::uuid));
