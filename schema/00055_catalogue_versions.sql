-- What a business offers (services, resources, hours, time off) changes seldom and is needed by
-- every request, so servers keep it in memory. They may, because each request learns from
-- here, in a statement that it makes anyway, whether what they keep is what there is.

-- +goose Up
-- The version is random, so that a version never comes back with another content, not even
-- after the database is restored from a backup. The table is behind no wall: it says nothing
-- but that something has changed, and is written for changes in every environment.
CREATE TABLE catalogue_versions (
    env_id uuid PRIMARY KEY REFERENCES environments ON DELETE CASCADE,
    version uuid NOT NULL DEFAULT gen_random_uuid(),
    -- The transaction that gave it: it gives only one.
    changed_in xid8 NOT NULL DEFAULT pg_current_xact_id()
);
INSERT INTO catalogue_versions (env_id) SELECT id FROM environments;

-- +goose StatementBegin
CREATE FUNCTION begin_catalogue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO catalogue_versions (env_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER begin_catalogue AFTER INSERT ON environments FOR EACH ROW EXECUTE FUNCTION begin_catalogue();

-- From the first change to the end of the transaction, no version says what it sees.
CREATE VIEW current_catalogues AS
    SELECT env_id, version FROM catalogue_versions WHERE COALESCE(current_setting('app.catalogue_changed', true), '') = '';
GRANT SELECT ON current_catalogues TO smoothschedule_app, smoothschedule_platform;
-- +goose StatementBegin
CREATE FUNCTION note_catalogue_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.catalogue_changed', 'on', true);
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Runs at the commit, so that writers of one environment wait for each other no longer than
-- that. Who deletes an environment finds no row.
-- +goose StatementBegin
CREATE FUNCTION renew_catalogue_version() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE catalogue_versions SET version = gen_random_uuid(), changed_in = pg_current_xact_id()
    WHERE env_id = COALESCE(NEW.env_id, OLD.env_id) AND changed_in <> pg_current_xact_id();
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
        EXECUTE format('CREATE TRIGGER note_catalogue_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION note_catalogue_change()', part);
        EXECUTE format('CREATE CONSTRAINT TRIGGER renew_catalogue_version AFTER INSERT OR UPDATE OR DELETE ON %I
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION renew_catalogue_version()', part);
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
        EXECUTE format('DROP TRIGGER renew_catalogue_version ON %I', part);
        EXECUTE format('DROP TRIGGER note_catalogue_change ON %I', part);
    END LOOP;
END
$$;
-- +goose StatementEnd
DROP TRIGGER begin_catalogue ON environments;
DROP FUNCTION renew_catalogue_version(), note_catalogue_change(), begin_catalogue();
DROP VIEW current_catalogues;
DROP TABLE catalogue_versions;
