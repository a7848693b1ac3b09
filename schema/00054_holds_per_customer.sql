-- How much of a day one person can keep others from.

-- +goose Up
ALTER TABLE tenants
    -- Of a customer, or of an address from which nobody has signed in, at a time.
    ADD COLUMN max_holds_per_customer int NOT NULL DEFAULT 5 CHECK (max_holds_per_customer BETWEEN 1 AND 100);
GRANT UPDATE (max_holds_per_customer) ON tenants TO smoothschedule_app;
ALTER TABLE holds
    -- Whose holds are counted: a customer who holds for themselves or is offered something,
    -- or a number made of an address. Null are those of the business itself.
    ADD COLUMN holder_id uuid;
CREATE INDEX holds_holder ON holds (env_id, holder_id) WHERE holder_id IS NOT NULL AND status = 'ACTIVE';

-- +goose Down
DROP INDEX holds_holder;
ALTER TABLE holds DROP COLUMN holder_id;
REVOKE UPDATE (max_holds_per_customer) ON tenants FROM smoothschedule_app;
ALTER TABLE tenants DROP COLUMN max_holds_per_customer;
