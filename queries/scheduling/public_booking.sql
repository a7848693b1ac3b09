-- name: InsertBookingCapability :exec
-- Lets whoever has the token get at a hold, or at an appointment.
INSERT INTO booking_capabilities (env_id, token_hash, hold_id, appointment_id, created_at)
VALUES (sqlc.arg(env_id), sqlc.arg(token_hash), sqlc.narg(hold_id), sqlc.narg(appointment_id), sqlc.arg(now));

-- name: GetBookingCapability :one
-- What a token is for.
SELECT hold_id, appointment_id FROM booking_capabilities
WHERE env_id = sqlc.arg(env_id) AND token_hash = sqlc.arg(token_hash);

-- name: LockBookingEmail :exec
-- Lets only one transaction at a time look for the customer with an address, and make one
-- if there is none.
SELECT pg_advisory_xact_lock(hashtextextended(sqlc.arg(env_id)::uuid::text || ' ' || sqlc.arg(email_lower)::text, 0));

-- name: ListCustomersByEmail :many
-- The customers with an address, written in any case; the oldest first.
SELECT id, status FROM customers
WHERE env_id = sqlc.arg(env_id) AND email_lower = sqlc.arg(email_lower)::text
ORDER BY created_at, id;

-- name: LockBookingNetwork :exec
-- Lets only one transaction at a time count the bookings of a network, and add one. It is
-- locked before the e-mail address.
SELECT pg_advisory_xact_lock(hashtextextended('booking ' || sqlc.arg(env_id)::uuid::text || ' ' || sqlc.arg(network_id)::uuid::text, 0));

-- name: CountPublicBookings :one
-- How many appointments to come have been booked by the public from a network, and for an
-- e-mail address.
SELECT count(*) FILTER (WHERE p.network_id = sqlc.arg(network_id)::uuid)::int AS of_network,
       count(*) FILTER (WHERE p.email_id = sqlc.arg(email_id)::uuid)::int AS of_email
FROM public_bookings p
JOIN appointments a ON a.env_id = p.env_id AND a.id = p.appointment_id
WHERE p.env_id = sqlc.arg(env_id) AND (p.network_id = sqlc.arg(network_id)::uuid OR p.email_id = sqlc.arg(email_id)::uuid)
  AND a.status IN ('PENDING', 'CONFIRMED') AND a.start_at > sqlc.arg(now)::timestamptz;

-- name: InsertPublicBooking :exec
-- Notes who has booked an appointment, and removes some of the notes about appointments that
-- are over. Nobody waits for that, and nothing depends on it. One that was moved is due later.
WITH due AS (
    SELECT p.appointment_id, a.end_at FROM public_bookings p
    JOIN appointments a ON a.env_id = p.env_id AND a.id = p.appointment_id
    WHERE p.env_id = sqlc.arg(env_id) AND p.due_at < sqlc.arg(now)::timestamptz
    ORDER BY p.due_at
    LIMIT 20
    FOR UPDATE OF p SKIP LOCKED
), removed AS (
    DELETE FROM public_bookings p USING due
    WHERE p.env_id = sqlc.arg(env_id) AND p.appointment_id = due.appointment_id AND due.end_at < sqlc.arg(now)::timestamptz
), postponed AS (
    UPDATE public_bookings p SET due_at = due.end_at FROM due
    WHERE p.env_id = sqlc.arg(env_id) AND p.appointment_id = due.appointment_id AND due.end_at >= sqlc.arg(now)::timestamptz
)
INSERT INTO public_bookings (env_id, appointment_id, network_id, email_id, due_at)
VALUES (sqlc.arg(env_id), sqlc.arg(appointment_id), sqlc.arg(network_id), sqlc.arg(email_id), sqlc.arg(due_at));
