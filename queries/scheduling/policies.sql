-- name: GetPolicies :one
-- Who may change appointments, and what cancelling costs; the settings of the business,
-- which are not an environment's.
SELECT cancellation_window_hours, late_cancellation_fee_percent, resources_can_reschedule, customers_can_cancel,
       customers_can_reschedule, waitlist_offer_minutes, max_holds_per_customer, max_bookings_per_email, max_bookings_per_address
FROM tenants
WHERE id = sqlc.arg(tenant_id);
