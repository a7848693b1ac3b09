-- Declining what was asked for, and what cancelling costs.

-- +goose Up
ALTER TABLE appointments
    DROP CONSTRAINT appointments_status_check,
    ADD CONSTRAINT appointments_status_check
        CHECK (status IN ('PENDING', 'CONFIRMED', 'COMPLETED', 'CANCELLED', 'DECLINED', 'NO_SHOW')),
    -- The terms on which it was cancelled, as the policies were at that moment. All of them are
    -- null for what is not cancelled, and for what was cancelled before there were terms.
    ADD COLUMN cancelled_late boolean,
    ADD COLUMN cancellation_window_hours int,
    ADD COLUMN cancellation_fee_percent int,
    -- What is owed, in the currency of the price.
    ADD COLUMN cancellation_fee_amount bigint CHECK (cancellation_fee_amount >= 0),
    ADD COLUMN cancellation_fee_waived boolean,
    ADD CONSTRAINT appointments_cancellation CHECK (
        num_nulls(cancelled_late, cancellation_window_hours, cancellation_fee_percent, cancellation_fee_amount,
                  cancellation_fee_waived) IN (0, 5)
        AND (cancelled_late IS NULL OR status = 'CANCELLED'));
ALTER TABLE appointment_changes
    DROP CONSTRAINT appointment_changes_action_check,
    ADD CONSTRAINT appointment_changes_action_check
        CHECK (action IN ('RESCHEDULED', 'UPDATED', 'CONFIRMED', 'COMPLETED', 'CANCELLED', 'DECLINED', 'NO_SHOW'));

-- +goose Down
UPDATE appointments SET status = 'CANCELLED', cancelled_at = updated_at WHERE status = 'DECLINED';
UPDATE appointment_changes SET action = 'CANCELLED' WHERE action = 'DECLINED';
ALTER TABLE appointment_changes
    DROP CONSTRAINT appointment_changes_action_check,
    ADD CONSTRAINT appointment_changes_action_check
        CHECK (action IN ('RESCHEDULED', 'UPDATED', 'CONFIRMED', 'COMPLETED', 'CANCELLED', 'NO_SHOW'));
ALTER TABLE appointments
    DROP COLUMN cancelled_late, DROP COLUMN cancellation_window_hours, DROP COLUMN cancellation_fee_percent,
    DROP COLUMN cancellation_fee_amount, DROP COLUMN cancellation_fee_waived,
    DROP CONSTRAINT appointments_status_check,
    ADD CONSTRAINT appointments_status_check CHECK (status IN ('PENDING', 'CONFIRMED', 'COMPLETED', 'CANCELLED', 'NO_SHOW'));
