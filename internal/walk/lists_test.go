package walk

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// pages reads a list page by page.
func pages(t *testing.T, c *apitest.Client, path string, query url.Values) (ids []string) {
	t.Helper()
	for range 100 {
		response := c.Get(t, path+"?"+query.Encode()).Require(t, 200)
		ids = append(ids, response.IDs(t)...)
		page := response.Object(t)
		require.Equal(t, page["has_more"], page["next_cursor"] != nil)
		if page["next_cursor"] == nil {
			return ids
		}
		query.Set("cursor", page["next_cursor"].(string))
	}
	require.Fail(t, "the list does not end")
	return nil
}

// isList reports whether an operation answers with a list, "data".
func isList(op *contract.Operation) bool {
	ok := op.Spec.Responses.Status(http.StatusOK)
	if contract.Writes(op.Method) || ok == nil || ok.Value.Content["application/json"] == nil {
		return false
	}
	data := ok.Value.Content["application/json"].Schema.Value.Properties["data"]
	return data != nil && data.Value.Type.Is("array")
}

// getsOne reports whether the objects of a list have a path of their own.
func getsOne(s *apitest.Server, list *contract.Operation) bool {
	return slices.ContainsFunc(s.App.Contract.Operations(), func(op *contract.Operation) bool {
		return op.Method == http.MethodGet && op.Path == list.Path+"/{id}"
	})
}

// environment is what one client sees: the live world or the sandbox of a business.
type environment struct {
	client   *apitest.Client
	business string
	objects  objects
}

// environments are those of two businesses, with an object of each noun in all of them.
func environments(t *testing.T, s *apitest.Server) map[string]environment {
	t.Helper()
	list := map[string]environment{}
	for _, business := range []string{"a", "b"} {
		owner := s.Tenant(t, business).Client(t, tenancy.RoleOwner)
		for mode, c := range map[string]*apitest.Client{"live": owner, "sandbox": owner.Sandbox()} {
			o := populateAll(t, c)
			o["session"], o["change"] = s.SessionID(t, owner), uuid.NewString()
			c.Post(t, "/api/v1/appointments/"+o["appointment"]+"/cancel", m{"reason": o["change"]}).Require(t, 200)
			list[business+" "+mode] = environment{c, business, o}
		}
	}
	_, err := s.DB.OwnerPool().Exec(t.Context(), `INSERT INTO notifications (env_id, id, kind, channel, customer_id, data, created_at)
		SELECT env_id, gen_random_uuid(), 'waitlist.offered', 'EMAIL', id, jsonb_build_object('customer_id', id), $1 FROM customers`, apitest.Start)
	require.NoError(t, err)
	return list
}

// Whatever reads shows its own environment and no other one: no answer holds an id, or a token, of an
// object of another business or of the other mode, and a list shows the object of the noun
// that its fixture names. So a new list needs a fixture, and its noun an object in populate.
func TestReadsShowOneEnvironment(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	all := environments(t, s)
	walk(t, s, func(t *testing.T, op *contract.Operation, g gate.Gate, f fixture) {
		t.Helper()
		if contract.Writes(op.Method) || g.Access == gate.Platform { // which sees every business
			return
		}
		require.Equal(t, isList(op), (f.lists != "") != (f.everyones != ""), "the fixture of a list names what it lists, or why that is everybody's")
		for name, e := range all {
			path, _ := f.call(op, e.objects)
			if op.Spec.Parameters.GetByInAndName("query", "limit") != nil {
				path += map[bool]string{false: "?", true: "&"}[strings.Contains(path, "?")] + "limit=100"
			}
			body := string(e.client.Get(t, path).Require(t, f.want).Body)
			own := []string{}
			for _, other := range all {
				if other.business != e.business {
					continue
				}
				own = append(own, other.objects["domain"]) // which the business has for both modes
				if f.bothModes || other.client == e.client {
					own = append(own, slices.Collect(maps.Values(other.objects))...)
				}
			}
			for elsewhere, other := range all {
				for noun, id := range other.objects {
					if !slices.Contains(own, id) && strings.Contains(body, id) {
						require.Fail(t, "a leak", "%s shows the %s of %s", name, noun, elsewhere)
					}
				}
			}
			if f.lists != "" {
				requireListed(t, all, e, f, body)
			}
		}
	})
}

