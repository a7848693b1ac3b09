-- name: FindPlanVersion :one
-- A version of a plan that is, or was, published: the one with the number, else the one
-- that can be bought now.
SELECT v.id, v.version, v.billing_interval, p.code, p.name
FROM plan_versions v JOIN plans p ON p.id = v.plan_id
WHERE p.code = sqlc.arg(code) AND v.status <> 'DRAFT'
  AND CASE WHEN sqlc.narg(version)::int IS NULL THEN v.status = 'PUBLISHED' ELSE v.version = sqlc.narg(version) END;

-- name: GetPlanVersionByID :one
SELECT v.id, v.version, v.billing_interval, p.code, p.name
FROM plan_versions v JOIN plans p ON p.id = v.plan_id
WHERE v.id = $1;

-- name: SetPlan :exec
-- Gives a business a version now; what was scheduled is forgotten. Another interval
-- begins a billing period.
UPDATE tenants SET
    plan_version_id = sqlc.arg(plan_version_id), scheduled_plan_version_id = NULL, scheduled_plan_at = NULL,
    billing_anchor_on = COALESCE(sqlc.narg(billing_anchor_on), billing_anchor_on),
    version = version + 1, updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id);

-- name: SchedulePlan :exec
UPDATE tenants SET
    scheduled_plan_version_id = sqlc.arg(plan_version_id)::uuid, scheduled_plan_at = sqlc.arg(at)::timestamptz,
    version = version + 1, updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id);

-- name: CancelScheduledPlan :execrows
-- No row if nothing is scheduled that is still to come.
UPDATE tenants SET scheduled_plan_version_id = NULL, scheduled_plan_at = NULL, version = version + 1, updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND scheduled_plan_at > sqlc.arg(now)::timestamptz;

-- name: SettleScheduledPlans :many
-- Makes changes of plan that are due the pinned ones, of one business or of some (null).
-- Requests resolve to them already. Another interval begins a billing period that day.
WITH due AS (
    SELECT t.id, t.plan_version_id, t.scheduled_plan_at FROM tenants t
    WHERE t.scheduled_plan_at <= sqlc.arg(now)::timestamptz AND (sqlc.narg(tenant_id)::uuid IS NULL OR t.id = sqlc.narg(tenant_id))
    ORDER BY t.scheduled_plan_at
    LIMIT sqlc.arg(row_limit)
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE tenants t SET
    plan_version_id = t.scheduled_plan_version_id, scheduled_plan_version_id = NULL, scheduled_plan_at = NULL,
    billing_anchor_on = CASE WHEN v.billing_interval = o.billing_interval THEN t.billing_anchor_on
                             ELSE local_date(due.scheduled_plan_at, t.timezone) END,
    version = t.version + 1, updated_at = sqlc.arg(now)
FROM due
JOIN plan_versions o ON o.id = due.plan_version_id
JOIN plans op ON op.id = o.plan_id
JOIN environments live ON live.tenant_id = due.id AND NOT live.is_sandbox,
     plan_versions v JOIN plans p ON p.id = v.plan_id
WHERE t.id = due.id AND v.id = t.scheduled_plan_version_id
RETURNING t.id, live.id AS live_env_id, due.scheduled_plan_at AS due_at, op.code AS from_code, op.name AS from_name, o.version AS from_version,
          p.code AS to_code, p.name AS to_name, v.version AS to_version;

-- name: GetSubscription :one
-- What a business sees of its subscription beside its plan.
SELECT t.billing_status, t.grace_until, t.billing_anchor_on, t.created_at, t.timezone, v.billing_interval,
       (SELECT jsonb_build_object('code', sp.code, 'name', sp.name, 'version', sv.version, 'takes_effect_at', t.scheduled_plan_at)
        FROM plan_versions sv JOIN plans sp ON sp.id = sv.plan_id
        WHERE sv.id = t.scheduled_plan_version_id AND t.scheduled_plan_at > sqlc.arg(now)::timestamptz)::jsonb AS scheduled_plan
FROM tenants t JOIN plan_versions v ON v.id = sqlc.arg(plan_version_id)
WHERE t.id = sqlc.arg(tenant_id);

-- name: CountCustomDomains :one
SELECT count(*) FROM domains WHERE tenant_id = $1 AND kind = 'CUSTOM';

-- name: GetLiveEnvironment :one
SELECT id FROM environments WHERE tenant_id = $1 AND NOT is_sandbox;
