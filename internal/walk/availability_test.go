package walk

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

type slots struct {
	Data     []slot
	Refused  []refusal
	Snapshot string
}

type slot struct {
	StartAt     string   `json:"start_at"`
	ResourceIDs []string `json:"resource_ids"`
}

type refusal struct {
	StartAt string `json:"start_at"`
	Reasons []struct {
		Code       string
		ResourceID string `json:"resource_id"`
		ObjectID   string `json:"object_id"`
	}
}

func search(t *testing.T, c *apitest.Client, service, query string) (found slots, starts []string) {
	t.Helper()
	c.Get(t, "/api/v1/availability?service_id="+service+"&"+query).Require(t, 200).Decode(t, &found)
	for _, slot := range found.Data {
		starts = append(starts, slot.StartAt)
	}
	return found, starts
}

func weekdays(start, end string, days ...string) (weekly []m) {
	for _, day := range days {
		weekly = append(weekly, m{"day": day, "intervals": []m{{"start": start, "end": end}}})
	}
	return weekly
}

// What is offered can be booked, and what is not offered cannot: every start of two
// days is tried through the front door. The business is in New York, and one of the days
// is the one on which its clocks change.
func TestWhatIsOfferedCanBeBookedAndNothingElse(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	owner.Do(t, http.MethodPut, "/api/v1/business/hours", m{
		"weekly":    weekdays("09:00", "17:00", "SATURDAY", "SUNDAY"),
		"overrides": []m{{"date": "2027-03-15", "intervals": []m{{"start": "22:00", "end": "02:00"}}, "name": "Night of beauty"}},
	}).Require(t, 200)
	owner.Do(t, http.MethodPatch, "/api/v1/services/"+o["service"], m{
		"slot_step_minutes": 30, "buffer_before_minutes": 10, "buffer_after_minutes": 20, "max_per_day": 6,
	}).Require(t, 200)
	lunch := owner.Post(t, "/api/v1/time-off", m{
		"resource_id": o["resource"], "title": "Lunch",
		"start_at": "2027-03-13T17:00:00Z", "end_at": "2027-03-13T18:00:00Z",
	}).Require(t, 201).ID(t)
	owner.Post(t, "/api/v1/appointments", m{
		"service_id": o["service"], "customer_id": o["customer"],
		"start_at": "2027-03-14T15:00:00Z", "resource_ids": []string{o["resource"]},
	}).Require(t, 201)

	found, offered := search(t, owner, o["service"], "from=2027-03-13&to=2027-03-15&explain=true")
	require.NotEmpty(t, offered)
	require.Equal(t, "2027-03-13T14:00:00Z", offered[0], "nine in New York in winter")
	require.Contains(t, offered, "2027-03-14T13:00:00Z", "nine in New York in summer")
	require.Contains(t, offered, "2027-03-16T03:30:00Z", "the hours of the fifteenth go on after midnight")
	reasons := map[string]string{}
	for _, refused := range found.Refused {
		reasons[refused.StartAt] = refused.Reasons[0].Code
		if refused.Reasons[0].Code == "time_off" {
			require.Equal(t, lunch, refused.Reasons[0].ObjectID)
		}
	}
	require.Equal(t, "outside_hours", reasons["2027-03-13T13:30:00Z"])
	require.Equal(t, "time_off", reasons["2027-03-13T17:00:00Z"])
	require.Equal(t, "booked", reasons["2027-03-14T15:00:00Z"])
	require.Equal(t, "buffer", reasons["2027-03-14T15:30:00Z"])

	for start, code := range reasons {
		response := owner.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": start})
		require.Contains(t, []int{409, 422}, response.Status, "%s was refused for %s: %s", start, code, response.Body)
	}
	for _, start := range offered {
		id := owner.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": start}).Require(t, 201).ID(t)
		owner.Do(t, http.MethodDelete, "/api/v1/appointments/"+id, nil).Require(t, 204)
	}
}

