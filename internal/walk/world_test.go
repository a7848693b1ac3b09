package walk

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/tenancy"
	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// choices reads what a world is made of from the bytes of a fuzzer. When they run out it
// chooses 0, which is the plainest of everything: a shorter input is a plainer world.
type choices struct{ data []byte }

func (c *choices) IntN(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	choice := int(c.data[0]) % n
	c.data = c.data[1:]
	return choice
}

func (c *choices) oneIn(n int) bool { return c.IntN(n) == n-1 }

func pick[T any](c *choices, from ...T) T { return from[c.IntN(len(from))] }

// worldSeeds are random, so that a fuzzer starts from worlds with something in them, and
// chosen so that they reach every rule.
func worldSeeds() [][]byte {
	seeds := [][]byte{{}}
	for _, n := range []byte{2, 3, 42, 49, 97, 105, 109, 116, 119, 120, 122, 177, 184, 203, 206, 209} {
		seed := make([]byte, 256)
		_, _ = rand.NewChaCha8([32]byte{n}).Read(seed)
		seeds = append(seeds, seed)
	}
	return seeds
}

// worldPlaces are where worlds are, and their first date: ordinary days, and those on which
// clocks change, at night, at midnight, or by half an hour.
var worldPlaces = []struct{ zone, date string }{
	{"America/New_York", "2027-03-01"},
	{"America/New_York", "2027-03-13"},
	{"Europe/Vienna", "2027-10-30"},
	{"Australia/Lord_Howe", "2027-04-03"},
	{"Australia/Lord_Howe", "2027-10-02"},
	{"America/Havana", "2027-03-13"},
	{"Asia/Beirut", "2027-10-30"},
	{"America/St_Johns", "2027-11-06"},
	{"Pacific/Chatham", "2027-09-25"},
	{"Asia/Kathmandu", "2026-12-31"},
}

// world is a business with whatever can be in the way, and a search for one of its services.
type world struct {
	// Client is that of a manager, and public that of nobody.
	*apitest.Client
	public   *apitest.Client
	choices  *choices
	zone     *time.Location
	first    time.Time // noon of the first date
	days     int
	now      time.Time
	customer string
	busy     time.Time // when somebody has tried to book last

	service, other string
	active         bool
	// requirements is how many the service states; accepts says which resources will do for
	// the first, or for one that states none.
	requirements int
	accepts      func(resource, kind string) bool
	resources    []string
	kinds        map[string]string

	requested []string
	query     string
	from, to  time.Time // about when the search begins and ends
	// grid has all starts of the search, in their order.
	grid []string
}

// newWorld makes a business of its own for an input, in its live world, or in its sandbox at another time.
func newWorld(t *testing.T, s *apitest.Server, data []byte) *world {
	t.Helper()
	id := uuid.New()
	tenant := s.Tenant(t, "w"+hex.EncodeToString(id[:8]))
	w := &world{
		Client: tenant.Client(t, tenancy.RoleManager), public: tenant.Anonymous(), choices: &choices{data}, now: apitest.Start,
		kinds: map[string]string{},
	}
	at := worldPlaces[w.choices.IntN(len(worldPlaces))]
	w.days = 2 + w.choices.IntN(2)
	date, err := time.Parse(time.DateOnly, at.date)
	require.NoError(t, err)
	w.zone, err = time.LoadLocation(at.zone)
	require.NoError(t, err)
	w.first = time.Date(date.Year(), date.Month(), date.Day(), 12, 0, 0, 0, w.zone)
	w.Do(t, http.MethodPatch, "/api/v1/business", m{"timezone": at.zone}).Require(t, 200)
	if w.choices.oneIn(2) {
		w.Client, w.public = w.Sandbox(), w.public.Sandbox()
		w.setClock(t, w.first.Add(time.Duration(w.choices.IntN(48)-36)*time.Hour))
	}
	w.customer = w.Post(t, "/api/v1/customers", m{"name": "C"}).Require(t, 201).ID(t)
	w.drawResources(t)
	w.drawServices(t)
	w.drawSearch(t)
	w.drawHours(t)
	w.drawTimeOff(t)
	for range w.choices.IntN(31) {
		w.occupy(t)
	}
	w.finish(t)
	return w
}

