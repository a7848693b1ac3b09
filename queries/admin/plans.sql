-- name: ListPlanVersions :many
-- Every version of every plan (or of one), from the smallest plan to the largest, the
-- newest version first, with the number of tenants that are pinned to it. A plan has at
-- least one version, so none is missing.
SELECT p.id AS plan_id, p.code, p.name, p.rank, p.created_at AS plan_created_at,
       v.id, v.version, v.status, v.features, v.limits, v.price_amount, v.price_currency, v.billing_interval,
       v.published_at, v.created_at, v.revision, COALESCE(pinned.tenants, 0)::bigint AS tenants
FROM plans p
JOIN plan_versions v ON v.plan_id = p.id
LEFT JOIN (SELECT plan_version_id, count(*) AS tenants FROM tenants GROUP BY plan_version_id) pinned ON pinned.plan_version_id = v.id
WHERE sqlc.narg(plan_id)::uuid IS NULL OR p.id = sqlc.narg(plan_id)
ORDER BY p.rank, v.version DESC;

-- name: ListPublishedPlans :many
-- What can be bought, from the smallest plan to the largest.
SELECT v.id, v.version, v.features, v.limits, v.price_amount, v.price_currency, v.billing_interval, p.code, p.name
FROM plan_versions v JOIN plans p ON p.id = v.plan_id
WHERE v.status = 'PUBLISHED'
ORDER BY p.rank;

-- name: InsertPlan :one
-- Without a rank the plan becomes the largest.
INSERT INTO plans (id, code, name, rank, created_at)
VALUES (sqlc.arg(id), sqlc.arg(code), sqlc.arg(name),
        COALESCE(sqlc.narg(rank)::int, (SELECT COALESCE(max(rank), 0) + 1 FROM plans)), sqlc.arg(now))
RETURNING rank;

-- name: LockPlan :one
-- Changes of one plan's versions wait for each other.
SELECT id, code FROM plans WHERE id = $1 FOR UPDATE;

-- name: InsertPlanVersion :exec
INSERT INTO plan_versions (id, plan_id, version, status, features, limits, price_amount, price_currency, billing_interval, created_at)
VALUES (sqlc.arg(id), sqlc.arg(plan_id), sqlc.arg(version), 'DRAFT', sqlc.arg(features), sqlc.arg(limits), sqlc.arg(price_amount),
        sqlc.arg(price_currency), sqlc.arg(billing_interval), sqlc.arg(now));

-- name: CopyPlanVersion :one
-- Makes a draft out of the published version, or of the newest if none is published.
INSERT INTO plan_versions (id, plan_id, version, status, features, limits, price_amount, price_currency, billing_interval, created_at)
SELECT sqlc.arg(id), v.plan_id, (SELECT max(n.version) + 1 FROM plan_versions n WHERE n.plan_id = v.plan_id), 'DRAFT', v.features,
       v.limits, v.price_amount, v.price_currency, v.billing_interval, sqlc.arg(now)
FROM plan_versions v
WHERE v.plan_id = sqlc.arg(plan_id)
ORDER BY v.status = 'PUBLISHED' DESC, v.version DESC
LIMIT 1
RETURNING version;

-- name: GetPlanVersion :one
SELECT v.id, v.version, v.status, v.features, v.limits, v.price_amount, v.price_currency, v.billing_interval,
       v.published_at, v.created_at, v.revision,
       (SELECT count(*) FROM tenants t WHERE t.plan_version_id = v.id) AS tenants
FROM plan_versions v
WHERE v.plan_id = sqlc.arg(plan_id) AND v.version = sqlc.arg(version);

-- name: UpdatePlanDraft :execrows
-- No row if the version is no draft (any more).
UPDATE plan_versions SET
    features = sqlc.arg(features), limits = sqlc.arg(limits), price_amount = sqlc.arg(price_amount),
    price_currency = sqlc.arg(price_currency), billing_interval = sqlc.arg(billing_interval), revision = revision + 1
WHERE plan_id = sqlc.arg(plan_id) AND version = sqlc.arg(version) AND status = 'DRAFT';

-- name: DeletePlanDraft :execrows
-- No row if it is no draft, or the only version.
DELETE FROM plan_versions v
WHERE v.plan_id = sqlc.arg(plan_id) AND v.version = sqlc.arg(version) AND v.status = 'DRAFT'
  AND EXISTS (SELECT FROM plan_versions o WHERE o.plan_id = v.plan_id AND o.version <> v.version);

-- name: PublishPlanVersion :execrows
UPDATE plan_versions SET status = 'PUBLISHED', published_at = sqlc.arg(now)::timestamptz
WHERE plan_id = sqlc.arg(plan_id) AND version = sqlc.arg(version) AND status = 'DRAFT';

-- name: ArchivePlanVersions :execrows
-- Takes the published version off the market, if it is the one given (null: whichever).
UPDATE plan_versions SET status = 'ARCHIVED'
WHERE plan_id = sqlc.arg(plan_id) AND status = 'PUBLISHED'
  AND (sqlc.narg(version)::int IS NULL OR version = sqlc.narg(version));
