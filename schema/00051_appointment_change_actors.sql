-- Who really changed an appointment: the program whose token it was, and who worked as the user.

-- +goose Up
ALTER TABLE appointment_changes
    ADD COLUMN actor_token_id uuid,
    -- actor_user_id stays the user in whose name it was done.
    ADD COLUMN impersonator_user_id uuid;

-- +goose Down
ALTER TABLE appointment_changes DROP COLUMN actor_token_id, DROP COLUMN impersonator_user_id;
