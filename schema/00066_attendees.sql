-- Who comes to an appointment, as whoever booked it said. Several people may share the
-- address by which a customer is known.

-- +goose Up
ALTER TABLE appointments
    ADD COLUMN attendee_name text,
    -- Empty if they are not known.
    ADD COLUMN attendee_email text,
    ADD COLUMN attendee_phone text,
    ADD CONSTRAINT appointments_attendee CHECK (num_nonnulls(attendee_name, attendee_email, attendee_phone) IN (0, 3));

-- +goose Down
ALTER TABLE appointments DROP COLUMN attendee_name, DROP COLUMN attendee_email, DROP COLUMN attendee_phone;
