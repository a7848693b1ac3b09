-- name: InsertSeries :exec
INSERT INTO series (env_id, id, service_id, customer_id, start_at, rrule, timezone, resource_ids, notes, created_by, created_at,
                    updated_at)
VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(service_id), sqlc.arg(customer_id), sqlc.arg(start_at), sqlc.arg(rrule),
        sqlc.arg(timezone), sqlc.arg(resource_ids)::uuid[], sqlc.arg(notes), sqlc.narg(created_by), sqlc.arg(now), sqlc.arg(now));

-- name: GetSeries :one
-- One series; with only_customer_user_id, only if that user is its customer, and with
-- only_staff_user_id, only if that user is a resource of one of its appointments.
SELECT q.id, q.service_id, q.customer_id, q.start_at, q.rrule, q.timezone, q.resource_ids, q.notes, q.version, q.created_at,
       q.updated_at, s.name AS service_name, c.name AS customer_name
FROM series q
JOIN services s ON s.env_id = q.env_id AND s.id = q.service_id
JOIN customers c ON c.env_id = q.env_id AND c.id = q.customer_id
WHERE q.env_id = sqlc.arg(env_id) AND q.id = sqlc.arg(id)
  AND (sqlc.narg(only_customer_user_id)::uuid IS NULL OR c.user_id = sqlc.narg(only_customer_user_id))
  AND (sqlc.narg(only_staff_user_id)::uuid IS NULL OR EXISTS (
        SELECT FROM appointments a
        JOIN resources o ON o.env_id = a.env_id AND o.id = ANY (a.resource_ids)
        WHERE a.env_id = sqlc.arg(env_id) AND a.series_id = q.id AND o.user_id = sqlc.narg(only_staff_user_id)));

-- name: ListSeries :many
-- Series, newest first, before the cursor; what a viewer sees is as in GetSeries.
SELECT q.id, q.service_id, q.customer_id, q.start_at, q.rrule, q.timezone, q.resource_ids, q.notes, q.version, q.created_at,
       q.updated_at, s.name AS service_name, c.name AS customer_name
FROM series q
JOIN services s ON s.env_id = q.env_id AND s.id = q.service_id
JOIN customers c ON c.env_id = q.env_id AND c.id = q.customer_id
WHERE q.env_id = sqlc.arg(env_id)
  AND q.id < sqlc.arg(before_id)::uuid
  AND (sqlc.narg(customer_id)::uuid IS NULL OR q.customer_id = sqlc.narg(customer_id))
  AND (sqlc.narg(service_id)::uuid IS NULL OR q.service_id = sqlc.narg(service_id))
  AND (sqlc.narg(only_customer_user_id)::uuid IS NULL OR c.user_id = sqlc.narg(only_customer_user_id))
  AND (sqlc.narg(only_staff_user_id)::uuid IS NULL OR EXISTS (
        SELECT FROM appointments a
        JOIN resources o ON o.env_id = a.env_id AND o.id = ANY (a.resource_ids)
        WHERE a.env_id = sqlc.arg(env_id) AND a.series_id = q.id AND o.user_id = sqlc.narg(only_staff_user_id)))
ORDER BY q.id DESC
LIMIT sqlc.arg(row_limit);

-- name: LockSeries :exec
-- Keeps others from changing the series until the transaction ends.
SELECT FROM series WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id) FOR NO KEY UPDATE;

-- name: LockAppointmentsOfSeries :exec
-- Keeps others from changing the appointments, in one order; see LockAppointment.
SELECT FROM appointments WHERE env_id = sqlc.arg(env_id) AND series_id = sqlc.arg(series_id)::uuid
ORDER BY id
FOR NO KEY UPDATE;

