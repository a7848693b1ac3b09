-- name: GetCustomer :one
-- One customer; with only_user_id, only if it is that user's own record.
SELECT id, name, email, phone, city, state, zip, notes, status, tags, user_id, version, created_at, updated_at
FROM customers
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
  AND (sqlc.narg(only_user_id)::uuid IS NULL OR user_id = sqlc.narg(only_user_id));

-- name: GetCustomerForUpdate :one
-- One customer, locked until the transaction ends; bookings go on.
SELECT id, name, email, phone, city, state, zip, notes, status, tags, user_id, version, created_at, updated_at
FROM customers
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id)
FOR NO KEY UPDATE;

-- name: GetCustomerIDOfUser :one
-- The customer that a user signs in as.
SELECT id FROM customers WHERE env_id = sqlc.arg(env_id) AND user_id = sqlc.arg(user_id)::uuid;

-- name: ListCustomers :many
-- Customers, newest first, after the cursor: the plain list, for which the planner must
-- not mistake filters that are absent for selective ones.
SELECT id, name, email, phone, city, state, zip, notes, status, tags, user_id, version, created_at, updated_at
FROM customers
WHERE env_id = sqlc.arg(env_id)
  AND (created_at, id) < (sqlc.arg(before_created_at)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(row_limit);

-- name: ListCustomersFiltered :many
-- The same with filters; pattern is for ILIKE.
SELECT id, name, email, phone, city, state, zip, notes, status, tags, user_id, version, created_at, updated_at
FROM customers
WHERE env_id = sqlc.arg(env_id)
  AND (created_at, id) < (sqlc.arg(before_created_at)::timestamptz, sqlc.arg(before_id)::uuid)
  AND (sqlc.narg(only_user_id)::uuid IS NULL OR user_id = sqlc.narg(only_user_id))
  AND (sqlc.narg(status)::text IS NULL OR status = sqlc.narg(status))
  AND (sqlc.narg(tag)::text IS NULL OR sqlc.narg(tag) = ANY (tags))
  AND (sqlc.narg(pattern)::text IS NULL
       OR name ILIKE sqlc.narg(pattern) OR email ILIKE sqlc.narg(pattern) OR phone ILIKE sqlc.narg(pattern))
ORDER BY created_at DESC, id DESC
LIMIT sqlc.arg(row_limit);

-- name: InsertCustomer :exec
INSERT INTO customers (env_id, id, name, email, phone, city, state, zip, notes, status, tags, user_id, created_at, updated_at)
VALUES (sqlc.arg(env_id), sqlc.arg(id), sqlc.arg(name), sqlc.arg(email), sqlc.arg(phone), sqlc.arg(city), sqlc.arg(state),
        sqlc.arg(zip), sqlc.arg(notes), sqlc.arg(status), sqlc.arg(tags), sqlc.narg(user_id), sqlc.arg(now), sqlc.arg(now));

-- name: UpdateCustomer :exec
-- Writes a customer that the transaction has locked.
UPDATE customers
SET name = sqlc.arg(name), email = sqlc.arg(email), phone = sqlc.arg(phone), city = sqlc.arg(city), state = sqlc.arg(state),
    zip = sqlc.arg(zip), notes = sqlc.arg(notes), status = sqlc.arg(status), tags = sqlc.arg(tags),
    user_id = sqlc.narg(user_id), version = sqlc.arg(version), updated_at = sqlc.arg(now)
WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);

-- name: DeleteCustomer :exec
-- Fails on the foreign key of their appointments.
DELETE FROM customers WHERE env_id = sqlc.arg(env_id) AND id = sqlc.arg(id);
