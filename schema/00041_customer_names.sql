-- A page of a calendar names the customer of every appointment. With the name in the index,
-- PostgreSQL need not look into the table: a tenth of the work of a list of 50.

-- +goose Up
CREATE INDEX customers_named ON customers (env_id, id) INCLUDE (name);

-- +goose Down
DROP INDEX customers_named;
