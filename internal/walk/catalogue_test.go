package walk

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/contract"
	"github.com/smoothschedule/smoothschedule/internal/gate"
	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// catalogueChange says how to call an operation that changes the catalogue so that it shows.
type catalogueChange struct {
	// body is another one than that of the fixture, or nil.
	body any
	// before makes what there must be first, or is nil.
	before func(t *testing.T, c *apitest.Client, o objects)
	// sandbox says that it happens in the sandbox, and empty that nothing is there.
	sandbox, empty bool
	// silent marks what shows in no search, booking or list of an owner.
	silent bool
}

// catalogueChanges has every operation that changes services, resources, hours, overrides or
// time off.
var catalogueChanges = map[string]catalogueChange{
	"createService":  {},
	"updateService":  {body: m{"name": "Renamed", "duration_minutes": 45, "price": m{"amount": 1, "currency": "USD"}}},
	"deleteService":  {},
	"createResource": {},
	"updateResource": {body: m{"name": "Renamed", "capacity": 2}},
	"deleteResource": {},

	"replaceBusinessHours": {},
	"deleteBusinessHours": {before: func(t *testing.T, c *apitest.Client, _ objects) {
		t.Helper()
		c.Do(t, http.MethodPut, "/api/v1/business/hours", hours).Require(t, 200)
	}},
	"replaceResourceHours": {body: m{"weekly": hours["weekly"], "overrides": []m{{"date": "2027-02-01", "intervals": []m{}}}}},
	"deleteResourceHours": {before: func(t *testing.T, c *apitest.Client, o objects) {
		t.Helper()
		c.Do(t, http.MethodPut, "/api/v1/resources/"+o["resource"]+"/hours", hours).Require(t, 200)
	}},

	"createTimeOff": {body: m{"start_at": "2027-02-01T12:00:00Z", "end_at": "2027-02-01T13:00:00Z", "title": "Closed"}},
	"updateTimeOff": {body: m{"end_at": "2027-02-02T11:00:00Z"}},
	"deleteTimeOff": {},

	"resetSandbox":     {sandbox: true},
	"createSampleData": {sandbox: true, empty: true},
	"deleteUser": {silent: true, before: func(t *testing.T, c *apitest.Client, o objects) {
		t.Helper()
		c.Do(t, http.MethodPatch, "/api/v1/resources/"+o["resource"], m{"user_id": o["user"]}).Require(t, 200)
	}},
}

// catalogueVersions are those of all environments.
func catalogueVersions(t *testing.T, s *apitest.Server) map[uuid.UUID]uuid.UUID {
	t.Helper()
	var versions map[uuid.UUID]uuid.UUID
	require.NoError(t, s.DB.OwnerPool().QueryRow(t.Context(), "SELECT json_object_agg(env_id, version) FROM catalogue_versions").Scan(&versions))
	return versions
}

// requireCatalogueKept fails if an operation has changed a catalogue that was there before, and
// is none of those of which the test below proves that every server hears of it.
func requireCatalogueKept(t *testing.T, s *apitest.Server, id string, before map[uuid.UUID]uuid.UUID) {
	t.Helper()
	if _, ok := catalogueChanges[id]; ok {
		return
	}
	now := catalogueVersions(t, s)
	for envID, version := range before {
		if later, ok := now[envID]; ok {
			require.Equal(t, version, later, "%s changes the catalogue: add it to catalogueChanges", id)
		}
	}
}

// answers are what a server says to searches, bookings and lists.
func answers(t *testing.T, c *apitest.Client, o objects) map[string]any {
	t.Helper()
	said := map[string]any{}
	hear := func(what string, response *apitest.Response) {
		said[what] = forComparison(t, response)
	}
	for _, path := range []string{"appointments?limit=100", "appointments/" + o["appointment"], "series/" + o["series"]} {
		hear(path, c.Get(t, "/api/v1/"+path))
	}
	for _, service := range []string{"service", "spare_service", "created"} {
		query := "?from=2027-02-01&to=2027-02-02&service_id=" + o[service]
		for _, search := range []string{"availability", "availability/resources", "booking/availability"} {
			hear(search+" of "+service, c.Get(t, "/api/v1/"+search+query))
		}
	}
	wish := m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-02-01T15:00:00Z"}
	booked := c.Post(t, "/api/v1/appointments", wish)
	hear("booking", booked)
	if booked.Status == 201 {
		c.Do(t, http.MethodDelete, "/api/v1/appointments/"+booked.ID(t), nil).Require(t, 204)
	}
	series := maps.Clone(wish)
	series["rrule"], series["dry_run"] = "FREQ=DAILY;COUNT=2", true
	hear("series", c.Post(t, "/api/v1/series", series))
	return said
}

// forComparison is an answer without what is another each time.
func forComparison(t *testing.T, response *apitest.Response) m {
	t.Helper()
	object := response.Object(t)
	for _, member := range []string{"snapshot", "request_id", "instance"} {
		delete(object, member)
	}
	if response.Status == 201 {
		delete(object, "id")
	}
	return m{"status": response.Status, "answer": object}
}

// Whatever changes services, resources, hours, overrides or time off, the next search,
// booking and list go by it: on the server that changed it, and on another one that had
// been asked before, they say what one says that never was.
func TestEveryServerGoesByEveryChange(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	other, fresh := apitest.NewOn(t, s.DB), apitest.NewOn(t, s.DB)
	for _, op := range s.App.Contract.Operations() {
		for _, noun := range []string{"services", "resources", "business/hours", "time-off"} {
			if contract.Writes(op.Method) && strings.HasPrefix(op.Path+"/", "/api/v1/"+noun+"/") {
				require.Contains(t, catalogueChanges, op.ID)
			}
		}
	}
	walk(t, s, func(t *testing.T, op *contract.Operation, _ gate.Gate, f fixture) {
		t.Helper()
		change, ok := catalogueChanges[op.ID]
		if !ok {
			return
		}
		tenant := s.Tenant(t, strings.ToLower(op.ID))
		owner := tenant.Client(t, tenancy.RoleOwner)
		at := func(server *apitest.Server) *apitest.Client {
			c := server.Client(tenant.Host).WithToken(owner.Token())
			if change.sandbox {
				return c.Sandbox()
			}
			return c
		}
		o := anything()
		if !change.empty {
			o = populateAll(t, at(s))
		}
		o["created"] = uuid.NewString()
		if change.before != nil {
			change.before(t, at(s), o)
		}
		before, versions := answers(t, at(s), o), catalogueVersions(t, s)
		requireSameAnswers(t, before, answers(t, at(other), o))

		path, body := f.call(op, o)
		if change.body != nil {
			body = change.body
		}
		response := at(s).Do(t, op.Method, path, body).Require(t, f.want)
		if op.ID == "createService" {
			o["created"] = response.ID(t)
		}
		envID := tenant.Scope(t, change.sandbox).Env.ID
		require.NotEqual(t, versions[envID], catalogueVersions(t, s)[envID])
		here, there, said := answers(t, at(s), o), answers(t, at(other), o), answers(t, at(fresh), o)
		requireSameAnswers(t, said, here)
		requireSameAnswers(t, said, there)
		if !change.silent {
			require.NotEqual(t, text(t, before), text(t, said), "the change does not show")
		}
	})
}

func requireSameAnswers(t *testing.T, want, got map[string]any) {
	t.Helper()
	for what := range want {
		require.Equal(t, text(t, want[what]), text(t, got[what]), what)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}
