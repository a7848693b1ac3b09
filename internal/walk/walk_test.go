package walk

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/entitle"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
	"github.com/smoothschedule/smoothschedule/internal/testkit/dbtest"
)

// walk runs a test for every operation, in parallel, each on the same server.
func walk(t *testing.T, s *apitest.Server, test func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture)) {
	t.Helper()
	requireFixtures(t, s)
	for _, op := range s.App.Contract.Operations() {
		f := fixtures[op.ID]
		t.Run(op.ID, func(t *testing.T) {
			t.Parallel()
			test(t, op, s.App.Gates[op.ID], f)
		})
	}
}

// call builds path and body of an operation.
func (f fixture) call(op *contract.Operation, o objects) (path string, body any) {
	path = f.path(op, o, o[f.id])
	if f.query != nil {
		path += "?" + f.query(o)
	}
	if f.body != nil {
		body = f.body(o)
	}
	return path, body
}

// path is the path of an operation on the object with the id.
func (f fixture) path(op *contract.Operation, o objects, id string) string {
	if f.id == "" {
		return op.Path
	}
	parts := []string{id}
	for _, noun := range f.more {
		parts = append(parts, o[noun])
	}
	return apitest.Path(op.Path, parts...)
}

// callers are one client for each kind of access.
type callers struct{ owner, superuser *apitest.Client }

// of is the client that may call an operation with the gate.
func (c callers) of(g gate.Gate) *apitest.Client {
	if g.Access == gate.Platform {
		return c.superuser
	}
	return c.owner
}

// everything populates a tenant and the platform.
func everything(tb testing.TB, s *apitest.Server, tenant *apitest.Tenant) (callers, objects) {
	tb.Helper()
	c := callers{owner: tenant.Client(tb, tenancy.RoleOwner), superuser: s.Platform(tb, tenancy.RoleSuperuser)}
	o := populateAll(tb, c.owner)
	maps.Copy(o, populatePlatform(tb, c.superuser))
	return c, o
}

func TestFixtures_match_the_contract(t *testing.T) {
	t.Parallel()
	requireFixtures(t, apitest.New(t))
}

// requireFixtures fails unless fixtures has exactly the operations of the contract, and names all that differ.
func requireFixtures(t *testing.T, s *apitest.Server) {
	t.Helper()
	unknown, missing := maps.Clone(fixtures), []string{}
	for _, op := range s.App.Contract.Operations() {
		if _, ok := fixtures[op.ID]; !ok {
			missing = append(missing, op.ID)
		}
		delete(unknown, op.ID)
	}
	require.Empty(t, missing, "operations without a fixture: add them to internal/walk/fixtures_<domain>_test.go")
	require.Empty(t, slices.Sorted(maps.Keys(unknown)), "fixtures of operations that the contract does not have")
	require.Len(t, fixtures, len(identityFixtures)+len(schedulingFixtures)+len(developerFixtures)+len(adminFixtures), "an operation has two fixtures")
}

// Each operation works, with what the contract says it answers, and without an error in the log of
// PostgreSQL, which would alert its operator; a database of its own for each, because many of them
// change what the others need.
func TestEveryOperationWorks(t *testing.T) {
	t.Parallel()
	for id, f := range fixtures {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			db, logged := everyNoun.copy(t), &dbtest.Errors{}
			p := everyNoun.on(t, db, traced(t, db, logged))
			s, tenant, c, o := p.server, p.tenant, p.callers, p.objects
			o["session"] = s.SessionID(t, c.owner)
			if f.before != nil {
				f.before(t, c.owner, o)
			}
			op := s.Operation(t, id)
			caller := c.of(s.App.Gates[id])
			path, body := f.call(op, o)
			if f.as != nil {
				caller = f.as(t, s, tenant)
			}
			versions := catalogueVersions(t, s)
			if g := s.App.Gates[id]; g.Access != gate.Platform { // what the server presumes about the caller is wrong
				f.in(caller).Get(t, "/api/v1/services")
				tenant.Set(t, "name", "Another name")
			}
			logged.Take() // what prepares the operation has subtests of its own
			response := f.in(caller).Do(t, op.Method, path, body).Require(t, f.want)
			require.Empty(t, logged.Take(), "errors in the log of PostgreSQL")
			requireCatalogueKept(t, s, id, versions)
			require.Equal(t, strconv.FormatBool(f.sandbox), response.Header.Get("X-Sandbox-Mode"))
			require.NotEmpty(t, response.Header.Get("X-Request-ID"))
			require.Equal(t, "no-store", response.Header.Get("Cache-Control"))

			requireCatalogued(t, s, c.owner)

			// With a trailing slash it is the same operation.
			require.NotEqual(t, http.StatusMethodNotAllowed, caller.Do(t, op.Method, withSlash(path), body).Status)
		})
	}
}

func withSlash(path string) string {
	path, query, found := strings.Cut(path, "?")
	if !found {
		return path + "/"
	}
	return path + "/?" + query
}

