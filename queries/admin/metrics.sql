-- name: SumTenants :many
-- Businesses by status and by the plan they have now, with what those of each group pay
-- in a month: active ones, unless they are past due beyond their grace.
SELECT t.status, p.code AS plan_code, p.name AS plan_name, v.price_currency AS currency, count(*) AS tenants,
       round(sum(CASE WHEN t.status <> 'ACTIVE' OR t.grace_until <= sqlc.arg(now)::timestamptz THEN 0
                      WHEN v.billing_interval = 'YEAR' THEN v.price_amount / 12.0
                      ELSE v.price_amount END))::bigint AS monthly
FROM tenants t
JOIN plan_versions v ON v.id = CASE WHEN t.scheduled_plan_at <= sqlc.arg(now)::timestamptz
                                    THEN t.scheduled_plan_version_id ELSE t.plan_version_id END
JOIN plans p ON p.id = v.plan_id
GROUP BY t.status, p.rank, p.code, p.name, v.price_currency
ORDER BY p.rank, t.status;

-- name: CountChurn :one
-- Of the businesses that were there, and not suspended, at the beginning of a time: how
-- many, and how many of them were suspended since; and how many came.
SELECT count(*) FILTER (WHERE there AND status = 'SUSPENDED') AS churned, count(*) FILTER (WHERE there) AS at_start,
       count(*) FILTER (WHERE created_at > sqlc.arg(since)::timestamptz) AS created
FROM (SELECT status, created_at,
             created_at <= sqlc.arg(since)::timestamptz
             AND (status <> 'SUSPENDED' OR COALESCE(suspended_at > sqlc.arg(since)::timestamptz, false)) AS there
      FROM tenants) AS t;

-- name: CountUsers :many
-- The users of the live environments and of the platform, by role.
SELECT role, count(*) AS users, count(*) FILTER (WHERE last_login_at > sqlc.arg(since)::timestamptz) AS signed_in
FROM users WHERE NOT is_sandbox
GROUP BY role;

-- name: ListDailyBookings :many
-- How many appointments were booked in the live environments on each day: what was rolled
-- up, and what came after. The look-up of the events is not merged into the join: few
-- environments have some, which the planner does not know.
SELECT d.day, sum(d.booked)::bigint AS booked
FROM (
    SELECT b.day, b.booked FROM daily_bookings b WHERE b.day >= sqlc.arg(since)::date
    UNION ALL
    SELECT e.day, 1
    FROM event_sequences q
    JOIN environments env ON env.id = q.env_id AND NOT env.is_sandbox
    LEFT JOIN activity_cursors c ON c.env_id = q.env_id
    CROSS JOIN LATERAL (
        SELECT (x.occurred_at AT TIME ZONE 'UTC')::date AS day FROM events x
        WHERE x.env_id = q.env_id AND x.sequence > COALESCE(c.sequence, 0) AND x.type = 'appointment.created'
        OFFSET 0) AS e
    WHERE q.last_sequence > COALESCE(c.sequence, 0) AND e.day >= sqlc.arg(since)::date
) AS d
GROUP BY d.day
ORDER BY d.day;

-- name: LockActivity :exec
-- Roll-ups wait for each other.
SELECT pg_advisory_xact_lock(hashtext('activity'));

-- name: RollUpBookings :execrows
-- Adds what was booked since the last time. Sequences follow the order of commits and
-- have no gaps, so nothing is missed or counted twice.
WITH behind AS (
    SELECT q.env_id, COALESCE(c.sequence, 0) AS after, q.last_sequence
    FROM event_sequences q
    JOIN environments env ON env.id = q.env_id AND NOT env.is_sandbox
    LEFT JOIN activity_cursors c ON c.env_id = q.env_id
    WHERE q.last_sequence > COALESCE(c.sequence, 0)
), counted AS (
    INSERT INTO daily_bookings AS d (day, booked)
    SELECT e.day, count(*)
    FROM behind b
    CROSS JOIN LATERAL (
        SELECT (x.occurred_at AT TIME ZONE 'UTC')::date AS day FROM events x
        WHERE x.env_id = b.env_id AND x.sequence > b.after AND x.sequence <= b.last_sequence AND x.type = 'appointment.created'
        OFFSET 0) AS e
    GROUP BY e.day
    ON CONFLICT (day) DO UPDATE SET booked = d.booked + EXCLUDED.booked
)
INSERT INTO activity_cursors AS c (env_id, sequence)
SELECT b.env_id, b.last_sequence FROM behind b
ON CONFLICT (env_id) DO UPDATE SET sequence = EXCLUDED.sequence;

-- name: AddAPICalls :exec
INSERT INTO daily_api_calls AS d (day, calls)
SELECT unnest(sqlc.arg(days)::date[]), unnest(sqlc.arg(calls)::bigint[])
ON CONFLICT (day) DO UPDATE SET calls = d.calls + EXCLUDED.calls;

-- name: ListDailyAPICalls :many
SELECT day, calls FROM daily_api_calls WHERE day >= sqlc.arg(since)::date ORDER BY day;