// setClock sets the clock of the sandbox.
func (w *world) setClock(t *testing.T, to time.Time) {
	t.Helper()
	w.now = to
	w.Post(t, "/api/v1/sandbox/clock", m{"now": to.UTC().Format(time.RFC3339)}).Require(t, 200)
}

// inSandbox reports whether the world has a clock of its own.
func (w *world) inSandbox() bool { return !w.now.Equal(apitest.Start) }

func (w *world) limits(body m) {
	if w.choices.oneIn(7) {
		body["max_per_day"] = 1 + w.choices.IntN(4)
	}
	if w.choices.oneIn(7) {
		body["max_per_week"] = 2 + w.choices.IntN(8)
	}
}

func (w *world) drawResources(t *testing.T) {
	t.Helper()
	for i := range 2 + w.choices.IntN(5) {
		kind := []string{"STAFF", "ROOM", "EQUIPMENT"}[(i+pick(w.choices, 0, 0, 0, 1, 2))%3]
		body := m{"name": fmt.Sprint("R", i), "type": kind, "capacity": pick(w.choices, 1, 1, 2, 3), "weight": pick(w.choices, 1, 1, 1, 0, 2)}
		w.limits(body)
		id := w.Post(t, "/api/v1/resources", body).Require(t, 201).ID(t)
		w.resources, w.kinds[id] = append(w.resources, id), kind
	}
}

// some returns some of the resources of a kind, or all.
func (w *world) some(kind string) []string {
	some := []string{}
	for _, id := range w.resources {
		if w.kinds[id] == kind && !w.choices.oneIn(3) {
			some = append(some, id)
		}
	}
	return some
}

func (w *world) drawServices(t *testing.T) {
	t.Helper()
	body := m{
		"name": "S", "duration_minutes": pick(w.choices, 30, 15, 45, 60, 90, 20, 240, 25), "slot_step_minutes": pick(w.choices, 30, 15, 60, 20, 45, 50),
		"buffer_before_minutes": 5 * w.choices.IntN(4), "buffer_after_minutes": 5 * w.choices.IntN(4), "requires_approval": w.choices.oneIn(4),
	}
	w.limits(body)
	types := pick(w.choices, []string{}, []string{"STAFF"}, []string{"ROOM"}, []string{"STAFF", "ROOM"}, []string{"STAFF", "ROOM", "EQUIPMENT"}, []string{"STAFF", "STAFF"})
	requirements := []m{}
	var named []string // for the first of them
	for i, kind := range types {
		requirement := m{"resource_type": kind}
		if w.choices.oneIn(4) {
			some := w.some(kind)
			if requirement["resource_ids"] = some; i == 0 {
				named = some
			}
		}
		requirements = append(requirements, requirement)
	}
	body["requirements"], w.requirements = requirements, len(types)
	w.accepts = func(resource, kind string) bool {
		switch {
		case len(types) == 0:
			return kind != "EQUIPMENT"
		case len(named) > 0:
			return slices.Contains(named, resource)
		}
		return kind == types[0]
	}
	w.service = w.Post(t, "/api/v1/services", body).Require(t, 201).ID(t)
	w.other = w.Post(t, "/api/v1/services", m{
		"name": "Other", "duration_minutes": 40, "buffer_before_minutes": 10, "buffer_after_minutes": 5,
	}).Require(t, 201).ID(t)
}

// someHours are the hours of a day: around the clock, none, with a break, over midnight.
func (w *world) someHours() []m {
	hours := func(from, to string) m { return m{"start": from, "end": to} }
	return pick(
		w.choices,
		[]m{hours("09:00", "17:00")}, []m{hours("06:30", "11:00"), hours("12:00", "15:15")}, []m{hours("00:00", "24:00")},
		[]m{hours("20:00", "03:30")}, []m{}, []m{hours("00:00", "01:45"), hours("22:10", "06:00")}, []m{hours("10:00", "12:30"), hours("23:00", "00:20")},
	)
}