func TestAnonymousIsRefused(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	anonymous := s.Tenant(t, "a").Anonymous()
	o := anything()
	walk(t, s, func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture) {
		t.Helper()
		if g.Access == gate.Public {
			return
		}
		path, body := f.call(op, o)
		for name, c := range map[string]*apitest.Client{
			"nobody": anonymous, "an unknown token": anonymous.WithToken("ss_session_unknown"),
			"another scheme": anonymous.WithHeader("Authorization", "Basic b3duZXI6cGFzc3dvcmQ="),
		} {
			response := c.Do(t, op.Method, path, body)
			response.RequireProblem(t, 401, "unauthenticated")
			require.NotEmpty(t, response.Header.Get("WWW-Authenticate"), name)
		}
	})
}

func TestOtherRolesAreRefused(t *testing.T) {
	t.Parallel()
	p := everyNoun.new(t)
	s, tenant, _, o := p.server, p.tenant, p.callers, p.objects
	o["session"] = uuid.NewString()
	clients := map[tenancy.Role]*apitest.Client{}
	for _, role := range tenancy.Roles() {
		if role.Platform() {
			clients[role] = s.Platform(t, role).WithHost(tenant.Host)
		} else {
			clients[role] = tenant.Client(t, role)
		}
	}
	walk(t, s, func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture) {
		t.Helper()
		if len(g.Roles) == 0 {
			return
		}
		path, body := f.call(op, o)
		for role, c := range clients {
			if !slices.Contains(g.Roles, role) {
				c.Do(t, op.Method, path, body).RequireProblem(t, 403, "role_not_allowed")
			} else if !contract.Writes(op.Method) && role != tenancy.RoleCustomer && role != tenancy.RoleStaff {
				c.Do(t, op.Method, path, body).Require(t, f.want)
			}
		}
	})
}

func TestARequestWithoutTenantIsRefused(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	superuser := s.Platform(t, tenancy.RoleSuperuser)
	o := anything()
	walk(t, s, func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture) {
		t.Helper()
		if g.Access != gate.Tenant {
			return
		}
		path, body := f.call(op, o)
		superuser.Do(t, op.Method, path, body).RequireProblem(t, 400, "tenant_required")
	})
}

func TestAFeatureThatIsOffIsRefused(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, tenant, owner, o := p.server, p.tenant, p.owner, p.objects
	populateBookings(t, owner, o)
	for _, op := range s.App.Contract.Operations() {
		g, f := s.App.Gates[op.ID], fixtures[op.ID]
		if g.Feature == "" {
			continue
		}
		tenant.Override(t, string(g.Feature), false)
		path, body := f.call(op, o)
		problem := owner.Do(t, op.Method, path, body).RequireProblem(t, 403, "feature_not_in_plan")
		require.Contains(t, strings.ToLower(problem["error"].(string)), "upgrade")
	}
}

func TestAFullQuotaIsRefused(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, tenant, owner, o := p.server, p.tenant, p.owner, p.objects
	populateBookings(t, owner, o)
	checked := map[entitle.Quota]bool{}
	for _, op := range s.App.Contract.Operations() {
		g, f := s.App.Gates[op.ID], fixtures[op.ID]
		if g.Quota == "" {
			continue
		}
		checked[g.Quota] = true
		tenant.Override(t, string(g.Quota), 0)
		path, body := f.call(op, o)
		problem := owner.Do(t, op.Method, path, body).RequireProblem(t, 403, "quota_exceeded")
		require.Equal(t, string(g.Quota), problem["quota"])
		require.EqualValues(t, 0, problem["limit"])
		require.Contains(t, strings.ToLower(problem["error"].(string)), "upgrade")
		// The refusal takes effect, and ends, with the next request.
		tenant.Override(t, string(g.Quota), nil)
		owner.Do(t, op.Method, path, body).Require(t, f.want)
	}
	require.Len(t, checked, 4, "quotas that have a noun: resources, services, appointments, users")
}

