-- Services and resources are read as ids, with the version of the catalogue that has their
-- names; see catalogue.sql. Every appointment has at least one resource.

-- name: GetAppointment :one
-- One appointment; with only_customer_user_id, only if that user is its customer.
SELECT a.id, a.series_id, a.status, a.start_at, a.end_at, a.service_id, a.customer_id, a.buffer_before_minutes, a.buffer_after_minutes,
       a.price_amount, a.price_currency, a.notes, a.cancellation_reason, a.cancelled_at, a.cancelled_late,
       a.cancellation_window_hours, a.cancellation_fee_percent, a.cancellation_fee_amount, a.cancellation_fee_waived, a.version, a.created_at, a.updated_at,
       c.name AS customer_name, a.attendee_name, a.attendee_email, a.attendee_phone, a.resource_ids,
       COALESCE((SELECT v.version FROM current_catalogues v WHERE v.env_id = sqlc.arg(env_id)),
                '00000000-0000-0000-0000-000000000000')::uuid AS catalog_version
FROM appointments a
JOIN customers c ON c.env_id = a.env_id AND c.id = a.customer_id
WHERE a.env_id = sqlc.arg(env_id) AND a.id = sqlc.arg(id)
  AND (sqlc.narg(only_customer_user_id)::uuid IS NULL OR c.user_id = sqlc.narg(only_customer_user_id));

-- name: LockAppointment :one
-- Keeps others from changing the appointment until the transaction ends. Its resources
-- are read by a later statement, which sees what the lock had to wait for.
SELECT version FROM appointments
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
FOR NO KEY UPDATE;

-- name: ListAppointmentsInRange :many
-- Appointments by start, after the cursor: the plain list, of which calendars are made.
SELECT a.id, a.series_id, a.status, a.start_at, a.end_at, a.service_id, a.customer_id, a.buffer_before_minutes, a.buffer_after_minutes,
       a.price_amount, a.price_currency, a.notes, a.cancellation_reason, a.cancelled_at, a.cancelled_late,
       a.cancellation_window_hours, a.cancellation_fee_percent, a.cancellation_fee_amount, a.cancellation_fee_waived, a.version, a.created_at, a.updated_at,
       c.name AS customer_name, a.attendee_name, a.attendee_email, a.attendee_phone, a.resource_ids,
       COALESCE((SELECT v.version FROM current_catalogues v WHERE v.env_id = sqlc.arg(env_id)),
                '00000000-0000-0000-0000-000000000000')::uuid AS catalog_version
FROM (
    SELECT p.env_id, p.id, p.series_id, p.status, p.start_at, p.end_at, p.service_id, p.customer_id, p.buffer_before_minutes,
           p.buffer_after_minutes, p.price_amount, p.price_currency, p.notes, p.cancellation_reason, p.cancelled_at,
           p.cancelled_late, p.cancellation_window_hours, p.cancellation_fee_percent, p.cancellation_fee_amount, p.cancellation_fee_waived,
           p.version, p.created_at, p.updated_at, p.attendee_name, p.attendee_email, p.attendee_phone, p.resource_ids
    FROM appointments p
    WHERE p.env_id = sqlc.arg(env_id)
      AND (p.start_at, p.id) > (sqlc.arg(after_start_at)::timestamptz, sqlc.arg(after_id)::uuid)
      AND p.start_at < sqlc.arg(to_start_at)::timestamptz
    ORDER BY p.start_at, p.id
    LIMIT sqlc.arg(row_limit)
) a
JOIN customers c ON c.env_id = a.env_id AND c.id = a.customer_id
ORDER BY a.start_at, a.id;

-- name: ListAppointmentsFiltered :many
-- The same with filters, which are applied to the rows of the range.
SELECT a.id, a.series_id, a.status, a.start_at, a.end_at, a.service_id, a.customer_id, a.buffer_before_minutes, a.buffer_after_minutes,
       a.price_amount, a.price_currency, a.notes, a.cancellation_reason, a.cancelled_at, a.cancelled_late,
       a.cancellation_window_hours, a.cancellation_fee_percent, a.cancellation_fee_amount, a.cancellation_fee_waived, a.version, a.created_at, a.updated_at,
       c.name AS customer_name, a.attendee_name, a.attendee_email, a.attendee_phone, a.resource_ids,
       COALESCE((SELECT v.version FROM current_catalogues v WHERE v.env_id = sqlc.arg(env_id)),
                '00000000-0000-0000-0000-000000000000')::uuid AS catalog_version