// requireListed fails unless the answer to an environment lists its object, and that is one of its own.
func requireListed(t *testing.T, all map[string]environment, e environment, f fixture, body string) {
	t.Helper()
	listed := false
	for _, other := range all {
		id := other.objects[f.lists]
		require.NotEmpty(t, id, "populate makes no %s", f.lists)
		if other.business == e.business && (f.bothModes || other.client == e.client) {
			listed = listed || strings.Contains(body, id)
		} else {
			require.NotEqual(t, id, e.objects[f.lists])
		}
	}
	require.True(t, listed, "it does not show its own %s", f.lists)
}

// Every object comes exactly once, in the same order whatever the size of the page,
// even when many have the same name or start.
func TestListsAreCompleteAndStable(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	for i := range 12 {
		owner.Post(t, "/api/v1/resources", m{"name": fmt.Sprintf("R%d", i%3), "type": "ROOM", "capacity": 100}).Require(t, 201)
		owner.Post(t, "/api/v1/services", m{"name": fmt.Sprintf("S%d", i%3), "duration_minutes": 30}).Require(t, 201)
		owner.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201)
		owner.Post(t, "/api/v1/time-off", m{
			"start_at": fmt.Sprintf("2027-04-%02dT09:00:00Z", i%3+1), "end_at": fmt.Sprintf("2027-04-%02dT10:00:00Z", i%3+1),
		}).Require(t, 201)
		owner.Post(t, "/api/v1/users", m{"email": fmt.Sprintf("u%d@a.example", i), "name": "U", "role": "TENANT_STAFF", "password": "a first password"}).Require(t, 201)
	}
	studio := owner.Post(t, "/api/v1/resources", m{"name": "Studio", "type": "ROOM", "capacity": 100}).Require(t, 201).ID(t)
	class := owner.Post(t, "/api/v1/services", m{"name": "Class", "duration_minutes": 60}).Require(t, 201).ID(t)
	for i := range 12 {
		owner.Post(t, "/api/v1/appointments", m{
			"service_id": class, "customer_id": o["customer"], "resource_ids": []string{studio},
			"start_at": fmt.Sprintf("2027-03-%02dT09:00:00Z", i%3+1),
		}).Require(t, 201)
	}
	for path, want := range map[string]int{"resources": 15, "services": 15, "customers": 14, "users": 14, "appointments": 13, "time-off": 13} {
		whole := owner.Get(t, "/api/v1/"+path+"?limit=100").Require(t, 200).IDs(t)
		require.Len(t, whole, want, path)
		for _, limit := range []string{"1", "4", "5"} {
			require.Equal(t, whole, pages(t, owner, "/api/v1/"+path, url.Values{"limit": {limit}}), path)
		}
		unique := slices.Clone(whole)
		slices.Sort(unique)
		require.Len(t, slices.Compact(unique), want)
	}
	owner.Get(t, "/api/v1/resources?limit=101").RequireProblem(t, 400, "invalid_request")
	owner.Get(t, "/api/v1/resources?limit=0").RequireProblem(t, 400, "invalid_request")
	owner.Get(t, "/api/v1/resources?cursor=nonsense").RequireProblem(t, 400, "invalid_cursor")
	cursor := owner.Get(t, "/api/v1/resources?limit=2").Require(t, 200).Object(t)["next_cursor"].(string)
	owner.Get(t, "/api/v1/resources?type=ROOM&cursor="+cursor).RequireProblem(t, 400, "invalid_cursor")
	owner.Get(t, "/api/v1/services?cursor="+cursor).Require(t, 400)
}