// Another business's object, and one of the other mode, does not exist: 404, never 403.
func TestObjectsOfOthersDoNotExist(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant, other := s.Tenant(t, "a"), s.Tenant(t, "b")
	stranger := other.Client(t, tenancy.RoleOwner)
	c, live := everything(t, s, tenant)
	owner := c.owner
	sandbox, theirs := populateAll(t, owner.Sandbox()), populateAll(t, stranger)
	for o, c := range map[*objects]*apitest.Client{&live: owner, &theirs: stranger} {
		(*o)["session"] = s.SessionID(t, c)
	}
	sandbox["session"] = uuid.NewString()
	nothing := objects{}
	for noun := range live {
		nothing[noun] = uuid.NewString()
	}
	nothing["booking"], nothing["booking_hold"] = strings.Repeat("x", 43), strings.Repeat("x", 43)
	walk(t, s, func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture) {
		t.Helper()
		if f.id == "" {
			return
		}
		if g.Access == gate.Platform { // which sees every business
			_, body := f.call(op, live)
			c.superuser.Do(t, op.Method, f.path(op, live, nothing[f.id]), body).RequireProblem(t, 404, "not_found")
			return
		}
		for name, o := range map[string]objects{"another business's": theirs, "the other mode's": sandbox, "nobody's": nothing} {
			if name == "the other mode's" && (f.id == "token" || f.id == "domain") {
				continue // the live world sees the tokens of both modes, the sandbox only its own; domains are shared
			}
			path := f.path(op, live, o[f.id])
			_, body := f.call(op, live)
			owner.Do(t, op.Method, path, body).RequireProblem(t, 404, "not_found")
			if name == "the other mode's" && f.id != "session" && f.id != "booking_hold" {
				owner.Sandbox().Do(t, http.MethodGet, firstPath(op, o[f.id]), nil).Require(t, 200)
			}
		}
		path := f.path(op, live, live[f.id])
		_, body := f.call(op, live)
		if f.id != "session" && f.id != "domain" { // sessions belong to the user, and domains to the business, not to a mode
			owner.Sandbox().Do(t, op.Method, path, body).RequireProblem(t, 404, "not_found")
		}
	})
	// Nobody lost anything on the way.
	for c, o := range map[*apitest.Client]objects{owner: live, owner.Sandbox(): sandbox, stranger: theirs} {
		for _, op := range s.App.Contract.Operations() {
			if f := fixtures[op.ID]; isList(op) && f.lists != "" && strings.HasPrefix(op.Path, "/api/v1/") && getsOne(s, op) {
				c.Get(t, op.Path+"/"+o[f.lists]).Require(t, 200)
			}
		}
	}
}

// firstPath is the path of the object itself: /api/v1/appointments/{id}/cancel → /api/v1/appointments/<id>.
func firstPath(op *contract.Operation, id string) string {
	before, _, _ := strings.Cut(op.Path, "{")
	return before + id
}

// References in a body cannot leave the environment either.
func TestReferencesToOthersDoNotExist(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner)
	stranger := s.Tenant(t, "b").Client(t, tenancy.RoleOwner)
	mine, sandbox, theirs := populate(t, owner), populate(t, owner.Sandbox()), populate(t, stranger)
	for _, o := range []objects{sandbox, theirs, {"service": uuid.NewString(), "customer": uuid.NewString(), "resource": uuid.NewString(), "user": uuid.NewString()}} {
		body := func(change string) m {
			b := m{"service_id": mine["service"], "customer_id": mine["customer"], "start_at": "2027-03-01T09:00:00Z", "resource_ids": []string{mine["resource"]}}
			switch change {
			case "/service_id":
				b["service_id"] = o["service"]
			case "/customer_id":
				b["customer_id"] = o["customer"]
			case "/resource_ids/0":
				b["resource_ids"] = []string{o["resource"]}
			}
			return b
		}
		for _, pointer := range []string{"/service_id", "/customer_id", "/resource_ids/0"} {
			problem := owner.Post(t, "/api/v1/appointments", body(pointer)).RequireProblem(t, 422, "validation_failed")
			require.Equal(t, pointer, problem["errors"].([]any)[0].(m)["pointer"])
		}
		owner.Do(t, http.MethodPatch, "/api/v1/resources/"+mine["resource"], m{"user_id": o["user"]}).RequireProblem(t, 422, "validation_failed")
		owner.Do(t, http.MethodPatch, "/api/v1/customers/"+mine["customer"], m{"user_id": o["user"]}).RequireProblem(t, 422, "validation_failed")
		owner.Post(t, "/api/v1/services", m{
			"name": "X", "duration_minutes": 30,
			"requirements": []m{{"resource_type": "STAFF", "resource_ids": []string{o["resource"]}}},
		}).RequireProblem(t, 422, "validation_failed")
		timeOff := m{"resource_id": o["resource"], "start_at": "2027-03-01T09:00:00Z", "end_at": "2027-03-01T10:00:00Z"}
		owner.Post(t, "/api/v1/time-off", timeOff).RequireProblem(t, 422, "validation_failed")
		for _, pointer := range []string{"/service_id", "/customer_id", "/resource_ids/0"} {
			problem := owner.Post(t, "/api/v1/holds", body(pointer)).RequireProblem(t, 422, "validation_failed")
			require.Equal(t, pointer, problem["errors"].([]any)[0].(m)["pointer"])
		}
		held := body("")
		held["hold_id"] = uuid.NewString()
		if o["hold"] != "" {
			held["hold_id"] = o["hold"]
		}
		problem := owner.Post(t, "/api/v1/appointments", held).RequireProblem(t, 422, "validation_failed")
		require.Equal(t, "/hold_id", problem["errors"].([]any)[0].(m)["pointer"])
		owner.Do(t, http.MethodPatch, "/api/v1/time-off/"+mine["time_off"], m{"resource_id": o["resource"]}).RequireProblem(t, 422, "validation_failed")
		owner.Post(t, "/api/v1/appointments/"+mine["appointment"]+"/reschedule",
			m{"start_at": "2027-03-01T09:00:00Z", "resource_ids": []string{o["resource"]}}).RequireProblem(t, 422, "validation_failed")
	}
	require.Len(t, owner.Get(t, "/api/v1/appointments").Require(t, 200).IDs(t), 1)
}
