-- Events are not kept for ever. Readers of the feed that are before expired_sequence have
-- missed some, and must hear of it.

-- +goose Up
ALTER TABLE event_sequences ADD COLUMN expired_sequence bigint NOT NULL DEFAULT 0 CHECK (expired_sequence >= 0);

-- +goose Down
ALTER TABLE event_sequences DROP COLUMN expired_sequence;
