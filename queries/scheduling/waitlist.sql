-- name: GetWaitlistEntry :one
-- One entry; with only_customer_user_id, only if that user is its customer.
SELECT w.id, w.status, w.service_id, w.customer_id, w.from_at, w.to_at, w.resource_ids, w.hold_id, w.offer_expires_at,
       w.appointment_id, w.version, w.created_at, w.updated_at, s.name AS service_name, c.name AS customer_name
FROM waitlist_entries w
JOIN services s ON s.env_id = w.env_id AND s.id = w.service_id
JOIN customers c ON c.env_id = w.env_id AND c.id = w.customer_id
WHERE w.env_id = sqlc.arg(env_id) AND w.id = sqlc.arg(id)
  AND (sqlc.narg(only_customer_user_id)::uuid IS NULL OR c.user_id = sqlc.narg(only_customer_user_id));

-- name: ListWaitlistEntries :many
-- Entries in their line, the first one first, after the cursor.
SELECT w.id, w.status, w.service_id, w.customer_id, w.from_at, w.to_at, w.resource_ids, w.hold_id, w.offer_expires_at,
       w.appointment_id, w.version, w.created_at, w.updated_at, s.name AS service_name, c.name AS customer_name
FROM waitlist_entries w
JOIN services s ON s.env_id = w.env_id AND s.id = w.service_id
JOIN customers c ON c.env_id = w.env_id AND c.id = w.customer_id
WHERE w.env_id = sqlc.arg(env_id)
  AND (w.created_at, w.id) > (sqlc.arg(after_created_at)::timestamptz, sqlc.arg(after_id)::uuid)
  AND (sqlc.narg(status)::text IS NULL OR w.status = sqlc.narg(status))
  AND (sqlc.narg(service_id)::uuid IS NULL OR w.service_id = sqlc.narg(service_id))
  AND (sqlc.narg(customer_id)::uuid IS NULL OR w.customer_id = sqlc.narg(customer_id))
  AND (sqlc.narg(only_customer_user_id)::uuid IS NULL OR c.user_id = sqlc.narg(only_customer_user_id))
ORDER BY w.created_at, w.id
LIMIT sqlc.arg(row_limit);

-- name: InsertWaitlistEntry :execrows
-- Nothing is inserted if the customer waits for the service at an overlapping time already.
-- (Inserted without ON CONFLICT, two at once would wait for each other in a circle.)
INSERT INTO waitlist_entries (env_id, id, service_id, customer_id, from_at, to_at, resource_ids, created_by, created_at, updated_at)
VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(service_id), sqlc.arg(customer_id), sqlc.arg(from_at), sqlc.arg(to_at),
        sqlc.arg(resource_ids)::uuid[], sqlc.narg(created_by), sqlc.arg(now), sqlc.arg(now))
ON CONFLICT ON CONSTRAINT waitlist_entries_once DO NOTHING;

-- name: ListWaiting :many
-- Those who may want a time that starts between from_at and to_at, the first in line first,
-- after the cursor.
SELECT id, service_id, customer_id, from_at, to_at, resource_ids, created_at
FROM waitlist_entries
WHERE env_id = sqlc.arg(env_id) AND status = 'WAITING'
  AND (created_at, id) > (sqlc.arg(after_created_at)::timestamptz, sqlc.arg(after_id)::uuid)
  AND from_at < sqlc.arg(to_at)::timestamptz AND to_at > sqlc.arg(from_at)::timestamptz
  AND to_at > sqlc.arg(now)::timestamptz
ORDER BY created_at, id
LIMIT sqlc.arg(row_limit);

-- name: LockWaitlistEntry :one
-- Keeps others from offering it anything, and from deleting it, until the transaction ends.
SELECT status, hold_id FROM waitlist_entries
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
FOR UPDATE;

-- name: OfferWaitlistEntry :exec
-- Gives an entry that the transaction has locked a hold.
UPDATE waitlist_entries
SET status = 'OFFERED', hold_id = sqlc.arg(hold_id)::uuid, offer_expires_at = sqlc.arg(offer_expires_at)::timestamptz,
    version = version + 1, updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: EndWaitlistOffers :many
-- Says what has become of offers: BOOKED or EXPIRED.
UPDATE waitlist_entries
SET status = sqlc.arg(status), appointment_id = sqlc.narg(appointment_id), version = version + 1, updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND hold_id = ANY (sqlc.arg(hold_ids)::uuid[]) AND status = 'OFFERED'
RETURNING id;

-- name: ListLapsedOffers :many
-- The holds of offers whose time is over; of one customer, or of all (null).
SELECT hold_id::uuid FROM waitlist_entries
WHERE env_id = sqlc.arg(env_id) AND status = 'OFFERED' AND offer_expires_at <= sqlc.arg(now)::timestamptz
  AND hold_id IS NOT NULL
  AND (sqlc.narg(customer_id)::uuid IS NULL OR customer_id = sqlc.narg(customer_id))
ORDER BY hold_id;

-- name: EndOverEntries :many
-- Ends offers whose hold is gone by now, and what is waited for in vain; of one customer, or
-- of all (null).
UPDATE waitlist_entries
SET status = 'EXPIRED', version = version + 1, updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id)
  AND (status = 'OFFERED' AND hold_id IS NULL OR status = 'WAITING' AND to_at <= sqlc.arg(now)::timestamptz)
  AND (sqlc.narg(customer_id)::uuid IS NULL OR customer_id = sqlc.narg(customer_id))
RETURNING id;

-- name: DeleteWaitlistEntry :exec
DELETE FROM waitlist_entries WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: ListEnvironmentsWithOffers :many
-- All environments in which somebody has an offer, or waits while others hold something; for
-- the platform's role.
SELECT env_id FROM waitlist_entries WHERE status = 'OFFERED'
UNION
SELECT w.env_id FROM waitlist_entries w
WHERE w.status = 'WAITING' AND EXISTS (SELECT FROM holds h WHERE h.env_id = w.env_id AND h.status = 'ACTIVE')
ORDER BY env_id;

-- name: ListEnvironmentsWithWaiting :many
-- All environments in which somebody waits; for the platform's role.
SELECT DISTINCT env_id FROM waitlist_entries WHERE status = 'WAITING' ORDER BY env_id;