FROM (
    SELECT p.env_id, p.id, p.series_id, p.status, p.start_at, p.end_at, p.service_id, p.customer_id, p.buffer_before_minutes,
           p.buffer_after_minutes, p.price_amount, p.price_currency, p.notes, p.cancellation_reason, p.cancelled_at,
           p.cancelled_late, p.cancellation_window_hours, p.cancellation_fee_percent, p.cancellation_fee_amount, p.cancellation_fee_waived,
           p.version, p.created_at, p.updated_at, p.attendee_name, p.attendee_email, p.attendee_phone, p.resource_ids
    FROM appointments p
    WHERE p.env_id = sqlc.arg(env_id)
      AND (p.start_at, p.id) > (sqlc.arg(after_start_at)::timestamptz, sqlc.arg(after_id)::uuid)
      AND p.start_at < sqlc.arg(to_start_at)::timestamptz
      AND (sqlc.narg(statuses)::text[] IS NULL OR p.status = ANY (sqlc.narg(statuses)::text[]))
      AND (sqlc.narg(service_id)::uuid IS NULL OR p.service_id = sqlc.narg(service_id))
      AND (sqlc.narg(resource_ids)::uuid[] IS NULL OR p.resource_ids && sqlc.narg(resource_ids)::uuid[])
      AND (sqlc.narg(resource_id)::uuid IS NULL OR sqlc.narg(resource_id) = ANY (p.resource_ids))
    ORDER BY p.start_at, p.id
    LIMIT sqlc.arg(row_limit)
) a
JOIN customers c ON c.env_id = a.env_id AND c.id = a.customer_id
ORDER BY a.start_at, a.id;

-- name: ListAppointmentsOfCustomer :many
-- The same for one customer, from an index of its own.
SELECT a.id, a.series_id, a.status, a.start_at, a.end_at, a.service_id, a.customer_id, a.buffer_before_minutes, a.buffer_after_minutes,
       a.price_amount, a.price_currency, a.notes, a.cancellation_reason, a.cancelled_at, a.cancelled_late,
       a.cancellation_window_hours, a.cancellation_fee_percent, a.cancellation_fee_amount, a.cancellation_fee_waived, a.version, a.created_at, a.updated_at,
       c.name AS customer_name, a.attendee_name, a.attendee_email, a.attendee_phone, a.resource_ids,
       COALESCE((SELECT v.version FROM current_catalogues v WHERE v.env_id = sqlc.arg(env_id)),
                '00000000-0000-0000-0000-000000000000')::uuid AS catalog_version
FROM (
    SELECT p.env_id, p.id, p.series_id, p.status, p.start_at, p.end_at, p.service_id, p.customer_id, p.buffer_before_minutes,
           p.buffer_after_minutes, p.price_amount, p.price_currency, p.notes, p.cancellation_reason, p.cancelled_at,
           p.cancelled_late, p.cancellation_window_hours, p.cancellation_fee_percent, p.cancellation_fee_amount, p.cancellation_fee_waived,
           p.version, p.created_at, p.updated_at, p.attendee_name, p.attendee_email, p.attendee_phone, p.resource_ids
    FROM appointments p
    WHERE p.env_id = sqlc.arg(env_id) AND p.customer_id = sqlc.arg(customer_id)
      AND (p.start_at, p.id) > (sqlc.arg(after_start_at)::timestamptz, sqlc.arg(after_id)::uuid)
      AND p.start_at < sqlc.arg(to_start_at)::timestamptz
      AND (sqlc.narg(statuses)::text[] IS NULL OR p.status = ANY (sqlc.narg(statuses)::text[]))
      AND (sqlc.narg(service_id)::uuid IS NULL OR p.service_id = sqlc.narg(service_id))
      AND (sqlc.narg(resource_ids)::uuid[] IS NULL OR p.resource_ids && sqlc.narg(resource_ids)::uuid[])
      AND (sqlc.narg(resource_id)::uuid IS NULL OR sqlc.narg(resource_id) = ANY (p.resource_ids))
    ORDER BY p.start_at, p.id
    LIMIT sqlc.arg(row_limit)
) a
JOIN customers c ON c.env_id = a.env_id AND c.id = a.customer_id
ORDER BY a.start_at, a.id;

-- name: ListAppointmentsOfSeriesFiltered :many
-- The same for one series, from an index of its own.
SELECT a.id, a.series_id, a.status, a.start_at, a.end_at, a.service_id, a.customer_id, a.buffer_before_minutes, a.buffer_after_minutes,
       a.price_amount, a.price_currency, a.notes, a.cancellation_reason, a.cancelled_at, a.cancelled_late,
       a.cancellation_window_hours, a.cancellation_fee_percent, a.cancellation_fee_amount, a.cancellation_fee_waived, a.version, a.created_at, a.updated_at,
       c.name AS customer_name, a.attendee_name, a.attendee_email, a.attendee_phone, a.resource_ids,
       COALESCE((SELECT v.version FROM current_catalogues v WHERE v.env_id = sqlc.arg(env_id)),
                '00000000-0000-0000-0000-000000000000')::uuid AS catalog_version
