-- The four plans every installation starts with. Later versions are made through
-- the platform API; these stay as they are.

-- +goose Up
INSERT INTO plans (id, code, name, rank) VALUES
    ('019aa000-0000-7000-8000-000000000001', 'free', 'Free', 1),
    ('019aa000-0000-7000-8000-000000000002', 'professional', 'Professional', 2),
    ('019aa000-0000-7000-8000-000000000003', 'business', 'Business', 3),
    ('019aa000-0000-7000-8000-000000000004', 'enterprise', 'Enterprise', 4);

INSERT INTO plan_versions
    (id, plan_id, version, status, features, limits, price_amount, price_currency, billing_interval, published_at)
VALUES
    ('019aa000-0000-7000-8000-000000000101', '019aa000-0000-7000-8000-000000000001', 1, 'PUBLISHED',
     '{}',
     '{"max_resources": 3, "max_users": 3, "max_services": 10, "max_email_templates": 2, "max_automated_tasks": 0, "max_appointments": 100}',
     0, 'USD', 'MONTH', now()),
    ('019aa000-0000-7000-8000-000000000102', '019aa000-0000-7000-8000-000000000002', 1, 'PUBLISHED',
     '{"can_send_sms_reminders": true, "can_use_calendar_sync": true, "can_use_analytics": true}',
     '{"max_resources": 20, "max_users": 15, "max_services": 50, "max_email_templates": 20, "max_automated_tasks": 10, "max_appointments": 2000}',
     2900, 'USD', 'MONTH', now()),
    ('019aa000-0000-7000-8000-000000000103', '019aa000-0000-7000-8000-000000000003', 1, 'PUBLISHED',
     '{"can_send_sms_reminders": true, "can_use_calendar_sync": true, "can_use_analytics": true, "can_export_data": true,
       "can_use_webhooks": true, "can_use_custom_domain": true, "can_use_masked_calling": true}',
     '{"max_resources": 200, "max_users": 100, "max_services": 500, "max_email_templates": 100, "max_automated_tasks": 50, "max_appointments": 20000}',
     9900, 'USD', 'MONTH', now()),
    ('019aa000-0000-7000-8000-000000000104', '019aa000-0000-7000-8000-000000000004', 1, 'PUBLISHED',
     '{"can_send_sms_reminders": true, "can_use_calendar_sync": true, "can_use_analytics": true, "can_export_data": true,
       "can_use_webhooks": true, "can_use_custom_domain": true, "can_use_masked_calling": true, "can_white_label": true,
       "can_create_plugins": true}',
     '{"max_resources": null, "max_users": null, "max_services": null, "max_email_templates": null, "max_automated_tasks": null, "max_appointments": null}',
     29900, 'USD', 'MONTH', now());

-- +goose Down
ALTER TABLE plan_versions DISABLE TRIGGER keep_published;
DELETE FROM plan_versions WHERE id BETWEEN '019aa000-0000-7000-8000-000000000101' AND '019aa000-0000-7000-8000-000000000104';
ALTER TABLE plan_versions ENABLE TRIGGER keep_published;
DELETE FROM plans WHERE id BETWEEN '019aa000-0000-7000-8000-000000000001' AND '019aa000-0000-7000-8000-000000000004';
