-- How much of a business one person can book without signing in.

-- +goose Up
ALTER TABLE tenants
    -- Bookings that are still to come. Few share an e-mail address, many an address of the network.
    ADD COLUMN max_bookings_per_email int NOT NULL DEFAULT 10 CHECK (max_bookings_per_email BETWEEN 1 AND 1000),
    ADD COLUMN max_bookings_per_address int NOT NULL DEFAULT 50 CHECK (max_bookings_per_address BETWEEN 1 AND 1000);
GRANT UPDATE (max_bookings_per_email, max_bookings_per_address) ON tenants TO smoothschedule_app;
CREATE TABLE public_bookings (
    env_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    -- Numbers made of the address of the network, and of the e-mail address, and of the environment.
    network_id uuid NOT NULL,
    email_id uuid NOT NULL,
    -- When somebody should look whether the appointment is over, so that this can go.
    due_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, appointment_id),
    CONSTRAINT public_bookings_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES appointments (env_id, id)
        ON DELETE CASCADE DEFERRABLE
);
CREATE INDEX public_bookings_network ON public_bookings (env_id, network_id);
CREATE INDEX public_bookings_email ON public_bookings (env_id, email_id);
CREATE INDEX public_bookings_due ON public_bookings (env_id, due_at);
SELECT protect_business_table('public_bookings');

-- +goose Down
DROP TABLE public_bookings;
REVOKE UPDATE (max_bookings_per_email, max_bookings_per_address) ON tenants FROM smoothschedule_app;
ALTER TABLE tenants DROP COLUMN max_bookings_per_email, DROP COLUMN max_bookings_per_address;
