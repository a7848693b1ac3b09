-- Requirements are read as arrays: the types in the order of their positions, which
-- start at 1 without gaps, and the named resources as pairs of position and id.

-- name: GetService :one
-- One service with its requirements.
SELECT s.id, s.name, s.description, s.duration_minutes, s.buffer_before_minutes, s.buffer_after_minutes,
       s.slot_step_minutes, s.min_notice_minutes, s.horizon_days, s.max_per_day, s.max_per_week, s.price_amount, s.price_currency,
       s.requires_approval, s.is_active, s.version, s.created_at, s.updated_at,
       ARRAY (SELECT q.resource_type FROM service_requirements q
              WHERE q.env_id = s.env_id AND q.service_id = s.id
              ORDER BY q.position)::text[] AS requirement_types,
       ARRAY (SELECT n.position FROM service_requirement_resources n
              WHERE n.env_id = s.env_id AND n.service_id = s.id
              ORDER BY n.position, n.resource_id)::int[] AS named_positions,
       ARRAY (SELECT n.resource_id FROM service_requirement_resources n
              WHERE n.env_id = s.env_id AND n.service_id = s.id
              ORDER BY n.position, n.resource_id)::uuid[] AS named_resource_ids
FROM services s
WHERE s.env_id = sqlc.arg(env_id) AND s.id = sqlc.arg(id);

-- name: LockService :one
-- Keeps others from changing the service until the transaction ends; bookings go on.
SELECT version FROM services
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
FOR NO KEY UPDATE;

-- name: ListServices :many
-- Services by name with their requirements, after the cursor.
SELECT s.id, s.name, s.description, s.duration_minutes, s.buffer_before_minutes, s.buffer_after_minutes,
       s.slot_step_minutes, s.min_notice_minutes, s.horizon_days, s.max_per_day, s.max_per_week, s.price_amount, s.price_currency,
       s.requires_approval, s.is_active, s.version, s.created_at, s.updated_at,
       ARRAY (SELECT q.resource_type FROM service_requirements q
              WHERE q.env_id = s.env_id AND q.service_id = s.id
              ORDER BY q.position)::text[] AS requirement_types,
       ARRAY (SELECT n.position FROM service_requirement_resources n
              WHERE n.env_id = s.env_id AND n.service_id = s.id
              ORDER BY n.position, n.resource_id)::int[] AS named_positions,
       ARRAY (SELECT n.resource_id FROM service_requirement_resources n
              WHERE n.env_id = s.env_id AND n.service_id = s.id
              ORDER BY n.position, n.resource_id)::uuid[] AS named_resource_ids
FROM services s
WHERE s.env_id = sqlc.arg(env_id)
  AND (s.name, s.id) > (sqlc.arg(after_name)::text, sqlc.arg(after_id)::uuid)
  AND (sqlc.narg(is_active)::boolean IS NULL OR s.is_active = sqlc.narg(is_active))
ORDER BY s.name, s.id
LIMIT sqlc.arg(row_limit);

-- name: InsertService :exec
INSERT INTO services (env_id, id, name, description, duration_minutes, buffer_before_minutes, buffer_after_minutes,
                      slot_step_minutes, min_notice_minutes, horizon_days, max_per_day, max_per_week, price_amount,
                      price_currency, requires_approval, is_active, created_at, updated_at)
VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(name), sqlc.arg(description), sqlc.arg(duration_minutes),
        sqlc.arg(buffer_before_minutes), sqlc.arg(buffer_after_minutes), sqlc.arg(slot_step_minutes), sqlc.arg(min_notice_minutes),
        sqlc.narg(horizon_days), sqlc.narg(max_per_day), sqlc.narg(max_per_week), sqlc.arg(price_amount), sqlc.arg(price_currency),
        sqlc.arg(requires_approval), sqlc.arg(is_active), sqlc.arg(now), sqlc.arg(now));

-- name: UpdateService :exec
-- Writes a service that the transaction has locked.
UPDATE services
SET name = sqlc.arg(name), description = sqlc.arg(description), duration_minutes = sqlc.arg(duration_minutes),
    buffer_before_minutes = sqlc.arg(buffer_before_minutes), buffer_after_minutes = sqlc.arg(buffer_after_minutes),
    slot_step_minutes = sqlc.arg(slot_step_minutes), min_notice_minutes = sqlc.arg(min_notice_minutes),
    horizon_days = sqlc.narg(horizon_days), max_per_day = sqlc.narg(max_per_day), max_per_week = sqlc.narg(max_per_week),
    price_amount = sqlc.arg(price_amount), price_currency = sqlc.arg(price_currency),
    requires_approval = sqlc.arg(requires_approval), is_active = sqlc.arg(is_active), version = sqlc.arg(version),
    updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: DeleteService :exec
-- Takes its requirements along; fails on the foreign key of its appointments.
DELETE FROM services WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: DeleteServiceRequirements :exec
-- Takes the resources that they name along.
DELETE FROM service_requirements WHERE env_id = sqlc.arg(env_id) AND service_id = sqlc.arg(service_id);

-- name: InsertServiceRequirements :exec
-- Requirements in the order of their types.
INSERT INTO service_requirements (env_id, service_id, position, resource_type)
SELECT sqlc.arg(env_id), sqlc.arg(service_id), t.position, t.resource_type
FROM unnest(sqlc.arg(resource_types)::text[]) WITH ORDINALITY AS t (resource_type, position);

-- name: InsertServiceRequirementResources :many
-- The resources that requirements name. What does not come back does not exist, or is
-- not of the type of its requirement; the lock keeps the type as it is until commit.
INSERT INTO service_requirement_resources (env_id, service_id, position, resource_id)
SELECT r.env_id, q.service_id, q.position, r.id
FROM (SELECT unnest(sqlc.arg(positions)::int[]) AS position, unnest(sqlc.arg(resource_ids)::uuid[]) AS resource_id) wanted
JOIN service_requirements q
  ON q.env_id = sqlc.arg(env_id) AND q.service_id = sqlc.arg(service_id) AND q.position = wanted.position
JOIN resources r ON r.env_id = sqlc.arg(env_id) AND r.id = wanted.resource_id AND r.type = q.resource_type
ORDER BY r.id
FOR KEY SHARE OF r
ON CONFLICT DO NOTHING
RETURNING position, resource_id;
