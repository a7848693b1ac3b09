-- name: ClaimInstallation :exec
-- Says what the database is for, unless that has been said.
INSERT INTO installation (purpose) VALUES ($1) ON CONFLICT (singleton) DO NOTHING;

-- name: GetInstallationPurpose :one
-- What the database is for; no row if nobody has said.
SELECT purpose FROM installation;
