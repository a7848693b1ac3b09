-- API calls are counted for the platform as a whole: nobody asks for those of one
-- business, and one row for a day is read at once.

-- +goose Up
DROP TABLE daily_api_calls;
CREATE TABLE daily_api_calls (
    day date PRIMARY KEY,
    calls bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON daily_api_calls TO smoothschedule_platform;

-- +goose Down
DROP TABLE daily_api_calls;
CREATE TABLE daily_api_calls (
    day date NOT NULL,
    tenant_id uuid NOT NULL,
    calls bigint NOT NULL,
    PRIMARY KEY (day, tenant_id)
);
GRANT SELECT, INSERT, UPDATE ON daily_api_calls TO smoothschedule_platform;