-- name: UpdateSeries :exec
-- Counts a change of a series that the transaction has locked.
UPDATE series SET version = sqlc.arg(version), updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: ListAppointmentsOfSeries :many
-- The appointments of a series in the order of their start, as in GetAppointment.
SELECT a.id, a.series_id, a.status, a.start_at, a.end_at, a.service_id, a.customer_id, a.buffer_before_minutes, a.buffer_after_minutes,
       a.price_amount, a.price_currency, a.notes, a.cancellation_reason, a.cancelled_at, a.cancelled_late,
       a.cancellation_window_hours, a.cancellation_fee_percent, a.cancellation_fee_amount, a.cancellation_fee_waived, a.version, a.created_at, a.updated_at,
       c.name AS customer_name, a.attendee_name, a.attendee_email, a.attendee_phone, a.resource_ids,
       COALESCE((SELECT v.version FROM current_catalogues v WHERE v.env_id = sqlc.arg(env_id)),
                '00000000-0000-0000-0000-000000000000')::uuid AS catalog_version
FROM appointments a
JOIN customers c ON c.env_id = a.env_id AND c.id = a.customer_id
WHERE a.env_id = sqlc.arg(env_id) AND a.series_id = sqlc.arg(series_id)::uuid
  AND (sqlc.narg(only_customer_user_id)::uuid IS NULL OR c.user_id = sqlc.narg(only_customer_user_id))
  AND (sqlc.narg(only_staff_user_id)::uuid IS NULL OR EXISTS (
        SELECT FROM resources o
        WHERE o.env_id = a.env_id AND o.id = ANY (a.resource_ids) AND o.user_id = sqlc.narg(only_staff_user_id)))
ORDER BY a.start_at, a.id;

-- name: ListAllocationsInWindows :many
-- What takes the lanes of the resources in the windows, which are more than 48 hours apart
-- from each other, so that nothing lies in two. The earliest start that reaches into a
-- window is given, because a calculation would be no index condition.
SELECT l.resource_id, l.lane, l.start_at, l.end_at, l.owner_id, l.expires_at
FROM (SELECT unnest(sqlc.arg(earliest_starts)::timestamptz[]) AS earliest, unnest(sqlc.arg(from_ats)::timestamptz[]) AS from_at,
             unnest(sqlc.arg(to_ats)::timestamptz[]) AS to_at) w
CROSS JOIN unnest(sqlc.arg(resource_ids)::uuid[]) AS r (id)
JOIN allocations l ON l.env_id = sqlc.arg(env_id) AND l.resource_id = r.id AND l.active
    AND l.start_at < w.to_at AND l.start_at > w.earliest AND l.end_at > w.from_at
ORDER BY l.resource_id, l.start_at, l.lane;

-- name: InsertAppointmentsOfSeries :one
-- Writes the appointments of a series and takes their lanes, in one statement, and returns
-- how many lanes it got; with fewer than wanted the caller must roll back. The lanes of all
-- of them are taken in one order, for the reasons given at InsertAppointment.
WITH wanted AS (
    SELECT unnest(sqlc.arg(appointment_ids)::uuid[]) AS appointment_id, unnest(sqlc.arg(resource_ids)::uuid[]) AS resource_id,
           unnest(sqlc.arg(lanes)::int[]) AS lane, unnest(sqlc.arg(from_ats)::timestamptz[]) AS from_at,
           unnest(sqlc.arg(to_ats)::timestamptz[]) AS to_at
), taken AS (
    INSERT INTO allocations (env_id, appointment_id, resource_id, lane, start_at, end_at)
    SELECT r.env_id, w.appointment_id, r.id, w.lane, w.from_at, w.to_at
    FROM wanted w
    JOIN resources r ON r.env_id = sqlc.arg(env_id) AND r.id = w.resource_id
    WHERE r.is_active AND w.lane < r.capacity
    ORDER BY r.id, w.lane, w.from_at
    FOR KEY SHARE OF r
    ON CONFLICT ON CONSTRAINT allocations_no_overlap DO NOTHING
    RETURNING resource_id
), booked AS (
    INSERT INTO appointments (env_id, id, series_id, service_id, customer_id, status, start_at, end_at, buffer_before_minutes,
                              buffer_after_minutes, service_version, price_amount, price_currency, notes, quota_period,
                              created_by, created_at, updated_at, resource_ids, local_start_at, timezone, tzdata_version)
    SELECT sqlc.arg(env_id), b.id, sqlc.arg(series_id)::uuid, sqlc.arg(service_id), sqlc.arg(customer_id), sqlc.arg(status),
           b.start_at, b.end_at, sqlc.arg(buffer_before_minutes), sqlc.arg(buffer_after_minutes), sqlc.arg(service_version),
           sqlc.arg(price_amount), sqlc.arg(price_currency), sqlc.arg(notes), sqlc.arg(quota_period), sqlc.narg(created_by),
           sqlc.arg(now), sqlc.arg(now), ARRAY (SELECT w.resource_id FROM wanted w WHERE w.appointment_id = b.id ORDER BY w.resource_id),
           b.local_start_at, sqlc.arg(timezone)::text, sqlc.narg(tzdata_version)
    FROM (SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(start_ats)::timestamptz[]) AS start_at,
                 unnest(sqlc.arg(end_ats)::timestamptz[]) AS end_at, unnest(sqlc.arg(local_start_ats)::timestamp[]) AS local_start_at) b
)
SELECT count(*) FROM taken;

