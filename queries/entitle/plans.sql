-- name: GetPlanVersion :one
-- One version of a plan.
SELECT v.id, v.version, v.features, v.limits, p.code, p.name, p.rank
FROM plan_versions v JOIN plans p ON p.id = v.plan_id
WHERE v.id = $1;

-- name: ListPublishedPlans :many
-- What can be bought, from the smallest plan to the largest.
SELECT v.id, v.version, v.features, v.limits, p.code, p.name, p.rank
FROM plan_versions v JOIN plans p ON p.id = v.plan_id
WHERE v.status = 'PUBLISHED'
ORDER BY p.rank;
