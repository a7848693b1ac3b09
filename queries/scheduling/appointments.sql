-- Appointments are read as flat rows, one for each of their resources; the rows of one
-- appointment follow each other. Every appointment has at least one resource.

-- name: GetAppointment :many
-- One appointment; with only_customer_user_id, only if that user is its customer, and
-- with only_staff_user_id, only if that user is one of its resources.
SELECT a.id, a.series_id, a.status, a.start_at, a.end_at, a.service_id, a.customer_id, a.buffer_before_minutes, a.buffer_after_minutes,
       a.price_amount, a.price_currency, a.notes, a.cancellation_reason, a.cancelled_at, a.cancelled_late,
       a.cancellation_window_hours, a.cancellation_fee_percent, a.cancellation_fee_amount, a.cancellation_fee_waived, a.version, a.created_at, a.updated_at,
       s.name AS service_name, c.name AS customer_name, r.id AS resource_id, r.name AS resource_name, r.type AS resource_type
FROM appointments a
JOIN services s ON s.env_id = a.env_id AND s.id = a.service_id
JOIN customers c ON c.env_id = a.env_id AND c.id = a.customer_id
JOIN resources r ON r.env_id = a.env_id AND r.id = ANY (a.resource_ids)
WHERE a.env_id = sqlc.arg(env_id) AND a.id = sqlc.arg(id)
  AND (sqlc.narg(only_customer_user_id)::uuid IS NULL OR c.user_id = sqlc.narg(only_customer_user_id))
  AND (sqlc.narg(only_staff_user_id)::uuid IS NULL OR EXISTS (
        SELECT FROM resources o
        WHERE o.env_id = a.env_id AND o.id = ANY (a.resource_ids) AND o.user_id = sqlc.narg(only_staff_user_id)));

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
       s.name AS service_name, c.name AS customer_name, r.id AS resource_id, r.name AS resource_name, r.type AS resource_type
FROM (
    SELECT p.env_id, p.id, p.series_id, p.status, p.start_at, p.end_at, p.service_id, p.customer_id, p.buffer_before_minutes,
           p.buffer_after_minutes, p.price_amount, p.price_currency, p.notes, p.cancellation_reason, p.cancelled_at,
           p.cancelled_late, p.cancellation_window_hours, p.cancellation_fee_percent, p.cancellation_fee_amount, p.cancellation_fee_waived,
           p.version, p.created_at, p.updated_at, p.resource_ids
    FROM appointments p
    WHERE p.env_id = sqlc.arg(env_id)
      AND (p.start_at, p.id) > (sqlc.arg(after_start_at)::timestamptz, sqlc.arg(after_id)::uuid)
      AND p.start_at < sqlc.arg(to_start_at)::timestamptz
    ORDER BY p.start_at, p.id
    LIMIT sqlc.arg(row_limit)
) a
JOIN services s ON s.env_id = a.env_id AND s.id = a.service_id
JOIN customers c ON c.env_id = a.env_id AND c.id = a.customer_id
JOIN resources r ON r.env_id = a.env_id AND r.id = ANY (a.resource_ids)
ORDER BY a.start_at, a.id;

-- name: ListAppointmentsFiltered :many
-- The same with filters, which are applied to the rows of the range.
SELECT a.id, a.series_id, a.status, a.start_at, a.end_at, a.service_id, a.customer_id, a.buffer_before_minutes, a.buffer_after_minutes,
       a.price_amount, a.price_currency, a.notes, a.cancellation_reason, a.cancelled_at, a.cancelled_late,
       a.cancellation_window_hours, a.cancellation_fee_percent, a.cancellation_fee_amount, a.cancellation_fee_waived, a.version, a.created_at, a.updated_at,
       s.name AS service_name, c.name AS customer_name, r.id AS resource_id, r.name AS resource_name, r.type AS resource_type
