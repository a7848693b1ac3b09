package bench

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// The free times of each of five resources in the next two weeks, with hours of their own.
func BenchmarkAvailability(b *testing.B) {
	shop := open(b)
	var weekly []map[string]any
	for _, day := range []string{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"} {
		weekly = append(weekly, map[string]any{"day": day, "intervals": []map[string]any{{"start": "09:00", "end": "17:00"}}})
	}
	for _, room := range shop.rooms[:5] {
		shop.owner.Do(b, http.MethodPut, "/api/v1/resources/"+room+"/hours", map[string]any{"weekly": weekly}).Require(b, http.StatusOK)
	}
	shop.search(b, "/api/v1/availability/resources", 14, "&resource_ids="+strings.Join(shop.rooms[:5], ","))
}

// A business with 100 stylists, who have 60,000 appointments in the month in question, and 20 rooms.
func BenchmarkAvailabilityOfAMonth(b *testing.B) {
	shop := open(b)
	for statement := range strings.SplitSeq(busyMonth, ";\n") {
		_, err := shop.database.Exec(b.Context(), statement)
		require.NoError(b, err, statement)
	}
	b.Run("any", func(b *testing.B) { shop.search(b, "/api/v1/availability", 31, "") })
	b.Run("per resource", func(b *testing.B) { shop.search(b, "/api/v1/availability/resources", 31, "") })
}

// search asks for the free slots of some days from tomorrow on.
func (s *business) search(b *testing.B, path string, days int, query string) {
	b.Helper()
	from := apitest.Start.AddDate(0, 0, 1)
	query = path + "?service_id=" + s.service + "&from=" + from.Format(time.DateOnly) +
		"&to=" + from.AddDate(0, 0, days-1).Format(time.DateOnly) + query
	var found struct{ Data []struct{ Starts []string } }
	answer := s.owner.Get(b, query).Require(b, http.StatusOK)
	answer.Decode(b, &found)
	require.NotEmpty(b, found.Data)
	s.load(b, http.StatusOK, func() *http.Request { return s.owner.Request(b, http.MethodGet, query, nil) })
	slots := len(found.Data)
	for _, resource := range found.Data {
		slots += max(len(resource.Starts)-1, 0) // a resource has as many as it has starts
	}
	b.ReportMetric(float64(slots), "slots")
	b.ReportMetric(float64(len(answer.Body)), "bytes")
}

// busyMonth adds 100 stylists, and 20 appointments of half an hour for each of them on each of 30 days:
// 60,000 with a gap of a quarter of an hour, beside what the 20 rooms have.
const busyMonth = `
CREATE TEMP TABLE e AS SELECT env_id, (array_agg(id))[1] AS service_id,
    (SELECT (array_agg(c.id))[1] FROM customers AS c WHERE c.env_id = s.env_id) AS customer_id FROM services AS s GROUP BY env_id;
INSERT INTO resources (env_id, id, name, type, created_at, updated_at)
    SELECT env_id, gen_random_uuid(), 'Stylist ' || n, 'STAFF', now(), now() FROM e, generate_series(1, 100) AS n;
CREATE TEMP TABLE a AS SELECT r.env_id, gen_random_uuid() AS id, r.id AS resource_id, e.service_id, e.customer_id,
    timestamptz '2026-11-23 00:00Z' + d * interval '1 day' + n * interval '45 minutes' AS at
    FROM e JOIN resources AS r ON r.env_id = e.env_id AND r.type = 'STAFF', generate_series(0, 29) AS d, generate_series(0, 19) AS n;
INSERT INTO appointments (env_id, id, service_id, customer_id, status, start_at, end_at, buffer_before_minutes, buffer_after_minutes,
    service_version, price_amount, price_currency, quota_period, created_at, updated_at, resource_ids)
    SELECT env_id, id, service_id, customer_id, 'CONFIRMED', at, at + interval '30 minutes', 0, 0, 1, 0, 'USD', '2026-11-01', now(), now(), array[resource_id] FROM a;
INSERT INTO allocations (env_id, appointment_id, resource_id, lane, start_at, end_at)
    SELECT env_id, id, resource_id, 0, at, at + interval '30 minutes' FROM a;
ANALYZE`
