-- name: GetResource :one
-- One resource.
SELECT id, name, type, description, capacity, weight, max_per_day, max_per_week, is_active, user_id, version, created_at,
       updated_at
FROM resources
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: GetResourceForUpdate :one
-- The same, locked until the transaction ends. The lock is the strongest one, so that
-- a change of capacity or type and the bookings and services that rely on it, which
-- lock the row FOR KEY SHARE, happen one after the other.
SELECT id, name, type, description, capacity, weight, max_per_day, max_per_week, is_active, user_id, version, created_at,
       updated_at
FROM resources
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
FOR UPDATE;

-- name: ListResources :many
-- Resources by name, after the cursor.
SELECT id, name, type, description, capacity, weight, max_per_day, max_per_week, is_active, user_id, version, created_at,
       updated_at
FROM resources
WHERE env_id = sqlc.arg(env_id)
  AND (name, id) > (sqlc.arg(after_name)::text, sqlc.arg(after_id)::uuid)
  AND (sqlc.narg(type)::text IS NULL OR type = sqlc.narg(type))
  AND (sqlc.narg(is_active)::boolean IS NULL OR is_active = sqlc.narg(is_active))
ORDER BY name, id
LIMIT sqlc.arg(row_limit);

-- name: ListResourceIDsOfUser :many
-- The resources that a user signs in as.
SELECT id FROM resources
WHERE env_id = sqlc.arg(env_id) AND user_id = sqlc.arg(user_id)::uuid
ORDER BY id;

-- name: InsertResource :exec
INSERT INTO resources (env_id, id, name, type, description, capacity, weight, max_per_day, max_per_week, is_active, user_id,
                       created_at, updated_at)
VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(name), sqlc.arg(type), sqlc.arg(description), sqlc.arg(capacity),
        sqlc.arg(weight), sqlc.narg(max_per_day), sqlc.narg(max_per_week), sqlc.arg(is_active), sqlc.narg(user_id),
        sqlc.arg(now), sqlc.arg(now));

-- name: UpdateResource :exec
-- Writes a resource that the transaction has locked.
UPDATE resources
SET name = sqlc.arg(name), type = sqlc.arg(type), description = sqlc.arg(description), capacity = sqlc.arg(capacity),
    weight = sqlc.arg(weight), max_per_day = sqlc.narg(max_per_day), max_per_week = sqlc.narg(max_per_week),
    is_active = sqlc.arg(is_active), user_id = sqlc.narg(user_id), version = sqlc.arg(version), updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: DeleteResource :exec
-- Fails on the foreign keys of what refers to it.
DELETE FROM resources WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: CountLanesToCome :one
-- How many lanes a resource must keep: one more than the highest that an appointment, or a
-- hold that is not over, has now or later.
SELECT COALESCE(max(lane) + 1, 0)::int AS lanes
FROM allocations
WHERE env_id = sqlc.arg(env_id) AND resource_id = sqlc.arg(resource_id) AND active
  AND start_at > sqlc.arg(now)::timestamptz - interval '48 hours' AND end_at > sqlc.arg(now)
  AND (expires_at IS NULL OR expires_at > sqlc.arg(now));

-- name: IsResourceNamedByService :one
-- Whether a service names the resource, and so relies on its type.
SELECT EXISTS (
    SELECT FROM service_requirement_resources WHERE env_id = sqlc.arg(env_id) AND resource_id = sqlc.arg(resource_id)
);

-- name: LockResources :exec
-- Keeps all others from booking the resources until the transaction ends; in the order
-- of ids, in which everybody locks them.
SELECT FROM resources
WHERE env_id = sqlc.arg(env_id) AND id = ANY (sqlc.arg(ids)::uuid[])
ORDER BY id
FOR UPDATE;