// The free times of each resource: what is listed for it can be booked with it, and nothing else.
func TestWhatIsOfferedPerResourceCanBeBookedWithIt(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	second := owner.Post(t, "/api/v1/resources", m{"name": "Second", "type": "STAFF"}).Require(t, 201).ID(t)
	third := owner.Post(t, "/api/v1/resources", m{"name": "Third", "type": "STAFF"}).Require(t, 201).ID(t)
	owner.Do(t, http.MethodPut, "/api/v1/business/hours", m{"weekly": weekdays("09:00", "12:00", "MONDAY")}).Require(t, 200)
	owner.Do(t, http.MethodPut, "/api/v1/resources/"+second+"/hours", m{"weekly": weekdays("11:00", "14:00", "MONDAY")}).Require(t, 200)
	book := func(start, resource string) *apitest.Response {
		return owner.Post(t, "/api/v1/appointments", m{
			"service_id": o["service"], "customer_id": o["customer"], "start_at": start, "resource_ids": []string{resource},
		})
	}
	book("2027-03-01T15:00:00Z", o["resource"]).Require(t, 201)

	const monday = "from=2027-03-01&to=2027-03-01"
	_, starts := search(t, owner, o["service"], monday)
	offered := map[[2]string]bool{}
	list := func(query string) (found resourceAvailability) {
		owner.Get(t, "/api/v1/availability/resources?service_id="+o["service"]+"&"+query).Require(t, 200).Decode(t, &found)
		return found
	}
	found := list(monday)
	require.Equal(t, 30, found.DurationMinutes)
	for _, r := range found.Data {
		for _, start := range r.Starts {
			offered[[2]string{start, r.ResourceID}] = true
			require.Contains(t, starts, start, "the ordinary search has the same starts")
		}
	}
	require.Greater(t, len(offered), len(starts), "at some starts there is a choice")
	booked := 0
	for _, start := range starts {
		for _, resource := range []string{o["resource"], second, third} {
			response := book(start, resource)
			require.Equal(t, offered[[2]string{start, resource}], response.Status == 201, "%s %s: %s", start, resource, response.Body)
			if response.Status == 201 {
				booked++
				owner.Do(t, http.MethodDelete, "/api/v1/appointments/"+response.ID(t), nil).Require(t, 204)
			}
		}
	}
	require.Equal(t, len(offered), booked, "each of them is at one of the starts")

	found = list(monday + "&limit=1&resource_ids=" + second + "," + third)
	require.Len(t, found.Data, 2, "those that are named, each by itself")
	for _, r := range found.Data {
		require.Len(t, r.Starts, 1, "of each resource")
		require.True(t, r.Truncated)
		require.True(t, offered[[2]string{r.Starts[0], r.ResourceID}])
	}
	owner.Get(t, "/api/v1/availability/resources?service_id="+o["service"]+"&resource_ids="+o["service"]+"&"+monday).
		RequireProblem(t, 422, "validation_failed")
	owner.Do(t, http.MethodPatch, "/api/v1/services/"+o["service"], m{
		"requirements": []m{{"resource_type": "STAFF"}, {"resource_type": "ROOM"}},
	}).Require(t, 200)
	owner.Get(t, "/api/v1/availability/resources?service_id="+o["service"]+"&"+monday).RequireProblem(t, 422, "validation_failed")
}

// resourceAvailability is the answer of GET /api/v1/availability/resources.
type resourceAvailability struct {
	DurationMinutes int `json:"duration_minutes"`
	Data            []struct {
		ResourceID string   `json:"resource_id"`
		Starts     []string `json:"starts"`
		Truncated  bool     `json:"truncated"`
	} `json:"data"`
}

