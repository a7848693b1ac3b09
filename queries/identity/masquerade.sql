-- name: GetMasqueradeTarget :one
-- Whom somebody wants to work as, with the state of their business; locked, so that
-- nobody raises their role until the session is there for that to end.
SELECT sqlc.embed(u), t.name AS tenant_name, t.status AS tenant_status, d.name AS tenant_domain
FROM users u
LEFT JOIN tenants t ON t.id = u.tenant_id
LEFT JOIN domains d ON d.tenant_id = t.id AND d.is_primary
WHERE u.id = sqlc.arg(id)
FOR SHARE OF u;

-- name: StartImpersonation :one
-- Makes a session on top of another one, which it does not outlive; false if that one has ended, or its user is not
-- above the other one.
SELECT start_impersonation(sqlc.arg(id), sqlc.arg(token_hash), sqlc.arg(user_id), sqlc.arg(sandbox_mode), sqlc.arg(user_agent),
    sqlc.narg(address), sqlc.arg(now), sqlc.arg(expires_at), sqlc.arg(parent_id), sqlc.arg(parent_user_id)) AS started;

-- name: ListMasquerade :many
-- The users of the sessions beneath one, the first of them who really acts, with when
-- the session ends and whether it is read-only.
SELECT u.id AS user_id, u.name, u.email, u.role, s.expires_at, s.read_only
FROM sessions s
CROSS JOIN unnest(s.ancestor_ids) WITH ORDINALITY AS a (id, n)
JOIN sessions p ON p.id = a.id
JOIN users u ON u.id = p.user_id
WHERE s.id = sqlc.arg(session_id)
ORDER BY a.n;

-- name: GetSessionBeneath :one
-- The session right beneath one of a masquerade, with its user.
SELECT p.id AS session_id, p.impersonator_id, sqlc.embed(u)
FROM sessions s
JOIN sessions p ON p.id = s.ancestor_ids[cardinality(s.ancestor_ids)]
JOIN users u ON u.id = p.user_id
WHERE s.id = sqlc.arg(session_id);
