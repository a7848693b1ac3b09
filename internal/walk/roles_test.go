package walk

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// Staff see and manage the appointments they are a resource of; the others do not exist for them.
func TestStaffManageTheirOwnAppointments(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	user := tenant.User(t, tenancy.RoleStaff, false)
	staff := s.Login(t, tenant.Host, user.Email)
	o := populate(t, owner)
	mine := owner.Post(t, "/api/v1/resources", m{"name": "Me", "type": "STAFF", "user_id": user.ID}).Require(t, 201).ID(t)
	book := func(c *apitest.Client, start string, resources ...string) *apitest.Response {
		return c.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": start, "resource_ids": resources})
	}
	own := book(owner, "2027-03-01T09:00:00Z", mine).Require(t, 201).ID(t)
	staff.Post(t, "/api/v1/appointments/"+own+"/reschedule", m{"start_at": "2027-03-01T10:00:00Z"}).RequireProblem(t, 403, "refused_by_policy")
	owner.Do(t, http.MethodPatch, "/api/v1/business", m{"resources_can_reschedule": true}).Require(t, 200)

	require.Equal(t, []string{own}, staff.Get(t, "/api/v1/appointments").Require(t, 200).IDs(t))
	staff.Get(t, "/api/v1/appointments/"+own).Require(t, 200)
	staff.Do(t, http.MethodPatch, "/api/v1/appointments/"+own, m{"notes": "x"}).Require(t, 200)
	staff.Post(t, "/api/v1/appointments/"+own+"/reschedule", m{"start_at": "2027-03-01T10:00:00Z"}).Require(t, 200)
	staff.Post(t, "/api/v1/appointments/"+own+"/complete", nil).Require(t, 200)
	for _, action := range []string{"reschedule", "cancel", "confirm", "complete", "no-show"} {
		var body any
		if action == "reschedule" {
			body = m{"start_at": "2027-03-01T10:00:00Z"}
		}
		staff.Post(t, "/api/v1/appointments/"+o["appointment"]+"/"+action, body).RequireProblem(t, 404, "not_found")
	}
	staff.Get(t, "/api/v1/appointments/"+o["appointment"]).RequireProblem(t, 404, "not_found")
	staff.Get(t, "/api/v1/appointments/"+o["appointment"]+"/history").RequireProblem(t, 404, "not_found")
	staff.Do(t, http.MethodPatch, "/api/v1/appointments/"+o["appointment"], m{"notes": "x"}).RequireProblem(t, 404, "not_found")

	// Their own resource is preferred; somebody else's alone is refused.
	created := staff.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-03-02T09:00:00Z"}).Require(t, 201)
	require.Equal(t, []any{mine}, created.Object(t)["resource_ids"])
	book(staff, "2027-03-03T09:00:00Z", o["resource"]).RequireProblem(t, 403, "role_not_allowed")
	staff.Get(t, "/api/v1/customers/"+o["customer"]).Require(t, 200)
}

// Customers see and cancel what is theirs.
func TestCustomersSeeWhatIsTheirs(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner := tenant.Client(t, tenancy.RoleOwner)
	user := tenant.User(t, tenancy.RoleCustomer, false)
	customer := s.Login(t, tenant.Host, user.Email)
	o := populate(t, owner)

	// A login without a record sees nothing.
	require.Empty(t, customer.Get(t, "/api/v1/customers").Require(t, 200).IDs(t))
	require.Empty(t, customer.Get(t, "/api/v1/appointments").Require(t, 200).IDs(t))

	me := owner.Post(t, "/api/v1/customers", m{"name": "Me", "user_id": user.ID, "notes": "difficult"}).Require(t, 201).ID(t)
	own := owner.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": me, "start_at": "2027-03-01T09:00:00Z"}).Require(t, 201).ID(t)
	require.Equal(t, []string{me}, customer.Get(t, "/api/v1/customers").Require(t, 200).IDs(t))
	require.NotContains(t, string(customer.Get(t, "/api/v1/customers/"+me).Require(t, 200).Body), "difficult")
	require.NotContains(t, string(customer.Get(t, "/api/v1/customers").Require(t, 200).Body), "difficult")
	customer.Get(t, "/api/v1/customers/"+o["customer"]).RequireProblem(t, 404, "not_found")
	require.Equal(t, []string{own}, customer.Get(t, "/api/v1/appointments").Require(t, 200).IDs(t))
	require.Empty(t, customer.Get(t, "/api/v1/appointments?customer_id="+o["customer"]).Require(t, 200).IDs(t))
	customer.Get(t, "/api/v1/appointments/"+o["appointment"]).RequireProblem(t, 404, "not_found")
	customer.Post(t, "/api/v1/appointments/"+o["appointment"]+"/cancel", nil).RequireProblem(t, 404, "not_found")

	cancelled := customer.Post(t, "/api/v1/appointments/"+own+"/cancel", m{"reason": "ill"}).Require(t, 200).Object(t)
	require.Equal(t, "CANCELLED", cancelled["status"])
	require.Equal(t, "ill", cancelled["cancellation_reason"])
}

func TestNobodyRisesAboveThemselves(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, manager := tenant.Client(t, tenancy.RoleOwner), tenant.Client(t, tenancy.RoleManager)
	ownerID := owner.Get(t, "/api/auth/me/").Require(t, 200).Object(t)["user"].(m)["id"].(string)
	managerID := manager.Get(t, "/api/auth/me/").Require(t, 200).Object(t)["user"].(m)["id"].(string)
	user := m{"email": "x@a.example", "name": "X", "role": "TENANT_OWNER", "password": "a first password"}
	manager.Post(t, "/api/v1/users", user).RequireProblem(t, 403, "role_not_allowed")
	manager.Do(t, http.MethodPatch, "/api/v1/users/"+managerID, m{"role": "TENANT_OWNER"}).RequireProblem(t, 403, "role_not_allowed")
	manager.Do(t, http.MethodPatch, "/api/v1/users/"+ownerID, m{"name": "Fool"}).RequireProblem(t, 403, "role_not_allowed")
	manager.Do(t, http.MethodDelete, "/api/v1/users/"+ownerID, nil).RequireProblem(t, 403, "role_not_allowed")
	user["role"] = "SUPERUSER"
	owner.Post(t, "/api/v1/users", user).RequireProblem(t, 400, "invalid_request")
	owner.Do(t, http.MethodDelete, "/api/v1/users/"+ownerID, nil).RequireProblem(t, 409, "last_owner")
}
