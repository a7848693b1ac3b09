-- Hosts that businesses choose themselves, and white label.

-- +goose Up
ALTER TABLE domains
    -- What a TXT record of the domain must hold; empty for subdomains. It is no secret.
    ADD COLUMN verification_token text NOT NULL DEFAULT '' CHECK (length(verification_token) <= 100),
    -- Until then a subdomain that was given up is in nobody's hands.
    ADD COLUMN reserved_until timestamptz CHECK (reserved_until IS NULL OR (verified_at IS NULL AND kind = 'SUBDOMAIN' AND NOT is_primary)),
    DROP CONSTRAINT domains_name_key,
    ADD CONSTRAINT domains_of_tenant UNIQUE (tenant_id, name);
-- Anybody may claim a name; only one can prove that it is theirs.
CREATE UNIQUE INDEX domains_name_key ON domains (name) WHERE verified_at IS NOT NULL OR reserved_until IS NOT NULL;
CREATE UNIQUE INDEX domains_one_subdomain ON domains (tenant_id) WHERE kind = 'SUBDOMAIN' AND reserved_until IS NULL;

-- Hides the platform's branding, as long as the plan includes it.
ALTER TABLE tenants ADD COLUMN white_label_enabled boolean NOT NULL DEFAULT false;
GRANT UPDATE (white_label_enabled) ON tenants TO smoothschedule_app;

-- +goose Down
ALTER TABLE tenants DROP COLUMN white_label_enabled;
-- What nobody has proved, or was given up, cannot be told from what is served.
DELETE FROM domains WHERE verified_at IS NULL;
DROP INDEX domains_one_subdomain, domains_name_key;
ALTER TABLE domains DROP COLUMN verification_token, DROP COLUMN reserved_until, DROP CONSTRAINT domains_of_tenant,
    ADD CONSTRAINT domains_name_key UNIQUE (name);
