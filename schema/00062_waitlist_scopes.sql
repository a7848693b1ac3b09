-- The operations of the waitlist ask API tokens for waitlist:read and waitlist:write. They asked for
-- appointments:read and appointments:write before: what a token could do it still can.

-- +goose Up
UPDATE api_tokens SET scopes = ARRAY(
    SELECT DISTINCT given COLLATE "C"
    FROM unnest(scopes) AS scope, unnest(ARRAY[scope, replace(scope, 'appointments:', 'waitlist:')]) AS given ORDER BY 1)
WHERE scopes && ARRAY['appointments:read', 'appointments:write'] AND revoked_at IS NULL;

-- +goose Down
-- Which of them had these scopes before is not known; the version before gives them no meaning.
SELECT 1;