// schedule has hours for each day of the week, and some overrides.
func (w *world) schedule() m {
	weekly, overrides := []m{}, []m{}
	for _, day := range []string{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"} {
		weekly = append(weekly, m{"day": day, "intervals": w.someHours()})
	}
	for day := range w.days + 1 {
		if w.choices.oneIn(4) {
			overrides = append(overrides, m{"date": w.first.AddDate(0, 0, day-1).Format(time.DateOnly), "intervals": w.someHours()})
		}
	}
	return m{"weekly": weekly, "overrides": overrides}
}

func (w *world) drawHours(t *testing.T) {
	t.Helper()
	if w.choices.oneIn(2) {
		w.Do(t, http.MethodPut, "/api/v1/business/hours", w.schedule()).Require(t, 200)
	}
	for _, id := range w.resources {
		if w.choices.oneIn(3) {
			hours := w.schedule()
			if w.choices.oneIn(3) {
				hours["timezone"] = worldPlaces[w.choices.IntN(len(worldPlaces))].zone
			}
			w.Do(t, http.MethodPut, "/api/v1/resources/"+id+"/hours", hours).Require(t, 200)
		}
	}
}

// moment is an instant on one of the days, or near them, and now and then at an end of what
// is searched.
func (w *world) moment() time.Time {
	switch w.choices.IntN(12) {
	case 10:
		return w.from
	case 11:
		return w.to
	}
	day := w.choices.IntN(w.days + 1)
	return w.first.Add(-12*time.Hour + time.Duration(day)*24*time.Hour + time.Duration(w.choices.IntN(144))*10*time.Minute)
}

