-- Whether the owner of a password chose it. Somebody else may know one that was typed for the user, or set
-- with the token of a reset, which an administrator has held.

-- +goose Up
ALTER TABLE user_credentials ADD COLUMN chosen_by_owner boolean NOT NULL DEFAULT false;
-- The audit trail says who chose theirs: users who accepted an invitation, or changed the password, and had no
-- reset since. What the trail no longer has counts as known to others.
UPDATE user_credentials c SET chosen_by_owner = true
WHERE (SELECT max(a.occurred_at) FROM audit_entries a
       WHERE a.target_type = 'user' AND a.target_id = c.user_id::text AND a.actor_user_id = c.user_id AND a.outcome = 'SUCCESS'
         AND (a.action = 'user.password_changed' OR a.action = 'session.created' AND a.detail ->> 'method' = 'invitation'))
    > COALESCE((SELECT max(a.occurred_at) FROM audit_entries a
                WHERE a.target_type = 'user' AND a.target_id = c.user_id::text AND a.action = 'user.password_reset'), '-infinity');

-- chosen_by_owner reports whether a user chose their password, and nobody else may know it. It is volatile, so
-- it sees what others have committed while the transaction waited for the user's row.
CREATE FUNCTION chosen_by_owner(of_user uuid) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT COALESCE((SELECT c.chosen_by_owner FROM user_credentials c WHERE c.user_id = of_user), false)
$$;

-- The functions of 00077, with who chose the password.
DROP FUNCTION set_first_password(uuid, text), set_first_platform_password(uuid, text);
-- +goose StatementBegin
CREATE FUNCTION set_first_password(of_user uuid, hash text, chosen boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO user_credentials (user_id, password_hash, chosen_by_owner)
    SELECT u.id, hash, chosen FROM users u WHERE u.id = of_user AND u.tenant_id IS NOT NULL;
    IF NOT FOUND THEN
        RAISE insufficient_privilege USING MESSAGE = 'not a user of a business';
    END IF;
END
$$;
-- +goose StatementEnd
CREATE FUNCTION set_first_platform_password(of_user uuid, hash text, chosen boolean DEFAULT false) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO user_credentials (user_id, password_hash, chosen_by_owner) VALUES (of_user, hash, chosen)
$$;

-- Who replaces a password knows the one before, so it is theirs.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION replace_password(of_user uuid, verified_hash text, hash text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE user_credentials SET password_hash = hash, device_key = DEFAULT, chosen_by_owner = true
    WHERE user_id = of_user AND password_hash = verified_hash;
    RETURN FOUND;
END
$$;
-- +goose StatementEnd

-- An administrator has held the token of a reset, and may have used it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION reset_password(of_user uuid, token bytea, at timestamptz, hash text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
-- +goose StatementEnd

REVOKE ALL ON FUNCTION chosen_by_owner(uuid), set_first_password(uuid, text, boolean), set_first_platform_password(uuid, text, boolean)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION chosen_by_owner(uuid) TO smoothschedule_app;
GRANT EXECUTE ON FUNCTION set_first_password(uuid, text, boolean) TO smoothschedule_app, smoothschedule_platform;
GRANT EXECUTE ON FUNCTION set_first_platform_password(uuid, text, boolean) TO smoothschedule_administration;

-- +goose Down
DROP FUNCTION chosen_by_owner(uuid), set_first_password(uuid, text, boolean), set_first_platform_password(uuid, text, boolean);
-- +goose StatementBegin
CREATE FUNCTION set_first_password(of_user uuid, hash text) RETURNS void
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
CREATE FUNCTION set_first_platform_password(of_user uuid, hash text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO user_credentials (user_id, password_hash) VALUES (of_user, hash)
$$;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION replace_password(of_user uuid, verified_hash text, hash text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE user_credentials SET password_hash = hash, device_key = DEFAULT
    WHERE user_id = of_user AND password_hash = verified_hash;
    RETURN FOUND;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION reset_password(of_user uuid, token bytea, at timestamptz, hash text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    DELETE FROM password_resets r USING users u
    WHERE r.user_id = of_user AND r.token_hash = token AND r.expires_at > at AND u.id = r.user_id AND u.tenant_id IS NOT NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO user_credentials (user_id, password_hash) VALUES (of_user, hash)
    ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, device_key = excluded.device_key;
    RETURN true;
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION set_first_password(uuid, text), set_first_platform_password(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION set_first_password(uuid, text) TO smoothschedule_app, smoothschedule_platform;
GRANT EXECUTE ON FUNCTION set_first_platform_password(uuid, text) TO smoothschedule_administration;
ALTER TABLE user_credentials DROP COLUMN chosen_by_owner;
