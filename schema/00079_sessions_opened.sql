-- Sessions are made by functions of the owner, which check in the database what entitles to one: a statement that
-- is smuggled into the server's makes none.

-- +goose Up
REVOKE INSERT, UPDATE ON sessions FROM smoothschedule_app, smoothschedule_platform;
GRANT UPDATE (sandbox_mode, last_used_at, revoked_at) ON sessions TO smoothschedule_app, smoothschedule_platform;

-- A session that was revoked stays so.
-- +goose StatementBegin
CREATE FUNCTION refuse_revival() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'a revoked session stays revoked';
END
$$;
-- +goose StatementEnd
CREATE TRIGGER sessions_stay_revoked BEFORE UPDATE OF revoked_at ON sessions
    FOR EACH ROW WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL) EXECUTE FUNCTION refuse_revival();

-- plays_persona reports whether a user is a persona of quick login in a database for development. The purpose of a
-- database never changes, and a server in production does not start on such a database.
CREATE FUNCTION plays_persona(of_user uuid) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM users u WHERE u.id = of_user AND NOT u.is_sandbox AND CASE WHEN u.tenant_id IS NULL
            THEN u.email ~ '^(superuser|platform_manager|platform_support|platform_sales)@platform[.]example$'
            ELSE u.email ~ '^(owner|manager|staff|customer)@[a-z0-9-]+[.]example$' END)
        AND EXISTS (SELECT FROM installation WHERE purpose = 'DEVELOPMENT')
$$;

-- open_session makes a session of an active user whose password hash was computed from the password they gave,
-- or, without a hash, of a persona; it reports whether it did.
-- +goose StatementBegin
CREATE FUNCTION open_session(session uuid, token bytea, of_user uuid, verified_hash text, sandbox boolean, agent text, client inet,
    at timestamptz, until timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO sessions (id, token_hash, user_id, sandbox_mode, user_agent, address, created_at, last_used_at, expires_at)
    SELECT session, token, u.id, sandbox, agent, client, at, at, until FROM users u
    WHERE u.id = of_user AND u.is_active
      AND CASE WHEN verified_hash IS NULL THEN plays_persona(u.id) ELSE password_fits(u.id, verified_hash) END;
    RETURN FOUND;
END
$$;
-- +goose StatementEnd

-- role_rank orders roles like the server: nobody works as a user who is not below them.
CREATE FUNCTION role_rank(role text) RETURNS int
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT COALESCE(array_position(ARRAY['CUSTOMER', 'TENANT_STAFF', 'TENANT_MANAGER', 'TENANT_OWNER', 'PLATFORM_SALES',
        'PLATFORM_SUPPORT', 'PLATFORM_MANAGER', 'SUPERUSER'], role), 0)
$$;

-- start_impersonation makes a session as an active user of a lower rank on top of one that works, which it does
-- not outlive, and reports whether it did. Users of a business reach those of their business. What support begins,
-- and what begins on top of that, is read-only.
-- +goose StatementBegin
CREATE FUNCTION start_impersonation(session uuid, token bytea, target uuid, sandbox boolean, agent text, client inet,
    at timestamptz, until timestamptz, parent uuid, parent_user uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
-- +goose StatementEnd

REVOKE ALL ON FUNCTION refuse_revival(), plays_persona(uuid), role_rank(text),
    open_session(uuid, bytea, uuid, text, boolean, text, inet, timestamptz, timestamptz),
    start_impersonation(uuid, bytea, uuid, boolean, text, inet, timestamptz, timestamptz, uuid, uuid) FROM PUBLIC;
-- Who founds a business is signed in by smoothschedule_platform.
GRANT EXECUTE ON FUNCTION open_session(uuid, bytea, uuid, text, boolean, text, inet, timestamptz, timestamptz)
    TO smoothschedule_app, smoothschedule_platform;
GRANT EXECUTE ON FUNCTION start_impersonation(uuid, bytea, uuid, boolean, text, inet, timestamptz, timestamptz, uuid, uuid)
    TO smoothschedule_app;

-- +goose Down
DROP FUNCTION open_session(uuid, bytea, uuid, text, boolean, text, inet, timestamptz, timestamptz),
    start_impersonation(uuid, bytea, uuid, boolean, text, inet, timestamptz, timestamptz, uuid, uuid), role_rank(text), plays_persona(uuid);
DROP TRIGGER sessions_stay_revoked ON sessions;
DROP FUNCTION refuse_revival();
REVOKE UPDATE (sandbox_mode, last_used_at, revoked_at) ON sessions FROM smoothschedule_app, smoothschedule_platform;
GRANT INSERT, UPDATE ON sessions TO smoothschedule_app, smoothschedule_platform;