// A refusal says what would do: the same resource first, then others.
func TestARefusalOffersAlternatives(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	second := owner.Post(t, "/api/v1/resources", m{"name": "Second", "type": "STAFF"}).Require(t, 201).ID(t)
	book := func(start string, resources ...string) *apitest.Response {
		return owner.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": start, "resource_ids": resources})
	}
	own := book("2027-03-01T09:00:00Z", o["resource"]).Require(t, 201).ID(t)
	problem := book("2027-03-01T09:00:00Z", o["resource"]).RequireProblem(t, 409, "slot_taken")
	alternatives := problem["alternatives"].([]any)
	require.Len(t, alternatives, 3)
	same := func(a any) bool { return slices.Contains(a.(m)["resource_ids"].([]any), any(o["resource"])) }
	require.True(t, same(alternatives[0]))
	require.Equal(t, "2027-03-01T08:30:00Z", alternatives[0].(m)["start_at"])
	require.True(t, slices.ContainsFunc(alternatives, func(a any) bool {
		return !same(a) && a.(m)["start_at"] == "2027-03-01T09:00:00Z" && a.(m)["resource_ids"].([]any)[0] == second
	}), "somebody else at the very same time")
	for _, a := range alternatives {
		resource := a.(m)["resource_ids"].([]any)[0].(string)
		id := book(a.(m)["start_at"].(string), resource).Require(t, 201).ID(t)
		owner.Do(t, http.MethodDelete, "/api/v1/appointments/"+id, nil).Require(t, 204)
	}
	// A move that is refused offers too, and its own present time counts as free.
	book("2027-03-01T10:00:00Z", o["resource"]).Require(t, 201)
	book("2027-03-01T10:00:00Z", second).Require(t, 201)
	problem = owner.Post(t, "/api/v1/appointments/"+own+"/reschedule", m{"start_at": "2027-03-01T10:00:00Z"}).RequireProblem(t, 409, "slot_taken")
	require.Len(t, problem["alternatives"], 3)
	for _, a := range problem["alternatives"].([]any) {
		owner.Post(t, "/api/v1/appointments/"+own+"/reschedule", m{"start_at": a.(m)["start_at"]}).Require(t, 200)
	}
}

// Whoever names equipment, which a service that states nothing does not take by itself, is
// offered that, or other equipment in its place.
func TestAlternativesForEquipment(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	resource := func(name string) string {
		return owner.Post(t, "/api/v1/resources", m{"name": name, "type": "EQUIPMENT"}).Require(t, 201).ID(t)
	}
	laser, spare := resource("Laser"), resource("Spare laser")
	book := func(start string, resources ...string) *apitest.Response {
		return owner.Post(t, "/api/v1/appointments", m{"service_id": o["spare_service"], "customer_id": o["customer"], "start_at": start, "resource_ids": resources})
	}
	const at = "2027-03-01T09:00:00Z"
	book(at, laser).Require(t, 201)
	for name, want := range map[string]struct{ requested, same, others []string }{
		"alone":       {[]string{laser}, []string{laser}, []string{spare}},
		"with others": {[]string{o["resource"], laser}, []string{o["resource"], laser}, []string{o["resource"], spare}},
	} {
		var refused struct{ Alternatives []slot }
		book(at, want.requested...).Require(t, 409).Decode(t, &refused)
		require.Len(t, refused.Alternatives, 3, name)
		for i, alternative := range refused.Alternatives {
			if i < 2 {
				require.ElementsMatch(t, want.same, alternative.ResourceIDs, name)
			} else {
				require.Equal(t, at, alternative.StartAt, name)
				require.ElementsMatch(t, want.others, alternative.ResourceIDs, name)
			}
			id := book(alternative.StartAt, alternative.ResourceIDs...).Require(t, 201).ID(t)
			owner.Do(t, http.MethodDelete, "/api/v1/appointments/"+id, nil).Require(t, 204)
		}
	}
}

