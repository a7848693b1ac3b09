-- name: InsertEnvironment :exec
-- Creates one of the two environments of a tenant.
INSERT INTO environments (id, tenant_id, name, is_sandbox) VALUES ($1, $2, $3, $4);

-- name: InsertEventSequence :exec
-- Starts the event feed of a new environment.
INSERT INTO event_sequences (env_id, last_sequence) VALUES ($1, 0);

-- name: ListTenantsWithoutSandbox :many
-- Tenants that have a live environment only, with its name (R-135).
SELECT e.tenant_id, e.name FROM environments e
WHERE NOT e.is_sandbox
  AND NOT EXISTS (SELECT FROM environments s WHERE s.tenant_id = e.tenant_id AND s.is_sandbox)
ORDER BY e.name;

-- name: EmptyEnvironment :exec
-- Deletes all business rows of the environment of the transaction; refuses a live one.
SELECT empty_environment();
