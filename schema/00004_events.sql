-- What happened: the feed of each environment, and the audit trail of all.

-- +goose Up
-- The last sequence given out in an environment. A writer holds the row from its
-- last statement to its commit, which makes the sequence gap-free and ordered by commit.
CREATE TABLE event_sequences (
    env_id uuid PRIMARY KEY REFERENCES environments ON DELETE CASCADE,
    last_sequence bigint NOT NULL CHECK (last_sequence >= 0)
);
SELECT protect_business_table('event_sequences');

-- No foreign key to environments: event_sequences has it, and without a sequence there
-- is no event. Every change of the product writes here.
CREATE TABLE events (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    sequence bigint NOT NULL,
    -- "appointment.created"; the version is that of the shape of data.
    type text NOT NULL CHECK (type ~ '^[a-z_]+\.[a-z_]+$'),
    version int NOT NULL CHECK (version > 0),
    occurred_at timestamptz NOT NULL,
    actor_user_id uuid,
    data jsonb NOT NULL,
    PRIMARY KEY (env_id, id),
    UNIQUE (env_id, sequence)
);
SELECT protect_business_table('events');
REVOKE UPDATE ON events FROM smoothschedule_app, smoothschedule_platform;

CREATE TABLE audit_entries (
    id uuid PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
    -- No foreign keys: the trail outlives what it is about.
    tenant_id uuid,
    env_id uuid,
    actor_user_id uuid,
    actor_role text,
    action text NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    target_type text NOT NULL DEFAULT '',
    target_id text NOT NULL DEFAULT '',
    outcome text NOT NULL CHECK (outcome IN ('SUCCESS', 'DENIED', 'FAILURE')),
    request_id text NOT NULL DEFAULT '',
    address inet,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_entries_tenant ON audit_entries (tenant_id, occurred_at DESC, id DESC);
CREATE INDEX audit_entries_time ON audit_entries (occurred_at DESC, id DESC);

-- Rights keep the server from changing the trail; the trigger keeps everyone else.
-- +goose StatementBegin
CREATE FUNCTION refuse_audit_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are insert-only' USING ERRCODE = 'restrict_violation';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
GRANT SELECT, INSERT ON audit_entries TO smoothschedule_app, smoothschedule_platform;

-- +goose Down
DROP TABLE audit_entries, events, event_sequences;
DROP FUNCTION refuse_audit_change();
