-- name: RaiseUsage :one
-- Raises a counter that exists if it stays within the limit (null: unlimited); no row
-- if there is no counter yet, or not enough left.
UPDATE usage_counters SET used = used + sqlc.arg(n)::bigint
WHERE env_id = sqlc.arg(env_id) AND quota = sqlc.arg(quota) AND period = sqlc.arg(period)
  AND (sqlc.narg(quota_limit)::bigint IS NULL OR used + sqlc.arg(n)::bigint <= sqlc.narg(quota_limit)::bigint)
RETURNING used, warned_percent, warned_limit;

-- name: ReserveUsage :one
-- Raises a counter if it stays within the limit (null: unlimited); no row if not.
-- The insert arm repeats the guard: without it a limit of 0 would let one through.
INSERT INTO usage_counters (env_id, quota, period, used)
SELECT sqlc.arg(env_id), sqlc.arg(quota), sqlc.arg(period), sqlc.arg(n)::bigint
WHERE sqlc.narg(quota_limit)::bigint IS NULL OR sqlc.arg(n)::bigint <= sqlc.narg(quota_limit)::bigint
ON CONFLICT (env_id, quota, period) DO UPDATE SET used = usage_counters.used + EXCLUDED.used
    WHERE sqlc.narg(quota_limit)::bigint IS NULL
       OR usage_counters.used + EXCLUDED.used <= sqlc.narg(quota_limit)::bigint
RETURNING used, warned_percent, warned_limit;

-- name: ReleaseUsage :exec
-- Gives back what a deletion frees; never below zero.
UPDATE usage_counters SET used = GREATEST(used - sqlc.arg(n)::bigint, 0)
WHERE env_id = sqlc.arg(env_id) AND quota = sqlc.arg(quota) AND period = sqlc.arg(period);

-- name: GetUsage :one
-- How much of one quota is used in a period; no row is nothing.
SELECT used FROM usage_counters WHERE env_id = $1 AND quota = $2 AND period = $3;

-- name: ListUsage :many
-- The counters of an environment that matter now: those that never reset and those of this period.
SELECT quota, period, used FROM usage_counters
WHERE env_id = sqlc.arg(env_id) AND period IN (sqlc.arg(stock_period), sqlc.arg(current_period));

-- name: MarkUsageWarning :execrows
-- Notes that the tenant hears of a share of the limit; no row if it has heard of it before.
UPDATE usage_counters SET warned_percent = sqlc.arg(percent), warned_limit = sqlc.arg(quota_limit)::bigint
WHERE env_id = sqlc.arg(env_id) AND quota = sqlc.arg(quota) AND period = sqlc.arg(period)
  AND (warned_limit IS DISTINCT FROM sqlc.arg(quota_limit)::bigint OR warned_percent < sqlc.arg(percent));
