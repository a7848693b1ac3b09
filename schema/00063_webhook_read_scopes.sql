-- A webhook that an API token sets up gets only what that token may read, also after the token is
-- revoked and of event types that come later.

-- +goose Up
-- event_scope is the scope that API tokens need to read events of a type; null for types that
-- they cannot read. It repeats the contract (x-gate-of in openapi/events.yaml); a test compares them.
-- +goose StatementBegin
CREATE FUNCTION event_scope(event_type text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE split_part(event_type, '.', 1)
        WHEN 'appointment' THEN 'appointments:read'
        WHEN 'business' THEN 'business:read'
        WHEN 'business_hours' THEN 'schedules:read'
        WHEN 'customer' THEN 'customers:read'
        WHEN 'hold' THEN 'holds:read'
        WHEN 'override' THEN 'entitlements:read'
        WHEN 'resource' THEN 'resources:read'
        WHEN 'resource_hours' THEN 'schedules:read'
        WHEN 'sandbox' THEN 'sandbox:read'
        WHEN 'series' THEN 'series:read'
        WHEN 'service' THEN 'services:read'
        WHEN 'subscription' THEN 'entitlements:read'
        WHEN 'time_off' THEN 'schedules:read'
        WHEN 'usage' THEN 'entitlements:read'
        WHEN 'waitlist' THEN 'waitlist:read'
        WHEN 'webhook' THEN 'webhooks:read'
    END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION event_scope(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_scope(text) TO smoothschedule_app, smoothschedule_platform;

-- The endpoint gets an event if it has the event's scope, or '*', which people give. The default
-- is for servers of the version before.
ALTER TABLE webhook_endpoints ADD COLUMN read_scopes text[] NOT NULL DEFAULT '{*}';

-- An endpoint that API tokens have made or changed gets what the last of them may read, until
-- somebody chooses its event types anew. What tokens may do never changes, also not when they are revoked.
UPDATE webhook_endpoints w
SET read_scopes = ARRAY(SELECT DISTINCT regexp_replace(scope, ':write$', ':read') FROM unnest(last.scopes) AS scope ORDER BY 1)
FROM (
    SELECT DISTINCT ON (a.env_id, a.target_id) a.env_id, a.target_id, k.scopes
    FROM audit_entries a JOIN api_tokens k ON k.id = a.actor_token_id
    WHERE a.target_type = 'webhook' AND a.action IN ('webhook.created', 'webhook.updated')
    ORDER BY a.env_id, a.target_id, a.occurred_at DESC, a.id DESC
) last
WHERE w.env_id = last.env_id AND w.id::text = last.target_id;

-- fan_out_events gives a delivery to each endpoint that wants one of the events and may have it,
-- whose ids, sequences and types these are, and adds one job that looks after all of them. A ping is
-- for the endpoint in only_endpoints; null is for all.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION fan_out_events(env uuid, ids uuid[], sequences bigint[], types text[], only_endpoints text[], at timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (env_id, endpoint_id, event_id, sequence, next_attempt_at, created_at)
    SELECT w.env_id, w.id, a.id, a.sequence, at, at
    FROM webhook_endpoints w
    JOIN unnest(ids, sequences, types, only_endpoints) AS a (id, sequence, type, only_endpoint)
        ON CASE WHEN a.only_endpoint IS NULL THEN w.event_types && ARRAY[a.type, split_part(a.type, '.', 1) || '.*', '*']
                ELSE w.id::text = a.only_endpoint END
    WHERE w.env_id = env AND w.is_enabled AND w.read_scopes && ARRAY[event_scope(a.type), '*'];
    IF FOUND THEN
        INSERT INTO river.river_job (kind, queue, args) VALUES ('webhook_fan_out', 'webhooks', jsonb_build_object('env_id', env));
    END IF;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION fan_out_events(env uuid, ids uuid[], sequences bigint[], types text[], only_endpoints text[], at timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (env_id, endpoint_id, event_id, sequence, next_attempt_at, created_at)
    SELECT w.env_id, w.id, a.id, a.sequence, at, at
    FROM webhook_endpoints w
    JOIN unnest(ids, sequences, types, only_endpoints) AS a (id, sequence, type, only_endpoint)
        ON CASE WHEN a.only_endpoint IS NULL THEN w.event_types && ARRAY[a.type, split_part(a.type, '.', 1) || '.*', '*']
                ELSE w.id::text = a.only_endpoint END
    WHERE w.env_id = env AND w.is_enabled;
    IF FOUND THEN
        INSERT INTO river.river_job (kind, queue, args) VALUES ('webhook_fan_out', 'webhooks', jsonb_build_object('env_id', env));
    END IF;
END
$$;
-- +goose StatementEnd
ALTER TABLE webhook_endpoints DROP COLUMN read_scopes;
DROP FUNCTION event_scope(text);
