-- name: LockSampleData :exec
-- Lets one transaction at a time make sample data in the environment.
SELECT pg_advisory_xact_lock(hashtextextended('sample data ' || sqlc.arg(env_id)::uuid::text, 0));

-- name: EnvironmentInUse :one
-- Whether the environment has anything of what sample data are made of, or would be in their way.
SELECT (EXISTS (SELECT FROM resources r WHERE r.env_id = sqlc.arg(env_id))
    OR EXISTS (SELECT FROM services s WHERE s.env_id = sqlc.arg(env_id))
    OR EXISTS (SELECT FROM customers c WHERE c.env_id = sqlc.arg(env_id))
    OR EXISTS (SELECT FROM appointments a WHERE a.env_id = sqlc.arg(env_id))
    OR EXISTS (SELECT FROM time_off t WHERE t.env_id = sqlc.arg(env_id)))::boolean AS in_use;
