-- The audit trail in months: what is older than the policy says is dropped month by month, which
-- costs nothing, while single entries still cannot be changed or deleted by anybody.

-- +goose Up
SET LOCAL timezone = 'UTC';
ALTER TABLE audit_entries RENAME TO audit_entries_whole;
ALTER TABLE audit_entries_whole RENAME CONSTRAINT audit_entries_pkey TO audit_entries_whole_pkey;

CREATE TABLE audit_entries (
    id uuid NOT NULL,
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
    detail jsonb NOT NULL DEFAULT '{}',
    impersonator_user_id uuid,
    impersonator_role text,
    actor_token_id uuid,
    PRIMARY KEY (occurred_at, id),
    CONSTRAINT audit_entries_impersonator CHECK ((impersonator_user_id IS NULL) = (impersonator_role IS NULL))
) PARTITION BY RANGE (occurred_at);
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
GRANT SELECT, INSERT ON audit_entries TO smoothschedule_app, smoothschedule_platform;

-- Nobody but the owner gets at a partition except through audit_entries.
CREATE SCHEMA audit_partitions;

-- add_audit_partition adds a partition with the bounds given as SQL.
-- +goose StatementBegin
CREATE FUNCTION add_audit_partition(name text, bounds text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('CREATE TABLE audit_partitions.%I PARTITION OF public.audit_entries %s', name, bounds);
    EXECUTE format('CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_partitions.%I
        FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_change()', name);
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION add_audit_partition(text, text) FROM PUBLIC;

-- add_audit_month adds the partition of the month, in UTC, that begins at the instant.
-- +goose StatementBegin
CREATE FUNCTION add_audit_month(month timestamptz) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    PERFORM public.add_audit_partition(to_char(month, '"y"YYYY"m"MM'),
        format('FOR VALUES FROM (%L) TO (%L)', month, month + interval '1 month'));
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION add_audit_month(timestamptz) FROM PUBLIC;

-- maintain_audit_partitions adds the partitions of this month and the next three, sorts entries
-- of other times into partitions of their own, and drops the months that have ended before
-- the instant given. It returns how many it dropped. It can be repeated.
-- +goose StatementBegin
CREATE FUNCTION maintain_audit_partitions(at timestamptz, drop_before timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '2s' AS $$
DECLARE
    month timestamptz;
    old text;
    dropped int := 0;
    sorting boolean;
BEGIN
    -- Who may call this must not be able to wipe out what they have just done.
    IF drop_before > now() - interval '90 days' THEN
        RAISE EXCEPTION 'audit entries are kept for 90 days at least' USING ERRCODE = 'restrict_violation';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('maintain_audit_partitions'));
    sorting := EXISTS (SELECT FROM audit_partitions.other);
    IF sorting THEN
        ALTER TABLE public.audit_entries DETACH PARTITION audit_partitions.other;
        ALTER TABLE audit_partitions.other RENAME TO sorting;
        PERFORM public.add_audit_partition('other', 'DEFAULT');
        FOR month IN SELECT DISTINCT date_trunc('month', occurred_at) FROM audit_partitions.sorting LOOP
            IF to_regclass('audit_partitions.' || to_char(month, '"y"YYYY"m"MM')) IS NULL THEN
                PERFORM public.add_audit_month(month);
            END IF;
        END LOOP;
        INSERT INTO public.audit_entries SELECT * FROM audit_partitions.sorting;
        DROP TABLE audit_partitions.sorting;
    END IF;
    FOR n IN 0..3 LOOP
        month := date_trunc('month', at) + make_interval(months => n);
        IF to_regclass('audit_partitions.' || to_char(month, '"y"YYYY"m"MM')) IS NULL THEN
            PERFORM public.add_audit_month(month);
        END IF;
    END LOOP;
    FOR old IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.audit_entries'::regclass AND c.relname ~ '^y\d{4}m\d\d$'
          AND to_date(c.relname, '"y"YYYY"m"MM') + interval '1 month' <= drop_before
    LOOP
        EXECUTE format('DROP TABLE audit_partitions.%I', old);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION maintain_audit_partitions(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintain_audit_partitions(timestamptz, timestamptz) TO smoothschedule_platform;

-- Entries of times without a partition of their own: an entry is never refused.
SELECT add_audit_partition('other', 'DEFAULT');
SELECT add_audit_month(month) FROM (SELECT DISTINCT date_trunc('month', occurred_at) AS month FROM audit_entries_whole) m;
INSERT INTO audit_entries SELECT id, occurred_at, tenant_id, env_id, actor_user_id, actor_role, action, target_type, target_id, outcome,
    request_id, address, detail, impersonator_user_id, impersonator_role, actor_token_id FROM audit_entries_whole;
DROP TABLE audit_entries_whole;
SELECT maintain_audit_partitions(now(), '-infinity');

CREATE INDEX audit_entries_tenant ON audit_entries (tenant_id, occurred_at DESC, id DESC);
CREATE INDEX audit_entries_time ON audit_entries (occurred_at DESC, id DESC);
CREATE INDEX audit_entries_actor ON audit_entries (actor_user_id, occurred_at DESC, id DESC) WHERE actor_user_id IS NOT NULL;
CREATE INDEX audit_entries_impersonator ON audit_entries (impersonator_user_id, occurred_at DESC, id DESC)
    WHERE impersonator_user_id IS NOT NULL;
CREATE INDEX audit_entries_target ON audit_entries (target_id, occurred_at DESC, id DESC) WHERE target_id <> '';
CREATE INDEX audit_entries_action ON audit_entries (action, occurred_at DESC, id DESC);
CREATE INDEX audit_entries_tenant_action ON audit_entries (tenant_id, action, occurred_at DESC, id DESC);
CREATE INDEX audit_entries_refusals ON audit_entries (tenant_id, outcome, occurred_at DESC, id DESC) WHERE outcome <> 'SUCCESS';

-- +goose Down
ALTER TABLE audit_entries RENAME TO audit_entries_parted;
ALTER TABLE audit_entries_parted RENAME CONSTRAINT audit_entries_pkey TO audit_entries_parted_pkey;
CREATE TABLE audit_entries (
    id uuid PRIMARY KEY,
    occurred_at timestamptz NOT NULL,
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
    detail jsonb NOT NULL DEFAULT '{}',
    impersonator_user_id uuid,
    impersonator_role text,
    actor_token_id uuid,
    CONSTRAINT audit_entries_impersonator CHECK ((impersonator_user_id IS NULL) = (impersonator_role IS NULL))
);
INSERT INTO audit_entries SELECT id, occurred_at, tenant_id, env_id, actor_user_id, actor_role, action, target_type, target_id, outcome,
    request_id, address, detail, impersonator_user_id, impersonator_role, actor_token_id FROM audit_entries_parted;
DROP TABLE audit_entries_parted;
DROP FUNCTION maintain_audit_partitions(timestamptz, timestamptz), add_audit_month(timestamptz), add_audit_partition(text, text);
DROP SCHEMA audit_partitions;
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
GRANT SELECT, INSERT ON audit_entries TO smoothschedule_app, smoothschedule_platform;
CREATE INDEX audit_entries_tenant ON audit_entries (tenant_id, occurred_at DESC, id DESC);
CREATE INDEX audit_entries_time ON audit_entries (occurred_at DESC, id DESC);
CREATE INDEX audit_entries_actor ON audit_entries (actor_user_id, occurred_at DESC, id DESC) WHERE actor_user_id IS NOT NULL;
CREATE INDEX audit_entries_impersonator ON audit_entries (impersonator_user_id, occurred_at DESC, id DESC)
    WHERE impersonator_user_id IS NOT NULL;
CREATE INDEX audit_entries_target ON audit_entries (target_id, occurred_at DESC, id DESC) WHERE target_id <> '';
CREATE INDEX audit_entries_action ON audit_entries (action, occurred_at DESC, id DESC);
CREATE INDEX audit_entries_tenant_action ON audit_entries (tenant_id, action, occurred_at DESC, id DESC);
CREATE INDEX audit_entries_refusals ON audit_entries (tenant_id, outcome, occurred_at DESC, id DESC) WHERE outcome <> 'SUCCESS';
