-- Users of the platform are made, and raised, in a role of their own, which the server takes for that alone.

-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE
    member name;
BEGIN
    -- Roles belong to the whole cluster, as in 00001.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'smoothschedule_administration') THEN
        BEGIN
            CREATE ROLE smoothschedule_administration NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'smoothschedule_administration', 'MEMBER') THEN
        GRANT smoothschedule_administration TO CURRENT_USER;
    END IF;
    -- The logins of servers that are there already.
    FOR member IN
        SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
        WHERE m.roleid = 'smoothschedule_platform'::regrole AND NOT pg_has_role(r.oid, 'smoothschedule_administration', 'MEMBER')
    LOOP
        BEGIN
            EXECUTE format('GRANT smoothschedule_administration TO %I', member);
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'grant smoothschedule_administration to % as an administrator', member;
        END;
    END LOOP;
END
$$;
-- +goose StatementEnd
GRANT USAGE ON SCHEMA public TO smoothschedule_administration;
GRANT SELECT, INSERT, UPDATE ON users TO smoothschedule_administration;
GRANT EXECUTE ON FUNCTION is_name(text) TO smoothschedule_administration;

-- +goose StatementBegin
CREATE FUNCTION refuse_platform_user() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(current_user, 'smoothschedule_administration', 'MEMBER') THEN
        RAISE insufficient_privilege USING MESSAGE = 'users of the platform are for smoothschedule_administration';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER users_platform_made BEFORE INSERT ON users
    FOR EACH ROW WHEN (NEW.tenant_id IS NULL) EXECUTE FUNCTION refuse_platform_user();
CREATE TRIGGER users_platform_changed BEFORE UPDATE ON users
    FOR EACH ROW WHEN (NEW.tenant_id IS NULL AND (NEW.id, NEW.role, NEW.email, NEW.username, NEW.is_active, OLD.tenant_id)
        IS DISTINCT FROM (OLD.id, OLD.role, OLD.email, OLD.username, OLD.is_active, NEW.tenant_id))
    EXECUTE FUNCTION refuse_platform_user();

-- set_first_password gives a hash to a user of a business who has none. Errors: unique_violation if they have
-- one, insufficient_privilege for others.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION set_first_password(of_user uuid, hash text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO user_credentials (user_id, password_hash)
    SELECT u.id, hash FROM users u WHERE u.id = of_user AND u.tenant_id IS NOT NULL;
    IF NOT FOUND THEN
        RAISE insufficient_privilege USING MESSAGE = 'not a user of a business';
    END IF;
END
$$;
-- +goose StatementEnd

-- set_first_platform_password does so for any user.
CREATE FUNCTION set_first_platform_password(of_user uuid, hash text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO user_credentials (user_id, password_hash) VALUES (of_user, hash)
$$;
REVOKE ALL ON FUNCTION refuse_platform_user(), set_first_platform_password(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION set_first_platform_password(uuid, text) TO smoothschedule_administration;

-- +goose Down
CREATE OR REPLACE FUNCTION set_first_password(of_user uuid, hash text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO user_credentials (user_id, password_hash) VALUES (of_user, hash)
$$;
DROP FUNCTION set_first_platform_password(uuid, text);
DROP TRIGGER users_platform_made ON users;
DROP TRIGGER users_platform_changed ON users;
DROP FUNCTION refuse_platform_user();
REVOKE EXECUTE ON FUNCTION is_name(text) FROM smoothschedule_administration;
REVOKE SELECT, INSERT, UPDATE ON users FROM smoothschedule_administration;
REVOKE USAGE ON SCHEMA public FROM smoothschedule_administration;
-- The role stays: other databases of the same cluster may use it.
