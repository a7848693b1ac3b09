package walk

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// Times of one day that do not touch each other are still rivals if the day has a limit,
// whichever door they come through.
func TestRivalsForTheLimitOfADay(t *testing.T) {
	t.Parallel()
	const limit, wishes = 5, 32
	at := func(i int) string {
		return time.Date(2027, time.March, 1, 7, 0, 0, 0, time.UTC).Add(time.Duration(i) * 20 * time.Minute).Format(time.RFC3339)
	}
	for door, post := range map[string]struct {
		path string
		code string
		body func(o objects, i int) m
	}{
		"appointments": {"/api/v1/appointments", "limit_day", func(o objects, i int) m {
			return m{"service_id": o["service"], "customer_id": o["customer"], "start_at": at(i)}
		}},
		"holds": {"/api/v1/holds", "limit_day", func(o objects, i int) m {
			return m{"service_id": o["service"], "start_at": at(i)}
		}},
		"public booking": {publicly + "appointments", "slot_taken", func(o objects, i int) m { return o.slot(at(i)) }},
	} {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			s := apitest.New(t)
			tenant := s.Tenant(t, "a")
			owner := tenant.Client(t, tenancy.RoleOwner)
			o := objects{
				"customer": owner.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201).ID(t),
				"service":  owner.Post(t, "/api/v1/services", m{"name": "Talk", "duration_minutes": 20, "slot_step_minutes": 20, "max_per_day": limit}).Require(t, 201).ID(t),
			}
			owner.Post(t, "/api/v1/resources", m{"name": "Hall", "type": "ROOM"}).Require(t, 201)
			answers := atOnce(t, wishes, owner, http.MethodPost, post.path, func(i int) any { return post.body(o, i) })
			require.Len(t, answers[201], limit)
			require.Len(t, answers[409], wishes-limit)
			for _, refused := range answers[409] {
				problem := refused.RequireProblem(t, 409, post.code)
				require.NotEmpty(t, problem["alternatives"])
			}
		})
	}
}
