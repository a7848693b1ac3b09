package walk

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/tzdata"
)

// Series of three weeks and single appointments want the same three slots at once. Each
// slot is taken exactly once, a series gets all of its slots or none, and no deadlock
// comes to the surface.
func TestSeriesAgainstAppointments(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, owner, o := p.server, p.owner, p.objects
	starts := []string{"2027-03-01T14:00:00Z", "2027-03-08T14:00:00Z", "2027-03-15T13:00:00Z"} // nine in New York
	wish := func(i int) m {
		return m{"service_id": o["service"], "customer_id": o["customer"], "resource_ids": []string{o["resource"]}, "start_at": starts[i]}
	}
	singles := make(chan map[int][]*apitest.Response)
	go func() {
		singles <- atOnce(t, rivals/2, owner, http.MethodPost, "/api/v1/appointments", func(i int) any { return wish(i % 3) })
	}()
	series := atOnce(t, rivals/2, owner, http.MethodPost, "/api/v1/series", func(i int) any {
		body := wish(0)
		body["rrule"], body["notes"] = "FREQ=WEEKLY;COUNT=3", fmt.Sprint(i)
		return body
	})
	single := <-singles
	for _, refused := range append(single[409], series[409]...) {
		refused.RequireProblem(t, 409, "slot_taken")
	}
	require.Equal(t, rivals/2, len(single[201])+len(single[409]))
	require.Equal(t, rivals/2, len(series[201])+len(series[409]))
	require.Equal(t, 3, len(single[201])+3*len(series[201]), "each slot once")

	var doubles, taken int
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT count(*) FROM allocations x JOIN allocations y USING (env_id, resource_id, lane)
		WHERE x.appointment_id < y.appointment_id AND x.active AND y.active AND x.during && y.during`).Scan(&doubles))
	require.Zero(t, doubles)
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM allocations WHERE start_at >= '2027-03-01'").Scan(&taken))
	require.Equal(t, 3, taken)
	entitlements := owner.Get(t, "/api/v1/entitlements").Require(t, 200).Object(t)
	require.EqualValues(t, 4, entitlements["quotas"].(m)["max_appointments"].(m)["used"], "losers must not use up the quota")
}

// Anybody may ask, at every host, and hears the truth.
func TestMeta(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	for _, c := range []*apitest.Client{s.Tenant(t, "a").Anonymous(), s.Client("platform.localhost"), s.Client("localhost")} {
		meta := c.Get(t, "/api/v1/meta").Require(t, 200).Object(t)
		require.Equal(t, "2026-11-22T12:00:00Z", meta["server_time"])
		require.Equal(t, s.App.Contract.Version, meta["api_version"])
		require.Equal(t, tzdata.Current().Source, meta["tzdata"].(m)["source"])
		require.Equal(t, m{
			"page_size": 100.0, "body_bytes": 65536.0, "availability_days": 62.0, "series_occurrences": 200.0, "hold_seconds": 3600.0,
		}, meta["limits"])
	}
}

// The answers of a series have the form of the contract, also where they refuse.
func TestASeriesThroughTheFrontDoor(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	owner.Post(t, "/api/v1/appointments", m{
		"service_id": o["service"], "customer_id": o["customer"], "resource_ids": []string{o["resource"]}, "start_at": "2027-03-08T14:00:00Z",
	}).Require(t, 201)
	wish := m{
		"service_id": o["service"], "customer_id": o["customer"], "resource_ids": []string{o["resource"]},
		"start_at": "2027-03-01T14:00:00Z", "rrule": "RRULE:FREQ=WEEKLY;COUNT=3",
	}
	verdicts := func(object m) (list []any) {
		for _, occurrence := range object["occurrences"].([]any) {
			list = append(list, occurrence.(m)["verdict"])
		}
		return list
	}
	problem := owner.Post(t, "/api/v1/series", wish).RequireProblem(t, 409, "slot_taken")
	require.Equal(t, []any{"conflict"}, verdicts(problem))
	require.Equal(t, "2027-03-08T14:00:00Z", problem["occurrences"].([]any)[0].(m)["start_at"])
	require.NotEmpty(t, problem["alternatives"])

	wish["dry_run"] = true
	tried := owner.Post(t, "/api/v1/series", wish).Require(t, 200).Object(t)
	require.Equal(t, []any{"available", "conflict", "available"}, verdicts(tried))
	require.Nil(t, tried["id"])
	wish["dry_run"], wish["on_conflict"] = false, "skip"
	booked := owner.Post(t, "/api/v1/series", wish).Require(t, 201)
	found := owner.Get(t, "/api/v1/series/"+booked.ID(t)).Require(t, 200)
	require.Equal(t, `"1"`, found.Header.Get("ETag"))
	appointments := found.Object(t)["appointments"].([]any)
	require.Len(t, appointments, 2)
	single := owner.Get(t, "/api/v1/appointments/"+appointments[0].(m)["id"].(string)).Require(t, 200).Object(t)
	require.Equal(t, booked.ID(t), single["series_id"])

	require.Len(t, owner.Get(t, "/api/v1/appointments?series_id="+booked.ID(t)).Require(t, 200).IDs(t), 2)

	path := "/api/v1/series/" + booked.ID(t)
	owner.WithHeader("If-Match", `"7"`).Post(t, path+"/reschedule", m{"scope": "all", "shift_days": 1}).RequireProblem(t, 412, "version_mismatch")
	moved := owner.Post(t, path+"/reschedule", m{"scope": "all", "shift_days": 1, "start_time": "10:15"}).Require(t, 200).Object(t)
	require.Equal(t, []any{"available", "available"}, verdicts(moved))
	require.Equal(t, "2027-03-02T15:15:00Z", moved["occurrences"].([]any)[0].(m)["start_at"])
	require.Equal(t, "2027-03-16T14:15:00Z", moved["occurrences"].([]any)[1].(m)["start_at"], "summer")
	cancelled := owner.Post(t, path+"/cancel", m{"scope": "this", "appointment_id": single["id"]}).Require(t, 200).Object(t)
	require.Equal(t, "CANCELLED", cancelled["appointments"].([]any)[0].(m)["status"])
	require.Equal(t, "CONFIRMED", cancelled["appointments"].([]any)[1].(m)["status"])
	require.EqualValues(t, 3, cancelled["version"])
}