FROM (
    SELECT p.env_id, p.id, p.series_id, p.status, p.start_at, p.end_at, p.service_id, p.customer_id, p.buffer_before_minutes,
           p.buffer_after_minutes, p.price_amount, p.price_currency, p.notes, p.cancellation_reason, p.cancelled_at,
           p.cancelled_late, p.cancellation_window_hours, p.cancellation_fee_percent, p.cancellation_fee_amount, p.cancellation_fee_waived,
           p.version, p.created_at, p.updated_at, p.attendee_name, p.attendee_email, p.attendee_phone, p.resource_ids
    FROM appointments p
    WHERE p.env_id = sqlc.arg(env_id) AND p.series_id = sqlc.arg(series_id)::uuid
      AND (p.start_at, p.id) > (sqlc.arg(after_start_at)::timestamptz, sqlc.arg(after_id)::uuid)
      AND p.start_at < sqlc.arg(to_start_at)::timestamptz
      AND (sqlc.narg(statuses)::text[] IS NULL OR p.status = ANY (sqlc.narg(statuses)::text[]))
      AND (sqlc.narg(customer_id)::uuid IS NULL OR p.customer_id = sqlc.narg(customer_id))
      AND (sqlc.narg(service_id)::uuid IS NULL OR p.service_id = sqlc.narg(service_id))
      AND (sqlc.narg(resource_ids)::uuid[] IS NULL OR p.resource_ids && sqlc.narg(resource_ids)::uuid[])
      AND (sqlc.narg(resource_id)::uuid IS NULL OR sqlc.narg(resource_id) = ANY (p.resource_ids))
    ORDER BY p.start_at, p.id
    LIMIT sqlc.arg(row_limit)
) a
JOIN customers c ON c.env_id = a.env_id AND c.id = a.customer_id
ORDER BY a.start_at, a.id;

-- name: InsertAppointment :one
-- Writes an appointment and takes its lanes, in one statement. If it does not get all of them,
-- because somebody else has one or a resource has changed, it says so: the caller must roll
-- back. It is no error, because it is nothing that an operator should look at. Lanes are taken in the order of resources, and by
-- speculative insertion (ON CONFLICT), so that rivals wait for each other but never in
-- a circle; the lock keeps the capacity as it is until commit. The constraint is named, so
-- that PostgreSQL looks for conflicts in its index only, and the lanes are found by the
-- places of their resources, because a join with unnest reads all resources there are.
WITH taken AS (
    INSERT INTO allocations (env_id, appointment_id, resource_id, lane, start_at, end_at)
    SELECT r.env_id, sqlc.arg(id)::uuid, r.id, (sqlc.arg(lanes)::int[])[array_position(sqlc.arg(resource_ids)::uuid[], r.id)],
           sqlc.arg(from_at), sqlc.arg(to_at)
    FROM resources r
    WHERE r.env_id = sqlc.arg(env_id) AND r.id = ANY (sqlc.arg(resource_ids)::uuid[]) AND r.is_active
      AND (sqlc.arg(lanes)::int[])[array_position(sqlc.arg(resource_ids)::uuid[], r.id)] < r.capacity
    ORDER BY r.id
    FOR KEY SHARE OF r
    ON CONFLICT ON CONSTRAINT allocations_no_overlap DO NOTHING
    RETURNING resource_id
), booked AS (
    INSERT INTO appointments (env_id, id, service_id, customer_id, status, start_at, end_at, buffer_before_minutes,
                              buffer_after_minutes, service_version, price_amount, price_currency, notes, quota_period,
                              created_by, created_at, updated_at, resource_ids, local_start_at, timezone, tzdata_version,
                              attendee_name, attendee_email, attendee_phone)
    VALUES (sqlc.arg(env_id), sqlc.arg(id)::uuid, sqlc.arg(service_id), sqlc.arg(customer_id), sqlc.arg(status),
            sqlc.arg(start_at), sqlc.arg(end_at), sqlc.arg(buffer_before_minutes), sqlc.arg(buffer_after_minutes),
            sqlc.arg(service_version), sqlc.arg(price_amount), sqlc.arg(price_currency), sqlc.arg(notes),
            sqlc.arg(quota_period), sqlc.narg(created_by), sqlc.arg(now), sqlc.arg(now), sqlc.arg(resource_ids)::uuid[],
            sqlc.arg(local_start_at)::timestamp, sqlc.arg(timezone)::text, sqlc.narg(tzdata_version),
            sqlc.narg(attendee_name), sqlc.narg(attendee_email), sqlc.narg(attendee_phone))
)
SELECT (cardinality(ARRAY (SELECT resource_id FROM taken)) = cardinality(sqlc.arg(resource_ids)::uuid[]))::boolean AS all_taken;

