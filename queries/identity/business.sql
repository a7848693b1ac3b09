-- name: GetBusiness :one
-- The settings of a tenant.
SELECT id, name, timezone, currency, primary_color, secondary_color, logo_url, contact_email, contact_phone, address,
       cancellation_window_hours, late_cancellation_fee_percent, resources_can_reschedule, customers_can_cancel,
       customers_can_reschedule, waitlist_offer_minutes, max_holds_per_customer, max_bookings_per_email, max_bookings_per_address, white_label_enabled, version, created_at, updated_at
FROM tenants
WHERE id = sqlc.arg(id);

-- name: GetBusinessForUpdate :one
-- The same, locked until the transaction ends.
SELECT id, name, timezone, currency, primary_color, secondary_color, logo_url, contact_email, contact_phone, address,
       cancellation_window_hours, late_cancellation_fee_percent, resources_can_reschedule, customers_can_cancel,
       customers_can_reschedule, waitlist_offer_minutes, max_holds_per_customer, max_bookings_per_email, max_bookings_per_address, white_label_enabled, version, created_at, updated_at
FROM tenants
WHERE id = sqlc.arg(id)
FOR NO KEY UPDATE;

-- name: UpdateBusiness :exec
-- Writes settings that the transaction has locked.
UPDATE tenants
SET name = sqlc.arg(name), timezone = sqlc.arg(timezone), currency = sqlc.arg(currency), primary_color = sqlc.arg(primary_color),
    secondary_color = sqlc.arg(secondary_color), logo_url = sqlc.narg(logo_url), contact_email = sqlc.arg(contact_email),
    contact_phone = sqlc.arg(contact_phone), address = sqlc.arg(address),
    cancellation_window_hours = sqlc.arg(cancellation_window_hours),
    late_cancellation_fee_percent = sqlc.arg(late_cancellation_fee_percent),
    resources_can_reschedule = sqlc.arg(resources_can_reschedule), customers_can_cancel = sqlc.arg(customers_can_cancel),
    customers_can_reschedule = sqlc.arg(customers_can_reschedule), waitlist_offer_minutes = sqlc.arg(waitlist_offer_minutes),
    max_holds_per_customer = sqlc.arg(max_holds_per_customer), max_bookings_per_email = sqlc.arg(max_bookings_per_email),
    max_bookings_per_address = sqlc.arg(max_bookings_per_address),
    white_label_enabled = sqlc.arg(white_label_enabled),
    version = sqlc.arg(version), updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id);
