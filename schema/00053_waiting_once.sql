-- A customer waits for a service once at a time, and does not wait any more when the time is
-- over that they have waited for.

-- +goose Up
ALTER TABLE waitlist_entries
    DROP CONSTRAINT waitlist_entries_check1,
    -- EXPIRED without an offer has waited in vain.
    ADD CONSTRAINT waitlist_entries_offer CHECK (
        CASE status WHEN 'WAITING' THEN offer_expires_at IS NULL WHEN 'EXPIRED' THEN true ELSE offer_expires_at IS NOT NULL END);
-- Of entries that overlap, the one with an offer stays, else the first in line.
UPDATE waitlist_entries w
SET status = 'EXPIRED', version = version + 1, updated_at = now()
WHERE w.status IN ('WAITING', 'OFFERED') AND EXISTS (
    SELECT FROM waitlist_entries e
    WHERE e.env_id = w.env_id AND e.service_id = w.service_id AND e.customer_id = w.customer_id
      AND e.status IN ('WAITING', 'OFFERED') AND e.from_at < w.to_at AND e.to_at > w.from_at
      AND (e.status = 'WAITING', e.created_at, e.id) < (w.status = 'WAITING', w.created_at, w.id));
ALTER TABLE waitlist_entries
    ADD CONSTRAINT waitlist_entries_once EXCLUDE USING gist
        (env_id WITH =, service_id WITH =, customer_id WITH =, tstzrange(from_at, to_at) WITH &&)
        WHERE (status IN ('WAITING', 'OFFERED'));
CREATE INDEX waitlist_entries_waiting ON waitlist_entries (env_id, created_at, id) WHERE status = 'WAITING';

-- +goose Down
DROP INDEX waitlist_entries_waiting;
ALTER TABLE waitlist_entries DROP CONSTRAINT waitlist_entries_once, DROP CONSTRAINT waitlist_entries_offer;
UPDATE waitlist_entries SET offer_expires_at = to_at WHERE status = 'EXPIRED' AND offer_expires_at IS NULL;
ALTER TABLE waitlist_entries ADD CONSTRAINT waitlist_entries_check1 CHECK ((offer_expires_at IS NULL) = (status = 'WAITING'));
