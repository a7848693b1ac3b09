-- Revoked tokens stay in the table, for the trail, and are shown to nobody. Every query
-- names the tenant; only_sandbox keeps the sandbox from seeing live ones.

-- name: InsertToken :exec
INSERT INTO api_tokens (id, tenant_id, env_id, is_sandbox, name, scopes, expires_at, created_by, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(tenant_id), sqlc.arg(env_id), sqlc.arg(is_sandbox), sqlc.arg(name), sqlc.arg(scopes)::text[],
        sqlc.narg(expires_at), sqlc.narg(created_by), sqlc.arg(now), sqlc.arg(now));

-- name: InsertTokenSecret :exec
-- The string that works from now on; plaintext is null for live tokens.
INSERT INTO api_token_secrets (hash, token_id, is_sandbox, prefix, plaintext, created_at)
VALUES (sqlc.arg(hash), sqlc.arg(token_id), sqlc.arg(is_sandbox), sqlc.arg(prefix), sqlc.narg(plaintext), sqlc.arg(now));

-- name: ListTokens :many
-- Tokens that are not revoked, the newest first, after the cursor.
SELECT k.id, k.is_sandbox, k.name, k.scopes, k.expires_at, k.last_used_at, k.created_by, k.created_at, k.updated_at, k.version,
       s.prefix, s.plaintext, o.prefix AS previous_prefix, o.expires_at AS previous_expires_at
FROM api_tokens k
JOIN api_token_secrets s ON s.token_id = k.id AND s.replaced_at IS NULL
LEFT JOIN api_token_secrets o ON o.token_id = k.id AND o.replaced_at IS NOT NULL AND o.expires_at > sqlc.arg(now)::timestamptz
WHERE k.tenant_id = sqlc.arg(tenant_id) AND k.revoked_at IS NULL
  AND (sqlc.narg(is_sandbox)::boolean IS NULL OR k.is_sandbox = sqlc.narg(is_sandbox))
  AND (k.created_at, k.id) < (sqlc.arg(before_created_at)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY k.created_at DESC, k.id DESC
LIMIT sqlc.arg(row_limit);

-- name: GetToken :one
SELECT k.id, k.is_sandbox, k.name, k.scopes, k.expires_at, k.last_used_at, k.created_by, k.created_at, k.updated_at, k.version,
       s.prefix, s.plaintext, o.prefix AS previous_prefix, o.expires_at AS previous_expires_at
FROM api_tokens k
JOIN api_token_secrets s ON s.token_id = k.id AND s.replaced_at IS NULL
LEFT JOIN api_token_secrets o ON o.token_id = k.id AND o.replaced_at IS NOT NULL AND o.expires_at > sqlc.arg(now)::timestamptz
WHERE k.tenant_id = sqlc.arg(tenant_id) AND k.id = sqlc.arg(id) AND k.revoked_at IS NULL
  AND (sqlc.narg(is_sandbox)::boolean IS NULL OR k.is_sandbox = sqlc.narg(is_sandbox));

-- name: LockToken :one
-- Keeps others from changing the token until the transaction ends.
SELECT k.version, k.is_sandbox, k.expires_at FROM api_tokens k
WHERE k.tenant_id = sqlc.arg(tenant_id) AND k.id = sqlc.arg(id) AND k.revoked_at IS NULL
  AND (sqlc.narg(is_sandbox)::boolean IS NULL OR k.is_sandbox = sqlc.narg(is_sandbox))
FOR NO KEY UPDATE;

-- name: RenameToken :exec
UPDATE api_tokens SET name = sqlc.arg(name), version = version + 1, updated_at = sqlc.arg(now)
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: TouchTokenVersion :exec
-- Says that the token's secret is another one.
UPDATE api_tokens SET version = version + 1, updated_at = sqlc.arg(now)
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id);

-- name: ReplaceTokenSecret :exec
-- Lets the current string of a token work until the given instant, and no longer. A
-- sandbox token's is not readable any more.
UPDATE api_token_secrets SET replaced_at = sqlc.arg(now)::timestamptz, expires_at = sqlc.arg(expires_at)::timestamptz, plaintext = NULL
WHERE token_id = sqlc.arg(token_id) AND replaced_at IS NULL;

-- name: DropReplacedTokenSecrets :exec
-- Ends the strings that earlier rotations replaced: there is one that works on, at the most.
DELETE FROM api_token_secrets WHERE token_id = sqlc.arg(token_id) AND replaced_at IS NOT NULL;

-- name: RevokeToken :exec
UPDATE api_tokens SET revoked_at = sqlc.arg(now)::timestamptz, version = version + 1, updated_at = sqlc.arg(now)
WHERE tenant_id = sqlc.arg(tenant_id) AND id = sqlc.arg(id) AND revoked_at IS NULL;

-- name: DeleteTokenSecrets :exec
-- Nothing works as the token any more.
DELETE FROM api_token_secrets WHERE token_id = sqlc.arg(token_id);