FROM (
    SELECT p.env_id, p.id, p.series_id, p.status, p.start_at, p.end_at, p.service_id, p.customer_id, p.buffer_before_minutes,
           p.buffer_after_minutes, p.price_amount, p.price_currency, p.notes, p.cancellation_reason, p.cancelled_at,
           p.cancelled_late, p.cancellation_window_hours, p.cancellation_fee_percent, p.cancellation_fee_amount, p.cancellation_fee_waived,
           p.version, p.created_at, p.updated_at, p.resource_ids
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
JOIN services s ON s.env_id = a.env_id AND s.id = a.service_id
JOIN customers c ON c.env_id = a.env_id AND c.id = a.customer_id
JOIN resources r ON r.env_id = a.env_id AND r.id = ANY (a.resource_ids)
ORDER BY a.start_at, a.id;

-- name: ListAppointmentsOfCustomer :many
-- The same for one customer, from an index of its own.
SELECT a.id, a.series_id, a.status, a.start_at, a.end_at, a.service_id, a.customer_id, a.buffer_before_minutes, a.buffer_after_minutes,
       a.price_amount, a.price_currency, a.notes, a.cancellation_reason, a.cancelled_at, a.cancelled_late,
       a.cancellation_window_hours, a.cancellation_fee_percent, a.cancellation_fee_amount, a.cancellation_fee_waived, a.version, a.created_at, a.updated_at,
       s.name AS service_name, c.name AS customer_name, r.id AS resource_id, r.name AS resource_name, r.type AS resource_type
FROM (
    SELECT p.env_id, p.id, p.series_id, p.status, p.start_at, p.end_at, p.service_id, p.customer_id, p.buffer_before_minutes,
           p.buffer_after_minutes, p.price_amount, p.price_currency, p.notes, p.cancellation_reason, p.cancelled_at,
           p.cancelled_late, p.cancellation_window_hours, p.cancellation_fee_percent, p.cancellation_fee_amount, p.cancellation_fee_waived,
           p.version, p.created_at, p.updated_at, p.resource_ids
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
JOIN services s ON s.env_id = a.env_id AND s.id = a.service_id
JOIN customers c ON c.env_id = a.env_id AND c.id = a.customer_id
JOIN resources r ON r.env_id = a.env_id AND r.id = ANY (a.resource_ids)
ORDER BY a.start_at, a.id;

-- name: GetBookingSnapshot :many
-- Everything that decides whether a service can start at any time from first_start to
-- last_start, which may be the same: the service and the customer (null if they do not
-- exist) on every row, and the resources that may be taken, once for each of their
-- allocations in the window (null if there is none). Those are the requested ones and,
-- unless they fill every requirement, all active ones that a requirement accepts. The
-- window is from_at to to_at, or what the service takes for these starts; where there is a
-- choice, it also has day_from to day_to, by which those are found who have least to do.
--
-- Under row-level security, a calculation with columns is no index condition; that is why
-- the ends of the window are sub-selects. An allocation is at most 48 hours long, which
-- bounds the piece of the index. Allocations of holds (those that expire) are returned when
-- they are over, too: whoever needs their lanes must clear them first.
WITH requirement AS MATERIALIZED (
    SELECT q.position, q.resource_type
    FROM service_requirements q
    WHERE q.env_id = sqlc.arg(env_id) AND q.service_id = sqlc.arg(service_id)
), choice AS MATERIALIZED (
    SELECT cardinality(sqlc.arg(requested_ids)::uuid[]) < GREATEST(count(*), 1) AS is_open FROM requirement
), service AS MATERIALIZED (
    SELECT s.name, s.version, s.duration_minutes, s.buffer_before_minutes, s.buffer_after_minutes, s.price_amount,
           s.price_currency, s.requires_approval, s.is_active, s.slot_step_minutes, s.min_notice_minutes, s.horizon_days,
           s.max_per_day, s.max_per_week,
           LEAST(COALESCE(sqlc.narg(from_at)::timestamptz,
                     sqlc.arg(first_start)::timestamptz - make_interval(mins => s.buffer_before_minutes)),
               CASE WHEN c.is_open THEN sqlc.narg(day_from)::timestamptz END) AS from_at,
           GREATEST(COALESCE(sqlc.narg(to_at)::timestamptz,
                     sqlc.arg(last_start)::timestamptz + make_interval(mins => s.duration_minutes + s.buffer_after_minutes)),
               CASE WHEN c.is_open THEN sqlc.narg(day_to)::timestamptz END) AS to_at
    FROM services s, choice c
    WHERE s.env_id = sqlc.arg(env_id) AND s.id = sqlc.arg(service_id)
), named AS MATERIALIZED (
    SELECT n.position, n.resource_id
    FROM service_requirement_resources n
    WHERE n.env_id = sqlc.arg(env_id) AND n.service_id = sqlc.arg(service_id)
)
SELECT s.name AS service_name, s.version AS service_version, s.duration_minutes, s.buffer_before_minutes,
       s.buffer_after_minutes, s.price_amount, s.price_currency, s.requires_approval, s.is_active AS service_is_active,
       s.slot_step_minutes, s.min_notice_minutes, s.horizon_days, s.max_per_day, s.max_per_week,
       (EXISTS (SELECT FROM schedules h WHERE h.env_id = sqlc.arg(env_id))
           OR EXISTS (SELECT FROM time_off f WHERE f.env_id = sqlc.arg(env_id)))::boolean AS has_schedules,
       COALESCE((SELECT v.last_sequence FROM event_sequences v WHERE v.env_id = sqlc.arg(env_id)), 0)::bigint AS sequence,
       ARRAY (SELECT q.resource_type FROM requirement q ORDER BY q.position)::text[] AS requirement_types,
       ARRAY (SELECT n.position FROM named n ORDER BY n.position, n.resource_id)::int[] AS named_positions,
       ARRAY (SELECT n.resource_id FROM named n ORDER BY n.position, n.resource_id)::uuid[] AS named_resource_ids,
       c.name AS customer_name, c.status AS customer_status,
       r.id AS resource_id, r.name AS resource_name, r.type AS resource_type, r.capacity AS resource_capacity,
       r.is_active AS resource_is_active, r.user_id AS resource_user_id, r.weight AS resource_weight,
       r.max_per_day AS resource_max_per_day, r.max_per_week AS resource_max_per_week,
       l.lane AS busy_lane, l.start_at AS busy_start_at, l.end_at AS busy_end_at, l.owner_id AS busy_owner_id,
       l.expires_at AS busy_expires_at,
       COALESCE(b.buffer_before_minutes, h.buffer_before_minutes, 0)::int AS busy_buffer_before_minutes,
       COALESCE(b.buffer_after_minutes, h.buffer_after_minutes, 0)::int AS busy_buffer_after_minutes
FROM (SELECT sqlc.arg(env_id)::uuid AS env_id) e
LEFT JOIN service s ON true
LEFT JOIN customers c ON c.env_id = e.env_id AND c.id = sqlc.arg(customer_id)
LEFT JOIN resources r ON r.env_id = e.env_id AND r.id IN (
    SELECT unnest(sqlc.arg(requested_ids)::uuid[])
    UNION
    SELECT o.id
    FROM resources o
    WHERE o.env_id = sqlc.arg(env_id) AND o.is_active
      AND (SELECT c.is_open FROM choice c)
      AND (EXISTS (
               SELECT FROM requirement q LEFT JOIN named n ON n.position = q.position
               WHERE q.resource_type = o.type AND (n.resource_id IS NULL OR n.resource_id = o.id))
           OR o.type IN ('STAFF', 'ROOM') AND NOT EXISTS (SELECT FROM requirement))
)
LEFT JOIN allocations l ON l.env_id = r.env_id AND l.resource_id = r.id AND l.active
    AND l.owner_id <> sqlc.arg(except_owner_id)
    AND l.start_at < (SELECT w.to_at FROM service w)
    AND l.start_at > (SELECT w.from_at FROM service w) - interval '48 hours'
    AND l.end_at > (SELECT w.from_at FROM service w)
-- The buffers in allocations decide nothing, but an explanation tells them apart.
-- (As a filter of the join, the condition would be looked at after the row has been found.)
LEFT JOIN appointments b ON b.env_id = l.env_id AND b.id = CASE WHEN sqlc.arg(with_buffers)::boolean THEN l.appointment_id END
LEFT JOIN holds h ON h.env_id = l.env_id AND h.id = CASE WHEN sqlc.arg(with_buffers)::boolean THEN l.hold_id END
ORDER BY r.id;

-- name: GetSnapshotOfRequested :many
-- GetBookingSnapshot for a start and requested resources that fill every requirement: the
-- same rows, without the sequence and buffers. Where they leave some open, which
-- requirement_types tells, it has too few resources; whoever asks must see to that. It
-- stands by itself because PostgreSQL prepares every part of a statement, also those that
-- never run, and this one is part of every booking.
WITH service AS MATERIALIZED (
    SELECT s.name, s.version, s.duration_minutes, s.buffer_before_minutes, s.buffer_after_minutes, s.price_amount,
           s.price_currency, s.requires_approval, s.is_active, s.slot_step_minutes, s.min_notice_minutes, s.horizon_days,
           s.max_per_day, s.max_per_week,
           COALESCE(sqlc.narg(from_at)::timestamptz,
               sqlc.arg(start_at)::timestamptz - make_interval(mins => s.buffer_before_minutes)) AS from_at,
           COALESCE(sqlc.narg(to_at)::timestamptz,
               sqlc.arg(start_at)::timestamptz + make_interval(mins => s.duration_minutes + s.buffer_after_minutes)) AS to_at
    FROM services s
    WHERE s.env_id = sqlc.arg(env_id) AND s.id = sqlc.arg(service_id)
)
SELECT s.name AS service_name, s.version AS service_version, s.duration_minutes, s.buffer_before_minutes,
       s.buffer_after_minutes, s.price_amount, s.price_currency, s.requires_approval, s.is_active AS service_is_active,
       s.slot_step_minutes, s.min_notice_minutes, s.horizon_days, s.max_per_day, s.max_per_week,
       (EXISTS (SELECT FROM schedules h WHERE h.env_id = sqlc.arg(env_id))
           OR EXISTS (SELECT FROM time_off f WHERE f.env_id = sqlc.arg(env_id)))::boolean AS has_schedules,
       ARRAY (SELECT q.resource_type FROM service_requirements q
              WHERE q.env_id = sqlc.arg(env_id) AND q.service_id = sqlc.arg(service_id) ORDER BY q.position)::text[] AS requirement_types,
       ARRAY (SELECT n.position FROM service_requirement_resources n
              WHERE n.env_id = sqlc.arg(env_id) AND n.service_id = sqlc.arg(service_id)
              ORDER BY n.position, n.resource_id)::int[] AS named_positions,
       ARRAY (SELECT n.resource_id FROM service_requirement_resources n
              WHERE n.env_id = sqlc.arg(env_id) AND n.service_id = sqlc.arg(service_id)
              ORDER BY n.position, n.resource_id)::uuid[] AS named_resource_ids,
       c.name AS customer_name, c.status AS customer_status,
       r.id AS resource_id, r.name AS resource_name, r.type AS resource_type, r.capacity AS resource_capacity,
       r.is_active AS resource_is_active, r.user_id AS resource_user_id, r.weight AS resource_weight,
       r.max_per_day AS resource_max_per_day, r.max_per_week AS resource_max_per_week,
       l.lane AS busy_lane, l.start_at AS busy_start_at, l.end_at AS busy_end_at, l.owner_id AS busy_owner_id,
       l.expires_at AS busy_expires_at
FROM (SELECT sqlc.arg(env_id)::uuid AS env_id) e
LEFT JOIN service s ON true
LEFT JOIN customers c ON c.env_id = e.env_id AND c.id = sqlc.arg(customer_id)
LEFT JOIN resources r ON r.env_id = e.env_id AND r.id = ANY (sqlc.arg(requested_ids)::uuid[])
LEFT JOIN allocations l ON l.env_id = r.env_id AND l.resource_id = r.id AND l.active
    AND l.owner_id <> sqlc.arg(except_owner_id)
    AND l.start_at < (SELECT w.to_at FROM service w)
    AND l.start_at > (SELECT w.from_at FROM service w) - interval '48 hours'
    AND l.end_at > (SELECT w.from_at FROM service w)
ORDER BY r.id;

-- name: InsertAppointment :many
-- Writes an appointment and takes its lanes, in one statement. A resource that does not
-- come back was not taken, because somebody else has the lane or the resource has
-- changed: the caller must roll back. Lanes are taken in the order of resources, and by
-- speculative insertion (ON CONFLICT), so that rivals wait for each other but never in
-- a circle; the lock keeps the capacity as it is until commit.
WITH taken AS (
    INSERT INTO allocations (env_id, appointment_id, resource_id, lane, start_at, end_at)
    SELECT r.env_id, sqlc.arg(id)::uuid, r.id, wanted.lane, sqlc.arg(from_at), sqlc.arg(to_at)
    FROM (SELECT unnest(sqlc.arg(resource_ids)::uuid[]) AS resource_id, unnest(sqlc.arg(lanes)::int[]) AS lane) wanted
    JOIN resources r ON r.env_id = sqlc.arg(env_id) AND r.id = wanted.resource_id
    WHERE r.is_active AND wanted.lane < r.capacity
    ORDER BY r.id
    FOR KEY SHARE OF r
    ON CONFLICT DO NOTHING
    RETURNING resource_id
), booked AS (
    INSERT INTO appointments (env_id, id, service_id, customer_id, status, start_at, end_at, buffer_before_minutes,
                              buffer_after_minutes, service_version, price_amount, price_currency, notes, quota_period,
                              created_by, created_at, updated_at, resource_ids, local_start_at, timezone, tzdata_version)
    VALUES (sqlc.arg(env_id), sqlc.arg(id)::uuid, sqlc.arg(service_id), sqlc.arg(customer_id), sqlc.arg(status),
            sqlc.arg(start_at), sqlc.arg(end_at), sqlc.arg(buffer_before_minutes), sqlc.arg(buffer_after_minutes),
            sqlc.arg(service_version), sqlc.arg(price_amount), sqlc.arg(price_currency), sqlc.arg(notes),
            sqlc.arg(quota_period), sqlc.narg(created_by), sqlc.arg(now), sqlc.arg(now), sqlc.arg(resource_ids)::uuid[],
            sqlc.arg(local_start_at)::timestamp, sqlc.arg(timezone)::text, sqlc.narg(tzdata_version))
)
SELECT resource_id FROM taken;

-- name: DeleteAllocations :exec
-- Frees the lanes of an appointment before it takes others.
DELETE FROM allocations WHERE env_id = sqlc.arg(env_id) AND appointment_id = sqlc.arg(appointment_id)::uuid;

-- name: MoveAppointment :many
-- Gives an appointment, which the transaction has locked, another time and other lanes,
-- and writes its history; see InsertAppointment for what comes back.
WITH taken AS (
    INSERT INTO allocations (env_id, appointment_id, resource_id, lane, start_at, end_at)
    SELECT r.env_id, sqlc.arg(id)::uuid, r.id, wanted.lane, sqlc.arg(from_at), sqlc.arg(to_at)
    FROM (SELECT unnest(sqlc.arg(resource_ids)::uuid[]) AS resource_id, unnest(sqlc.arg(lanes)::int[]) AS lane) wanted
    JOIN resources r ON r.env_id = sqlc.arg(env_id) AND r.id = wanted.resource_id
    WHERE r.is_active AND wanted.lane < r.capacity
    ORDER BY r.id
    FOR KEY SHARE OF r
    ON CONFLICT DO NOTHING
    RETURNING resource_id
), moved AS (
    UPDATE appointments a
    SET status = sqlc.arg(status), start_at = sqlc.arg(start_at), end_at = sqlc.arg(end_at), version = sqlc.arg(version), updated_at = sqlc.arg(now),
        resource_ids = sqlc.arg(resource_ids)::uuid[], local_start_at = sqlc.arg(local_start_at)::timestamp,
        timezone = sqlc.arg(timezone)::text, tzdata_version = sqlc.narg(tzdata_version)
    WHERE a.env_id = sqlc.arg(env_id) AND a.id = sqlc.arg(id)
), noted AS (
    INSERT INTO appointment_changes (env_id, appointment_id, version, action, actor_user_id, occurred_at, changes)
    VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(version), 'RESCHEDULED', sqlc.narg(actor_user_id), sqlc.arg(now),
            sqlc.arg(changes))
)
SELECT resource_id FROM taken;

-- name: UpdateAppointment :exec
-- Writes notes and status of an appointment that the transaction has locked, and its
-- history. One that no longer holds its time frees its lanes.
WITH freed AS (
    UPDATE allocations l SET active = false
    WHERE l.env_id = sqlc.arg(env_id) AND l.appointment_id = sqlc.arg(id) AND l.active AND NOT sqlc.arg(holds_time)::boolean
), noted AS (
    INSERT INTO appointment_changes (env_id, appointment_id, version, action, actor_user_id, occurred_at, changes)
    VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(version), sqlc.arg(action), sqlc.narg(actor_user_id), sqlc.arg(now),
            sqlc.arg(changes))
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
SELECT version, action, actor_user_id, occurred_at, changes
FROM appointment_changes
WHERE env_id = sqlc.arg(env_id) AND appointment_id = sqlc.arg(appointment_id) AND version > sqlc.arg(after_version)
ORDER BY version
LIMIT sqlc.arg(row_limit);