// Alternatives that are near suffice; farther ones are offered where there are too few.
func TestAlternativesAreSoughtWithinAWeek(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	hair := owner.Post(t, "/api/v1/services", m{"name": "Hair", "duration_minutes": 60, "requirements": []m{
		{"resource_type": "STAFF", "resource_ids": []string{o["resource"]}},
	}}).Require(t, 201).ID(t)
	refused := func() (starts []string) {
		body := m{"service_id": hair, "customer_id": o["customer"], "start_at": "2027-04-07T12:00:00Z"}
		for _, a := range owner.Post(t, "/api/v1/appointments", body).RequireProblem(t, 409, "slot_taken")["alternatives"].([]any) {
			starts = append(starts, a.(m)["start_at"].(string))
		}
		return starts
	}
	away := func(start, end string) {
		owner.Post(t, "/api/v1/time-off", m{"resource_id": o["resource"], "title": "Away", "start_at": start, "end_at": end}).Require(t, 201)
	}
	away("2027-04-05T13:00:00Z", "2027-04-08T10:00:00Z")
	require.Equal(t, []string{"2027-04-08T10:00:00Z", "2027-04-08T10:15:00Z", "2027-04-08T10:30:00Z"}, refused(), "a day is enough")
	away("2027-04-08T11:15:00Z", "2027-04-11T10:00:00Z")
	require.Equal(t, []string{"2027-04-08T10:00:00Z", "2027-04-08T10:15:00Z", "2027-04-05T12:00:00Z"}, refused(), "a day has too few")
	away("2027-03-30T00:00:00Z", "2027-04-14T11:15:00Z")
	require.Equal(t, []string{"2027-04-14T11:15:00Z", "2027-04-14T11:30:00Z", "2027-04-14T11:45:00Z"}, refused())
	away("2027-04-14T11:15:00Z", "2027-04-15T11:15:00Z")
	require.Empty(t, refused(), "a week has none")
}

func TestWhoHearsWhichReasons(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	tenant := s.Tenant(t, "a")
	owner, customer := tenant.Client(t, tenancy.RoleOwner), tenant.Client(t, tenancy.RoleCustomer)
	o := populate(t, owner) // an appointment on 2027-02-01 at 09:00
	query := "from=2027-02-01T09:00:00Z&to=2027-02-01T09:15:00Z&explain=true"
	staff, _ := search(t, owner, o["service"], query)
	require.Equal(t, "booked", staff.Refused[0].Reasons[0].Code)
	require.Equal(t, o["appointment"], staff.Refused[0].Reasons[0].ObjectID)
	public, _ := search(t, customer, o["service"], query)
	require.Equal(t, "not_available", public.Refused[0].Reasons[0].Code)
	require.Empty(t, public.Refused[0].Reasons[0].ResourceID)
	require.Empty(t, public.Refused[0].Reasons[0].ObjectID)
}

func TestSearchIsStrictAboutItsRange(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	for query, status := range map[string]int{
		"from=2027-03-01&to=2027-03-01": 200, "from=2027-03-01&to=2027-05-01": 200, "from=2027-03-01&to=2027-06-01": 422,
		"from=2027-03-02&to=2027-03-01": 422, "from=2027-02-30&to=2027-03-01": 422, "from=2027-03-01T25:00:00Z&to=2027-03-01": 422,
		"from=tomorrow00&to=2027-03-01": 400, "from=2027-03-01": 400, "from=2027-03-01&to=2027-03-01&timezone=Mars/Olympus": 400,
		"from=2027-03-01&to=2027-03-01&timezone=Local": 400, "from=2027-03-01&to=2027-03-01&timezone=Asia/Kathmandu": 200,
		"from=2027-03-01&to=2027-03-01&resource_ids=" + o["customer"]: 422,
		"from=2027-03-01&to=2027-03-01&resource_ids=" + o["resource"]: 200,
		"from=2027-03-01&to=2027-03-01&limit=0":                       400,
	} {
		owner.Get(t, "/api/v1/availability?service_id="+o["service"]+"&"+query).Require(t, status)
	}
	owner.Get(t, "/api/v1/availability?service_id="+o["customer"]+"&from=2027-03-01&to=2027-03-01").RequireProblem(t, 404, "not_found")
	// A day in Kathmandu begins at 18:15 UTC the day before.
	_, starts := search(t, owner, o["service"], "from=2027-03-01&to=2027-03-01&timezone=Asia/Kathmandu&limit=2")
	require.Equal(t, []string{"2027-02-28T18:15:00Z", "2027-02-28T18:30:00Z"}, starts)
	// The past is not offered.
	_, starts = search(t, owner, o["service"], "from=2026-11-22&to=2026-11-22&limit=1")
	require.Equal(t, []string{"2026-11-22T12:00:00Z"}, starts)
	owner.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2026-11-22T11:45:00Z"}).
		RequireProblem(t, 422, "validation_failed")
}

