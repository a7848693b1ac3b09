-- name: MaintainAuditPartitions :one
-- Adds the partitions of the months to come and drops those that have ended before the
-- instant given, but none of the last 90 days by the clock of the database. It returns how many.
SELECT maintain_audit_partitions(sqlc.arg(at)::timestamptz, LEAST(sqlc.arg(drop_before)::timestamptz, now() - interval '90 days'))::int;