-- name: DeleteAllocations :exec
-- Frees the lanes of an appointment before it takes others.
DELETE FROM allocations WHERE env_id = sqlc.arg(env_id) AND appointment_id = sqlc.arg(appointment_id)::uuid;

-- name: MoveAppointment :many
-- Gives an appointment, which the transaction has locked, another time and other lanes,
-- and writes its history; see InsertAppointment for the form. A resource that does not come back
-- was not taken: the caller must roll back.
WITH taken AS (
    INSERT INTO allocations (env_id, appointment_id, resource_id, lane, start_at, end_at)
    SELECT r.env_id, sqlc.arg(id)::uuid, r.id, (sqlc.arg(lanes)::int[])[array_position(sqlc.arg(resource_ids)::uuid[], r.id)],
           sqlc.arg(from_at), sqlc.arg(to_at)
    FROM resources r
    WHERE r.env_id = sqlc.arg(env_id) AND r.id = ANY (sqlc.arg(resource_ids)::uuid[]) AND r.is_active
      AND (sqlc.arg(lanes)::int[])[array_position(sqlc.arg(resource_ids)::uuid[], r.id)] < r.capacity
    ORDER BY r.id
    FOR KEY SHARE OF r
    ON CONFLICT ON CONSTRAINT allocations_no_overlap DO NOTHING
    RETURNING resource_id
), moved AS (
    UPDATE appointments a
    SET status = sqlc.arg(status), start_at = sqlc.arg(start_at), end_at = sqlc.arg(end_at), version = sqlc.arg(version), updated_at = sqlc.arg(now),
        resource_ids = sqlc.arg(resource_ids)::uuid[], local_start_at = sqlc.arg(local_start_at)::timestamp,
        timezone = sqlc.arg(timezone)::text, tzdata_version = sqlc.narg(tzdata_version)
    WHERE a.env_id = sqlc.arg(env_id) AND a.id = sqlc.arg(id)
), noted AS (
    INSERT INTO appointment_changes (env_id, appointment_id, version, action, actor_user_id, actor_token_id, impersonator_user_id, occurred_at, changes)
    VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(version), 'RESCHEDULED', sqlc.narg(actor_user_id),
            sqlc.narg(actor_token_id), sqlc.narg(impersonator_user_id), sqlc.arg(now), sqlc.arg(changes))
)
SELECT resource_id FROM taken;

-- name: UpdateAppointment :exec
-- Writes notes and status of an appointment that the transaction has locked, and its
-- history. One that no longer holds its time frees its lanes.
WITH freed AS (
    UPDATE allocations l SET active = false
    WHERE l.env_id = sqlc.arg(env_id) AND l.appointment_id = sqlc.arg(id) AND l.active AND NOT sqlc.arg(holds_time)::boolean
), noted AS (
    INSERT INTO appointment_changes (env_id, appointment_id, version, action, actor_user_id, actor_token_id, impersonator_user_id, occurred_at, changes)
    VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(version), sqlc.arg(action), sqlc.narg(actor_user_id),
            sqlc.narg(actor_token_id), sqlc.narg(impersonator_user_id), sqlc.arg(now), sqlc.arg(changes))
)
UPDATE appointments a
SET status = sqlc.arg(status), notes = sqlc.arg(notes), cancellation_reason = sqlc.arg(cancellation_reason),
    cancelled_at = sqlc.narg(cancelled_at), cancelled_late = sqlc.narg(cancelled_late),
    cancellation_window_hours = sqlc.narg(cancellation_window_hours), cancellation_fee_percent = sqlc.narg(cancellation_fee_percent),
    cancellation_fee_amount = sqlc.narg(cancellation_fee_amount), cancellation_fee_waived = sqlc.narg(cancellation_fee_waived),
    version = sqlc.arg(version), updated_at = sqlc.arg(now)
WHERE a.env_id = sqlc.arg(env_id) AND a.id = sqlc.arg(id);

-- name: DeleteAppointment :one
-- Takes its allocations and its history along, and returns the month it counted in.
DELETE FROM appointments WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
RETURNING quota_period;

-- name: ListAppointmentChanges :many
-- The history of an appointment, oldest first, after the cursor.
SELECT version, action, actor_user_id, actor_token_id, impersonator_user_id, occurred_at, changes
FROM appointment_changes
WHERE env_id = sqlc.arg(env_id) AND appointment_id = sqlc.arg(appointment_id) AND version > sqlc.arg(after_version)
ORDER BY version
LIMIT sqlc.arg(row_limit);
