-- The settings of a business: how it presents itself, and by which policies it lets
-- appointments be changed. Both of its modes share them (R-027, R-160).

-- +goose Up
ALTER TABLE tenants
    ADD COLUMN primary_color text NOT NULL DEFAULT '#3B82F6' CHECK (primary_color ~ '^#[0-9A-F]{6}$'),
    ADD COLUMN secondary_color text NOT NULL DEFAULT '#10B981' CHECK (secondary_color ~ '^#[0-9A-F]{6}$'),
    ADD COLUMN logo_url text CHECK (logo_url ~ '^https://' AND length(logo_url) <= 2048),
    ADD COLUMN contact_email text NOT NULL DEFAULT '' CHECK (length(contact_email) <= 254),
    ADD COLUMN contact_phone text NOT NULL DEFAULT '' CHECK (length(contact_phone) <= 40),
    ADD COLUMN address text NOT NULL DEFAULT '' CHECK (length(address) <= 500),
    -- Cancelling, or moving by customers, within so many hours before the start is late.
    ADD COLUMN cancellation_window_hours int NOT NULL DEFAULT 24 CHECK (cancellation_window_hours BETWEEN 0 AND 8760),
    ADD COLUMN late_cancellation_fee_percent int NOT NULL DEFAULT 0 CHECK (late_cancellation_fee_percent BETWEEN 0 AND 100),
    ADD COLUMN resources_can_reschedule boolean NOT NULL DEFAULT false,
    ADD COLUMN customers_can_cancel boolean NOT NULL DEFAULT true,
    ADD COLUMN customers_can_reschedule boolean NOT NULL DEFAULT true,
    -- How long a place is kept for somebody on the waitlist.
    ADD COLUMN waitlist_offer_minutes int NOT NULL DEFAULT 60 CHECK (waitlist_offer_minutes BETWEEN 5 AND 1440);

-- No more than what the owner of a business may change: neither its plan nor its status.
GRANT UPDATE (name, timezone, currency, primary_color, secondary_color, logo_url, contact_email, contact_phone, address,
              cancellation_window_hours, late_cancellation_fee_percent, resources_can_reschedule, customers_can_cancel,
              customers_can_reschedule, waitlist_offer_minutes, version, updated_at)
    ON tenants TO smoothschedule_app;

-- +goose Down
REVOKE UPDATE (name, timezone, currency, version, updated_at) ON tenants FROM smoothschedule_app;
ALTER TABLE tenants
    DROP COLUMN primary_color, DROP COLUMN secondary_color, DROP COLUMN logo_url, DROP COLUMN contact_email,
    DROP COLUMN contact_phone, DROP COLUMN address, DROP COLUMN cancellation_window_hours,
    DROP COLUMN late_cancellation_fee_percent, DROP COLUMN resources_can_reschedule, DROP COLUMN customers_can_cancel,
    DROP COLUMN customers_can_reschedule, DROP COLUMN waitlist_offer_minutes;
