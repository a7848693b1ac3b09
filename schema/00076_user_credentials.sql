-- The password hashes, out of the reach of the roles that the server works as: these can compare a hash that
-- they have computed, and replace one, but read none.

-- +goose Up
CREATE TABLE user_credentials (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    password_hash text NOT NULL,
    -- Signs the markers of the user's browsers. It is random, because whoever guesses passwords could check
    -- guesses by a key made from the hash.
    device_key bytea NOT NULL DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) CHECK (length(device_key) = 32)
);
INSERT INTO user_credentials (user_id, password_hash) SELECT id, password_hash FROM users;
ALTER TABLE users DROP COLUMN password_hash;

-- password_parameters returns a user's hash up to its digest, with function, costs and salt; empty if they have none.
CREATE FUNCTION password_parameters(of_user uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT COALESCE((SELECT substring(c.password_hash FROM '^(.*[$])[^$]*$') FROM user_credentials c WHERE c.user_id = of_user), '')
$$;

-- device_key returns what signs the markers of a user's browsers; empty for users without a password.
CREATE FUNCTION device_key(of_user uuid) RETURNS bytea
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT COALESCE((SELECT c.device_key FROM user_credentials c WHERE c.user_id = of_user), '')
$$;

-- password_fits reports whether a hash is that of a user. It is volatile, so it sees what others have committed
-- while the statement waited for a lock.
CREATE FUNCTION password_fits(of_user uuid, hash text) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT COALESCE((SELECT sha256(convert_to(c.password_hash, 'UTF8')) = sha256(convert_to(hash, 'UTF8'))
        FROM user_credentials c WHERE c.user_id = of_user), false)
$$;

-- set_first_password gives a hash to a user who has none. Error: unique_violation if they have one.
CREATE FUNCTION set_first_password(of_user uuid, hash text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO user_credentials (user_id, password_hash) VALUES (of_user, hash)
$$;

-- replace_password replaces the hash that was verified, and reports whether it was still that.
-- +goose StatementBegin
CREATE FUNCTION replace_password(of_user uuid, verified_hash text, hash text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE user_credentials SET password_hash = hash, device_key = DEFAULT
    WHERE user_id = of_user AND password_hash = verified_hash;
    RETURN FOUND;
END
$$;
-- +goose StatementEnd

-- reset_password uses up the reset of a token, which gives one user of a business a new hash, and reports
-- whether there was one. Users of the platform have no resets.
-- +goose StatementBegin
CREATE FUNCTION reset_password(of_user uuid, token bytea, at timestamptz, hash text) RETURNS boolean
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

REVOKE ALL ON FUNCTION password_parameters(uuid), device_key(uuid), password_fits(uuid, text), set_first_password(uuid, text),
    replace_password(uuid, text, text), reset_password(uuid, bytea, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION password_parameters(uuid), device_key(uuid), password_fits(uuid, text), set_first_password(uuid, text),
    replace_password(uuid, text, text), reset_password(uuid, bytea, timestamptz, text) TO smoothschedule_app;
-- Who founds a business is made and signed in by smoothschedule_platform.
GRANT EXECUTE ON FUNCTION set_first_password(uuid, text), password_fits(uuid, text), device_key(uuid) TO smoothschedule_platform;

-- +goose Down
DROP FUNCTION password_parameters(uuid), device_key(uuid), password_fits(uuid, text), set_first_password(uuid, text),
    replace_password(uuid, text, text), reset_password(uuid, bytea, timestamptz, text);
ALTER TABLE users ADD COLUMN password_hash text;
UPDATE users u SET password_hash = c.password_hash FROM user_credentials c WHERE c.user_id = u.id;
-- No password fits this.
UPDATE users SET password_hash = '!' WHERE password_hash IS NULL;
ALTER TABLE users ALTER COLUMN password_hash SET NOT NULL;
DROP TABLE user_credentials;
