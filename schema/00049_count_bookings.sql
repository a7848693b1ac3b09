-- +goose Up
-- +goose StatementBegin
-- How often is booked on each date; see CountBookingsByDate. PL/pgSQL prepares the query when
-- it is called first, so that those who never count anything do not pay for it.
CREATE FUNCTION count_bookings_by_date(of_env uuid, of_service uuid, of_resources uuid[], except_owner uuid, zone text,
    from_at timestamptz, to_at timestamptz, at timestamptz) RETURNS TABLE (resource_id uuid, date date, n int)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT NULL::uuid, (a.start_at AT TIME ZONE zone)::date, count(*)::int
    FROM appointments a
    WHERE a.env_id = of_env AND a.service_id = of_service AND a.id <> except_owner
      AND a.start_at >= from_at AND a.start_at < to_at
      AND a.status IN ('PENDING', 'CONFIRMED', 'COMPLETED')
    GROUP BY 2
    UNION ALL
    SELECT l.resource_id, (a.start_at AT TIME ZONE zone)::date, count(*)::int
    FROM appointments a
    JOIN allocations l ON l.env_id = a.env_id AND l.appointment_id = a.id
    WHERE a.env_id = of_env AND (of_resources IS NULL OR l.resource_id = ANY (of_resources)) AND a.id <> except_owner
      AND a.start_at >= from_at AND a.start_at < to_at
      AND a.status IN ('PENDING', 'CONFIRMED', 'COMPLETED')
    GROUP BY 1, 2
    UNION ALL
    SELECT NULL::uuid, (h.start_at AT TIME ZONE zone)::date, count(*)::int
    FROM holds h
    WHERE h.env_id = of_env AND h.service_id = of_service AND h.id <> except_owner
      AND h.start_at >= from_at AND h.start_at < to_at
      AND h.status = 'ACTIVE' AND h.expires_at > at
    GROUP BY 2
    UNION ALL
    SELECT u.id, (h.start_at AT TIME ZONE zone)::date, count(*)::int
    FROM holds h, unnest(h.resource_ids) u (id)
    WHERE h.env_id = of_env AND (of_resources IS NULL OR u.id = ANY (of_resources)) AND h.id <> except_owner
      AND h.start_at >= from_at AND h.start_at < to_at
      AND h.status = 'ACTIVE' AND h.expires_at > at
    GROUP BY 1, 2;
END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION count_bookings_by_date(uuid, uuid, uuid[], uuid, text, timestamptz, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_bookings_by_date(uuid, uuid, uuid[], uuid, text, timestamptz, timestamptz, timestamptz)
    TO smoothschedule_app, smoothschedule_platform;

-- +goose Down
DROP FUNCTION count_bookings_by_date(uuid, uuid, uuid[], uuid, text, timestamptz, timestamptz, timestamptz);
