-- What the database is for: `dev` fills it with users whose passwords are public, so `serve`
-- must never run on it, whatever those users are called by now; and `dev` must not
-- add them to a database that `serve` has run on.

-- +goose Up
CREATE TABLE installation (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    purpose text NOT NULL CHECK (purpose IN ('DEVELOPMENT', 'PRODUCTION')),
    claimed_at timestamptz NOT NULL DEFAULT now()
);
-- The first one to claim it decides; the server cannot change that.
GRANT SELECT, INSERT ON installation TO smoothschedule_platform;

-- +goose Down
DROP TABLE installation;
