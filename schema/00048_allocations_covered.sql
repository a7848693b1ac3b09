-- +goose Up
-- What decides whether a resource is free is read from the index alone. Without the
-- columns that are included, the planner prefers the exclusion constraint's GiST index, which
-- cannot narrow down the time and so reads everything that was ever booked.
ALTER TABLE allocations DROP CONSTRAINT allocations_pkey;
ALTER TABLE allocations ADD CONSTRAINT allocations_pkey PRIMARY KEY (env_id, resource_id, start_at, owner_id)
    INCLUDE (end_at, lane, active, expires_at);

-- +goose Down
ALTER TABLE allocations DROP CONSTRAINT allocations_pkey;
ALTER TABLE allocations ADD CONSTRAINT allocations_pkey PRIMARY KEY (env_id, resource_id, start_at, owner_id);
