-- Feed consumers: work that reacts to the events of environments, such as webhooks. Each has a
-- position in the feed of each environment, which it writes in the transaction that has the effect.

-- +goose Up
-- The consumers that have ever been started. Environments that are newer than their consumer need no
-- position: without one it begins with the first event.
CREATE TABLE feed_consumers (
    name text PRIMARY KEY CHECK (name ~ '^[a-z_]+$'),
    created_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT ON feed_consumers TO smoothschedule_platform;

CREATE TABLE feed_positions (
    env_id uuid NOT NULL REFERENCES environments ON DELETE CASCADE,
    consumer text NOT NULL,
    -- The sequence of the last event that has been handled.
    last_sequence bigint NOT NULL CHECK (last_sequence >= 0),
    -- Up to this sequence events are handled one at a time, because a batch with them has failed.
    isolate_until bigint NOT NULL DEFAULT 0,
    -- How often the event after last_sequence has failed by itself, and when it is tried again, on the
    -- real clock.
    failures int NOT NULL DEFAULT 0 CHECK (failures >= 0),
    next_attempt_at timestamptz,
    last_error text NOT NULL DEFAULT '' CHECK (length(last_error) <= 1000),
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, consumer)
);
SELECT protect_business_table('feed_positions');

-- Events that a consumer could not handle and has left out.
CREATE TABLE feed_parked_events (
    env_id uuid NOT NULL,
    sequence bigint NOT NULL,
    consumer text NOT NULL,
    attempts int NOT NULL CHECK (attempts > 0),
    error text NOT NULL CHECK (length(error) <= 1000),
    parked_at timestamptz NOT NULL,
    PRIMARY KEY (env_id, sequence, consumer),
    CONSTRAINT feed_parked_events_event FOREIGN KEY (env_id, sequence) REFERENCES events (env_id, sequence)
        ON DELETE CASCADE DEFERRABLE
);
SELECT protect_business_table('feed_parked_events');

-- Up to here, the statement that appended an event has given it to webhooks by itself. Servers of the
-- version before go on doing so, with fan_out_events; what they have given away is not given away again.
INSERT INTO feed_consumers (name) VALUES ('webhooks');
INSERT INTO feed_positions (env_id, consumer, last_sequence, updated_at)
SELECT env_id, 'webhooks', last_sequence, now() FROM event_sequences;

-- +goose Down
-- Servers of the version before look at new events only.
INSERT INTO webhook_deliveries (env_id, endpoint_id, event_id, sequence, next_attempt_at, created_at)
SELECT w.env_id, w.id, e.id, e.sequence, e.occurred_at, e.occurred_at
FROM event_sequences s
LEFT JOIN feed_positions p ON p.env_id = s.env_id AND p.consumer = 'webhooks'
JOIN events e ON e.env_id = s.env_id AND e.sequence > COALESCE(p.last_sequence, 0) AND e.type <> 'webhook.ping'
JOIN webhook_endpoints w ON w.env_id = s.env_id AND w.is_enabled
    AND w.event_types && ARRAY[e.type, split_part(e.type, '.', 1) || '.*', '*'] AND w.read_scopes && ARRAY[event_scope(e.type), '*']
ON CONFLICT DO NOTHING;
DROP TABLE feed_parked_events, feed_positions, feed_consumers;
