-- The schema that the migrations result in, written by `task schema:dump`. For reading only.

CREATE SCHEMA audit_partitions;

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';

CREATE FUNCTION public.add_audit_month(month timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
BEGIN
    PERFORM public.add_audit_partition(to_char(month, '"y"YYYY"m"MM'),
        format('FOR VALUES FROM (%L) TO (%L)', month, month + interval '1 month'));
END
$$;

CREATE FUNCTION public.add_audit_partition(name text, bounds text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    EXECUTE format('CREATE TABLE audit_partitions.%I PARTITION OF public.audit_entries %s', name, bounds);
    EXECUTE format('CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_partitions.%I
        FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_change()', name);
END
$$;

CREATE FUNCTION public.begin_catalogue() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO catalogue_versions (env_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;

CREATE FUNCTION public.check_business_currency() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM environments e JOIN services s ON s.env_id = e.id
               WHERE e.tenant_id = NEW.id AND s.price_amount > 0 AND s.price_currency <> NEW.currency) THEN
        RAISE EXCEPTION 'services have prices in another currency'
            USING ERRCODE = 'check_violation', TABLE = 'tenants', CONSTRAINT = 'tenants_currency_of_services';
    END IF;
    UPDATE services s SET price_currency = NEW.currency, version = s.version + 1, updated_at = NEW.updated_at
    FROM environments e
    WHERE e.tenant_id = NEW.id AND s.env_id = e.id AND s.price_amount = 0 AND s.price_currency <> NEW.currency;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.check_service_currency() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
DECLARE
    of_business text;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.price_amount, NEW.price_currency) = (OLD.price_amount, OLD.price_currency) THEN
        RETURN NEW;
    END IF;
    SELECT t.currency INTO of_business FROM environments e JOIN tenants t ON t.id = e.tenant_id WHERE e.id = NEW.env_id FOR SHARE OF t;
    IF NEW.price_currency <> of_business THEN
        RAISE EXCEPTION 'a service is priced in the currency of its business'
            USING ERRCODE = 'check_violation', TABLE = 'services', CONSTRAINT = 'services_currency';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION public.chosen_by_owner(of_user uuid) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    SELECT COALESCE((SELECT c.chosen_by_owner FROM user_credentials c WHERE c.user_id = of_user), false)
$$;

CREATE FUNCTION public.count_bookings_by_date(of_env uuid, of_service uuid, of_resources uuid[], except_owner uuid, zone text, from_at timestamp with time zone, to_at timestamp with time zone, at timestamp with time zone) RETURNS TABLE(resource_id uuid, date date, n integer)
    LANGUAGE plpgsql STABLE
    AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT NULL::uuid, (a.start_at AT TIME ZONE zone)::date, count(*)::int
    FROM appointments a
    WHERE a.env_id = of_env AND a.service_id = of_service AND a.id <> except_owner
      AND a.start_at >= from_at AND a.start_at < to_at
      AND a.status IN ('PENDING', 'CONFIRMED', 'COMPLETED')
    GROUP BY 2
    UNION ALL
    SELECT l.resource_id, (a.start_at AT TIME ZONE zone)::date, count(*)::int
    FROM appointments a
    JOIN allocations l ON l.env_id = a.env_id AND l.appointment_id = a.id
    WHERE a.env_id = of_env AND (of_resources IS NULL OR l.resource_id = ANY (of_resources)) AND a.id <> except_owner
      AND a.start_at >= from_at AND a.start_at < to_at
      AND a.status IN ('PENDING', 'CONFIRMED', 'COMPLETED')
    GROUP BY 1, 2
    UNION ALL
    SELECT NULL::uuid, (h.start_at AT TIME ZONE zone)::date, count(*)::int
    FROM holds h
    WHERE h.env_id = of_env AND h.service_id = of_service AND h.id <> except_owner
      AND h.start_at >= from_at AND h.start_at < to_at
      AND h.status = 'ACTIVE' AND h.expires_at > at
    GROUP BY 2
    UNION ALL
    SELECT u.id, (h.start_at AT TIME ZONE zone)::date, count(*)::int
    FROM holds h, unnest(h.resource_ids) u (id)
    WHERE h.env_id = of_env AND (of_resources IS NULL OR u.id = ANY (of_resources)) AND h.id <> except_owner
      AND h.start_at >= from_at AND h.start_at < to_at
      AND h.status = 'ACTIVE' AND h.expires_at > at
    GROUP BY 1, 2;
END
$$;

CREATE FUNCTION public.device_key(of_user uuid) RETURNS bytea
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    SELECT COALESCE((SELECT c.device_key FROM user_credentials c WHERE c.user_id = of_user), '')
$$;

CREATE FUNCTION public.empty_environment() RETURNS void
    LANGUAGE plpgsql
    AS $_$
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
$_$;

CREATE FUNCTION public.event_scope(event_type text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE split_part(event_type, '.', 1)
        WHEN 'appointment' THEN 'appointments:read'
        WHEN 'business' THEN 'business:read'
        WHEN 'business_hours' THEN 'schedules:read'
        WHEN 'customer' THEN 'customers:read'
        WHEN 'hold' THEN 'holds:read'
        WHEN 'override' THEN 'entitlements:read'
        WHEN 'resource' THEN 'resources:read'
        WHEN 'resource_hours' THEN 'schedules:read'
        WHEN 'sandbox' THEN 'sandbox:read'
        WHEN 'series' THEN 'series:read'
        WHEN 'service' THEN 'services:read'
        WHEN 'subscription' THEN 'entitlements:read'
        WHEN 'time_off' THEN 'schedules:read'
        WHEN 'usage' THEN 'entitlements:read'
        WHEN 'waitlist' THEN 'waitlist:read'
        WHEN 'webhook' THEN 'webhooks:read'
    END
$$;

CREATE FUNCTION public.fan_out_events(env uuid, ids uuid[], sequences bigint[], types text[], only_endpoints text[], at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO webhook_deliveries (env_id, endpoint_id, event_id, sequence, next_attempt_at, created_at)
    SELECT w.env_id, w.id, a.id, a.sequence, at, at
    FROM webhook_endpoints w
    JOIN unnest(ids, sequences, types, only_endpoints) AS a (id, sequence, type, only_endpoint)
        ON CASE WHEN a.only_endpoint IS NULL THEN w.event_types && ARRAY[a.type, split_part(a.type, '.', 1) || '.*', '*']
                ELSE w.id::text = a.only_endpoint END
    WHERE w.env_id = env AND w.is_enabled AND w.read_scopes && ARRAY[event_scope(a.type), '*'];
    IF FOUND THEN
        INSERT INTO river.river_job (kind, queue, args) VALUES ('webhook_fan_out', 'webhooks', jsonb_build_object('env_id', env));
    END IF;
END
$$;

CREATE FUNCTION public.is_name(name text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (((length(name) >= 1) AND (length(name) <= 255)) AND (name !~ '[\u0001-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]'::text) AND (name ~ '[^\u0001-\u0020\u007F-\u00A0\u00AD\u034F\u061C\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F\u2000-\u200F\u2028-\u202F\u205F-\u206F\u2800\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFF8\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]'::text));

CREATE FUNCTION public.keep_published_plan_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF OLD.status = 'DRAFT' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'DELETE'
        OR NEW.status = 'DRAFT'
        OR (NEW.id, NEW.plan_id, NEW.version, NEW.features, NEW.limits, NEW.price_amount, NEW.price_currency,
            NEW.billing_interval, NEW.published_at)
        IS DISTINCT FROM
           (OLD.id, OLD.plan_id, OLD.version, OLD.features, OLD.limits, OLD.price_amount, OLD.price_currency,
            OLD.billing_interval, OLD.published_at)
    THEN
        RAISE EXCEPTION 'plan version % is published and cannot be changed', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION public.local_date(at timestamp with time zone, zone text) RETURNS date
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    RETURN (at AT TIME ZONE zone)::date;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN (at AT TIME ZONE 'UTC')::date;
END
$$;

CREATE FUNCTION public.maintain_audit_partitions(at timestamp with time zone, drop_before timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET lock_timeout TO '2s'
    AS $_$
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
$_$;

CREATE FUNCTION public.masquerade_role(impersonator uuid, ancestors uuid[], at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE STRICT
    AS $$
    SELECT i.role FROM users i
    WHERE i.id = impersonator AND NOT EXISTS (
        SELECT FROM unnest(ancestors) AS a (id)
        LEFT JOIN sessions p ON p.id = a.id AND p.revoked_at IS NULL AND p.expires_at > at
        LEFT JOIN users u ON u.id = p.user_id AND u.is_active
        WHERE u.id IS NULL)
$$;

CREATE FUNCTION public.note_catalogue_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM set_config('app.catalogue_changed', 'on', true);
    RETURN NULL;
END
$$;

CREATE FUNCTION public.open_session(session uuid, token bytea, of_user uuid, verified_hash text, sandbox boolean, agent text, client inet, at timestamp with time zone, until timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO sessions (id, token_hash, user_id, sandbox_mode, user_agent, address, created_at, last_used_at, expires_at)
    SELECT session, token, u.id, sandbox, agent, client, at, at, until FROM users u
    WHERE u.id = of_user AND u.is_active
      AND CASE WHEN verified_hash IS NULL THEN plays_persona(u.id) ELSE password_fits(u.id, verified_hash) END;
    RETURN FOUND;
END
$$;

CREATE FUNCTION public.password_fits(of_user uuid, hash text) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    SELECT COALESCE((SELECT sha256(convert_to(c.password_hash, 'UTF8')) = sha256(convert_to(hash, 'UTF8'))
        FROM user_credentials c WHERE c.user_id = of_user), false)
$$;

CREATE FUNCTION public.password_parameters(of_user uuid) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
    SELECT COALESCE((SELECT substring(c.password_hash FROM '^(.*[$])[^$]*$') FROM user_credentials c WHERE c.user_id = of_user), '')
$_$;

CREATE FUNCTION public.plays_persona(of_user uuid) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $_$
    SELECT EXISTS (SELECT FROM users u WHERE u.id = of_user AND NOT u.is_sandbox AND CASE WHEN u.tenant_id IS NULL
            THEN u.email ~ '^(superuser|platform_manager|platform_support|platform_sales)@platform[.]example$'
            ELSE u.email ~ '^(owner|manager|staff|customer)@[a-z0-9-]+[.]example$' END)
        AND EXISTS (SELECT FROM installation WHERE purpose = 'DEVELOPMENT')
$_$;

CREATE FUNCTION public.protect_business_table(business_table regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', business_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', business_table);
    EXECUTE format(
        'CREATE POLICY environment ON %s TO smoothschedule_app
             USING (env_id = (SELECT NULLIF(current_setting(''app.env_id'', true), '''')::uuid))',
        business_table);
    EXECUTE format('CREATE POLICY platform ON %s TO smoothschedule_platform USING (true)', business_table);
    EXECUTE format(
        'GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO smoothschedule_app, smoothschedule_platform',
        business_table);
END
$$;

CREATE FUNCTION public.refuse_audit_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are insert-only' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION public.refuse_platform_user() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    IF NOT pg_has_role(current_user, 'smoothschedule_administration', 'MEMBER') THEN
        RAISE insufficient_privilege USING MESSAGE = 'users of the platform are for smoothschedule_administration';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION public.refuse_revival() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'a revoked session stays revoked';
END
$$;

CREATE FUNCTION public.renew_catalogue_version() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE catalogue_versions SET version = gen_random_uuid(), changed_in = pg_current_xact_id();
    ELSE
        UPDATE catalogue_versions SET version = gen_random_uuid(), changed_in = pg_current_xact_id()
        WHERE env_id IN (NEW.env_id, OLD.env_id)
          AND (changed_in <> pg_current_xact_id() OR xmin <> pg_current_xact_id()::xid);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.replace_password(of_user uuid, verified_hash text, hash text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    UPDATE user_credentials SET password_hash = hash, device_key = DEFAULT, chosen_by_owner = true
    WHERE user_id = of_user AND password_hash = verified_hash;
    RETURN FOUND;
END
$$;

CREATE FUNCTION public.reset_password(of_user uuid, token bytea, at timestamp with time zone, hash text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM password_resets r USING users u
    WHERE r.user_id = of_user AND r.token_hash = token AND r.expires_at > at AND u.id = r.user_id AND u.tenant_id IS NOT NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO user_credentials (user_id, password_hash) VALUES (of_user, hash)
    ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, device_key = excluded.device_key,
        chosen_by_owner = false;
    RETURN true;
END
$$;

CREATE FUNCTION public.role_rank(role text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    SELECT COALESCE(array_position(ARRAY['CUSTOMER', 'TENANT_STAFF', 'TENANT_MANAGER', 'TENANT_OWNER', 'PLATFORM_SALES',
        'PLATFORM_SUPPORT', 'PLATFORM_MANAGER', 'SUPERUSER'], role), 0)
$$;

CREATE FUNCTION public.set_first_password(of_user uuid, hash text, chosen boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO user_credentials (user_id, password_hash, chosen_by_owner)
    SELECT u.id, hash, chosen FROM users u WHERE u.id = of_user AND u.tenant_id IS NOT NULL;
    IF NOT FOUND THEN
        RAISE insufficient_privilege USING MESSAGE = 'not a user of a business';
    END IF;
END
$$;

CREATE FUNCTION public.set_first_platform_password(of_user uuid, hash text, chosen boolean DEFAULT false) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
    INSERT INTO user_credentials (user_id, password_hash, chosen_by_owner) VALUES (of_user, hash, chosen)
$$;

CREATE FUNCTION public.start_impersonation(session uuid, token bytea, target uuid, sandbox boolean, agent text, client inet, at timestamp with time zone, until timestamp with time zone, parent uuid, parent_user uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO sessions (id, token_hash, user_id, sandbox_mode, user_agent, address, created_at, last_used_at, expires_at,
                          ancestor_ids, impersonator_id, read_only)
    SELECT session, token, t.id, sandbox, agent, client, at, at, LEAST(until, p.expires_at), array_append(p.ancestor_ids, p.id),
           COALESCE(p.impersonator_id, p.user_id), p.read_only OR a.role = 'PLATFORM_SUPPORT'
    FROM sessions p
    JOIN users a ON a.id = p.user_id AND a.is_active
    JOIN users t ON t.id = target AND t.is_active
    WHERE p.id = parent AND p.user_id = parent_user AND p.revoked_at IS NULL AND p.expires_at > at
      AND (p.impersonator_id IS NULL OR masquerade_role(p.impersonator_id, p.ancestor_ids, at) IS NOT NULL)
      AND a.role <> 'PLATFORM_SALES' AND role_rank(t.role) > 0 AND role_rank(a.role) > role_rank(t.role)
      AND (a.tenant_id IS NULL OR a.tenant_id = t.tenant_id);
    RETURN FOUND;
END
$$;

CREATE TABLE public.audit_entries (
    id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    tenant_id uuid,
    env_id uuid,
    actor_user_id uuid,
    actor_role text,
    action text NOT NULL,
    target_type text DEFAULT ''::text NOT NULL,
    target_id text DEFAULT ''::text NOT NULL,
    outcome text NOT NULL,
    request_id text DEFAULT ''::text NOT NULL,
    address inet,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    impersonator_user_id uuid,
    impersonator_role text,
    actor_token_id uuid,
    CONSTRAINT audit_entries_action_check1 CHECK ((action ~ '^[a-z_]+\.[a-z_]+$'::text)),
    CONSTRAINT audit_entries_impersonator CHECK (((impersonator_user_id IS NULL) = (impersonator_role IS NULL))),
    CONSTRAINT audit_entries_outcome_check1 CHECK ((outcome = ANY (ARRAY['SUCCESS'::text, 'DENIED'::text, 'FAILURE'::text])))
)
PARTITION BY RANGE (occurred_at);

CREATE TABLE public.activity_cursors (
    env_id uuid NOT NULL,
    sequence bigint NOT NULL
);

CREATE TABLE public.allocations (
    env_id uuid NOT NULL,
    appointment_id uuid,
    resource_id uuid NOT NULL,
    lane integer NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    during tstzrange GENERATED ALWAYS AS (tstzrange(start_at, end_at, '[)'::text)) STORED NOT NULL,
    active boolean DEFAULT true NOT NULL,
    hold_id uuid,
    expires_at timestamp with time zone,
    owner_id uuid GENERATED ALWAYS AS (COALESCE(appointment_id, hold_id)) STORED NOT NULL,
    CONSTRAINT allocations_check CHECK (((end_at > start_at) AND ((end_at - start_at) <= '48:00:00'::interval))),
    CONSTRAINT allocations_lane_check CHECK ((lane >= 0)),
    CONSTRAINT allocations_one_owner CHECK (((num_nonnulls(appointment_id, hold_id) = 1) AND (num_nulls(hold_id, expires_at) <> 1)))
);

ALTER TABLE ONLY public.allocations FORCE ROW LEVEL SECURITY;

CREATE TABLE public.api_token_secrets (
    hash bytea NOT NULL,
    token_id uuid NOT NULL,
    is_sandbox boolean NOT NULL,
    prefix text NOT NULL,
    plaintext text,
    created_at timestamp with time zone NOT NULL,
    replaced_at timestamp with time zone,
    expires_at timestamp with time zone,
    CONSTRAINT api_token_secrets_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT api_token_secrets_mode CHECK ((prefix ~~
CASE
    WHEN is_sandbox THEN 'ss\_test\_%'::text
    ELSE 'ss\_live\_%'::text
END)),
    CONSTRAINT api_token_secrets_no_live_plaintext CHECK (((plaintext IS NULL) OR (is_sandbox AND (plaintext ~ '^ss_test_[0-9A-Za-z]{36}$'::text) AND starts_with(plaintext, prefix) AND (hash = sha256(convert_to(plaintext, 'UTF8'::name)))))),
    CONSTRAINT api_token_secrets_prefix_check CHECK ((length(prefix) = 12)),
    CONSTRAINT api_token_secrets_replaced CHECK (((replaced_at IS NULL) OR (expires_at IS NOT NULL)))
);

CREATE TABLE public.api_tokens (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    env_id uuid NOT NULL,
    is_sandbox boolean NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    created_by uuid,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT api_tokens_name_check CHECK (public.is_name(name)),
    CONSTRAINT api_tokens_scopes_check CHECK (((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 100)))
);

CREATE TABLE public.appointment_changes (
    env_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    version integer NOT NULL,
    action text NOT NULL,
    actor_user_id uuid,
    occurred_at timestamp with time zone NOT NULL,
    changes jsonb NOT NULL,
    actor_token_id uuid,
    impersonator_user_id uuid,
    CONSTRAINT appointment_changes_action_check CHECK ((action = ANY (ARRAY['RESCHEDULED'::text, 'UPDATED'::text, 'CONFIRMED'::text, 'COMPLETED'::text, 'CANCELLED'::text, 'DECLINED'::text, 'NO_SHOW'::text])))
);

ALTER TABLE ONLY public.appointment_changes FORCE ROW LEVEL SECURITY;

CREATE TABLE public.appointments (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    status text NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    buffer_before_minutes integer NOT NULL,
    buffer_after_minutes integer NOT NULL,
    service_version integer NOT NULL,
    price_amount bigint NOT NULL,
    price_currency text NOT NULL,
    notes text DEFAULT ''::text NOT NULL,
    resource_ids uuid[] NOT NULL,
    cancellation_reason text DEFAULT ''::text NOT NULL,
    cancelled_at timestamp with time zone,
    quota_period date NOT NULL,
    created_by uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    cancelled_late boolean,
    cancellation_window_hours integer,
    cancellation_fee_percent integer,
    cancellation_fee_amount bigint,
    cancellation_fee_waived boolean,
    series_id uuid,
    local_start_at timestamp without time zone,
    timezone text,
    tzdata_version text,
    attendee_name text,
    attendee_email text,
    attendee_phone text,
    CONSTRAINT appointments_attendee CHECK ((num_nonnulls(attendee_name, attendee_email, attendee_phone) = ANY (ARRAY[0, 3]))),
    CONSTRAINT appointments_buffer_after_minutes_check CHECK ((buffer_after_minutes >= 0)),
    CONSTRAINT appointments_buffer_before_minutes_check CHECK ((buffer_before_minutes >= 0)),
    CONSTRAINT appointments_cancellation CHECK (((num_nulls(cancelled_late, cancellation_window_hours, cancellation_fee_percent, cancellation_fee_amount, cancellation_fee_waived) = ANY (ARRAY[0, 5])) AND ((cancelled_late IS NULL) OR (status = 'CANCELLED'::text)))),
    CONSTRAINT appointments_cancellation_fee_amount_check CHECK ((cancellation_fee_amount >= 0)),
    CONSTRAINT appointments_cancellation_reason_check CHECK ((length(cancellation_reason) <= 500)),
    CONSTRAINT appointments_check CHECK ((end_at > start_at)),
    CONSTRAINT appointments_check1 CHECK (((cancelled_at IS NOT NULL) = (status = 'CANCELLED'::text))),
    CONSTRAINT appointments_local_start CHECK (((local_start_at IS NULL) = (timezone IS NULL))),
    CONSTRAINT appointments_notes_check CHECK ((length(notes) <= 2000)),
    CONSTRAINT appointments_price_amount_check CHECK ((price_amount >= 0)),
    CONSTRAINT appointments_price_currency_check CHECK ((price_currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT appointments_resource_ids_check CHECK ((cardinality(resource_ids) > 0)),
    CONSTRAINT appointments_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'CONFIRMED'::text, 'COMPLETED'::text, 'CANCELLED'::text, 'DECLINED'::text, 'NO_SHOW'::text]))),
    CONSTRAINT appointments_timezone_check CHECK (((length(timezone) >= 1) AND (length(timezone) <= 64))),
    CONSTRAINT appointments_tzdata_version_check CHECK (((length(tzdata_version) >= 1) AND (length(tzdata_version) <= 20)))
);

ALTER TABLE ONLY public.appointments FORCE ROW LEVEL SECURITY;

CREATE TABLE public.booking_capabilities (
    env_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    hold_id uuid,
    appointment_id uuid,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT booking_capabilities_check CHECK ((num_nonnulls(hold_id, appointment_id) = 1)),
    CONSTRAINT booking_capabilities_token_hash_check CHECK ((length(token_hash) = 32))
);

ALTER TABLE ONLY public.booking_capabilities FORCE ROW LEVEL SECURITY;

CREATE TABLE public.catalogue_versions (
    env_id uuid NOT NULL,
    version uuid DEFAULT gen_random_uuid() NOT NULL,
    changed_in xid8 DEFAULT pg_current_xact_id() NOT NULL
);

CREATE VIEW public.current_catalogues AS
 SELECT catalogue_versions.env_id,
    catalogue_versions.version
   FROM public.catalogue_versions
  WHERE ((catalogue_versions.env_id = (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid) AND (COALESCE(current_setting('app.catalogue_changed'::text, true), ''::text) = ''::text));

CREATE TABLE public.customers (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    email text DEFAULT ''::text NOT NULL,
    phone text DEFAULT ''::text NOT NULL,
    city text DEFAULT ''::text NOT NULL,
    state text DEFAULT ''::text NOT NULL,
    zip text DEFAULT ''::text NOT NULL,
    notes text DEFAULT ''::text NOT NULL,
    status text DEFAULT 'ACTIVE'::text NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    user_id uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    email_lower text GENERATED ALWAYS AS (lower(email)) STORED NOT NULL,
    CONSTRAINT customers_city_check CHECK ((length(city) <= 100)),
    CONSTRAINT customers_email_check CHECK ((length(email) <= 254)),
    CONSTRAINT customers_name_check CHECK (public.is_name(name)),
    CONSTRAINT customers_notes_check CHECK ((length(notes) <= 2000)),
    CONSTRAINT customers_phone_check CHECK ((length(phone) <= 40)),
    CONSTRAINT customers_state_check CHECK ((length(state) <= 50)),
    CONSTRAINT customers_status_check CHECK ((status = ANY (ARRAY['ACTIVE'::text, 'INACTIVE'::text, 'BLOCKED'::text]))),
    CONSTRAINT customers_tags_check CHECK ((cardinality(tags) <= 50)),
    CONSTRAINT customers_zip_check CHECK ((length(zip) <= 20))
);

ALTER TABLE ONLY public.customers FORCE ROW LEVEL SECURITY;

CREATE TABLE public.daily_api_calls (
    day date NOT NULL,
    calls bigint NOT NULL
);

CREATE TABLE public.daily_bookings (
    day date NOT NULL,
    booked bigint NOT NULL
);

CREATE TABLE public.domains (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    is_primary boolean DEFAULT false NOT NULL,
    verified_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    verification_token text DEFAULT ''::text NOT NULL,
    reserved_until timestamp with time zone,
    checked_at timestamp with time zone,
    missing_since timestamp with time zone,
    suspended_at timestamp with time zone,
    CONSTRAINT domains_check CHECK (((name = lower(name)) AND (length(name) <= 253) AND ((kind = 'CUSTOM'::text) = (strpos(name, '.'::text) > 0)))),
    CONSTRAINT domains_check1 CHECK (((reserved_until IS NULL) OR ((verified_at IS NULL) AND (kind = 'SUBDOMAIN'::text) AND (NOT is_primary)))),
    CONSTRAINT domains_check2 CHECK (((suspended_at IS NULL) OR ((verified_at IS NULL) AND (kind = 'CUSTOM'::text) AND (NOT is_primary)))),
    CONSTRAINT domains_kind_check CHECK ((kind = ANY (ARRAY['SUBDOMAIN'::text, 'CUSTOM'::text]))),
    CONSTRAINT domains_verification_token_check CHECK ((length(verification_token) <= 100))
);

CREATE TABLE public.entitlement_overrides (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    value jsonb NOT NULL,
    reason text NOT NULL,
    actor_user_id uuid,
    from_at timestamp with time zone NOT NULL,
    to_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    ended_by uuid,
    CONSTRAINT entitlement_overrides_check CHECK ((to_at > from_at)),
    CONSTRAINT entitlement_overrides_name_check CHECK (((length(name) >= 1) AND (length(name) <= 60))),
    CONSTRAINT entitlement_overrides_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
    CONSTRAINT entitlement_overrides_value_check CHECK ((jsonb_typeof(value) = ANY (ARRAY['boolean'::text, 'number'::text, 'null'::text])))
);

CREATE TABLE public.environments (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    is_sandbox boolean NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    usage_reconciled_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT environments_name_check CHECK ((name ~ '^[a-z][a-z0-9_]{0,62}$'::text))
);

CREATE TABLE public.event_sequences (
    env_id uuid NOT NULL,
    last_sequence bigint NOT NULL,
    expired_sequence bigint DEFAULT 0 NOT NULL,
    CONSTRAINT event_sequences_expired_sequence_check CHECK ((expired_sequence >= 0)),
    CONSTRAINT event_sequences_last_sequence_check CHECK ((last_sequence >= 0))
);

ALTER TABLE ONLY public.event_sequences FORCE ROW LEVEL SECURITY;

CREATE TABLE public.events (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    sequence bigint NOT NULL,
    type text NOT NULL,
    version integer NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    actor_user_id uuid,
    data jsonb NOT NULL,
    impersonator_user_id uuid,
    actor_token_id uuid,
    CONSTRAINT events_type_check CHECK ((type ~ '^[a-z_]+\.[a-z_]+$'::text)),
    CONSTRAINT events_version_check CHECK ((version > 0))
);

ALTER TABLE ONLY public.events FORCE ROW LEVEL SECURITY;

CREATE TABLE public.feed_consumers (
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT feed_consumers_name_check CHECK ((name ~ '^[a-z_]+$'::text))
);

CREATE TABLE public.feed_parked_events (
    env_id uuid NOT NULL,
    sequence bigint NOT NULL,
    consumer text NOT NULL,
    attempts integer NOT NULL,
    error text NOT NULL,
    parked_at timestamp with time zone NOT NULL,
    CONSTRAINT feed_parked_events_attempts_check CHECK ((attempts > 0)),
    CONSTRAINT feed_parked_events_error_check CHECK ((length(error) <= 1000))
);

ALTER TABLE ONLY public.feed_parked_events FORCE ROW LEVEL SECURITY;

CREATE TABLE public.feed_positions (
    env_id uuid NOT NULL,
    consumer text NOT NULL,
    last_sequence bigint NOT NULL,
    isolate_until bigint DEFAULT 0 NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone,
    last_error text DEFAULT ''::text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT feed_positions_failures_check CHECK ((failures >= 0)),
    CONSTRAINT feed_positions_last_error_check CHECK ((length(last_error) <= 1000)),
    CONSTRAINT feed_positions_last_sequence_check CHECK ((last_sequence >= 0))
);

ALTER TABLE ONLY public.feed_positions FORCE ROW LEVEL SECURITY;

CREATE TABLE public.holds (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    status text DEFAULT 'ACTIVE'::text NOT NULL,
    service_id uuid NOT NULL,
    customer_id uuid,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    buffer_before_minutes integer NOT NULL,
    buffer_after_minutes integer NOT NULL,
    service_version integer NOT NULL,
    price_amount bigint NOT NULL,
    price_currency text NOT NULL,
    resource_ids uuid[] NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    appointment_id uuid,
    created_by uuid,
    created_at timestamp with time zone NOT NULL,
    holder_id uuid,
    CONSTRAINT holds_buffer_after_minutes_check CHECK ((buffer_after_minutes >= 0)),
    CONSTRAINT holds_buffer_before_minutes_check CHECK ((buffer_before_minutes >= 0)),
    CONSTRAINT holds_check CHECK ((end_at > start_at)),
    CONSTRAINT holds_check1 CHECK (((appointment_id IS NOT NULL) = (status = 'BOOKED'::text))),
    CONSTRAINT holds_check2 CHECK ((created_at <= expires_at)),
    CONSTRAINT holds_price_amount_check CHECK ((price_amount >= 0)),
    CONSTRAINT holds_price_currency_check CHECK ((price_currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT holds_resource_ids_check CHECK ((cardinality(resource_ids) > 0)),
    CONSTRAINT holds_status_check CHECK ((status = ANY (ARRAY['ACTIVE'::text, 'BOOKED'::text, 'EXPIRED'::text])))
);

ALTER TABLE ONLY public.holds FORCE ROW LEVEL SECURITY;

CREATE TABLE public.idempotency_keys (
    principal_id uuid NOT NULL,
    env_id uuid NOT NULL,
    key_hash bytea NOT NULL,
    request_mac bytea NOT NULL,
    status integer NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_keys_key_hash_check CHECK ((length(key_hash) = 32)),
    CONSTRAINT idempotency_keys_request_mac_check CHECK ((length(request_mac) = 32)),
    CONSTRAINT idempotency_keys_status_check CHECK (((status >= 200) AND (status <= 299)))
);

CREATE TABLE public.installation (
    singleton boolean DEFAULT true NOT NULL,
    purpose text NOT NULL,
    claimed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT installation_purpose_check CHECK ((purpose = ANY (ARRAY['DEVELOPMENT'::text, 'PRODUCTION'::text]))),
    CONSTRAINT installation_singleton_check CHECK (singleton)
);

CREATE TABLE public.invitations (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    token_hash bytea NOT NULL,
    email text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    role text NOT NULL,
    customer_id uuid,
    resource_id uuid,
    invited_by uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    revoked_at timestamp with time zone,
    user_id uuid,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT invitations_check CHECK (((customer_id IS NULL) OR (role = 'CUSTOMER'::text))),
    CONSTRAINT invitations_check1 CHECK (((resource_id IS NULL) OR (role <> 'CUSTOMER'::text))),
    CONSTRAINT invitations_check2 CHECK (((accepted_at IS NULL) OR (revoked_at IS NULL))),
    CONSTRAINT invitations_email_check CHECK (((email = lower(email)) AND ((length(email) >= 3) AND (length(email) <= 254)))),
    CONSTRAINT invitations_name_check CHECK (((name = ''::text) OR public.is_name(name))),
    CONSTRAINT invitations_role_check CHECK ((role = ANY (ARRAY['TENANT_OWNER'::text, 'TENANT_MANAGER'::text, 'TENANT_STAFF'::text, 'CUSTOMER'::text]))),
    CONSTRAINT invitations_token_hash_check CHECK ((length(token_hash) = 32))
);

ALTER TABLE ONLY public.invitations FORCE ROW LEVEL SECURITY;

CREATE TABLE public.login_throttles (
    key text NOT NULL,
    failures integer NOT NULL,
    window_started_at timestamp with time zone NOT NULL,
    blocked_until timestamp with time zone,
    CONSTRAINT login_throttles_failures_check CHECK ((failures >= 0)),
    CONSTRAINT login_throttles_key_check CHECK ((length(key) <= 100))
);

CREATE TABLE public.notifications (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    channel text NOT NULL,
    customer_id uuid,
    user_id uuid,
    address text,
    data jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT notifications_address_check CHECK (((length(address) >= 1) AND (length(address) <= 254))),
    CONSTRAINT notifications_channel_check CHECK ((channel = ANY (ARRAY['EMAIL'::text, 'SMS'::text, 'IN_APP'::text]))),
    CONSTRAINT notifications_kind_check CHECK ((kind ~ '^[a-z_]+\.[a-z_]+$'::text)),
    CONSTRAINT notifications_recipient CHECK ((num_nonnulls(customer_id, user_id, address) = 1))
);

ALTER TABLE ONLY public.notifications FORCE ROW LEVEL SECURITY;

CREATE TABLE public.password_resets (
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    issued_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT password_resets_token_hash_check CHECK ((length(token_hash) = 32))
);

CREATE TABLE public.plan_versions (
    id uuid NOT NULL,
    plan_id uuid NOT NULL,
    version integer NOT NULL,
    status text NOT NULL,
    features jsonb DEFAULT '{}'::jsonb NOT NULL,
    limits jsonb DEFAULT '{}'::jsonb NOT NULL,
    price_amount bigint NOT NULL,
    price_currency text NOT NULL,
    billing_interval text NOT NULL,
    published_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT plan_versions_billing_interval_check CHECK ((billing_interval = ANY (ARRAY['MONTH'::text, 'YEAR'::text]))),
    CONSTRAINT plan_versions_check CHECK (((published_at IS NULL) = (status = 'DRAFT'::text))),
    CONSTRAINT plan_versions_features_check CHECK ((jsonb_typeof(features) = 'object'::text)),
    CONSTRAINT plan_versions_limits_check CHECK ((jsonb_typeof(limits) = 'object'::text)),
    CONSTRAINT plan_versions_price_amount_check CHECK ((price_amount >= 0)),
    CONSTRAINT plan_versions_price_currency_check CHECK ((price_currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT plan_versions_status_check CHECK ((status = ANY (ARRAY['DRAFT'::text, 'PUBLISHED'::text, 'ARCHIVED'::text]))),
    CONSTRAINT plan_versions_version_check CHECK ((version > 0))
);

CREATE TABLE public.plans (
    id uuid NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    rank integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT plans_code_check CHECK ((code ~ '^[a-z][a-z0-9_]{1,39}$'::text)),
    CONSTRAINT plans_name_check CHECK (public.is_name(name))
);

CREATE TABLE public.public_bookings (
    env_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    network_id uuid NOT NULL,
    email_id uuid NOT NULL,
    due_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.public_bookings FORCE ROW LEVEL SECURITY;

CREATE TABLE public.resources (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    capacity integer DEFAULT 1 NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    user_id uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    weight integer DEFAULT 1 NOT NULL,
    max_per_day integer,
    max_per_week integer,
    CONSTRAINT resources_capacity_check CHECK (((capacity >= 1) AND (capacity <= 1000))),
    CONSTRAINT resources_description_check CHECK ((length(description) <= 2000)),
    CONSTRAINT resources_max_per_day_check CHECK (((max_per_day >= 1) AND (max_per_day <= 10000))),
    CONSTRAINT resources_max_per_week_check CHECK (((max_per_week >= 1) AND (max_per_week <= 10000))),
    CONSTRAINT resources_name_check CHECK (public.is_name(name)),
    CONSTRAINT resources_type_check CHECK ((type = ANY (ARRAY['STAFF'::text, 'ROOM'::text, 'EQUIPMENT'::text]))),
    CONSTRAINT resources_weight_check CHECK (((weight >= 0) AND (weight <= 100)))
);

ALTER TABLE ONLY public.resources FORCE ROW LEVEL SECURITY;

CREATE TABLE public.sandbox_clocks (
    tenant_id uuid NOT NULL,
    ahead_microseconds bigint NOT NULL,
    changed_at timestamp with time zone NOT NULL
);

CREATE TABLE public.schedule_overrides (
    env_id uuid NOT NULL,
    schedule_id uuid NOT NULL,
    date date NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    start_minutes integer[] DEFAULT '{}'::integer[] NOT NULL,
    end_minutes integer[] DEFAULT '{}'::integer[] NOT NULL,
    CONSTRAINT schedule_overrides_check CHECK ((cardinality(start_minutes) = cardinality(end_minutes))),
    CONSTRAINT schedule_overrides_end_minutes_check CHECK (((1 <= ALL (end_minutes)) AND (2880 >= ALL (end_minutes)))),
    CONSTRAINT schedule_overrides_name_check CHECK (((name = ''::text) OR public.is_name(name))),
    CONSTRAINT schedule_overrides_start_minutes_check CHECK (((0 <= ALL (start_minutes)) AND (1439 >= ALL (start_minutes))))
);

ALTER TABLE ONLY public.schedule_overrides FORCE ROW LEVEL SECURITY;

CREATE TABLE public.schedules (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    resource_id uuid,
    is_set boolean NOT NULL,
    timezone text,
    weekdays integer[] DEFAULT '{}'::integer[] NOT NULL,
    start_minutes integer[] DEFAULT '{}'::integer[] NOT NULL,
    end_minutes integer[] DEFAULT '{}'::integer[] NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT schedules_check CHECK (((timezone IS NULL) OR (((length(timezone) >= 1) AND (length(timezone) <= 64)) AND (resource_id IS NOT NULL)))),
    CONSTRAINT schedules_check1 CHECK (((cardinality(weekdays) = cardinality(start_minutes)) AND (cardinality(weekdays) = cardinality(end_minutes)))),
    CONSTRAINT schedules_end_minutes_check CHECK (((1 <= ALL (end_minutes)) AND (2880 >= ALL (end_minutes)))),
    CONSTRAINT schedules_start_minutes_check CHECK (((0 <= ALL (start_minutes)) AND (1439 >= ALL (start_minutes)))),
    CONSTRAINT schedules_time_zone CHECK (((timezone ~ '^[A-Z]'::text) AND (timezone <> ALL (ARRAY['Factory'::text, 'Local'::text])))),
    CONSTRAINT schedules_weekdays_check CHECK (((0 <= ALL (weekdays)) AND (6 >= ALL (weekdays))))
);

ALTER TABLE ONLY public.schedules FORCE ROW LEVEL SECURITY;

CREATE TABLE public.series (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    start_at timestamp with time zone NOT NULL,
    rrule text NOT NULL,
    timezone text NOT NULL,
    resource_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    notes text DEFAULT ''::text NOT NULL,
    created_by uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT series_notes_check CHECK ((length(notes) <= 2000)),
    CONSTRAINT series_resource_ids_check CHECK ((cardinality(resource_ids) <= 20)),
    CONSTRAINT series_rrule_check CHECK (((length(rrule) >= 1) AND (length(rrule) <= 500))),
    CONSTRAINT series_timezone_check CHECK (((length(timezone) >= 1) AND (length(timezone) <= 64)))
);

ALTER TABLE ONLY public.series FORCE ROW LEVEL SECURITY;

CREATE TABLE public.service_requirement_resources (
    env_id uuid NOT NULL,
    service_id uuid NOT NULL,
    "position" integer NOT NULL,
    resource_id uuid NOT NULL
);

ALTER TABLE ONLY public.service_requirement_resources FORCE ROW LEVEL SECURITY;

CREATE TABLE public.service_requirements (
    env_id uuid NOT NULL,
    service_id uuid NOT NULL,
    "position" integer NOT NULL,
    resource_type text NOT NULL,
    CONSTRAINT service_requirements_position_check CHECK ((("position" >= 1) AND ("position" <= 10))),
    CONSTRAINT service_requirements_resource_type_check CHECK ((resource_type = ANY (ARRAY['STAFF'::text, 'ROOM'::text, 'EQUIPMENT'::text])))
);

ALTER TABLE ONLY public.service_requirements FORCE ROW LEVEL SECURITY;

CREATE TABLE public.services (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    duration_minutes integer NOT NULL,
    buffer_before_minutes integer DEFAULT 0 NOT NULL,
    buffer_after_minutes integer DEFAULT 0 NOT NULL,
    price_amount bigint NOT NULL,
    price_currency text NOT NULL,
    requires_approval boolean DEFAULT false NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    slot_step_minutes integer DEFAULT 15 NOT NULL,
    min_notice_minutes integer DEFAULT 0 NOT NULL,
    horizon_days integer,
    max_per_day integer,
    max_per_week integer,
    CONSTRAINT services_buffer_after_minutes_check CHECK (((buffer_after_minutes >= 0) AND (buffer_after_minutes <= 720))),
    CONSTRAINT services_buffer_before_minutes_check CHECK (((buffer_before_minutes >= 0) AND (buffer_before_minutes <= 720))),
    CONSTRAINT services_description_check CHECK ((length(description) <= 2000)),
    CONSTRAINT services_duration_minutes_check CHECK (((duration_minutes >= 1) AND (duration_minutes <= 1440))),
    CONSTRAINT services_horizon_days_check CHECK (((horizon_days >= 1) AND (horizon_days <= 1095))),
    CONSTRAINT services_max_per_day_check CHECK (((max_per_day >= 1) AND (max_per_day <= 10000))),
    CONSTRAINT services_max_per_week_check CHECK (((max_per_week >= 1) AND (max_per_week <= 10000))),
    CONSTRAINT services_min_notice_minutes_check CHECK (((min_notice_minutes >= 0) AND (min_notice_minutes <= 525600))),
    CONSTRAINT services_name_check CHECK (public.is_name(name)),
    CONSTRAINT services_price_amount_check CHECK ((price_amount >= 0)),
    CONSTRAINT services_price_currency_check CHECK ((price_currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT services_slot_step_minutes_check CHECK (((slot_step_minutes >= 1) AND (slot_step_minutes <= 1440)))
);

ALTER TABLE ONLY public.services FORCE ROW LEVEL SECURITY;

CREATE TABLE public.sessions (
    id uuid NOT NULL,
    token_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    sandbox_mode boolean DEFAULT false NOT NULL,
    user_agent text DEFAULT ''::text NOT NULL,
    address inet,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    ancestor_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    impersonator_id uuid,
    read_only boolean DEFAULT false NOT NULL,
    CONSTRAINT sessions_ancestor_ids_check CHECK ((cardinality(ancestor_ids) <= 7)),
    CONSTRAINT sessions_masquerade CHECK ((((impersonator_id IS NULL) = (cardinality(ancestor_ids) = 0)) AND (impersonator_id IS DISTINCT FROM user_id) AND (NOT (read_only AND (impersonator_id IS NULL))))),
    CONSTRAINT sessions_token_hash_check CHECK ((length(token_hash) = 32))
);

CREATE TABLE public.tenant_invitations (
    id uuid NOT NULL,
    token_hash bytea NOT NULL,
    email text NOT NULL,
    business_name text NOT NULL,
    subdomain text NOT NULL,
    plan_code text NOT NULL,
    timezone text NOT NULL,
    currency text NOT NULL,
    grants jsonb DEFAULT '{}'::jsonb NOT NULL,
    invited_by uuid,
    expires_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    revoked_at timestamp with time zone,
    tenant_id uuid,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT tenant_invitations_business_name_check CHECK (public.is_name(business_name)),
    CONSTRAINT tenant_invitations_check CHECK (((accepted_at IS NULL) OR (revoked_at IS NULL))),
    CONSTRAINT tenant_invitations_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT tenant_invitations_email_check CHECK (((email = lower(email)) AND ((length(email) >= 3) AND (length(email) <= 254)))),
    CONSTRAINT tenant_invitations_grants_check CHECK ((jsonb_typeof(grants) = 'object'::text)),
    CONSTRAINT tenant_invitations_subdomain_check CHECK (((length(subdomain) >= 1) AND (length(subdomain) <= 55))),
    CONSTRAINT tenant_invitations_time_zone CHECK (((timezone ~ '^[A-Z]'::text) AND (timezone <> ALL (ARRAY['Factory'::text, 'Local'::text])))),
    CONSTRAINT tenant_invitations_timezone_check CHECK (((length(timezone) >= 1) AND (length(timezone) <= 64))),
    CONSTRAINT tenant_invitations_token_hash_check CHECK ((length(token_hash) = 32))
);

CREATE TABLE public.tenants (
    id uuid NOT NULL,
    name text NOT NULL,
    status text DEFAULT 'ACTIVE'::text NOT NULL,
    plan_version_id uuid NOT NULL,
    timezone text DEFAULT 'UTC'::text NOT NULL,
    currency text DEFAULT 'USD'::text NOT NULL,
    sandbox_enabled boolean DEFAULT true NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    primary_color text DEFAULT '#3B82F6'::text NOT NULL,
    secondary_color text DEFAULT '#10B981'::text NOT NULL,
    logo_url text,
    contact_email text DEFAULT ''::text NOT NULL,
    contact_phone text DEFAULT ''::text NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    cancellation_window_hours integer DEFAULT 24 NOT NULL,
    late_cancellation_fee_percent integer DEFAULT 0 NOT NULL,
    resources_can_reschedule boolean DEFAULT false NOT NULL,
    customers_can_cancel boolean DEFAULT true NOT NULL,
    customers_can_reschedule boolean DEFAULT true NOT NULL,
    waitlist_offer_minutes integer DEFAULT 60 NOT NULL,
    billing_anchor_on date,
    scheduled_plan_version_id uuid,
    scheduled_plan_at timestamp with time zone,
    billing_status text DEFAULT 'CURRENT'::text NOT NULL,
    grace_until timestamp with time zone,
    suspended_at timestamp with time zone,
    white_label_enabled boolean DEFAULT false NOT NULL,
    max_holds_per_customer integer DEFAULT 5 NOT NULL,
    max_bookings_per_email integer DEFAULT 10 NOT NULL,
    max_bookings_per_address integer DEFAULT 50 NOT NULL,
    CONSTRAINT tenants_address_check CHECK ((length(address) <= 500)),
    CONSTRAINT tenants_billing_status_check CHECK ((billing_status = ANY (ARRAY['CURRENT'::text, 'PAST_DUE'::text]))),
    CONSTRAINT tenants_cancellation_window_hours_check CHECK (((cancellation_window_hours >= 0) AND (cancellation_window_hours <= 8760))),
    CONSTRAINT tenants_contact_email_check CHECK ((length(contact_email) <= 254)),
    CONSTRAINT tenants_contact_phone_check CHECK ((length(contact_phone) <= 40)),
    CONSTRAINT tenants_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT tenants_grace CHECK (((billing_status = 'PAST_DUE'::text) = (grace_until IS NOT NULL))),
    CONSTRAINT tenants_late_cancellation_fee_percent_check CHECK (((late_cancellation_fee_percent >= 0) AND (late_cancellation_fee_percent <= 100))),
    CONSTRAINT tenants_logo_url_check CHECK (((logo_url ~ '^https://'::text) AND (length(logo_url) <= 2048))),
    CONSTRAINT tenants_max_bookings_per_address_check CHECK (((max_bookings_per_address >= 1) AND (max_bookings_per_address <= 1000))),
    CONSTRAINT tenants_max_bookings_per_email_check CHECK (((max_bookings_per_email >= 1) AND (max_bookings_per_email <= 1000))),
    CONSTRAINT tenants_max_holds_per_customer_check CHECK (((max_holds_per_customer >= 1) AND (max_holds_per_customer <= 100))),
    CONSTRAINT tenants_name_check CHECK (public.is_name(name)),
    CONSTRAINT tenants_primary_color_check CHECK ((primary_color ~ '^#[0-9A-F]{6}$'::text)),
    CONSTRAINT tenants_scheduled_plan CHECK (((scheduled_plan_version_id IS NULL) = (scheduled_plan_at IS NULL))),
    CONSTRAINT tenants_secondary_color_check CHECK ((secondary_color ~ '^#[0-9A-F]{6}$'::text)),
    CONSTRAINT tenants_status_check CHECK ((status = ANY (ARRAY['ACTIVE'::text, 'TRIAL'::text, 'SUSPENDED'::text]))),
    CONSTRAINT tenants_time_zone CHECK (((timezone ~ '^[A-Z]'::text) AND (timezone <> ALL (ARRAY['Factory'::text, 'Local'::text])))),
    CONSTRAINT tenants_timezone_check CHECK (((length(timezone) >= 1) AND (length(timezone) <= 64))),
    CONSTRAINT tenants_waitlist_offer_minutes_check CHECK (((waitlist_offer_minutes >= 5) AND (waitlist_offer_minutes <= 1440)))
);

CREATE TABLE public.time_off (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    resource_id uuid,
    title text NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    rrule text,
    timezone text,
    blocks_until timestamp with time zone NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT time_off_check CHECK (((end_at > start_at) AND ((end_at - start_at) <= '366 days'::interval))),
    CONSTRAINT time_off_check1 CHECK ((((timezone IS NULL) = (rrule IS NULL)) AND ((timezone IS NULL) OR ((length(timezone) >= 1) AND (length(timezone) <= 64))))),
    CONSTRAINT time_off_check2 CHECK ((blocks_until >= end_at)),
    CONSTRAINT time_off_rrule_check CHECK (((length(rrule) >= 1) AND (length(rrule) <= 500))),
    CONSTRAINT time_off_time_zone CHECK (((timezone ~ '^[A-Z]'::text) AND (timezone <> ALL (ARRAY['Factory'::text, 'Local'::text])))),
    CONSTRAINT time_off_title_check CHECK (public.is_name(title))
);

ALTER TABLE ONLY public.time_off FORCE ROW LEVEL SECURITY;

CREATE TABLE public.usage_counters (
    env_id uuid NOT NULL,
    quota text NOT NULL,
    period date NOT NULL,
    used bigint NOT NULL,
    warned_percent smallint DEFAULT 0 NOT NULL,
    warned_limit bigint,
    CONSTRAINT usage_counters_quota_check CHECK (((length(quota) >= 1) AND (length(quota) <= 60))),
    CONSTRAINT usage_counters_used_check CHECK ((used >= 0))
);

ALTER TABLE ONLY public.usage_counters FORCE ROW LEVEL SECURITY;

CREATE TABLE public.user_credentials (
    user_id uuid NOT NULL,
    password_hash text NOT NULL,
    device_key bytea DEFAULT sha256((uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))) NOT NULL,
    chosen_by_owner boolean DEFAULT false NOT NULL,
    CONSTRAINT user_credentials_device_key_check CHECK ((length(device_key) = 32))
);

CREATE TABLE public.users (
    id uuid NOT NULL,
    tenant_id uuid,
    env_id uuid,
    is_sandbox boolean DEFAULT false NOT NULL,
    email text NOT NULL,
    username text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    last_login_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_email_check CHECK (((email = lower(email)) AND ((length(email) >= 3) AND (length(email) <= 254)))),
    CONSTRAINT users_name_check CHECK (public.is_name(name)),
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['SUPERUSER'::text, 'PLATFORM_MANAGER'::text, 'PLATFORM_SUPPORT'::text, 'PLATFORM_SALES'::text, 'TENANT_OWNER'::text, 'TENANT_MANAGER'::text, 'TENANT_STAFF'::text, 'CUSTOMER'::text]))),
    CONSTRAINT users_role_fits_tenant CHECK ((((tenant_id IS NULL) = (role = ANY (ARRAY['SUPERUSER'::text, 'PLATFORM_MANAGER'::text, 'PLATFORM_SUPPORT'::text, 'PLATFORM_SALES'::text]))) AND ((tenant_id IS NULL) = (env_id IS NULL)) AND (NOT ((tenant_id IS NULL) AND is_sandbox)))),
    CONSTRAINT users_username_check CHECK (public.is_name(username))
);

CREATE TABLE public.waitlist_entries (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    status text DEFAULT 'WAITING'::text NOT NULL,
    service_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    from_at timestamp with time zone NOT NULL,
    to_at timestamp with time zone NOT NULL,
    resource_ids uuid[] NOT NULL,
    hold_id uuid,
    offer_expires_at timestamp with time zone,
    appointment_id uuid,
    created_by uuid,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT waitlist_entries_check CHECK ((to_at > from_at)),
    CONSTRAINT waitlist_entries_offer CHECK (
CASE status
    WHEN 'WAITING'::text THEN (offer_expires_at IS NULL)
    WHEN 'EXPIRED'::text THEN true
    ELSE (offer_expires_at IS NOT NULL)
END),
    CONSTRAINT waitlist_entries_status_check CHECK ((status = ANY (ARRAY['WAITING'::text, 'OFFERED'::text, 'BOOKED'::text, 'EXPIRED'::text])))
);

ALTER TABLE ONLY public.waitlist_entries FORCE ROW LEVEL SECURITY;

CREATE TABLE public.webhook_attempts (
    env_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    number integer NOT NULL,
    started_at timestamp with time zone NOT NULL,
    duration_ms integer NOT NULL,
    status_code integer,
    response text DEFAULT ''::text NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    CONSTRAINT webhook_attempts_duration_ms_check CHECK ((duration_ms >= 0)),
    CONSTRAINT webhook_attempts_error_check CHECK ((length(error) <= 500)),
    CONSTRAINT webhook_attempts_number_check CHECK ((number > 0)),
    CONSTRAINT webhook_attempts_response_check CHECK ((length(response) <= 2000)),
    CONSTRAINT webhook_attempts_status_code_check CHECK (((status_code >= 100) AND (status_code <= 999)))
);

ALTER TABLE ONLY public.webhook_attempts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.webhook_deliveries (
    env_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    event_id uuid NOT NULL,
    sequence bigint NOT NULL,
    status text DEFAULT 'PENDING'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone,
    claimed_until timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT webhook_deliveries_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT webhook_deliveries_check CHECK (((status = 'PENDING'::text) = (next_attempt_at IS NOT NULL))),
    CONSTRAINT webhook_deliveries_check1 CHECK (((status = 'PENDING'::text) = (finished_at IS NULL))),
    CONSTRAINT webhook_deliveries_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'SUCCEEDED'::text, 'FAILED'::text, 'CANCELLED'::text]))),
    CONSTRAINT webhook_deliveries_tries_check CHECK ((tries >= 0))
);

ALTER TABLE ONLY public.webhook_deliveries FORCE ROW LEVEL SECURITY;

CREATE TABLE public.webhook_endpoints (
    env_id uuid NOT NULL,
    id uuid NOT NULL,
    url text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    event_types text[] NOT NULL,
    is_enabled boolean DEFAULT true NOT NULL,
    disabled_reason text,
    failing_since timestamp with time zone,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_secret_expires_at timestamp with time zone,
    wake_at timestamp with time zone,
    version integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    read_scopes text[] DEFAULT '{*}'::text[] NOT NULL,
    CONSTRAINT webhook_endpoints_check CHECK ((is_enabled = (disabled_reason IS NULL))),
    CONSTRAINT webhook_endpoints_check1 CHECK (((previous_secret IS NULL) = (previous_secret_expires_at IS NULL))),
    CONSTRAINT webhook_endpoints_description_check CHECK ((length(description) <= 500)),
    CONSTRAINT webhook_endpoints_disabled_reason_check CHECK ((disabled_reason = ANY (ARRAY['MANUAL'::text, 'FAILING'::text, 'GONE'::text]))),
    CONSTRAINT webhook_endpoints_event_types_check CHECK (((cardinality(event_types) >= 1) AND (cardinality(event_types) <= 100))),
    CONSTRAINT webhook_endpoints_url_check CHECK (((length(url) >= 1) AND (length(url) <= 2000)))
);

ALTER TABLE ONLY public.webhook_endpoints FORCE ROW LEVEL SECURITY;

ALTER TABLE ONLY public.activity_cursors
    ADD CONSTRAINT activity_cursors_pkey PRIMARY KEY (env_id);

ALTER TABLE ONLY public.allocations
    ADD CONSTRAINT allocations_no_overlap EXCLUDE USING gist (env_id WITH =, resource_id WITH =, lane WITH =, during WITH &&) WHERE (active);

ALTER TABLE ONLY public.allocations
    ADD CONSTRAINT allocations_pkey PRIMARY KEY (env_id, resource_id, start_at, owner_id) INCLUDE (end_at, lane, active, expires_at);

ALTER TABLE ONLY public.api_token_secrets
    ADD CONSTRAINT api_token_secrets_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_mode UNIQUE (id, is_sandbox);

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.appointment_changes
    ADD CONSTRAINT appointment_changes_pkey PRIMARY KEY (env_id, appointment_id, version);

ALTER TABLE ONLY public.appointments
    ADD CONSTRAINT appointments_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.audit_entries
    ADD CONSTRAINT audit_entries_pkey PRIMARY KEY (occurred_at, id);

ALTER TABLE ONLY public.booking_capabilities
    ADD CONSTRAINT booking_capabilities_pkey PRIMARY KEY (env_id, token_hash);

ALTER TABLE ONLY public.catalogue_versions
    ADD CONSTRAINT catalogue_versions_pkey PRIMARY KEY (env_id);

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.daily_api_calls
    ADD CONSTRAINT daily_api_calls_pkey PRIMARY KEY (day);

ALTER TABLE ONLY public.daily_bookings
    ADD CONSTRAINT daily_bookings_pkey PRIMARY KEY (day);

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_of_tenant UNIQUE (tenant_id, name);

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.entitlement_overrides
    ADD CONSTRAINT entitlement_overrides_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.environments
    ADD CONSTRAINT environments_id_tenant_id_is_sandbox_key UNIQUE (id, tenant_id, is_sandbox);

ALTER TABLE ONLY public.environments
    ADD CONSTRAINT environments_name_key UNIQUE (name);

ALTER TABLE ONLY public.environments
    ADD CONSTRAINT environments_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.environments
    ADD CONSTRAINT environments_tenant_id_is_sandbox_key UNIQUE (tenant_id, is_sandbox);

ALTER TABLE ONLY public.event_sequences
    ADD CONSTRAINT event_sequences_pkey PRIMARY KEY (env_id);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_env_id_sequence_key UNIQUE (env_id, sequence);

ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.feed_consumers
    ADD CONSTRAINT feed_consumers_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.feed_parked_events
    ADD CONSTRAINT feed_parked_events_pkey PRIMARY KEY (env_id, sequence, consumer);

ALTER TABLE ONLY public.feed_positions
    ADD CONSTRAINT feed_positions_pkey PRIMARY KEY (env_id, consumer);

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal_id, env_id, key_hash);

ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (singleton);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_token UNIQUE (env_id, token_hash);

ALTER TABLE ONLY public.login_throttles
    ADD CONSTRAINT login_throttles_pkey PRIMARY KEY (key);

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.password_resets
    ADD CONSTRAINT password_resets_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.password_resets
    ADD CONSTRAINT password_resets_token UNIQUE (token_hash);

ALTER TABLE ONLY public.plan_versions
    ADD CONSTRAINT plan_versions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.plan_versions
    ADD CONSTRAINT plan_versions_plan_id_version_key UNIQUE (plan_id, version);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_code_key UNIQUE (code);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.plans
    ADD CONSTRAINT plans_rank_key UNIQUE (rank);

ALTER TABLE ONLY public.public_bookings
    ADD CONSTRAINT public_bookings_pkey PRIMARY KEY (env_id, appointment_id);

ALTER TABLE ONLY public.resources
    ADD CONSTRAINT resources_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.sandbox_clocks
    ADD CONSTRAINT sandbox_clocks_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.schedule_overrides
    ADD CONSTRAINT schedule_overrides_pkey PRIMARY KEY (env_id, schedule_id, date);

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_of_resource UNIQUE NULLS NOT DISTINCT (env_id, resource_id);

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.service_requirement_resources
    ADD CONSTRAINT service_requirement_resources_pkey PRIMARY KEY (env_id, service_id, "position", resource_id);

ALTER TABLE ONLY public.service_requirements
    ADD CONSTRAINT service_requirements_pkey PRIMARY KEY (env_id, service_id, "position");

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.tenant_invitations
    ADD CONSTRAINT tenant_invitations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tenant_invitations
    ADD CONSTRAINT tenant_invitations_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.time_off
    ADD CONSTRAINT time_off_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.usage_counters
    ADD CONSTRAINT usage_counters_pkey PRIMARY KEY (env_id, quota, period);

ALTER TABLE ONLY public.user_credentials
    ADD CONSTRAINT user_credentials_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email UNIQUE NULLS NOT DISTINCT (tenant_id, is_sandbox, email);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_in_environment UNIQUE (env_id, id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_username UNIQUE NULLS NOT DISTINCT (tenant_id, is_sandbox, username);

ALTER TABLE ONLY public.waitlist_entries
    ADD CONSTRAINT waitlist_entries_once EXCLUDE USING gist (env_id WITH =, service_id WITH =, customer_id WITH =, tstzrange(from_at, to_at) WITH &&) WHERE ((status = ANY (ARRAY['WAITING'::text, 'OFFERED'::text])));

ALTER TABLE ONLY public.waitlist_entries
    ADD CONSTRAINT waitlist_entries_pkey PRIMARY KEY (env_id, id);

ALTER TABLE ONLY public.webhook_attempts
    ADD CONSTRAINT webhook_attempts_pkey PRIMARY KEY (env_id, endpoint_id, event_id, number);

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (env_id, endpoint_id, event_id);

ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (env_id, id);

CREATE UNIQUE INDEX allocations_appointment ON public.allocations USING btree (env_id, appointment_id, resource_id);

CREATE INDEX allocations_hold ON public.allocations USING btree (env_id, hold_id) WHERE (hold_id IS NOT NULL);

CREATE UNIQUE INDEX api_token_secrets_one_current ON public.api_token_secrets USING btree (token_id) WHERE (replaced_at IS NULL);

CREATE INDEX api_token_secrets_token ON public.api_token_secrets USING btree (token_id);

CREATE INDEX api_tokens_environment ON public.api_tokens USING btree (env_id);

CREATE INDEX api_tokens_tenant ON public.api_tokens USING btree (tenant_id, created_at DESC, id DESC);

CREATE INDEX appointments_customer ON public.appointments USING btree (env_id, customer_id, start_at, id);

CREATE INDEX appointments_series ON public.appointments USING btree (env_id, series_id, start_at, id) WHERE (series_id IS NOT NULL);

CREATE INDEX appointments_service ON public.appointments USING btree (env_id, service_id);

CREATE INDEX appointments_start ON public.appointments USING btree (env_id, start_at, id);

CREATE INDEX audit_entries_action ON ONLY public.audit_entries USING btree (action, occurred_at DESC, id DESC);

CREATE INDEX audit_entries_actor ON ONLY public.audit_entries USING btree (actor_user_id, occurred_at DESC, id DESC) WHERE (actor_user_id IS NOT NULL);

CREATE INDEX audit_entries_impersonator ON ONLY public.audit_entries USING btree (impersonator_user_id, occurred_at DESC, id DESC) WHERE (impersonator_user_id IS NOT NULL);

CREATE INDEX audit_entries_refusals ON ONLY public.audit_entries USING btree (tenant_id, outcome, occurred_at DESC, id DESC) WHERE (outcome <> 'SUCCESS'::text);

CREATE INDEX audit_entries_target ON ONLY public.audit_entries USING btree (target_id, occurred_at DESC, id DESC) WHERE (target_id <> ''::text);

CREATE INDEX audit_entries_tenant ON ONLY public.audit_entries USING btree (tenant_id, occurred_at DESC, id DESC);

CREATE INDEX audit_entries_tenant_action ON ONLY public.audit_entries USING btree (tenant_id, action, occurred_at DESC, id DESC);

CREATE INDEX audit_entries_time ON ONLY public.audit_entries USING btree (occurred_at DESC, id DESC);

CREATE INDEX booking_capabilities_appointment ON public.booking_capabilities USING btree (env_id, appointment_id) WHERE (appointment_id IS NOT NULL);

CREATE INDEX booking_capabilities_hold ON public.booking_capabilities USING btree (env_id, hold_id) WHERE (hold_id IS NOT NULL);

CREATE INDEX customers_email ON public.customers USING btree (env_id, email);

CREATE INDEX customers_email_lower ON public.customers USING btree (env_id, email_lower);

CREATE INDEX customers_named ON public.customers USING btree (env_id, id) INCLUDE (name);

CREATE INDEX customers_newest ON public.customers USING btree (env_id, created_at DESC, id DESC);

CREATE INDEX customers_phone ON public.customers USING btree (env_id, phone);

CREATE UNIQUE INDEX customers_user ON public.customers USING btree (env_id, user_id) WHERE (user_id IS NOT NULL);

CREATE UNIQUE INDEX domains_name_key ON public.domains USING btree (name) WHERE ((verified_at IS NOT NULL) OR (reserved_until IS NOT NULL));

CREATE UNIQUE INDEX domains_one_primary ON public.domains USING btree (tenant_id) WHERE is_primary;

CREATE UNIQUE INDEX domains_one_subdomain ON public.domains USING btree (tenant_id) WHERE ((kind = 'SUBDOMAIN'::text) AND (reserved_until IS NULL));

CREATE INDEX domains_tenant ON public.domains USING btree (tenant_id);

CREATE INDEX domains_to_check ON public.domains USING btree (checked_at NULLS FIRST) WHERE ((verified_at IS NOT NULL) AND (kind = 'CUSTOM'::text));

CREATE INDEX entitlement_overrides_newest ON public.entitlement_overrides USING btree (tenant_id, created_at DESC, id DESC);

CREATE INDEX entitlement_overrides_tenant ON public.entitlement_overrides USING btree (tenant_id, name, from_at);

CREATE INDEX environments_usage_reconciled ON public.environments USING btree (usage_reconciled_at, id);

CREATE INDEX holds_appointment ON public.holds USING btree (env_id, appointment_id) WHERE (appointment_id IS NOT NULL);

CREATE INDEX holds_customer ON public.holds USING btree (env_id, customer_id) WHERE (customer_id IS NOT NULL);

CREATE INDEX holds_expiry ON public.holds USING btree (env_id, expires_at, id);

CREATE INDEX holds_holder ON public.holds USING btree (env_id, holder_id) WHERE ((holder_id IS NOT NULL) AND (status = 'ACTIVE'::text));

CREATE INDEX holds_service ON public.holds USING btree (env_id, service_id);

CREATE INDEX idempotency_keys_expiry ON public.idempotency_keys USING btree (expires_at);

CREATE INDEX invitations_customer ON public.invitations USING btree (env_id, customer_id);

CREATE UNIQUE INDEX invitations_email ON public.invitations USING btree (env_id, email) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));

CREATE INDEX invitations_newest ON public.invitations USING btree (env_id, created_at DESC, id DESC);

CREATE INDEX invitations_resource ON public.invitations USING btree (env_id, resource_id);

CREATE INDEX notifications_customer ON public.notifications USING btree (env_id, customer_id) WHERE (customer_id IS NOT NULL);

CREATE INDEX notifications_newest ON public.notifications USING btree (env_id, created_at DESC, id DESC);

CREATE INDEX notifications_recorded ON public.notifications USING btree (env_id, recorded_at DESC, id DESC);

CREATE INDEX notifications_user ON public.notifications USING btree (env_id, user_id) WHERE (user_id IS NOT NULL);

CREATE INDEX password_resets_expiry ON public.password_resets USING btree (expires_at);

CREATE UNIQUE INDEX plan_versions_one_draft ON public.plan_versions USING btree (plan_id) WHERE (status = 'DRAFT'::text);

CREATE UNIQUE INDEX plan_versions_one_published ON public.plan_versions USING btree (plan_id) WHERE (status = 'PUBLISHED'::text);

CREATE INDEX public_bookings_due ON public.public_bookings USING btree (env_id, due_at);

CREATE INDEX public_bookings_email ON public.public_bookings USING btree (env_id, email_id);

CREATE INDEX public_bookings_network ON public.public_bookings USING btree (env_id, network_id);

CREATE INDEX resources_name ON public.resources USING btree (env_id, name, id);

CREATE INDEX resources_user ON public.resources USING btree (env_id, user_id) WHERE (user_id IS NOT NULL);

CREATE INDEX series_customer ON public.series USING btree (env_id, customer_id, id);

CREATE INDEX series_service ON public.series USING btree (env_id, service_id);

CREATE INDEX service_requirement_resources_resource ON public.service_requirement_resources USING btree (env_id, resource_id);

CREATE INDEX services_name ON public.services USING btree (env_id, name, id);

CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);

CREATE INDEX sessions_impersonator ON public.sessions USING btree (impersonator_id) WHERE (impersonator_id IS NOT NULL);

CREATE INDEX sessions_user ON public.sessions USING btree (user_id, created_at DESC);

CREATE INDEX tenant_invitations_newest ON public.tenant_invitations USING btree (created_at DESC, id DESC);

CREATE UNIQUE INDEX tenant_invitations_subdomain ON public.tenant_invitations USING btree (subdomain) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));

CREATE INDEX tenants_name ON public.tenants USING btree (name, id);

CREATE INDEX tenants_newest ON public.tenants USING btree (created_at, id);

CREATE INDEX tenants_scheduled_plan ON public.tenants USING btree (scheduled_plan_at) WHERE (scheduled_plan_at IS NOT NULL);

CREATE INDEX time_off_resource_until ON public.time_off USING btree (env_id, resource_id, blocks_until);

CREATE INDEX time_off_start ON public.time_off USING btree (env_id, start_at, id);

CREATE INDEX users_name ON public.users USING btree (name, id);

CREATE INDEX users_newest ON public.users USING btree (created_at, id);

CREATE INDEX users_owners ON public.users USING btree (tenant_id, created_at, id) WHERE (role = 'TENANT_OWNER'::text);

CREATE INDEX waitlist_entries_appointment ON public.waitlist_entries USING btree (env_id, appointment_id) WHERE (appointment_id IS NOT NULL);

CREATE INDEX waitlist_entries_customer ON public.waitlist_entries USING btree (env_id, customer_id);

CREATE INDEX waitlist_entries_hold ON public.waitlist_entries USING btree (env_id, hold_id) WHERE (hold_id IS NOT NULL);

CREATE INDEX waitlist_entries_line ON public.waitlist_entries USING btree (env_id, created_at, id);

CREATE INDEX waitlist_entries_offered ON public.waitlist_entries USING btree (env_id, offer_expires_at) WHERE (status = 'OFFERED'::text);

CREATE INDEX waitlist_entries_service ON public.waitlist_entries USING btree (env_id, service_id);

CREATE INDEX waitlist_entries_waiting ON public.waitlist_entries USING btree (env_id, created_at, id) WHERE (status = 'WAITING'::text);

CREATE INDEX webhook_attempts_latest ON public.webhook_attempts USING btree (env_id, started_at, endpoint_id, event_id, number);

CREATE INDEX webhook_deliveries_due_in_order ON public.webhook_deliveries USING btree (env_id, endpoint_id, next_attempt_at, sequence) WHERE (status = 'PENDING'::text);

CREATE INDEX webhook_deliveries_event ON public.webhook_deliveries USING btree (env_id, event_id);

CREATE INDEX webhook_deliveries_newest ON public.webhook_deliveries USING btree (env_id, endpoint_id, sequence DESC);

CREATE INDEX webhook_endpoints_newest ON public.webhook_endpoints USING btree (env_id, created_at DESC, id DESC);

CREATE TRIGGER begin_catalogue AFTER INSERT ON public.environments FOR EACH ROW EXECUTE FUNCTION public.begin_catalogue();

CREATE TRIGGER insert_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_entries FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_audit_change();

CREATE TRIGGER keep_published BEFORE DELETE OR UPDATE ON public.plan_versions FOR EACH ROW EXECUTE FUNCTION public.keep_published_plan_version();

CREATE TRIGGER note_catalogue_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.resources FOR EACH STATEMENT EXECUTE FUNCTION public.note_catalogue_change();

CREATE TRIGGER note_catalogue_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.schedule_overrides FOR EACH STATEMENT EXECUTE FUNCTION public.note_catalogue_change();

CREATE TRIGGER note_catalogue_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.schedules FOR EACH STATEMENT EXECUTE FUNCTION public.note_catalogue_change();

CREATE TRIGGER note_catalogue_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.service_requirement_resources FOR EACH STATEMENT EXECUTE FUNCTION public.note_catalogue_change();

CREATE TRIGGER note_catalogue_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.service_requirements FOR EACH STATEMENT EXECUTE FUNCTION public.note_catalogue_change();

CREATE TRIGGER note_catalogue_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.services FOR EACH STATEMENT EXECUTE FUNCTION public.note_catalogue_change();

CREATE TRIGGER note_catalogue_change AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.time_off FOR EACH STATEMENT EXECUTE FUNCTION public.note_catalogue_change();

CREATE CONSTRAINT TRIGGER renew_catalogue_version AFTER INSERT OR DELETE OR UPDATE ON public.resources DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.renew_catalogue_version();

CREATE CONSTRAINT TRIGGER renew_catalogue_version AFTER INSERT OR DELETE OR UPDATE ON public.schedule_overrides DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.renew_catalogue_version();

CREATE CONSTRAINT TRIGGER renew_catalogue_version AFTER INSERT OR DELETE OR UPDATE ON public.schedules DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.renew_catalogue_version();

CREATE CONSTRAINT TRIGGER renew_catalogue_version AFTER INSERT OR DELETE OR UPDATE ON public.service_requirement_resources DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.renew_catalogue_version();

CREATE CONSTRAINT TRIGGER renew_catalogue_version AFTER INSERT OR DELETE OR UPDATE ON public.service_requirements DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.renew_catalogue_version();

CREATE CONSTRAINT TRIGGER renew_catalogue_version AFTER INSERT OR DELETE OR UPDATE ON public.services DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.renew_catalogue_version();

CREATE CONSTRAINT TRIGGER renew_catalogue_version AFTER INSERT OR DELETE OR UPDATE ON public.time_off DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.renew_catalogue_version();

CREATE TRIGGER renew_catalogue_versions AFTER TRUNCATE ON public.resources FOR EACH STATEMENT EXECUTE FUNCTION public.renew_catalogue_version();

CREATE TRIGGER renew_catalogue_versions AFTER TRUNCATE ON public.schedule_overrides FOR EACH STATEMENT EXECUTE FUNCTION public.renew_catalogue_version();

CREATE TRIGGER renew_catalogue_versions AFTER TRUNCATE ON public.schedules FOR EACH STATEMENT EXECUTE FUNCTION public.renew_catalogue_version();

CREATE TRIGGER renew_catalogue_versions AFTER TRUNCATE ON public.service_requirement_resources FOR EACH STATEMENT EXECUTE FUNCTION public.renew_catalogue_version();

CREATE TRIGGER renew_catalogue_versions AFTER TRUNCATE ON public.service_requirements FOR EACH STATEMENT EXECUTE FUNCTION public.renew_catalogue_version();

CREATE TRIGGER renew_catalogue_versions AFTER TRUNCATE ON public.services FOR EACH STATEMENT EXECUTE FUNCTION public.renew_catalogue_version();

CREATE TRIGGER renew_catalogue_versions AFTER TRUNCATE ON public.time_off FOR EACH STATEMENT EXECUTE FUNCTION public.renew_catalogue_version();

CREATE TRIGGER services_currency BEFORE INSERT OR UPDATE OF price_amount, price_currency ON public.services FOR EACH ROW EXECUTE FUNCTION public.check_service_currency();

CREATE TRIGGER sessions_stay_revoked BEFORE UPDATE OF revoked_at ON public.sessions FOR EACH ROW WHEN (((old.revoked_at IS NOT NULL) AND (new.revoked_at IS NULL))) EXECUTE FUNCTION public.refuse_revival();

CREATE TRIGGER tenants_currency AFTER UPDATE OF currency ON public.tenants FOR EACH ROW WHEN ((old.currency <> new.currency)) EXECUTE FUNCTION public.check_business_currency();

CREATE TRIGGER users_platform_changed BEFORE UPDATE ON public.users FOR EACH ROW WHEN (((new.tenant_id IS NULL) AND ((((((new.id IS DISTINCT FROM old.id) OR (new.role IS DISTINCT FROM old.role)) OR (new.email IS DISTINCT FROM old.email)) OR (new.username IS DISTINCT FROM old.username)) OR (new.is_active IS DISTINCT FROM old.is_active)) OR (old.tenant_id IS DISTINCT FROM new.tenant_id)))) EXECUTE FUNCTION public.refuse_platform_user();

CREATE TRIGGER users_platform_made BEFORE INSERT ON public.users FOR EACH ROW WHEN ((new.tenant_id IS NULL)) EXECUTE FUNCTION public.refuse_platform_user();

ALTER TABLE ONLY public.activity_cursors
    ADD CONSTRAINT activity_cursors_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.allocations
    ADD CONSTRAINT allocations_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES public.appointments(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.allocations
    ADD CONSTRAINT allocations_hold FOREIGN KEY (env_id, hold_id) REFERENCES public.holds(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.allocations
    ADD CONSTRAINT allocations_resource FOREIGN KEY (env_id, resource_id) REFERENCES public.resources(env_id, id) DEFERRABLE;

ALTER TABLE ONLY public.api_token_secrets
    ADD CONSTRAINT api_token_secrets_token FOREIGN KEY (token_id, is_sandbox) REFERENCES public.api_tokens(id, is_sandbox) ON DELETE CASCADE;

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_environment FOREIGN KEY (env_id, tenant_id, is_sandbox) REFERENCES public.environments(id, tenant_id, is_sandbox) ON DELETE CASCADE;

ALTER TABLE ONLY public.appointment_changes
    ADD CONSTRAINT appointment_changes_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES public.appointments(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.appointments
    ADD CONSTRAINT appointments_customer FOREIGN KEY (env_id, customer_id) REFERENCES public.customers(env_id, id) DEFERRABLE;

ALTER TABLE ONLY public.appointments
    ADD CONSTRAINT appointments_series FOREIGN KEY (env_id, series_id) REFERENCES public.series(env_id, id) DEFERRABLE;

ALTER TABLE ONLY public.appointments
    ADD CONSTRAINT appointments_service FOREIGN KEY (env_id, service_id) REFERENCES public.services(env_id, id) DEFERRABLE;

ALTER TABLE ONLY public.booking_capabilities
    ADD CONSTRAINT booking_capabilities_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES public.appointments(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.booking_capabilities
    ADD CONSTRAINT booking_capabilities_hold FOREIGN KEY (env_id, hold_id) REFERENCES public.holds(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.catalogue_versions
    ADD CONSTRAINT catalogue_versions_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_user FOREIGN KEY (env_id, user_id) REFERENCES public.users(env_id, id) ON DELETE SET NULL (user_id) DEFERRABLE;

ALTER TABLE ONLY public.domains
    ADD CONSTRAINT domains_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.entitlement_overrides
    ADD CONSTRAINT entitlement_overrides_actor_user_id_fkey FOREIGN KEY (actor_user_id) REFERENCES public.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.entitlement_overrides
    ADD CONSTRAINT entitlement_overrides_ended_by_fkey FOREIGN KEY (ended_by) REFERENCES public.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.entitlement_overrides
    ADD CONSTRAINT entitlement_overrides_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.environments
    ADD CONSTRAINT environments_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.event_sequences
    ADD CONSTRAINT event_sequences_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.feed_parked_events
    ADD CONSTRAINT feed_parked_events_event FOREIGN KEY (env_id, sequence) REFERENCES public.events(env_id, sequence) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.feed_positions
    ADD CONSTRAINT feed_positions_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES public.appointments(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_customer FOREIGN KEY (env_id, customer_id) REFERENCES public.customers(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.holds
    ADD CONSTRAINT holds_service FOREIGN KEY (env_id, service_id) REFERENCES public.services(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_customer FOREIGN KEY (env_id, customer_id) REFERENCES public.customers(env_id, id) ON DELETE SET NULL (customer_id) DEFERRABLE;

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_resource FOREIGN KEY (env_id, resource_id) REFERENCES public.resources(env_id, id) ON DELETE SET NULL (resource_id) DEFERRABLE;

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_customer FOREIGN KEY (env_id, customer_id) REFERENCES public.customers(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_user FOREIGN KEY (env_id, user_id) REFERENCES public.users(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.password_resets
    ADD CONSTRAINT password_resets_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.plan_versions
    ADD CONSTRAINT plan_versions_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES public.plans(id);

ALTER TABLE ONLY public.public_bookings
    ADD CONSTRAINT public_bookings_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES public.appointments(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.resources
    ADD CONSTRAINT resources_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.resources
    ADD CONSTRAINT resources_user FOREIGN KEY (env_id, user_id) REFERENCES public.users(env_id, id) ON DELETE SET NULL (user_id) DEFERRABLE;

ALTER TABLE ONLY public.sandbox_clocks
    ADD CONSTRAINT sandbox_clocks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.schedule_overrides
    ADD CONSTRAINT schedule_overrides_schedule FOREIGN KEY (env_id, schedule_id) REFERENCES public.schedules(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT schedules_resource FOREIGN KEY (env_id, resource_id) REFERENCES public.resources(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_customer FOREIGN KEY (env_id, customer_id) REFERENCES public.customers(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_service FOREIGN KEY (env_id, service_id) REFERENCES public.services(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.service_requirement_resources
    ADD CONSTRAINT service_requirement_resources_requirement FOREIGN KEY (env_id, service_id, "position") REFERENCES public.service_requirements(env_id, service_id, "position") ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.service_requirement_resources
    ADD CONSTRAINT service_requirement_resources_resource FOREIGN KEY (env_id, resource_id) REFERENCES public.resources(env_id, id) DEFERRABLE;

ALTER TABLE ONLY public.service_requirements
    ADD CONSTRAINT service_requirements_service FOREIGN KEY (env_id, service_id) REFERENCES public.services(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_impersonator_id_fkey FOREIGN KEY (impersonator_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.tenant_invitations
    ADD CONSTRAINT tenant_invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES public.users(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.tenant_invitations
    ADD CONSTRAINT tenant_invitations_plan_code_fkey FOREIGN KEY (plan_code) REFERENCES public.plans(code);

ALTER TABLE ONLY public.tenant_invitations
    ADD CONSTRAINT tenant_invitations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE SET NULL;

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_plan_version_id_fkey FOREIGN KEY (plan_version_id) REFERENCES public.plan_versions(id);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_scheduled_plan_version_id_fkey FOREIGN KEY (scheduled_plan_version_id) REFERENCES public.plan_versions(id);

ALTER TABLE ONLY public.time_off
    ADD CONSTRAINT time_off_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.time_off
    ADD CONSTRAINT time_off_resource FOREIGN KEY (env_id, resource_id) REFERENCES public.resources(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.usage_counters
    ADD CONSTRAINT usage_counters_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.user_credentials
    ADD CONSTRAINT user_credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_environment FOREIGN KEY (env_id, tenant_id, is_sandbox) REFERENCES public.environments(id, tenant_id, is_sandbox) ON DELETE CASCADE;

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.waitlist_entries
    ADD CONSTRAINT waitlist_entries_appointment FOREIGN KEY (env_id, appointment_id) REFERENCES public.appointments(env_id, id) ON DELETE SET NULL (appointment_id) DEFERRABLE;

ALTER TABLE ONLY public.waitlist_entries
    ADD CONSTRAINT waitlist_entries_customer FOREIGN KEY (env_id, customer_id) REFERENCES public.customers(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.waitlist_entries
    ADD CONSTRAINT waitlist_entries_hold FOREIGN KEY (env_id, hold_id) REFERENCES public.holds(env_id, id) ON DELETE SET NULL (hold_id) DEFERRABLE;

ALTER TABLE ONLY public.waitlist_entries
    ADD CONSTRAINT waitlist_entries_service FOREIGN KEY (env_id, service_id) REFERENCES public.services(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.webhook_attempts
    ADD CONSTRAINT webhook_attempts_delivery FOREIGN KEY (env_id, endpoint_id, event_id) REFERENCES public.webhook_deliveries(env_id, endpoint_id, event_id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_endpoint FOREIGN KEY (env_id, endpoint_id) REFERENCES public.webhook_endpoints(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_event FOREIGN KEY (env_id, event_id) REFERENCES public.events(env_id, id) ON DELETE CASCADE DEFERRABLE;

ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_env_id_fkey FOREIGN KEY (env_id) REFERENCES public.environments(id) ON DELETE CASCADE;

ALTER TABLE public.allocations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.appointment_changes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.appointments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.booking_capabilities ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY;

CREATE POLICY environment ON public.allocations TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.appointment_changes TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.appointments TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.booking_capabilities TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.customers TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.event_sequences TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.events TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.feed_parked_events TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.feed_positions TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.holds TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.invitations TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.notifications TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.public_bookings TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.resources TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.schedule_overrides TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.schedules TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.series TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.service_requirement_resources TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.service_requirements TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.services TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.time_off TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.usage_counters TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.waitlist_entries TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.webhook_attempts TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.webhook_deliveries TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

CREATE POLICY environment ON public.webhook_endpoints TO smoothschedule_app USING ((env_id = ( SELECT (NULLIF(current_setting('app.env_id'::text, true), ''::text))::uuid AS "nullif")));

ALTER TABLE public.event_sequences ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.feed_parked_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.feed_positions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.holds ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.invitations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notifications ENABLE ROW LEVEL SECURITY;

CREATE POLICY platform ON public.allocations TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.appointment_changes TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.appointments TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.booking_capabilities TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.customers TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.event_sequences TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.events TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.feed_parked_events TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.feed_positions TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.holds TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.invitations TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.notifications TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.public_bookings TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.resources TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.schedule_overrides TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.schedules TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.series TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.service_requirement_resources TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.service_requirements TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.services TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.time_off TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.usage_counters TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.waitlist_entries TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.webhook_attempts TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.webhook_deliveries TO smoothschedule_platform USING (true);

CREATE POLICY platform ON public.webhook_endpoints TO smoothschedule_platform USING (true);

ALTER TABLE public.public_bookings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.resources ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.schedule_overrides ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.schedules ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.series ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.service_requirement_resources ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.service_requirements ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.services ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.time_off ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.usage_counters ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.waitlist_entries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.webhook_endpoints ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA public TO smoothschedule_app;
GRANT USAGE ON SCHEMA public TO smoothschedule_platform;
GRANT USAGE ON SCHEMA public TO smoothschedule_administration;

REVOKE ALL ON FUNCTION public.add_audit_month(month timestamp with time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.add_audit_partition(name text, bounds text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.begin_catalogue() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.check_business_currency() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.check_service_currency() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.chosen_by_owner(of_user uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.chosen_by_owner(of_user uuid) TO smoothschedule_app;

REVOKE ALL ON FUNCTION public.count_bookings_by_date(of_env uuid, of_service uuid, of_resources uuid[], except_owner uuid, zone text, from_at timestamp with time zone, to_at timestamp with time zone, at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.count_bookings_by_date(of_env uuid, of_service uuid, of_resources uuid[], except_owner uuid, zone text, from_at timestamp with time zone, to_at timestamp with time zone, at timestamp with time zone) TO smoothschedule_app;
GRANT ALL ON FUNCTION public.count_bookings_by_date(of_env uuid, of_service uuid, of_resources uuid[], except_owner uuid, zone text, from_at timestamp with time zone, to_at timestamp with time zone, at timestamp with time zone) TO smoothschedule_platform;

REVOKE ALL ON FUNCTION public.device_key(of_user uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.device_key(of_user uuid) TO smoothschedule_app;
GRANT ALL ON FUNCTION public.device_key(of_user uuid) TO smoothschedule_platform;

REVOKE ALL ON FUNCTION public.empty_environment() FROM PUBLIC;
GRANT ALL ON FUNCTION public.empty_environment() TO smoothschedule_app;

REVOKE ALL ON FUNCTION public.event_scope(event_type text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.event_scope(event_type text) TO smoothschedule_app;
GRANT ALL ON FUNCTION public.event_scope(event_type text) TO smoothschedule_platform;

REVOKE ALL ON FUNCTION public.fan_out_events(env uuid, ids uuid[], sequences bigint[], types text[], only_endpoints text[], at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.fan_out_events(env uuid, ids uuid[], sequences bigint[], types text[], only_endpoints text[], at timestamp with time zone) TO smoothschedule_app;
GRANT ALL ON FUNCTION public.fan_out_events(env uuid, ids uuid[], sequences bigint[], types text[], only_endpoints text[], at timestamp with time zone) TO smoothschedule_platform;

REVOKE ALL ON FUNCTION public.is_name(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.is_name(name text) TO smoothschedule_app;
GRANT ALL ON FUNCTION public.is_name(name text) TO smoothschedule_platform;
GRANT ALL ON FUNCTION public.is_name(name text) TO smoothschedule_administration;

REVOKE ALL ON FUNCTION public.keep_published_plan_version() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.local_date(at timestamp with time zone, zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.local_date(at timestamp with time zone, zone text) TO smoothschedule_platform;

REVOKE ALL ON FUNCTION public.maintain_audit_partitions(at timestamp with time zone, drop_before timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.maintain_audit_partitions(at timestamp with time zone, drop_before timestamp with time zone) TO smoothschedule_platform;

REVOKE ALL ON FUNCTION public.masquerade_role(impersonator uuid, ancestors uuid[], at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.masquerade_role(impersonator uuid, ancestors uuid[], at timestamp with time zone) TO smoothschedule_app;

REVOKE ALL ON FUNCTION public.note_catalogue_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.open_session(session uuid, token bytea, of_user uuid, verified_hash text, sandbox boolean, agent text, client inet, at timestamp with time zone, until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.open_session(session uuid, token bytea, of_user uuid, verified_hash text, sandbox boolean, agent text, client inet, at timestamp with time zone, until timestamp with time zone) TO smoothschedule_app;
GRANT ALL ON FUNCTION public.open_session(session uuid, token bytea, of_user uuid, verified_hash text, sandbox boolean, agent text, client inet, at timestamp with time zone, until timestamp with time zone) TO smoothschedule_platform;

REVOKE ALL ON FUNCTION public.password_fits(of_user uuid, hash text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.password_fits(of_user uuid, hash text) TO smoothschedule_app;
GRANT ALL ON FUNCTION public.password_fits(of_user uuid, hash text) TO smoothschedule_platform;

REVOKE ALL ON FUNCTION public.password_parameters(of_user uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.password_parameters(of_user uuid) TO smoothschedule_app;

REVOKE ALL ON FUNCTION public.plays_persona(of_user uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.protect_business_table(business_table regclass) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_audit_change() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_platform_user() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_revival() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.renew_catalogue_version() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.replace_password(of_user uuid, verified_hash text, hash text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.replace_password(of_user uuid, verified_hash text, hash text) TO smoothschedule_app;

REVOKE ALL ON FUNCTION public.reset_password(of_user uuid, token bytea, at timestamp with time zone, hash text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.reset_password(of_user uuid, token bytea, at timestamp with time zone, hash text) TO smoothschedule_app;

REVOKE ALL ON FUNCTION public.role_rank(role text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.set_first_password(of_user uuid, hash text, chosen boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_first_password(of_user uuid, hash text, chosen boolean) TO smoothschedule_app;
GRANT ALL ON FUNCTION public.set_first_password(of_user uuid, hash text, chosen boolean) TO smoothschedule_platform;

REVOKE ALL ON FUNCTION public.set_first_platform_password(of_user uuid, hash text, chosen boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_first_platform_password(of_user uuid, hash text, chosen boolean) TO smoothschedule_administration;

REVOKE ALL ON FUNCTION public.start_impersonation(session uuid, token bytea, target uuid, sandbox boolean, agent text, client inet, at timestamp with time zone, until timestamp with time zone, parent uuid, parent_user uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.start_impersonation(session uuid, token bytea, target uuid, sandbox boolean, agent text, client inet, at timestamp with time zone, until timestamp with time zone, parent uuid, parent_user uuid) TO smoothschedule_app;

GRANT SELECT,INSERT ON TABLE public.audit_entries TO smoothschedule_app;
GRANT SELECT,INSERT ON TABLE public.audit_entries TO smoothschedule_platform;

GRANT SELECT,INSERT,UPDATE ON TABLE public.activity_cursors TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.allocations TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.allocations TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_token_secrets TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_token_secrets TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_tokens TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_tokens TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE ON TABLE public.appointment_changes TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.appointment_changes TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.appointments TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.appointments TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.booking_capabilities TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.booking_capabilities TO smoothschedule_platform;

GRANT SELECT ON TABLE public.current_catalogues TO smoothschedule_app;
GRANT SELECT ON TABLE public.current_catalogues TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.customers TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.customers TO smoothschedule_platform;

GRANT SELECT,INSERT,UPDATE ON TABLE public.daily_api_calls TO smoothschedule_platform;

GRANT SELECT,INSERT,UPDATE ON TABLE public.daily_bookings TO smoothschedule_platform;

GRANT SELECT ON TABLE public.domains TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.domains TO smoothschedule_platform;

GRANT SELECT ON TABLE public.entitlement_overrides TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.entitlement_overrides TO smoothschedule_platform;

GRANT SELECT ON TABLE public.environments TO smoothschedule_app;
GRANT SELECT,INSERT ON TABLE public.environments TO smoothschedule_platform;

GRANT UPDATE(usage_reconciled_at) ON TABLE public.environments TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.event_sequences TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.event_sequences TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE ON TABLE public.events TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE ON TABLE public.events TO smoothschedule_platform;

GRANT SELECT,INSERT ON TABLE public.feed_consumers TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.feed_parked_events TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.feed_parked_events TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.feed_positions TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.feed_positions TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.holds TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.holds TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotency_keys TO smoothschedule_platform;

GRANT SELECT,INSERT ON TABLE public.installation TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.invitations TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.invitations TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.login_throttles TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.login_throttles TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notifications TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notifications TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.password_resets TO smoothschedule_app;

GRANT SELECT ON TABLE public.plan_versions TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.plan_versions TO smoothschedule_platform;

GRANT SELECT ON TABLE public.plans TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.plans TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.public_bookings TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.public_bookings TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resources TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.resources TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sandbox_clocks TO smoothschedule_app;
GRANT SELECT ON TABLE public.sandbox_clocks TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.schedule_overrides TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.schedule_overrides TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.schedules TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.schedules TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.series TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.series TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.service_requirement_resources TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.service_requirement_resources TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.service_requirements TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.service_requirements TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.services TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.services TO smoothschedule_platform;

GRANT SELECT,DELETE ON TABLE public.sessions TO smoothschedule_app;
GRANT SELECT,DELETE ON TABLE public.sessions TO smoothschedule_platform;

GRANT UPDATE(sandbox_mode) ON TABLE public.sessions TO smoothschedule_app;
GRANT UPDATE(sandbox_mode) ON TABLE public.sessions TO smoothschedule_platform;

GRANT UPDATE(last_used_at) ON TABLE public.sessions TO smoothschedule_app;
GRANT UPDATE(last_used_at) ON TABLE public.sessions TO smoothschedule_platform;

GRANT UPDATE(revoked_at) ON TABLE public.sessions TO smoothschedule_app;
GRANT UPDATE(revoked_at) ON TABLE public.sessions TO smoothschedule_platform;

GRANT SELECT,INSERT,UPDATE ON TABLE public.tenant_invitations TO smoothschedule_platform;

GRANT SELECT ON TABLE public.tenants TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tenants TO smoothschedule_platform;

GRANT UPDATE(name) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(timezone) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(currency) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(version) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(updated_at) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(primary_color) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(secondary_color) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(logo_url) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(contact_email) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(contact_phone) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(address) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(cancellation_window_hours) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(late_cancellation_fee_percent) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(resources_can_reschedule) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(customers_can_cancel) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(customers_can_reschedule) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(waitlist_offer_minutes) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(white_label_enabled) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(max_holds_per_customer) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(max_bookings_per_email) ON TABLE public.tenants TO smoothschedule_app;

GRANT UPDATE(max_bookings_per_address) ON TABLE public.tenants TO smoothschedule_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.time_off TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.time_off TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_counters TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_counters TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO smoothschedule_platform;
GRANT SELECT,INSERT,UPDATE ON TABLE public.users TO smoothschedule_administration;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.waitlist_entries TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.waitlist_entries TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhook_attempts TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhook_attempts TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhook_deliveries TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhook_deliveries TO smoothschedule_platform;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhook_endpoints TO smoothschedule_app;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.webhook_endpoints TO smoothschedule_platform;

ALTER DEFAULT PRIVILEGES FOR ROLE postgres REVOKE ALL ON FUNCTIONS  FROM PUBLIC;