func TestFilters(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects // an appointment on 2027-02-01 at 09:00
	other := owner.Post(t, "/api/v1/customers", m{"name": "Ötzi O'Neil 100%", "phone": "+43 512 7", "tags": []string{"vip"}, "status": "INACTIVE"}).Require(t, 201).ID(t)
	second := owner.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-02-01T10:00:00Z"}).Require(t, 201).ID(t)
	owner.Post(t, "/api/v1/appointments/"+second+"/cancel", nil).Require(t, 200)
	owner.Do(t, http.MethodPatch, "/api/v1/resources/"+o["spare_resource"], m{"is_active": false}).Require(t, 200)
	first := o["appointment"]
	for query, want := range map[string][]string{
		"appointments?from=2027-02-01T09:00:00Z&to=2027-02-01T10:00:00Z":  {first},
		"appointments?from=2027-02-01T09:00:01Z":                          {second},
		"appointments?from=2027-02-01T11:00:00%2B02:00":                   {first, second},
		"appointments?to=2027-02-01T09:00:00Z":                            {},
		"appointments?status=CANCELLED":                                   {second},
		"appointments?status=CANCELLED&status=CONFIRMED":                  {first, second},
		"appointments?resource_id=" + o["resource"]:                       {first, second},
		"appointments?resource_id=" + o["spare_resource"]:                 {},
		"appointments?customer_id=" + other:                               {},
		"appointments?customer_id=" + o["customer"] + "&status=CONFIRMED": {first},
		"appointments?service_id=" + o["spare_service"]:                   {},
		"time-off?from=2027-02-02T09:59:59Z&to=2027-02-02T09:00:01Z":      {o["time_off"]},
		"time-off?from=2027-02-02T10:00:00Z":                              {},
		"time-off?to=2027-02-02T09:00:00Z":                                {},
		"time-off?resource_id=" + o["resource"]:                           {o["time_off"]},
		"time-off?resource_id=" + o["spare_resource"]:                     {},
		"customers?search=o'neil":                                         {other},
		"customers?search=%25":                                            {other},
		"customers?search=_":                                              {},
		"customers?search=512":                                            {other},
		"customers?search=CARLA%40":                                       {o["customer"]},
		"customers?tag=vip":                                               {other},
		"customers?status=INACTIVE":                                       {other},
		"resources?type=STAFF":                                            {o["resource"]},
		"resources?is_active=false":                                       {o["spare_resource"]},
	} {
		require.ElementsMatch(t, want, owner.Get(t, "/api/v1/"+query).Require(t, 200).IDs(t), query)
	}
}

// A change that is based on an old version is refused, so nobody's change is lost.
func TestVersions(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	for noun, change := range map[string]m{"resource": {"name": "N"}, "service": {"name": "N"}, "customer": {"name": "N"}, "user": {"name": "N"}, "appointment": {"notes": "N"}, "time_off": {"title": "N"}} {
		path := "/api/v1/" + noun + "s/" + o[noun]
		if noun == "time_off" {
			path = "/api/v1/time-off/" + o[noun]
		}
		require.Equal(t, `"1"`, owner.Get(t, path).Require(t, 200).Header.Get("ETag"), noun)
		changed := owner.WithHeader("If-Match", `"1"`).Do(t, http.MethodPatch, path, change).Require(t, 200)
		require.Equal(t, `"2"`, changed.Header.Get("ETag"))
		require.EqualValues(t, 2, changed.Object(t)["version"])
		for _, method := range []string{http.MethodPatch, http.MethodDelete} {
			var body any
			if method == http.MethodPatch {
				body = change
			}
			problem := owner.WithHeader("If-Match", `"1"`).Do(t, method, path, body).RequireProblem(t, 412, "version_mismatch")
			require.EqualValues(t, 2, problem["current_version"])
		}
		owner.WithHeader("If-Match", "1").Do(t, http.MethodPatch, path, change).RequireProblem(t, 400, "invalid_request")
		owner.WithHeader("If-Match", "*").Do(t, http.MethodPatch, path, change).Require(t, 200)
		owner.WithHeader("Content-Type", "application/merge-patch+json").Do(t, http.MethodPatch, path, change).Require(t, 200)
		owner.Do(t, http.MethodPatch, path, m{}).RequireProblem(t, 400, "invalid_request")
	}
	// Of many changes of one version, one is made.
	answers := atOnce(t, 16, owner.WithHeader("If-Match", `"4"`), http.MethodPatch, "/api/v1/resources/"+o["resource"],
		func(i int) any { return m{"description": fmt.Sprint(i)} })
	require.Len(t, answers[200], 1)
	require.Len(t, answers[412], 15)
}