-- name: DeleteAllocationsOfAppointments :exec
-- Frees the lanes of appointments before they take others.
DELETE FROM allocations WHERE env_id = sqlc.arg(env_id) AND appointment_id = ANY (sqlc.arg(appointment_ids)::uuid[]);

-- name: MoveAppointments :one
-- Gives appointments, which the transaction has locked, other times and other lanes, and
-- writes their history; see InsertAppointmentsOfSeries for what comes back.
WITH wanted AS (
    SELECT unnest(sqlc.arg(appointment_ids)::uuid[]) AS appointment_id, unnest(sqlc.arg(resource_ids)::uuid[]) AS resource_id,
           unnest(sqlc.arg(lanes)::int[]) AS lane, unnest(sqlc.arg(from_ats)::timestamptz[]) AS from_at,
           unnest(sqlc.arg(to_ats)::timestamptz[]) AS to_at
), moving AS (
    SELECT unnest(sqlc.arg(ids)::uuid[]) AS id, unnest(sqlc.arg(start_ats)::timestamptz[]) AS start_at,
           unnest(sqlc.arg(end_ats)::timestamptz[]) AS end_at, unnest(sqlc.arg(versions)::int[]) AS version,
           unnest(sqlc.arg(changes)::text[]) AS changes, unnest(sqlc.arg(local_start_ats)::timestamp[]) AS local_start_at
), taken AS (
    INSERT INTO allocations (env_id, appointment_id, resource_id, lane, start_at, end_at)
    SELECT r.env_id, w.appointment_id, r.id, w.lane, w.from_at, w.to_at
    FROM wanted w
    JOIN resources r ON r.env_id = sqlc.arg(env_id) AND r.id = w.resource_id
    WHERE r.is_active AND w.lane < r.capacity
    ORDER BY r.id, w.lane, w.from_at
    FOR KEY SHARE OF r
    ON CONFLICT ON CONSTRAINT allocations_no_overlap DO NOTHING
    RETURNING resource_id
), moved AS (
    UPDATE appointments a
    SET start_at = m.start_at, end_at = m.end_at, version = m.version, updated_at = sqlc.arg(now),
        resource_ids = ARRAY (SELECT w.resource_id FROM wanted w WHERE w.appointment_id = m.id ORDER BY w.resource_id),
        local_start_at = m.local_start_at, timezone = sqlc.arg(timezone)::text, tzdata_version = sqlc.narg(tzdata_version)
    FROM moving m
    WHERE a.env_id = sqlc.arg(env_id) AND a.id = m.id
), noted AS (
    INSERT INTO appointment_changes (env_id, appointment_id, version, action, actor_user_id, actor_token_id, impersonator_user_id, occurred_at, changes)
    SELECT sqlc.arg(env_id), m.id, m.version, 'RESCHEDULED', sqlc.narg(actor_user_id), sqlc.narg(actor_token_id), sqlc.narg(impersonator_user_id),
        sqlc.arg(now), m.changes::jsonb
    FROM moving m
)
SELECT count(*) FROM taken;
