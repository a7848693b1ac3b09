package walk

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// A PUT replaces the whole document, which everybody can read and only some can write.
func TestHoursAreReplacedAsAWhole(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, customer := tenant.Client(t, tenancy.RoleOwner), tenant.Client(t, tenancy.RoleCustomer)
	o := populate(t, owner)
	for _, path := range []string{"/api/v1/business/hours", "/api/v1/resources/" + o["resource"] + "/hours"} {
		unset := customer.Get(t, path).Require(t, 200)
		require.Equal(t, `"1"`, unset.Header.Get("ETag"))
		require.Equal(t, false, unset.Object(t)["is_set"])
		require.Equal(t, "America/New_York", unset.Object(t)["timezone"])

		replaced := owner.Do(t, http.MethodPut, path, hours).Require(t, 200)
		require.Equal(t, `"2"`, replaced.Header.Get("ETag"))
		require.Equal(t, replaced.Body, customer.Get(t, path).Require(t, 200).Body)
		require.Len(t, replaced.Object(t)["weekly"], 2)
		require.Len(t, replaced.Object(t)["overrides"], 1)
		customer.Do(t, http.MethodPut, path, hours).RequireProblem(t, 403, "role_not_allowed")
		tenant.Client(t, tenancy.RoleStaff).Do(t, http.MethodDelete, path, nil).RequireProblem(t, 403, "role_not_allowed")

		overlapping := m{"weekly": []m{{"day": "MONDAY", "intervals": []m{{"start": "09:00", "end": "12:00"}, {"start": "11:00", "end": "13:00"}}}}}
		problem := owner.Do(t, http.MethodPut, path, overlapping).RequireProblem(t, 422, "validation_failed")
		require.Equal(t, "/weekly/0/intervals/1", problem["errors"].([]any)[0].(m)["pointer"])
		for _, wrong := range []m{
			{"weekly": []m{{"day": "SOMEDAY", "intervals": []m{}}}},
			{"weekly": []m{{"day": "MONDAY", "intervals": []m{{"start": "9:00", "end": "10:00"}}}}},
			{"weekly": []m{{"day": "MONDAY", "intervals": []m{{"start": "09:00", "end": "24:01"}}}}},
			{"weekly": []m{}, "overrides": []m{{"date": "24.12.2026", "intervals": []m{}}}},
			{"overrides": []m{}},
		} {
			owner.Do(t, http.MethodPut, path, wrong).RequireProblem(t, 400, "invalid_request")
		}

		// Of many who replace one version, one does.
		answers := atOnce(t, 16, owner.WithHeader("If-Match", `"2"`), http.MethodPut, path, func(int) any { return m{"weekly": []m{}} })
		require.Len(t, answers[200], 1)
		require.Len(t, answers[412], 15)
		require.Empty(t, owner.Get(t, path).Require(t, 200).Object(t)["overrides"])
		owner.WithHeader("If-Match", `"2"`).Do(t, http.MethodDelete, path, nil).RequireProblem(t, 412, "version_mismatch")
		owner.WithHeader("If-Match", `"3"`).Do(t, http.MethodDelete, path, nil).Require(t, 204)
		require.Equal(t, false, owner.Get(t, path).Require(t, 200).Object(t)["is_set"])
	}
}

// Staff see all time off, and change that of their own resource.
func TestStaffManageTheirOwnTimeOff(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	user := tenant.User(t, tenancy.RoleStaff, false)
	staff := s.Login(t, tenant.Host, user.Email)
	o := populate(t, owner)
	mine := owner.Post(t, "/api/v1/resources", m{"name": "Me", "type": "STAFF", "user_id": user.ID}).Require(t, 201).ID(t)
	body := func(resourceID any) m {
		return m{"resource_id": resourceID, "start_at": "2027-03-01T09:00:00Z", "end_at": "2027-03-01T10:00:00Z"}
	}

	created := staff.Post(t, "/api/v1/time-off", body(mine)).Require(t, 201)
	require.Equal(t, "Time off", created.Object(t)["title"])
	own := "/api/v1/time-off/" + created.ID(t)
	staff.Do(t, http.MethodPatch, own, m{"rrule": "FREQ=WEEKLY;COUNT=3"}).Require(t, 200)
	for _, other := range []any{nil, o["resource"]} {
		staff.Post(t, "/api/v1/time-off", body(other)).RequireProblem(t, 403, "role_not_allowed")
		staff.Do(t, http.MethodPatch, own, m{"resource_id": other}).RequireProblem(t, 403, "role_not_allowed")
	}
	theirs := "/api/v1/time-off/" + o["time_off"]
	staff.Get(t, theirs).Require(t, 200)
	staff.Do(t, http.MethodPatch, theirs, m{"title": "x"}).RequireProblem(t, 403, "role_not_allowed")
	staff.Do(t, http.MethodDelete, theirs, nil).RequireProblem(t, 403, "role_not_allowed")
	require.Len(t, staff.Get(t, "/api/v1/time-off").Require(t, 200).IDs(t), 2)
	staff.Do(t, http.MethodDelete, own, nil).Require(t, 204)
	for _, path := range []string{"/api/v1/time-off", theirs} {
		tenant.Client(t, tenancy.RoleCustomer).Get(t, path).RequireProblem(t, 403, "role_not_allowed")
	}
}