func utc(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// drawTimeOff makes time off and closures. What recurs begins before the days in question.
func (w *world) drawTimeOff(t *testing.T) {
	t.Helper()
	for range w.choices.IntN(7) {
		start := w.moment()
		body := m{"resource_id": w.resources[w.choices.IntN(len(w.resources))]}
		if w.choices.oneIn(5) {
			body["resource_id"] = nil
		}
		rule, back := "", 0
		switch w.choices.IntN(5) {
		case 1:
			rule, back = "FREQ=DAILY", 9
		case 2:
			rule, back = "FREQ=DAILY;INTERVAL=2;COUNT=8", 7
		case 3:
			rule, back = "FREQ=WEEKLY", 14
		}
		if rule != "" {
			start = start.AddDate(0, 0, -back)
			body["rrule"] = rule
		}
		end := start.Add(time.Duration(1+w.choices.IntN(20)) * 20 * time.Minute)
		if rule == "" && w.choices.oneIn(2) { // what comes before a moment, too
			start, end = start.Add(start.Sub(end)), start
		}
		body["start_at"], body["end_at"] = utc(start), utc(end)
		w.Post(t, "/api/v1/time-off", body).Require(t, 201)
	}
}

// occupy puts something somewhere; where there is something already, nothing comes of it.
func (w *world) occupy(t *testing.T) {
	t.Helper()
	if !w.choices.oneIn(3) || w.busy.IsZero() { // else where there may be something, so that lanes fill up
		w.busy = w.moment().Add(time.Duration(w.choices.IntN(2)) * 5 * time.Minute)
	}
	wish := m{"service_id": w.service, "start_at": utc(w.busy)}
	kind := w.choices.IntN(6)
	if w.choices.oneIn(3) {
		wish["service_id"], wish["resource_ids"] = w.other, []string{w.resources[w.choices.IntN(len(w.resources))]}
	}
	if kind == 1 || kind == 4 {
		wish["ttl_seconds"] = pick(w.choices, 3600, 600)
		w.Post(t, "/api/v1/holds", wish)
		return
	}
	wish["customer_id"] = w.customer
	if kind == 2 {
		wish["rrule"], wish["on_conflict"] = "FREQ=DAILY;COUNT=3", "skip"
		w.Post(t, "/api/v1/series", wish)
		return
	}
	if response := w.Post(t, "/api/v1/appointments", wish); kind == 3 && response.Status == 201 {
		w.Post(t, "/api/v1/appointments/"+response.ID(t)+"/cancel", m{}).Require(t, 200)
	}
}

// finish does what keeps others from booking: time goes by, notice and horizon are set,
// and something is switched off.
func (w *world) finish(t *testing.T) {
	t.Helper()
	if w.inSandbox() {
		w.setClock(t, w.now.Add(30*time.Minute))
	}
	change := m{}
	if ahead := int(w.moment().Truncate(time.Hour).Sub(w.now) / time.Minute); ahead >= 0 && w.choices.oneIn(3) {
		change["min_notice_minutes"] = ahead
	}
	if days := int(w.moment().Sub(w.now) / (24 * time.Hour)); days > 0 && w.choices.oneIn(3) {
		change["horizon_days"] = days
	}
	w.active = !w.choices.oneIn(16)
	change["is_active"] = w.active
	w.Do(t, http.MethodPatch, "/api/v1/services/"+w.service, change).Require(t, 200)
	for _, id := range w.resources {
		if w.choices.oneIn(6) {
			w.Do(t, http.MethodPatch, "/api/v1/resources/"+id, m{"is_active": false}).Require(t, 200)
		}
	}
}

// drawSearch decides what is searched for, and finds the starts that the answer must have by
// looking at every minute.
func (w *world) drawSearch(t *testing.T) {
	t.Helper()
	for range w.choices.IntN(3) * w.choices.IntN(2) {
		w.requested = append(w.requested, w.resources[w.choices.IntN(len(w.resources))])
	}
	slices.Sort(w.requested)
	w.requested = slices.Compact(w.requested)
	query := url.Values{"service_id": {w.service}}
	clock := w.zone
	w.from, w.to = w.first.Add(-12*time.Hour), w.first.AddDate(0, 0, w.days-1).Add(12*time.Hour)
	within := func(at time.Time) bool {
		date := at.In(clock).Format(time.DateOnly)
		return query.Get("from") <= date && date <= query.Get("to")
	}
	switch w.choices.IntN(3) {
	case 1:
		var err error
		clock, err = time.LoadLocation(worldPlaces[w.choices.IntN(len(worldPlaces))].zone)
		require.NoError(t, err)
		query.Set("timezone", clock.String())
	case 2:
		w.from = w.moment()
		w.to = w.from.Add(40 * time.Hour)
		query.Set("from", utc(w.from))
		query.Set("to", utc(w.to))
		within = func(at time.Time) bool { return !at.Before(w.from) && at.Before(w.to) }
	}
	if !query.Has("from") {
		query.Set("from", w.first.Format(time.DateOnly))
		query.Set("to", w.first.AddDate(0, 0, w.days-1).Format(time.DateOnly))
	}
	w.query = query.Encode()
	step := w.Get(t, "/api/v1/services/"+w.service).Require(t, 200).Object(t)["slot_step_minutes"].(float64)
	for at := w.from.Add(-48 * time.Hour); at.Before(w.to.Add(48 * time.Hour)); at = at.Add(time.Minute) {
		if hour, minute, _ := at.In(w.zone).Clock(); within(at) && (hour*60+minute)%int(step) == 0 {
			w.grid = append(w.grid, utc(at))
		}
	}
}

// search asks for availability: of the resources, and with what else the query has.
func (w *world) search(t *testing.T, resources []string, more string) slots {
	t.Helper()
	query := w.query + more
	if len(resources) > 0 {
		query += "&resource_ids=" + strings.Join(resources, ",")
	}
	var found slots
	w.Get(t, "/api/v1/availability?"+query).Require(t, 200).Decode(t, &found)
	return found
}

// wish is a request for a start, with resources if there are any.
func (w *world) wish(start string, resources []string) m {
	wish := m{"service_id": w.service, "start_at": start}
	if len(resources) > 0 {
		wish["resource_ids"] = resources
	}
	return wish
}