// Work is spread: of several who will do, those with fewer bookings come first, and a
// higher weight before that.
func TestWorkIsSpread(t *testing.T) {
	t.Parallel()
	p := theBusiness.new(t)
	owner, o := p.owner, p.objects
	ids := []string{o["resource"]}
	for i := range 2 {
		ids = append(ids, owner.Post(t, "/api/v1/resources", m{"name": fmt.Sprint(i), "type": "STAFF"}).Require(t, 201).ID(t))
	}
	owner.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-03-01T09:00:00Z", "resource_ids": ids[:1]}).Require(t, 201)
	owner.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": "2027-03-01T09:00:00Z", "resource_ids": ids[1:2]}).Require(t, 201)
	found, _ := search(t, owner, o["service"], "from=2027-03-01&to=2027-03-01&limit=1")
	require.Equal(t, ids[2:], found.Data[0].ResourceIDs)
	owner.Do(t, http.MethodPatch, "/api/v1/resources/"+ids[0], m{"weight": 5}).Require(t, 200)
	again, _ := search(t, owner, o["service"], "from=2027-03-01&to=2027-03-01&limit=1")
	require.Equal(t, ids[:1], again.Data[0].ResourceIDs)
	require.NotEqual(t, found.Snapshot, again.Snapshot)
}

// Limits count what there is, in days and weeks of the business's zone.
func TestLimitsOfServicesAndResources(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	owner := s.Tenant(t, "a").Client(t, tenancy.RoleOwner) // in New York
	o := populate(t, owner)
	book := func(start string) *apitest.Response {
		return owner.Post(t, "/api/v1/appointments", m{"service_id": o["service"], "customer_id": o["customer"], "start_at": start})
	}
	owner.Do(t, http.MethodPatch, "/api/v1/services/"+o["service"], m{"max_per_day": 1}).Require(t, 200)
	book("2027-03-02T02:00:00Z").Require(t, 201) // still the first of March in New York
	book("2027-03-01T20:00:00Z").RequireProblem(t, 409, "limit_day")
	_, starts := search(t, owner, o["service"], "from=2027-03-01&to=2027-03-01")
	require.Empty(t, starts)
	moved := book("2027-03-02T06:00:00Z").Require(t, 201).ID(t)
	// What is moved within its day does not count against itself.
	owner.Post(t, "/api/v1/appointments/"+moved+"/reschedule", m{"start_at": "2027-03-02T20:00:00Z"}).Require(t, 200)

	owner.Do(t, http.MethodPatch, "/api/v1/services/"+o["service"], m{"max_per_day": nil}).Require(t, 200)
	owner.Do(t, http.MethodPatch, "/api/v1/resources/"+o["resource"], m{"max_per_week": 3}).Require(t, 200)
	book("2027-03-07T20:00:00Z").Require(t, 201) // the third, on Sunday
	problem := book("2027-03-06T20:00:00Z").RequireProblem(t, 409, "slot_taken")
	require.Equal(t, "limit_week", problem["conflicts"].([]any)[0].(m)["reason"])
	book("2027-03-08T20:00:00Z").Require(t, 201) // Monday begins anew
}
