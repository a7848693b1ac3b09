-- name: ListEnvironmentsAfter :many
SELECT id, name FROM environments WHERE id > $1 ORDER BY id LIMIT $2;

-- name: ListEnvironmentsToReconcile :many
-- Those whose counters were compared last before an instant, the longest ago first.
SELECT id, name FROM environments WHERE usage_reconciled_at < $1 ORDER BY usage_reconciled_at, id LIMIT $2;

-- name: ClaimReconciliation :execrows
-- Reconciliations of one environment wait for each other: two at once would both repair. Who
-- waited for another finds that it is done, unless it is to be done again in any case.
UPDATE environments SET usage_reconciled_at = sqlc.arg(now)
WHERE id = sqlc.arg(env_id) AND usage_reconciled_at < COALESCE(sqlc.narg(reconciled_before), 'infinity'::timestamptz);

-- name: RepairUsage :many
-- Brings the counters of an environment to what there is to count, and returns those that
-- were wrong. What is counted and its counter change in one transaction, so in the
-- snapshot of this statement they differ only by a mistake; the counter is moved by the
-- difference, because it may go on meanwhile. A counter that appears meanwhile is left to
-- the next time.
WITH counted AS (
    SELECT 'max_resources' AS quota, sqlc.arg(stock_period)::date AS period, count(*) AS n
    FROM resources r WHERE r.env_id = sqlc.arg(env_id)
    UNION ALL
    SELECT 'max_services', sqlc.arg(stock_period)::date, count(*) FROM services s WHERE s.env_id = sqlc.arg(env_id)
    UNION ALL
    SELECT 'max_users', sqlc.arg(stock_period)::date, count(*) FROM users u
    WHERE u.env_id = sqlc.arg(env_id) AND u.role IN ('TENANT_OWNER', 'TENANT_MANAGER', 'TENANT_STAFF')
    UNION ALL
    SELECT 'max_appointments', a.quota_period, count(*) FROM appointments a WHERE a.env_id = sqlc.arg(env_id) GROUP BY a.quota_period
), kept AS (
    SELECT c.quota, c.period, c.used FROM usage_counters c
    WHERE c.env_id = sqlc.arg(env_id) AND c.quota IN ('max_resources', 'max_services', 'max_users', 'max_appointments')
), drift AS (
    SELECT COALESCE(k.quota, c.quota) AS quota, COALESCE(k.period, c.period) AS period, k.used, COALESCE(c.n, 0) AS n
    FROM counted c FULL JOIN kept k ON k.quota = c.quota AND k.period = c.period
    WHERE COALESCE(k.used, 0) <> COALESCE(c.n, 0)
), moved AS (
    UPDATE usage_counters u SET used = GREATEST(u.used + d.n - d.used, 0)
    FROM drift d
    WHERE u.env_id = sqlc.arg(env_id) AND u.quota = d.quota AND u.period = d.period AND d.used IS NOT NULL
), made AS (
    INSERT INTO usage_counters (env_id, quota, period, used)
    SELECT sqlc.arg(env_id), d.quota, d.period, d.n FROM drift d WHERE d.used IS NULL
    ON CONFLICT DO NOTHING
)
SELECT d.quota::text AS quota, d.period::date AS period, COALESCE(d.used, 0)::bigint AS used, d.n::bigint AS counted FROM drift d
ORDER BY d.quota, d.period;
