-- name: CountBookingsByDate :many
-- How many appointments start on each date of the business's zone: those of the service
-- (no resource), and those that take each of the given resources (null is all). Cancelled
-- ones and no-shows do not count, and holds do until they are over.
SELECT b.resource_id::uuid AS resource_id, b.date::date AS date, b.n::int AS n
FROM count_bookings_by_date(sqlc.arg(env_id)::uuid, sqlc.arg(service_id)::uuid, sqlc.narg(resource_ids)::uuid[],
    sqlc.arg(except_owner_id)::uuid, sqlc.arg(timezone)::text, sqlc.arg(from_at)::timestamptz, sqlc.arg(to_at)::timestamptz,
    sqlc.arg(now)::timestamptz) AS b (resource_id, date, n);
