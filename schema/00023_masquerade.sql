-- Working as another user: sessions on top of sessions, and who really acted in the
-- trail and in the feed.

-- +goose Up
ALTER TABLE sessions
    -- The sessions beneath this one, the first of them somebody's own; empty for that
    -- one. A session works only while all of them do, which every request checks: no
    -- way of ending one has to know what is on top of it.
    ADD COLUMN ancestor_ids uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(ancestor_ids) <= 7),
    -- The user of the first of them: who really acts.
    ADD COLUMN impersonator_id uuid REFERENCES users ON DELETE CASCADE,
    -- Whether it may change nothing.
    ADD COLUMN read_only boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT sessions_masquerade CHECK ((impersonator_id IS NULL) = (cardinality(ancestor_ids) = 0)
        AND impersonator_id IS DISTINCT FROM user_id AND NOT (read_only AND impersonator_id IS NULL));
CREATE INDEX sessions_impersonator ON sessions (impersonator_id) WHERE impersonator_id IS NOT NULL;

-- actor_user_id stays the user in whose name something was done.
ALTER TABLE events ADD COLUMN impersonator_user_id uuid;
ALTER TABLE audit_entries
    ADD COLUMN impersonator_user_id uuid,
    ADD COLUMN impersonator_role text,
    ADD CONSTRAINT audit_entries_impersonator CHECK ((impersonator_user_id IS NULL) = (impersonator_role IS NULL));

-- +goose Down
-- Without the columns, a session of a masquerade would be one of the user's own.
DELETE FROM sessions WHERE impersonator_id IS NOT NULL;
ALTER TABLE audit_entries DROP CONSTRAINT audit_entries_impersonator, DROP COLUMN impersonator_user_id, DROP COLUMN impersonator_role;
ALTER TABLE events DROP COLUMN impersonator_user_id;
ALTER TABLE sessions DROP CONSTRAINT sessions_masquerade, DROP COLUMN ancestor_ids, DROP COLUMN impersonator_id, DROP COLUMN read_only;
