package walk

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

const rivals = 64

// atOnce sends n requests that wait for each other at the start, and counts the answers by status.
func atOnce(t *testing.T, n int, c *apitest.Client, method, path string, body func(i int) any) map[int][]*apitest.Response {
	t.Helper()
	requests := make([]*http.Request, n)
	for i := range requests {
		requests[i] = c.Request(t, method, path, body(i))
	}
	var mu sync.Mutex
	var done sync.WaitGroup
	start := make(chan struct{})
	answers := map[int][]*apitest.Response{}
	for _, request := range requests {
		done.Go(func() {
			<-start
			response, err := c.Send(request)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			answers[response.Status] = append(answers[response.Status], response)
		})
	}
	close(start)
	done.Wait()
	return answers
}

// However many book one slot at once: exactly as many as the resource has room for
// get it, and the others get a clean 409 that names the resource and nobody else.
func TestOneSlotManyRivals(t *testing.T) {
	t.Parallel()
	for _, capacity := range []int{1, 3} {
		t.Run(fmt.Sprintf("capacity %d", capacity), func(t *testing.T) {
			t.Parallel()
			s := apitest.New(t)
			owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
			resource := owner.Post(t, "/api/v1/resources", m{"name": "Studio", "type": "ROOM", "capacity": capacity}).Require(t, 201).ID(t)
			service := owner.Post(t, "/api/v1/services", m{"name": "Class", "duration_minutes": 60}).Require(t, 201).ID(t)
			customer := owner.Post(t, "/api/v1/customers", m{"name": "Secret Name"}).Require(t, 201).ID(t)

			answers := atOnce(t, rivals, owner, http.MethodPost, "/api/v1/appointments", func(i int) any {
				// Starts differ, but all overlap.
				return m{
					"service_id": service, "customer_id": customer, "resource_ids": []string{resource},
					"start_at": fmt.Sprintf("2027-03-01T09:%02d:00Z", i%60),
				}
			})
			require.Len(t, answers[201], capacity)
			require.Len(t, answers[409], rivals-capacity)
			for _, refused := range answers[409] {
				problem := refused.RequireProblem(t, 409, "slot_taken")
				require.Equal(t, resource, problem["conflicts"].([]any)[0].(m)["resource_id"])
				require.NotContains(t, string(refused.Body), "Secret Name")
			}
			require.Len(t, owner.Get(t, "/api/v1/appointments").Require(t, 200).IDs(t), capacity)
			entitlements := owner.Get(t, "/api/v1/entitlements").Require(t, 200).Object(t)
			require.EqualValues(t, capacity, entitlements["quotas"].(m)["max_appointments"].(m)["used"], "losers must not use up the quota")
		})
	}
}

// Staff and room are taken together or not at all.
func TestRivalsForSeveralResources(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	for i := range 3 {
		owner.Post(t, "/api/v1/resources", m{"name": fmt.Sprintf("Staff %d", i), "type": "STAFF"}).Require(t, 201)
	}
	for i := range 2 {
		owner.Post(t, "/api/v1/resources", m{"name": fmt.Sprintf("Room %d", i), "type": "ROOM"}).Require(t, 201)
	}
	service := owner.Post(t, "/api/v1/services", m{
		"name": "Massage", "duration_minutes": 60,
		"requirements": []m{{"resource_type": "STAFF"}, {"resource_type": "ROOM"}},
	}).Require(t, 201).ID(t)
	customer := owner.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201).ID(t)
	answers := atOnce(t, rivals, owner, http.MethodPost, "/api/v1/appointments", func(int) any {
		return m{"service_id": service, "customer_id": customer, "start_at": "2027-03-01T09:00:00Z"}
	})
	require.Len(t, answers[201], 2, "as many as there are rooms")
	require.Len(t, answers[409], rivals-2)
	var allocations int
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT count(*) FROM allocations").Scan(&allocations))
	require.Equal(t, 4, allocations)
}