// One id for the whole life of an appointment, and every change of it is kept.
func TestTheLifeOfAnAppointment(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, owner, o := p.server, p.owner, p.objects
	owner.Do(t, http.MethodPatch, "/api/v1/services/"+o["service"], m{"requires_approval": true, "buffer_before_minutes": 10, "buffer_after_minutes": 20}).Require(t, 200)
	book := func(start string) *apitest.Response {
		return owner.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": start, "resource_ids": []string{o["resource"]}})
	}
	created := book("2027-03-01T09:00:00+01:00").Require(t, 201).Object(t)
	require.Equal(t, "PENDING", created["status"])
	require.Equal(t, "2027-03-01T08:00:00Z", created["start_at"])
	require.Equal(t, "2027-03-01T08:30:00Z", created["end_at"])
	require.Equal(t, m{"amount": 3000.0, "currency": "USD"}, created["price"])
	path := "/api/v1/appointments/" + created["id"].(string)

	// A pending one holds its time, buffers included: taken from 07:50 to 08:50, and a new one begins ten minutes before its start.
	for start, status := range map[string]int{"2027-03-01T07:29:00Z": 409, "2027-03-01T08:59:00Z": 409, "2027-03-01T09:00:00Z": 201, "2027-03-01T07:00:00Z": 201} {
		book(start).Require(t, status)
	}
	// Its own time counts as free when it moves.
	owner.Post(t, path+"/confirm", nil).Require(t, 200)
	owner.Post(t, path+"/confirm", nil).Require(t, 200) // again is no change
	moved := owner.Post(t, path+"/reschedule", m{"start_at": "2027-03-01T12:15:00Z"}).Require(t, 200).Object(t)
	require.Equal(t, created["id"], moved["id"])
	require.EqualValues(t, 3, moved["version"])
	book("2027-03-01T08:00:00Z").Require(t, 201) // the old time is free
	owner.Post(t, path+"/reschedule", m{"start_at": "2027-03-01T08:10:00Z"}).RequireProblem(t, 409, "slot_taken")
	owner.Post(t, path+"/reschedule", m{"start_at": "2027-03-01T12:20:00Z"}).Require(t, 200)
	owner.Post(t, path+"/cancel", m{"reason": "snow"}).Require(t, 200)
	for _, action := range []string{"confirm", "complete", "no-show"} {
		require.Equal(t, "CANCELLED", owner.Post(t, path+"/"+action, nil).RequireProblem(t, 409, "invalid_transition")["current_status"], action)
	}
	book("2027-03-01T12:20:00Z").Require(t, 201) // a cancelled one holds nothing

	var history struct{ Data []struct{ Action string } }
	owner.Get(t, path+"/history").Require(t, 200).Decode(t, &history)
	actions := []string{}
	for _, change := range history.Data {
		actions = append(actions, change.Action)
	}
	require.Equal(t, []string{"CONFIRMED", "RESCHEDULED", "RESCHEDULED", "CANCELLED"}, actions)

	var types []string
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT array_agg(type ORDER BY sequence) FROM events WHERE data->>'id' = $1`, created["id"]).Scan(&types))
	require.Equal(t, []string{"appointment.created", "appointment.confirmed", "appointment.rescheduled", "appointment.rescheduled", "appointment.cancelled"}, types)
}

// The history names who really did something: the program, and who worked as somebody else.
// It does not tell the customer.
func TestTheHistoryNamesWhoDidIt(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	s, tenant, owner, o := p.server, p.tenant, p.owner, p.objects
	boss := tenant.User(t, tenancy.RoleOwner, false)
	manager := s.Platform(t, tenancy.RolePlatformManager)
	masked := manager.As(t, tenant.Host, boss.ID)
	program := owner.Post(t, "/api/v1/tokens", m{"name": "P", "is_sandbox": false, "scopes": []string{"appointments:write", "series:write"}}).Require(t, 201).Object(t)
	machine := tenant.Anonymous().WithToken(program["token"].(string))
	login := tenant.User(t, tenancy.RoleCustomer, false)
	customer := owner.Post(t, "/api/v1/customers", m{"name": "Carla", "user_id": login.ID}).Require(t, 201).ID(t)
	booked := m{"service_id": o["service"], "customer_id": customer, "start_at": "2027-03-01T09:00:00Z", "resource_ids": []string{o["resource"]}}
	path := "/api/v1/appointments/" + owner.Post(t, "/api/v1/appointments", booked).Require(t, 201).ID(t)
	machine.Post(t, path+"/reschedule", m{"start_at": "2027-03-01T12:00:00Z"}).Require(t, 200)
	masked.Post(t, path+"/reschedule", m{"start_at": "2027-03-01T13:00:00Z"}).Require(t, 200)
	masked.Post(t, path+"/cancel", m{"reason": "snow"}).Require(t, 200)
	masker := manager.Get(t, "/api/auth/me/").Require(t, 200).Object(t)["user"].(m)["id"]

	list := owner.Get(t, path+"/history").Require(t, 200).Object(t)["data"].([]any)
	require.Len(t, list, 3)
	for i, want := range [][]any{{nil, program["id"], nil}, {boss.ID.String(), nil, masker}, {boss.ID.String(), nil, masker}} {
		change := list[i].(m)
		require.Equal(t, want, []any{change["actor_user_id"], change["actor_token_id"], change["impersonator_user_id"]}, i)
	}
	for _, change := range s.Login(t, tenant.Host, login.Email).Get(t, path+"/history").Require(t, 200).Object(t)["data"].([]any) {
		require.Nil(t, change.(m)["actor_token_id"])
		require.Nil(t, change.(m)["impersonator_user_id"])
	}

	booked["start_at"], booked["rrule"] = "2027-04-05T09:00:00Z", "FREQ=DAILY;COUNT=2"
	series := owner.Post(t, "/api/v1/series", booked).Require(t, 201).ID(t)
	machine.Post(t, "/api/v1/series/"+series+"/reschedule", m{"scope": "all", "start_time": "15:00"}).Require(t, 200)
	var byProgram int
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), `SELECT count(*) FROM appointment_changes c JOIN appointments a ON a.env_id = c.env_id AND a.id = c.appointment_id
		WHERE a.series_id = $1 AND c.actor_token_id = $2`, series, program["id"]).Scan(&byProgram))
	require.Equal(t, 2, byProgram)
}

// What others refer to cannot be deleted from under them.
func TestWhatIsUsedStays(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	for _, noun := range []string{"resource", "service", "customer"} {
		owner.Do(t, http.MethodDelete, "/api/v1/"+noun+"s/"+o[noun], nil).RequireProblem(t, 409, "in_use")
	}
	owner.Post(t, "/api/v1/services", m{
		"name": "X", "duration_minutes": 30,
		"requirements": []m{{"resource_type": "ROOM", "resource_ids": []string{o["spare_resource"]}}},
	}).Require(t, 201)
	owner.Do(t, http.MethodDelete, "/api/v1/resources/"+o["spare_resource"], nil).RequireProblem(t, 409, "in_use")
	owner.Do(t, http.MethodDelete, "/api/v1/appointments/"+o["appointment"], nil).Require(t, 204)
	owner.Do(t, http.MethodDelete, "/api/v1/customers/"+o["customer"], nil).Require(t, 204)
}
