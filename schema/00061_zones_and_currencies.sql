-- Time zones have the names of the IANA database, not those of files that a machine has beside it; and
-- services are priced in the currency of their business.

-- +goose Up
-- What could be stored before: posix/Europe/Vienna is Europe/Vienna, the rules of POSIX are those of
-- New York, and what stands for the zone of the machine, or for none, is UTC.
-- +goose StatementBegin
CREATE FUNCTION mended_time_zone(name text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN (
    SELECT CASE WHEN name = 'posixrules' THEN 'America/New_York'
                WHEN zone ~ '^[A-Z]' AND zone NOT IN ('Factory', 'Local') THEN zone
                ELSE 'UTC' END
    FROM regexp_replace(name, '^(posix|right)/', '') AS zone
);
-- +goose StatementEnd
UPDATE tenants SET timezone = mended_time_zone(timezone) WHERE timezone <> mended_time_zone(timezone);
UPDATE tenant_invitations SET timezone = mended_time_zone(timezone) WHERE timezone <> mended_time_zone(timezone);
UPDATE schedules SET timezone = mended_time_zone(timezone) WHERE timezone <> mended_time_zone(timezone);
UPDATE time_off SET timezone = mended_time_zone(timezone) WHERE timezone <> mended_time_zone(timezone);
UPDATE series SET timezone = mended_time_zone(timezone) WHERE timezone <> mended_time_zone(timezone);
-- What those clocks showed is not known any more; `tzdata apply` notes what the clock of the business shows.
UPDATE appointments SET timezone = NULL, local_start_at = NULL, tzdata_version = NULL WHERE timezone <> mended_time_zone(timezone);
DROP FUNCTION mended_time_zone(text);
-- What the changes of rows have put off, before the tables change.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
ALTER TABLE tenants ADD CONSTRAINT tenants_time_zone CHECK (timezone ~ '^[A-Z]' AND timezone NOT IN ('Factory', 'Local'));
ALTER TABLE tenant_invitations ADD CONSTRAINT tenant_invitations_time_zone CHECK (timezone ~ '^[A-Z]' AND timezone NOT IN ('Factory', 'Local'));
ALTER TABLE schedules ADD CONSTRAINT schedules_time_zone CHECK (timezone ~ '^[A-Z]' AND timezone NOT IN ('Factory', 'Local'));
ALTER TABLE time_off ADD CONSTRAINT time_off_time_zone CHECK (timezone ~ '^[A-Z]' AND timezone NOT IN ('Factory', 'Local'));

-- local_date is the date of an instant in a zone, or, if PostgreSQL does not know that, in UTC: one business with
-- such a zone must not keep the others waiting.
-- +goose StatementBegin
CREATE FUNCTION local_date(at timestamptz, zone text) RETURNS date
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (at AT TIME ZONE zone)::date;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN (at AT TIME ZONE 'UTC')::date;
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION local_date(timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION local_date(timestamptz, text) TO smoothschedule_platform;

-- A price is in the currency of the business, which cannot change as long as a service is not free. The
-- lock lets the two wait for each other. A price from before that is in another currency may stay.
-- +goose StatementBegin
CREATE FUNCTION check_service_currency() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
-- +goose StatementEnd
REVOKE ALL ON FUNCTION check_service_currency() FROM PUBLIC;
CREATE TRIGGER services_currency BEFORE INSERT OR UPDATE OF price_amount, price_currency ON services
    FOR EACH ROW EXECUTE FUNCTION check_service_currency();

-- Services that are free follow their business.
-- +goose StatementBegin
CREATE FUNCTION check_business_currency() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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
-- +goose StatementEnd
REVOKE ALL ON FUNCTION check_business_currency() FROM PUBLIC;
CREATE TRIGGER tenants_currency AFTER UPDATE OF currency ON tenants
    FOR EACH ROW WHEN (OLD.currency <> NEW.currency) EXECUTE FUNCTION check_business_currency();

-- +goose Down
DROP TRIGGER tenants_currency ON tenants;
DROP TRIGGER services_currency ON services;
DROP FUNCTION check_business_currency();
DROP FUNCTION check_service_currency();
DROP FUNCTION local_date(timestamptz, text);
ALTER TABLE tenants DROP CONSTRAINT tenants_time_zone;
ALTER TABLE tenant_invitations DROP CONSTRAINT tenant_invitations_time_zone;
ALTER TABLE schedules DROP CONSTRAINT schedules_time_zone;
ALTER TABLE time_off DROP CONSTRAINT time_off_time_zone;
