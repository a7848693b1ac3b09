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
