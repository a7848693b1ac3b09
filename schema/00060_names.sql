-- One rule for names. The server decides (internal/names); what it accepts fits is_name, which is a part
-- of that rule, with code points instead of classes, so that no version of Unicode makes a difference.
-- The server that is running while this is applied may answer 500 to a name that is no name.

-- +goose Up
-- is_name reports whether a name has 1 to 255 characters, one of them visible, and no controls,
-- separators of lines, or bidirectional overrides.
-- +goose StatementBegin
CREATE FUNCTION is_name(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN length(name) BETWEEN 1 AND 255
    AND name !~ '[\u0001-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]'
    AND name ~ '[^\u0001-\u0020\u007F-\u00A0\u00AD\u034F\u061C\u115F\u1160\u1680\u17B4\u17B5\u180B-\u180F\u2000-\u200F\u2028-\u202F\u205F-\u206F\u2800\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFF8\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]';
-- +goose StatementEnd
REVOKE ALL ON FUNCTION is_name(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_name(text) TO smoothschedule_app, smoothschedule_platform;

-- Names that were kept although they are none: without what cannot be in a name, or, if nothing is left, fallback.
-- +goose StatementBegin
CREATE FUNCTION mended_name(name text, fallback text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN (
    SELECT CASE WHEN is_name(mended) THEN mended ELSE fallback END
    FROM btrim(regexp_replace(regexp_replace(name, '[\u202A-\u202E\u2066-\u2069]', '', 'g'), '[\u0001-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]+', ' ', 'g')) AS mended
);
-- +goose StatementEnd
UPDATE tenants SET name = mended_name(name, 'Unnamed') WHERE NOT is_name(name);
UPDATE users SET name = mended_name(name, 'Unnamed') WHERE NOT is_name(name);
-- User names are unique, which a mended one might not be.
UPDATE users SET username = id::text WHERE NOT is_name(username);
UPDATE plans SET name = mended_name(name, 'Unnamed') WHERE NOT is_name(name);
UPDATE resources SET name = mended_name(name, 'Unnamed') WHERE NOT is_name(name);
UPDATE services SET name = mended_name(name, 'Unnamed') WHERE NOT is_name(name);
UPDATE customers SET name = mended_name(name, 'Unnamed') WHERE NOT is_name(name);
UPDATE schedule_overrides SET name = mended_name(name, '') WHERE name <> '' AND NOT is_name(name);
UPDATE time_off SET title = mended_name(title, 'Unnamed') WHERE NOT is_name(title);
UPDATE tenant_invitations SET business_name = mended_name(business_name, 'Unnamed') WHERE NOT is_name(business_name);
UPDATE invitations SET name = mended_name(name, '') WHERE name <> '' AND NOT is_name(name);
UPDATE api_tokens SET name = mended_name(name, 'Unnamed') WHERE NOT is_name(name);
DROP FUNCTION mended_name(text, text);
-- What the changes of rows have put off, before the tables change.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
ALTER TABLE users
    DROP CONSTRAINT users_name_check, ADD CONSTRAINT users_name_check CHECK (is_name(name)),
    DROP CONSTRAINT users_username_check, ADD CONSTRAINT users_username_check CHECK (is_name(username));
ALTER TABLE tenants DROP CONSTRAINT tenants_name_check, ADD CONSTRAINT tenants_name_check CHECK (is_name(name));
ALTER TABLE plans DROP CONSTRAINT plans_name_check, ADD CONSTRAINT plans_name_check CHECK (is_name(name));
ALTER TABLE resources DROP CONSTRAINT resources_name_check, ADD CONSTRAINT resources_name_check CHECK (is_name(name));
ALTER TABLE services DROP CONSTRAINT services_name_check, ADD CONSTRAINT services_name_check CHECK (is_name(name));
ALTER TABLE customers DROP CONSTRAINT customers_name_check, ADD CONSTRAINT customers_name_check CHECK (is_name(name));
ALTER TABLE schedule_overrides DROP CONSTRAINT schedule_overrides_name_check, ADD CONSTRAINT schedule_overrides_name_check CHECK (name = '' OR is_name(name));
ALTER TABLE time_off DROP CONSTRAINT time_off_title_check, ADD CONSTRAINT time_off_title_check CHECK (is_name(title));
ALTER TABLE tenant_invitations DROP CONSTRAINT tenant_invitations_business_name_check, ADD CONSTRAINT tenant_invitations_business_name_check CHECK (is_name(business_name));
ALTER TABLE invitations DROP CONSTRAINT invitations_name_check, ADD CONSTRAINT invitations_name_check CHECK (name = '' OR is_name(name));
ALTER TABLE api_tokens DROP CONSTRAINT api_tokens_name_check, ADD CONSTRAINT api_tokens_name_check CHECK (is_name(name));

-- +goose Down
ALTER TABLE users
    DROP CONSTRAINT users_name_check, ADD CONSTRAINT users_name_check CHECK (length(name) BETWEEN 1 AND 255),
    DROP CONSTRAINT users_username_check, ADD CONSTRAINT users_username_check CHECK (length(username) BETWEEN 1 AND 254);
ALTER TABLE tenants DROP CONSTRAINT tenants_name_check, ADD CONSTRAINT tenants_name_check CHECK (length(name) BETWEEN 1 AND 255);
ALTER TABLE plans DROP CONSTRAINT plans_name_check, ADD CONSTRAINT plans_name_check CHECK (length(name) BETWEEN 1 AND 100);
ALTER TABLE resources DROP CONSTRAINT resources_name_check, ADD CONSTRAINT resources_name_check CHECK (length(name) BETWEEN 1 AND 255);
ALTER TABLE services DROP CONSTRAINT services_name_check, ADD CONSTRAINT services_name_check CHECK (length(name) BETWEEN 1 AND 255);
ALTER TABLE customers DROP CONSTRAINT customers_name_check, ADD CONSTRAINT customers_name_check CHECK (length(name) BETWEEN 1 AND 255);
ALTER TABLE schedule_overrides DROP CONSTRAINT schedule_overrides_name_check, ADD CONSTRAINT schedule_overrides_name_check CHECK (length(name) <= 100);
ALTER TABLE time_off DROP CONSTRAINT time_off_title_check, ADD CONSTRAINT time_off_title_check CHECK (length(title) BETWEEN 1 AND 255);
ALTER TABLE tenant_invitations DROP CONSTRAINT tenant_invitations_business_name_check, ADD CONSTRAINT tenant_invitations_business_name_check CHECK (length(business_name) BETWEEN 1 AND 255);
ALTER TABLE invitations DROP CONSTRAINT invitations_name_check, ADD CONSTRAINT invitations_name_check CHECK (length(name) <= 255);
ALTER TABLE api_tokens DROP CONSTRAINT api_tokens_name_check, ADD CONSTRAINT api_tokens_name_check CHECK (length(name) BETWEEN 1 AND 100);
DROP FUNCTION is_name(text);
