-- name: LockLimitedService :exec
-- Lets only one transaction at a time book a service that has limits, until it ends: who
-- waited counts what the others have booked. One without limits is not locked.
SELECT FROM services
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id) AND num_nonnulls(max_per_day, max_per_week) > 0
FOR NO KEY UPDATE;

-- name: LockLimitedResources :exec
-- The same for resources of which some have limits; in the order of ids, in which everybody
-- locks them. Those who book one of them where no limit counts do not wait for it.
SELECT FROM resources
WHERE env_id = sqlc.arg(env_id) AND id = ANY (sqlc.arg(ids)::uuid[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: ListDueHolds :many
-- The holds of the service, or of one of the resources, that are over and that nobody has
-- cleared away yet. Those who asked before they were over may still be booking them.
SELECT h.id
FROM holds h
WHERE h.env_id = sqlc.arg(env_id) AND h.status = 'ACTIVE' AND h.expires_at <= sqlc.arg(now)::timestamptz
  AND h.start_at >= sqlc.arg(from_at)::timestamptz AND h.start_at < sqlc.arg(to_at)::timestamptz
  AND (h.service_id = sqlc.arg(service_id) OR h.resource_ids && sqlc.arg(resource_ids)::uuid[])
ORDER BY h.id;
