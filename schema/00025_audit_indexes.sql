-- Looking through the audit trail.

-- +goose Up
-- One for each filter of the trail; the trail of a business by time has its index already.
CREATE INDEX audit_entries_actor ON audit_entries (actor_user_id, occurred_at DESC, id DESC) WHERE actor_user_id IS NOT NULL;
CREATE INDEX audit_entries_impersonator ON audit_entries (impersonator_user_id, occurred_at DESC, id DESC)
    WHERE impersonator_user_id IS NOT NULL;
CREATE INDEX audit_entries_target ON audit_entries (target_id, occurred_at DESC, id DESC) WHERE target_id <> '';
CREATE INDEX audit_entries_action ON audit_entries (action, occurred_at DESC, id DESC);
CREATE INDEX audit_entries_tenant_action ON audit_entries (tenant_id, action, occurred_at DESC, id DESC);
CREATE INDEX audit_entries_refusals ON audit_entries (tenant_id, outcome, occurred_at DESC, id DESC) WHERE outcome <> 'SUCCESS';

-- +goose Down
DROP INDEX audit_entries_actor, audit_entries_impersonator, audit_entries_target, audit_entries_action, audit_entries_tenant_action,
    audit_entries_refusals;
