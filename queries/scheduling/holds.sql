-- A hold is ACTIVE until it has become an appointment (BOOKED) or somebody who needed its
-- lanes has cleared them away (EXPIRED). One whose time is over holds nothing, whatever
-- its status says: every query here compares expires_at. One that is over keeps no resource
-- from being deleted, and so may know resources that are gone: none of them is returned.

-- name: GetHold :one
-- One hold; with only_customer_user_id, only if that user is its customer, and with
-- only_staff_user_id, only if that user made it or is one of its resources.
SELECT h.id, h.status, h.service_id, h.customer_id, h.start_at, h.end_at, h.buffer_before_minutes, h.buffer_after_minutes,
       h.service_version, h.price_amount, h.price_currency, h.expires_at, h.appointment_id, h.created_at,
       s.name AS service_name, s.requires_approval,
       ARRAY (SELECT r.id FROM unnest(h.resource_ids) WITH ORDINALITY AS u (id, n)
              JOIN resources r ON r.env_id = h.env_id AND r.id = u.id ORDER BY u.n)::uuid[] AS resource_ids,
       ARRAY (SELECT r.name FROM unnest(h.resource_ids) WITH ORDINALITY AS u (id, n)
              JOIN resources r ON r.env_id = h.env_id AND r.id = u.id ORDER BY u.n)::text[] AS resource_names,
       ARRAY (SELECT r.type FROM unnest(h.resource_ids) WITH ORDINALITY AS u (id, n)
              JOIN resources r ON r.env_id = h.env_id AND r.id = u.id ORDER BY u.n)::text[] AS resource_types
FROM holds h
JOIN services s ON s.env_id = h.env_id AND s.id = h.service_id
LEFT JOIN customers c ON c.env_id = h.env_id AND c.id = h.customer_id
WHERE h.env_id = sqlc.arg(env_id) AND h.id = sqlc.arg(id)
  AND (sqlc.narg(only_customer_user_id)::uuid IS NULL OR c.user_id = sqlc.narg(only_customer_user_id))
  AND (sqlc.narg(only_staff_user_id)::uuid IS NULL OR h.created_by = sqlc.narg(only_staff_user_id) OR EXISTS (
        SELECT FROM resources o
        WHERE o.env_id = h.env_id AND o.id = ANY (h.resource_ids) AND o.user_id = sqlc.narg(only_staff_user_id)));

-- name: LockHold :one
-- Keeps others from ending the hold until the transaction ends.
SELECT status FROM holds WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id) FOR UPDATE;

-- name: ListHolds :many
-- The holds that hold something, by their expiry, after the cursor; with what GetHold
-- says about the two users.
SELECT h.id, h.status, h.service_id, h.customer_id, h.start_at, h.end_at, h.buffer_before_minutes, h.buffer_after_minutes,
       h.service_version, h.price_amount, h.price_currency, h.expires_at, h.appointment_id, h.created_at,
       s.name AS service_name, s.requires_approval,
       ARRAY (SELECT r.id FROM unnest(h.resource_ids) WITH ORDINALITY AS u (id, n)
              JOIN resources r ON r.env_id = h.env_id AND r.id = u.id ORDER BY u.n)::uuid[] AS resource_ids,
       ARRAY (SELECT r.name FROM unnest(h.resource_ids) WITH ORDINALITY AS u (id, n)
              JOIN resources r ON r.env_id = h.env_id AND r.id = u.id ORDER BY u.n)::text[] AS resource_names,
       ARRAY (SELECT r.type FROM unnest(h.resource_ids) WITH ORDINALITY AS u (id, n)
              JOIN resources r ON r.env_id = h.env_id AND r.id = u.id ORDER BY u.n)::text[] AS resource_types
FROM holds h
JOIN services s ON s.env_id = h.env_id AND s.id = h.service_id
LEFT JOIN customers c ON c.env_id = h.env_id AND c.id = h.customer_id
WHERE h.env_id = sqlc.arg(env_id) AND h.status = 'ACTIVE'
  AND (h.expires_at, h.id) > (sqlc.arg(after_expires_at)::timestamptz, sqlc.arg(after_id)::uuid)
  AND h.expires_at > sqlc.arg(now)::timestamptz
  AND (sqlc.narg(only_customer_user_id)::uuid IS NULL OR c.user_id = sqlc.narg(only_customer_user_id))
  AND (sqlc.narg(only_staff_user_id)::uuid IS NULL OR h.created_by = sqlc.narg(only_staff_user_id) OR EXISTS (
        SELECT FROM resources o
        WHERE o.env_id = h.env_id AND o.id = ANY (h.resource_ids) AND o.user_id = sqlc.narg(only_staff_user_id)))
ORDER BY h.expires_at, h.id
LIMIT sqlc.arg(row_limit);

-- name: LockHolder :exec
-- Lets only one transaction at a time count the holds of somebody, and add one.
SELECT pg_advisory_xact_lock(hashtextextended('hold ' || sqlc.arg(env_id)::uuid::text || ' ' || sqlc.arg(holder_id)::uuid::text, 0));

-- name: CountHoldsOfHolder :one
-- How much somebody holds.
SELECT count(*)::int FROM holds
WHERE env_id = sqlc.arg(env_id) AND holder_id = sqlc.arg(holder_id)::uuid AND status = 'ACTIVE'
  AND expires_at > sqlc.arg(now)::timestamptz;

