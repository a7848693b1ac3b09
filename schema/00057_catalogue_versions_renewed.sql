-- Changes that left an environment with the version of a catalogue that is gone: TRUNCATE, a row
-- that moves to another environment, and, in a database that was restored from a dump, a
-- transaction that happens to have the number of the one that gave the version before.

-- +goose Up
-- A version is for those who see what it is about: whoever asks in the wrong environment
-- would keep what row-level security shows there, nothing, as the catalogue of another.
CREATE OR REPLACE VIEW current_catalogues AS
    SELECT env_id, version FROM catalogue_versions
    WHERE env_id = NULLIF(current_setting('app.env_id', true), '')::uuid
      AND COALESCE(current_setting('app.catalogue_changed', true), '') = '';

-- A row that this transaction has written has its number in xmin, which no dump brings along but
-- which repeats after 4 billion transactions, and in changed_in, which never does otherwise.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION renew_catalogue_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
-- +goose StatementEnd

-- +goose StatementBegin
DO $$
DECLARE
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY['services', 'service_requirements', 'service_requirement_resources', 'resources', 'schedules',
        'schedule_overrides', 'time_off'] LOOP
        EXECUTE format('CREATE TRIGGER renew_catalogue_versions AFTER TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION renew_catalogue_version()', part);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
DECLARE
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY['services', 'service_requirements', 'service_requirement_resources', 'resources', 'schedules',
        'schedule_overrides', 'time_off'] LOOP
        EXECUTE format('DROP TRIGGER renew_catalogue_versions ON %I', part);
    END LOOP;
END
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION renew_catalogue_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE catalogue_versions SET version = gen_random_uuid(), changed_in = pg_current_xact_id()
    WHERE env_id = COALESCE(NEW.env_id, OLD.env_id) AND changed_in <> pg_current_xact_id();
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE OR REPLACE VIEW current_catalogues AS
    SELECT env_id, version FROM catalogue_versions WHERE COALESCE(current_setting('app.catalogue_changed', true), '') = '';
