-- Most environments have no webhooks, and PostgreSQL prepares every part of a statement, whether
-- it runs or not: what only webhooks need is a function, which the statement that writes events
-- calls where there are some.

-- +goose Up
-- fan_out_events gives a delivery to each endpoint that wants one of the events, whose
-- ids, sequences and types these are, and adds one job that looks after all of them. A ping is for
-- the endpoint in only_endpoints; null is for all.
-- +goose StatementBegin
CREATE FUNCTION fan_out_events(env uuid, ids uuid[], sequences bigint[], types text[], only_endpoints text[], at timestamptz)
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
REVOKE ALL ON FUNCTION fan_out_events(uuid, uuid[], bigint[], text[], text[], timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION fan_out_events(uuid, uuid[], bigint[], text[], text[], timestamptz) TO smoothschedule_app, smoothschedule_platform;

-- +goose Down
DROP FUNCTION fan_out_events(uuid, uuid[], bigint[], text[], text[], timestamptz);
