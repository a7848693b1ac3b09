-- People who wait for a time to become free, and what people are to be told.

-- +goose Up
CREATE TABLE waitlist_entries (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    -- WAITING in the order of created_at; OFFERED a hold; BOOKED it; EXPIRED let it lapse.
    status text NOT NULL DEFAULT 'WAITING' CHECK (status IN ('WAITING', 'OFFERED', 'BOOKED', 'EXPIRED')),
    service_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- When the appointment may start; to_at is not included.
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL CHECK (to_at > from_at),
    -- All of them must be taken; none means whoever is free.
    resource_ids uuid[] NOT NULL,
    hold_id uuid,
    offer_expires_at timestamptz CHECK ((offer_expires_at IS NULL) = (status = 'WAITING')),
    appointment_id uuid,
    created_by uuid,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, id),
    CONSTRAINT waitlist_entries_service FOREIGN KEY (env_id, service_id) REFERENCES services (env_id, id)
        ON DELETE CASCADE DEFERRABLE,
    CONSTRAINT waitlist_entries_customer FOREIGN KEY (env_id, customer_id) REFERENCES customers (env_id, id)
        ON DELETE CASCADE DEFERRABLE,
    -- Holds that are over are removed after a day.
    CONSTRAINT waitlist_entries_hold FOREIGN KEY (env_id, hold_id) REFERENCES holds (env_id, id)
        ON DELETE SET NULL (hold_id) DEFERRABLE,
    CONSTRAINT waitlist_entries_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES appointments (env_id, id)
        ON DELETE SET NULL (appointment_id) DEFERRABLE
);
CREATE INDEX waitlist_entries_line ON waitlist_entries (env_id, created_at, id);
CREATE INDEX waitlist_entries_offered ON waitlist_entries (env_id, offer_expires_at) WHERE status = 'OFFERED';
CREATE INDEX waitlist_entries_service ON waitlist_entries (env_id, service_id);
CREATE INDEX waitlist_entries_customer ON waitlist_entries (env_id, customer_id);
CREATE INDEX waitlist_entries_hold ON waitlist_entries (env_id, hold_id) WHERE hold_id IS NOT NULL;
CREATE INDEX waitlist_entries_appointment ON waitlist_entries (env_id, appointment_id) WHERE appointment_id IS NOT NULL;
SELECT protect_business_table('waitlist_entries');

-- What somebody is to be told, written by the transaction that is the reason for it. How
-- and when it gets there is for the delivery to decide and to note.
CREATE TABLE notifications (
    env_id uuid NOT NULL REFERENCES environments ON DELETE CASCADE,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind ~ '^[a-z_]+\.[a-z_]+$'),
    channel text NOT NULL CHECK (channel IN ('EMAIL', 'SMS', 'IN_APP')),
    -- Exactly one recipient; the address is needed where there is neither customer nor user.
    customer_id uuid,
    user_id uuid,
    address text CHECK (length(address) BETWEEN 1 AND 254),
    data jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, id),
    CONSTRAINT notifications_recipient CHECK (num_nonnulls(customer_id, user_id, address) = 1),
    CONSTRAINT notifications_customer FOREIGN KEY (env_id, customer_id) REFERENCES customers (env_id, id)
        ON DELETE CASCADE DEFERRABLE,
    CONSTRAINT notifications_user FOREIGN KEY (env_id, user_id) REFERENCES users (env_id, id) ON DELETE CASCADE DEFERRABLE
);
CREATE INDEX notifications_newest ON notifications (env_id, created_at DESC, id DESC);
CREATE INDEX notifications_customer ON notifications (env_id, customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX notifications_user ON notifications (env_id, user_id) WHERE user_id IS NOT NULL;
SELECT protect_business_table('notifications');

-- +goose Down
DROP TABLE notifications, waitlist_entries;
