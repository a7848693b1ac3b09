-- Functions of ours are for the roles that call them. PostgreSQL lets everybody execute a new
-- function; from now on a migration says who may.

-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE
    called regprocedure;
BEGIN
    FOR called IN
        SELECT p.oid FROM pg_proc p
        WHERE p.pronamespace IN ('public'::regnamespace, 'river'::regnamespace)
          -- Operators and indexes of extensions need theirs.
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', called);
    END LOOP;
END
$$;
-- +goose StatementEnd
GRANT EXECUTE ON FUNCTION empty_environment() TO smoothschedule_app;
GRANT EXECUTE ON FUNCTION masquerade_role(uuid, uuid[], timestamptz) TO smoothschedule_app;
-- An index of jobs calls it for whoever inserts one.
GRANT EXECUTE ON FUNCTION river.river_job_state_in_bitmask(bit, river.river_job_state) TO smoothschedule_app, smoothschedule_platform;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- +goose Down
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
REVOKE EXECUTE ON FUNCTION empty_environment() FROM smoothschedule_app;
REVOKE EXECUTE ON FUNCTION masquerade_role(uuid, uuid[], timestamptz) FROM smoothschedule_app;
REVOKE EXECUTE ON FUNCTION river.river_job_state_in_bitmask(bit, river.river_job_state) FROM smoothschedule_app, smoothschedule_platform;
-- +goose StatementBegin
DO $$
DECLARE
    called regprocedure;
BEGIN
    FOR called IN
        SELECT p.oid FROM pg_proc p
        WHERE p.pronamespace IN ('public'::regnamespace, 'river'::regnamespace)
          AND p.proname IN ('empty_environment', 'masquerade_role', 'river_job_state_in_bitmask', 'keep_published_plan_version',
              'refuse_audit_change', 'begin_catalogue', 'note_catalogue_change', 'renew_catalogue_version')
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', called);
    END LOOP;
END
$$;
-- +goose StatementEnd
