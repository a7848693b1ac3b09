-- The two roles the server works as. Neither owns a table nor bypasses
-- row-level security: smoothschedule_app sees one environment at a time,
-- smoothschedule_platform sees all of them through an explicit policy.

-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['smoothschedule_app', 'smoothschedule_platform'] LOOP
        -- Roles belong to the whole cluster: another database of it may have
        -- made them already, or may be making them right now.
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        -- The login user of the server must be able to become either role.
        IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', name);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', name);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- /readyz compares the version of the database with that of the binary.
GRANT SELECT ON goose_db_version TO smoothschedule_app, smoothschedule_platform;

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- protect_business_table puts a table behind the wall between environments.
-- Every migration that creates a business table calls it; the sub-select in
-- the policy is evaluated once per statement instead of once per row.
-- +goose StatementBegin
CREATE FUNCTION protect_business_table(business_table regclass) RETURNS void
LANGUAGE plpgsql AS $$
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
-- +goose StatementEnd
REVOKE ALL ON FUNCTION protect_business_table(regclass) FROM PUBLIC;

-- +goose Down
DROP FUNCTION protect_business_table(regclass);
REVOKE SELECT ON goose_db_version FROM smoothschedule_app, smoothschedule_platform;
DROP EXTENSION btree_gist;
REVOKE USAGE ON SCHEMA public FROM smoothschedule_app, smoothschedule_platform;
-- The roles stay: other databases of the same cluster may use them.
