-- Resources, services, customers, appointments, and the allocations that decide
-- whether a slot is taken.
--
-- Foreign keys between business tables are composite (env_id first), so that a
-- sandbox row cannot point at a live one, and deferrable, so that an environment
-- can be emptied in any order of tables.

-- +goose Up
CREATE TABLE resources (
    env_id uuid NOT NULL REFERENCES environments ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    type text NOT NULL CHECK (type IN ('STAFF', 'ROOM', 'EQUIPMENT')),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    -- How many appointments may hold the resource at the same time.
    capacity int NOT NULL DEFAULT 1 CHECK (capacity BETWEEN 1 AND 1000),
    is_active boolean NOT NULL DEFAULT true,
    user_id uuid,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, id),
    CONSTRAINT resources_user FOREIGN KEY (env_id, user_id) REFERENCES users (env_id, id)
        ON DELETE SET NULL (user_id) DEFERRABLE
);
CREATE INDEX resources_name ON resources (env_id, name, id);
CREATE INDEX resources_user ON resources (env_id, user_id) WHERE user_id IS NOT NULL;
SELECT protect_business_table('resources');

CREATE TABLE services (
    env_id uuid NOT NULL REFERENCES environments ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    -- An allocation is at most duration and both buffers long: two days. Queries
    -- for busy times rely on it to read a bounded piece of the index.
    duration_minutes int NOT NULL CHECK (duration_minutes BETWEEN 1 AND 1440),
    buffer_before_minutes int NOT NULL DEFAULT 0 CHECK (buffer_before_minutes BETWEEN 0 AND 720),
    buffer_after_minutes int NOT NULL DEFAULT 0 CHECK (buffer_after_minutes BETWEEN 0 AND 720),
    price_amount bigint NOT NULL CHECK (price_amount >= 0),
    price_currency text NOT NULL CHECK (price_currency ~ '^[A-Z]{3}$'),
    requires_approval boolean NOT NULL DEFAULT false,
    is_active boolean NOT NULL DEFAULT true,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, id)
);
CREATE INDEX services_name ON services (env_id, name, id);
SELECT protect_business_table('services');

-- A service needs one resource for each of its requirements: any of the type,
-- or, when service_requirement_resources has rows for it, one of those.
CREATE TABLE service_requirements (
    env_id uuid NOT NULL,
    service_id uuid NOT NULL,
    position int NOT NULL CHECK (position BETWEEN 1 AND 10),
    resource_type text NOT NULL CHECK (resource_type IN ('STAFF', 'ROOM', 'EQUIPMENT')),
    PRIMARY KEY (env_id, service_id, position),
    CONSTRAINT service_requirements_service FOREIGN KEY (env_id, service_id) REFERENCES services (env_id, id)
        ON DELETE CASCADE DEFERRABLE
);
SELECT protect_business_table('service_requirements');

CREATE TABLE service_requirement_resources (
    env_id uuid NOT NULL,
    service_id uuid NOT NULL,
    position int NOT NULL,
    resource_id uuid NOT NULL,
    PRIMARY KEY (env_id, service_id, position, resource_id),
    CONSTRAINT service_requirement_resources_requirement FOREIGN KEY (env_id, service_id, position)
        REFERENCES service_requirements (env_id, service_id, position) ON DELETE CASCADE DEFERRABLE,
    -- Not cascading: without its last named resource a requirement would mean "any of the type".
    CONSTRAINT service_requirement_resources_resource FOREIGN KEY (env_id, resource_id)
        REFERENCES resources (env_id, id) DEFERRABLE
);
CREATE INDEX service_requirement_resources_resource ON service_requirement_resources (env_id, resource_id);
SELECT protect_business_table('service_requirement_resources');

CREATE TABLE customers (
    env_id uuid NOT NULL REFERENCES environments ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    email text NOT NULL DEFAULT '' CHECK (length(email) <= 254),
    phone text NOT NULL DEFAULT '' CHECK (length(phone) <= 40),
    city text NOT NULL DEFAULT '' CHECK (length(city) <= 100),
    state text NOT NULL DEFAULT '' CHECK (length(state) <= 50),
    zip text NOT NULL DEFAULT '' CHECK (length(zip) <= 20),
    notes text NOT NULL DEFAULT '' CHECK (length(notes) <= 2000),
    status text NOT NULL DEFAULT 'ACTIVE' CHECK (status IN ('ACTIVE', 'INACTIVE', 'BLOCKED')),
    tags text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 50),
    user_id uuid,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, id),
    CONSTRAINT customers_user FOREIGN KEY (env_id, user_id) REFERENCES users (env_id, id)
        ON DELETE SET NULL (user_id) DEFERRABLE
);
CREATE INDEX customers_newest ON customers (env_id, created_at DESC, id DESC);
CREATE INDEX customers_email ON customers (env_id, email);
CREATE INDEX customers_phone ON customers (env_id, phone);
CREATE UNIQUE INDEX customers_user ON customers (env_id, user_id) WHERE user_id IS NOT NULL;
SELECT protect_business_table('customers');