-- name: InsertHold :many
-- Writes a hold and takes its lanes, in one statement; see MoveAppointment for what comes
-- back, and InsertAppointment for the form.
WITH taken AS (
    INSERT INTO allocations (env_id, hold_id, resource_id, lane, start_at, end_at, expires_at)
    SELECT r.env_id, sqlc.arg(id)::uuid, r.id, (sqlc.arg(lanes)::int[])[array_position(sqlc.arg(resource_ids)::uuid[], r.id)],
           sqlc.arg(from_at), sqlc.arg(to_at), sqlc.arg(expires_at)::timestamptz
    FROM resources r
    WHERE r.env_id = sqlc.arg(env_id) AND r.id = ANY (sqlc.arg(resource_ids)::uuid[]) AND r.is_active
      AND (sqlc.arg(lanes)::int[])[array_position(sqlc.arg(resource_ids)::uuid[], r.id)] < r.capacity
    ORDER BY r.id
    FOR KEY SHARE OF r
    ON CONFLICT ON CONSTRAINT allocations_no_overlap DO NOTHING
    RETURNING resource_id
), held AS (
    INSERT INTO holds (env_id, id, service_id, customer_id, start_at, end_at, buffer_before_minutes, buffer_after_minutes,
                       service_version, price_amount, price_currency, resource_ids, expires_at, holder_id, created_by, created_at)
    VALUES (sqlc.arg(env_id), sqlc.arg(id)::uuid, sqlc.arg(service_id), sqlc.narg(customer_id), sqlc.arg(start_at), sqlc.arg(end_at),
            sqlc.arg(buffer_before_minutes), sqlc.arg(buffer_after_minutes), sqlc.arg(service_version), sqlc.arg(price_amount),
            sqlc.arg(price_currency), sqlc.arg(resource_ids)::uuid[], sqlc.arg(expires_at)::timestamptz, sqlc.narg(holder_id),
            sqlc.narg(created_by), sqlc.arg(now))
)
SELECT resource_id FROM taken;

-- name: BookHold :exec
-- Makes a hold, which the transaction has locked, an appointment: its lanes change their
-- owner and are never free in between.
WITH converted AS (
    UPDATE allocations l SET appointment_id = sqlc.arg(id)::uuid, hold_id = NULL, expires_at = NULL
    WHERE l.env_id = sqlc.arg(env_id) AND l.hold_id = sqlc.arg(hold_id)::uuid
), booked AS (
    UPDATE holds h SET status = 'BOOKED', appointment_id = sqlc.arg(id)::uuid
    WHERE h.env_id = sqlc.arg(env_id) AND h.id = sqlc.arg(hold_id)::uuid
)
INSERT INTO appointments (env_id, id, service_id, customer_id, status, start_at, end_at, buffer_before_minutes,
                          buffer_after_minutes, service_version, price_amount, price_currency, notes, quota_period,
                          created_by, created_at, updated_at, resource_ids, local_start_at, timezone, tzdata_version,
                          attendee_name, attendee_email, attendee_phone)
SELECT h.env_id, sqlc.arg(id)::uuid, h.service_id, sqlc.arg(customer_id), sqlc.arg(status), h.start_at, h.end_at,
       h.buffer_before_minutes, h.buffer_after_minutes, h.service_version, h.price_amount, h.price_currency, sqlc.arg(notes),
       sqlc.arg(quota_period), sqlc.narg(created_by), sqlc.arg(now), sqlc.arg(now), h.resource_ids,
       sqlc.arg(local_start_at)::timestamp, sqlc.arg(timezone)::text, sqlc.narg(tzdata_version),
       sqlc.narg(attendee_name), sqlc.narg(attendee_email), sqlc.narg(attendee_phone)
FROM holds h
WHERE h.env_id = sqlc.arg(env_id) AND h.id = sqlc.arg(hold_id)::uuid;

-- name: ExpireHolds :many
-- Clears the lanes of those of the holds whose time is over. They are locked in the order
-- of ids, as by everybody; what is booked or cleared meanwhile does not come back.
WITH due AS (
    SELECT h.id FROM holds h
    WHERE h.env_id = sqlc.arg(env_id) AND h.id = ANY (sqlc.arg(ids)::uuid[]) AND h.status = 'ACTIVE'
      AND h.expires_at <= sqlc.arg(now)::timestamptz
    ORDER BY h.id
    FOR UPDATE
), expired AS (
    UPDATE holds h SET status = 'EXPIRED' FROM due WHERE h.env_id = sqlc.arg(env_id) AND h.id = due.id
    RETURNING h.id
), freed AS (
    DELETE FROM allocations l USING expired e WHERE l.env_id = sqlc.arg(env_id) AND l.hold_id = e.id
)
SELECT id FROM expired;

-- name: ListExpiredHolds :many
-- Holds that are over and that nobody has cleared away yet, the longest over first.
SELECT id FROM holds
WHERE env_id = sqlc.arg(env_id) AND expires_at <= sqlc.arg(now)::timestamptz AND status = 'ACTIVE'
ORDER BY expires_at, id
LIMIT sqlc.arg(row_limit);

-- name: DeleteHold :exec
-- Frees its lanes too.
DELETE FROM holds WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: DeleteOldHolds :exec
-- Removes some of the holds that have been over for long. Nobody waits for it, and
-- nothing depends on it.
DELETE FROM holds h
USING (
    SELECT o.id FROM holds o
    WHERE o.env_id = sqlc.arg(env_id) AND o.expires_at < sqlc.arg(before)::timestamptz
    ORDER BY o.expires_at, o.id
    LIMIT 20
    FOR UPDATE SKIP LOCKED
) old
WHERE h.env_id = sqlc.arg(env_id) AND h.id = old.id;

-- name: DeleteExpiredAllocations :exec
-- Removes what holds that are over have left on a resource, so that it does not keep the
-- resource from being deleted.
DELETE FROM allocations
WHERE env_id = sqlc.arg(env_id) AND resource_id = sqlc.arg(resource_id) AND hold_id IS NOT NULL
  AND expires_at <= sqlc.arg(now)::timestamptz;