func TestManyRivalsForAQuota(t *testing.T) {
	t.Parallel()
	for noun, body := range map[string]func(i int) any{
		"resources": func(i int) any { return m{"name": fmt.Sprintf("R%d", i), "type": "ROOM"} },
		"services":  func(i int) any { return m{"name": fmt.Sprintf("S%d", i), "duration_minutes": 30} },
		"users": func(i int) any {
			return m{"email": fmt.Sprintf("u%d@a.example", i), "name": "U", "role": "TENANT_STAFF", "password": "a first password"}
		},
	} {
		t.Run(noun, func(t *testing.T) {
			t.Parallel()
			const limit = 10
			s := apitest.New(t)
			tenant := s.Tenant(t, "a")
			owner := tenant.Client(t, tenancy.RoleOwner)
			tenant.Override(t, "max_"+noun, limit)
			before := len(owner.Get(t, "/api/v1/"+noun+"?limit=100").Require(t, 200).IDs(t)) // the owner is a user

			answers := atOnce(t, rivals, owner, http.MethodPost, "/api/v1/"+noun, body)
			require.Len(t, answers[201], limit-before)
			require.Len(t, answers[403], rivals-limit+before)
			for _, refused := range answers[403] {
				require.EqualValues(t, limit, refused.RequireProblem(t, 403, "quota_exceeded")["limit"])
			}
			ids := owner.Get(t, "/api/v1/"+noun+"?limit=100").Require(t, 200).IDs(t)
			require.Len(t, ids, limit)

			// A deletion gives back, once, and the sandbox counts by itself.
			last := ids[0]
			if noun == "users" {
				last = answers[201][0].ID(t)
			}
			owner.Do(t, http.MethodDelete, "/api/v1/"+noun+"/"+last, nil).Require(t, 204)
			owner.Do(t, http.MethodDelete, "/api/v1/"+noun+"/"+last, nil).Require(t, 404)
			owner.Sandbox().Post(t, "/api/v1/"+noun, body(100)).Require(t, 201)
			owner.Post(t, "/api/v1/"+noun, body(101)).Require(t, 201)
			owner.Post(t, "/api/v1/"+noun, body(102)).RequireProblem(t, 403, "quota_exceeded")
		})
	}
}

// The month is counted in the tenant's zone and starts anew.
func TestTheAppointmentsOfAMonth(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, tenant, owner, o := p.server, p.tenant, p.owner, p.objects // has one appointment
	tenant.Override(t, "max_appointments", 10)
	book := func(i int) any {
		return m{
			"service_id": o["service"], "customer_id": o["customer"], "start_at": fmt.Sprintf("2027-04-%02dT09:00:00Z", i%28+1),
			"resource_ids": []string{o["resource"]},
		}
	}
	// Different days, so nothing but the quota refuses them.
	answers := atOnce(t, 28, owner, http.MethodPost, "/api/v1/appointments", book)
	require.Len(t, answers[201], 9)
	problem := answers[403][0].RequireProblem(t, 403, "quota_exceeded")
	require.Equal(t, "2026-12-01T05:00:00Z", problem["resets_at"], "midnight in New York")

	// Cancelling does not give back, deleting does.
	id := answers[201][0].ID(t)
	owner.Post(t, "/api/v1/appointments/"+id+"/cancel", nil).Require(t, 200)
	free := m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-05-01T09:00:00Z", "resource_ids": []string{o["resource"]}}
	owner.Post(t, "/api/v1/appointments", free).RequireProblem(t, 403, "quota_exceeded")
	owner.Do(t, http.MethodDelete, "/api/v1/appointments/"+id, nil).Require(t, 204)
	owner.Post(t, "/api/v1/appointments", free).Require(t, 201)

	s.Clock.Advance(8*24*60*60*1e9 + 17*60*60*1e9 - 1e9) // one second before midnight of 1 December in New York
	free["start_at"] = "2027-05-02T09:00:00Z"
	owner.Post(t, "/api/v1/appointments", free).RequireProblem(t, 403, "quota_exceeded")
	s.Clock.Advance(1e9)
	owner.Post(t, "/api/v1/appointments", free).Require(t, 201)
}

// Two appointments that swap their times at once: both moves are possible one after
// the other or not at all, and no deadlock comes to the surface.
func TestSwapOfTwoAppointments(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	book := func(start string) string {
		return owner.Post(t, "/api/v1/appointments", m{
			"service_id": o["service"], "customer_id": o["customer"],
			"start_at": start, "resource_ids": []string{o["resource"]},
		}).Require(t, 201).ID(t)
	}
	starts := []string{"2027-03-01T09:00:00Z", "2027-03-01T10:00:00Z"}
	ids := []string{book(starts[0]), book(starts[1])}
	for range 5 {
		var done sync.WaitGroup
		for i, id := range ids {
			request := owner.Request(t, http.MethodPost, "/api/v1/appointments/"+id+"/reschedule", m{"start_at": starts[1-i]})
			done.Go(func() {
				response, err := owner.Send(request)
				if err != nil || (response.Status != 200 && response.Status != 409) {
					t.Errorf("%v %+v", err, response)
				}
			})
		}
		done.Wait()
	}
	require.Len(t, owner.Get(t, "/api/v1/appointments").Require(t, 200).IDs(t), 3)
}