-- The environment exists because service and customer exist in it.
CREATE TABLE appointments (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('PENDING', 'CONFIRMED', 'COMPLETED', 'CANCELLED', 'NO_SHOW')),
    -- What the customer sees; the buffers are in the allocations only.
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL CHECK (end_at > start_at),
    -- As they were when it was booked: a later change of the service does not move it.
    buffer_before_minutes int NOT NULL CHECK (buffer_before_minutes >= 0),
    buffer_after_minutes int NOT NULL CHECK (buffer_after_minutes >= 0),
    service_version int NOT NULL,
    price_amount bigint NOT NULL CHECK (price_amount >= 0),
    price_currency text NOT NULL CHECK (price_currency ~ '^[A-Z]{3}$'),
    notes text NOT NULL DEFAULT '' CHECK (length(notes) <= 2000),
    -- The resources of its allocations, written by the same statements: a page of a calendar
    -- then needs no look into allocations, of which there are more than of anything else.
    resource_ids uuid[] NOT NULL CHECK (cardinality(resource_ids) > 0),
    cancellation_reason text NOT NULL DEFAULT '' CHECK (length(cancellation_reason) <= 500),
    cancelled_at timestamptz CHECK ((cancelled_at IS NOT NULL) = (status = 'CANCELLED')),
    -- The month whose max_appointments it counts against; deleting gives back to that month.
    quota_period date NOT NULL,
    created_by uuid,
    version int NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, id),
    CONSTRAINT appointments_service FOREIGN KEY (env_id, service_id) REFERENCES services (env_id, id) DEFERRABLE,
    CONSTRAINT appointments_customer FOREIGN KEY (env_id, customer_id) REFERENCES customers (env_id, id) DEFERRABLE
);
CREATE INDEX appointments_start ON appointments (env_id, start_at, id);
CREATE INDEX appointments_customer ON appointments (env_id, customer_id, start_at, id);
CREATE INDEX appointments_service ON appointments (env_id, service_id);
SELECT protect_business_table('appointments');

-- One row for each resource an appointment holds, buffers included. The exclusion
-- constraint is what makes a double booking impossible; a resource of capacity n
-- has the lanes 0 to n-1.
CREATE TABLE allocations (
    env_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    lane int NOT NULL CHECK (lane >= 0),
    start_at timestamptz NOT NULL,
    end_at timestamptz NOT NULL CHECK (end_at > start_at AND end_at - start_at <= interval '48 hours'),
    during tstzrange NOT NULL GENERATED ALWAYS AS (tstzrange(start_at, end_at, '[)')) STORED,
    -- False once the appointment no longer holds its time.
    active boolean NOT NULL DEFAULT true,
    PRIMARY KEY (env_id, appointment_id, resource_id),
    CONSTRAINT allocations_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES appointments (env_id, id)
        ON DELETE CASCADE DEFERRABLE,
    CONSTRAINT allocations_resource FOREIGN KEY (env_id, resource_id) REFERENCES resources (env_id, id) DEFERRABLE,
    CONSTRAINT allocations_no_overlap EXCLUDE USING gist
        (env_id WITH =, resource_id WITH =, lane WITH =, during WITH &&) WHERE (active)
);
CREATE INDEX allocations_resource_start ON allocations (env_id, resource_id, start_at);
SELECT protect_business_table('allocations');

CREATE TABLE appointment_changes (
    env_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    -- The version of the appointment that the change led to.
    version int NOT NULL,
    action text NOT NULL CHECK (action IN ('RESCHEDULED', 'UPDATED', 'CONFIRMED', 'COMPLETED', 'CANCELLED', 'NO_SHOW')),
    actor_user_id uuid,
    occurred_at timestamptz NOT NULL,
    -- {"start_at": {"from": ..., "to": ...}, ...}: the fields that changed.
    changes jsonb NOT NULL,
    PRIMARY KEY (env_id, appointment_id, version),
    CONSTRAINT appointment_changes_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES appointments (env_id, id)
        ON DELETE CASCADE DEFERRABLE
);
SELECT protect_business_table('appointment_changes');
REVOKE UPDATE ON appointment_changes FROM smoothschedule_app, smoothschedule_platform;

-- empty_environment deletes every business row of the environment app.env_id is set
-- to, whatever tables later migrations add, and keeps the position of its event feed,
-- so that readers of the feed notice nothing but the event that says so.
-- +goose StatementBegin
CREATE FUNCTION empty_environment() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    env uuid := NULLIF(current_setting('app.env_id', true), '')::uuid;
    business_table regclass;
BEGIN
    IF env IS NULL THEN
        RAISE EXCEPTION 'no environment is set';
    END IF;
    IF NOT (SELECT is_sandbox FROM environments WHERE id = env) THEN
        RAISE EXCEPTION 'only a sandbox environment can be emptied';
    END IF;
    SET CONSTRAINTS ALL DEFERRED;
    FOR business_table IN
        SELECT c.oid::regclass FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
        WHERE c.relkind = 'r' AND c.relforcerowsecurity AND c.relname <> 'event_sequences'
    LOOP
        EXECUTE format('DELETE FROM %s WHERE env_id = $1', business_table) USING env;
    END LOOP;
    SET CONSTRAINTS ALL IMMEDIATE;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION empty_environment();
DROP TABLE appointment_changes, allocations, appointments, customers, service_requirement_resources,
    service_requirements, services, resources;
