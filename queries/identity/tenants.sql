-- name: InsertTenant :exec
INSERT INTO tenants (id, name, plan_version_id, timezone, currency, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(plan_version_id), sqlc.arg(timezone), sqlc.arg(currency), sqlc.arg(now), sqlc.arg(now));

-- name: InsertEnvironment :execrows
-- Creates one of the two environments of a tenant; no row if the tenant has it already,
-- or the name is taken. Naming one of the constraints here would let the other one fail
-- when two transactions insert the same at the same time.
INSERT INTO environments (id, tenant_id, name, is_sandbox) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING;

-- name: InsertEventSequence :exec
-- Starts the event feed of a new environment.
INSERT INTO event_sequences (env_id, last_sequence) VALUES ($1, 0);

-- name: InsertDomain :exec
INSERT INTO domains (id, tenant_id, kind, name, is_primary, verified_at) VALUES ($1, $2, $3, $4, $5, $6);

-- name: GetPublishedPlanVersion :one
-- The version of a plan that new tenants get.
SELECT v.id FROM plan_versions v JOIN plans p ON p.id = v.plan_id
WHERE p.code = sqlc.arg(code) AND v.status = 'PUBLISHED';

-- name: GetTenantIDByDomain :one
-- Whoever is served at the name, else whoever gave it up or claims it.
SELECT tenant_id FROM domains WHERE name = $1
ORDER BY verified_at NULLS LAST, created_at LIMIT 1;

-- name: ListTenantsWithoutSandbox :many
-- Tenants that have a live environment only, with its name (R-135).
SELECT e.tenant_id, e.name FROM environments e
WHERE NOT e.is_sandbox
  AND NOT EXISTS (SELECT FROM environments s WHERE s.tenant_id = e.tenant_id AND s.is_sandbox)
ORDER BY e.name;
