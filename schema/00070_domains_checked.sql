-- Domains of businesses' own are looked at again after they were verified.

-- +goose Up
ALTER TABLE domains
    -- When the record of a domain that is served was looked for last.
    ADD COLUMN checked_at timestamptz,
    -- Since when it has been missing; null while it is there.
    ADD COLUMN missing_since timestamptz,
    -- When the domain was taken out of service because it was missing for long.
    ADD COLUMN suspended_at timestamptz CHECK (suspended_at IS NULL OR (verified_at IS NULL AND kind = 'CUSTOM' AND NOT is_primary));
CREATE INDEX domains_to_check ON domains (checked_at NULLS FIRST) WHERE verified_at IS NOT NULL AND kind = 'CUSTOM';

-- +goose Down
DROP INDEX domains_to_check;
ALTER TABLE domains DROP COLUMN checked_at, DROP COLUMN missing_since, DROP COLUMN suspended_at;
