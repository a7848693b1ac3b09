-- What only the sessions of a masquerade need to know. As a function it costs all others
-- nothing: a sub-select of the query that every request makes is prepared each time,
-- whether it runs or not, and took a third of the time of that query.

-- +goose Up
-- masquerade_role returns the role of who really acts; null if nobody does, or one of the
-- sessions beneath no longer works.
-- +goose StatementBegin
CREATE FUNCTION masquerade_role(impersonator uuid, ancestors uuid[], at timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT AS $$
    SELECT i.role FROM users i
    WHERE i.id = impersonator AND NOT EXISTS (
        SELECT FROM unnest(ancestors) AS a (id)
        LEFT JOIN sessions p ON p.id = a.id AND p.revoked_at IS NULL AND p.expires_at > at
        LEFT JOIN users u ON u.id = p.user_id AND u.is_active
        WHERE u.id IS NULL)
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION masquerade_role(uuid, uuid[], timestamptz);
