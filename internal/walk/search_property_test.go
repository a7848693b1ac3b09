package walk

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/smoothschedule/smoothschedule/internal/testkit/apitest"
)

// Search and booking agree, both ways, through the front door, in whatever world: what is
// offered can be held, booked and moved to, and be a series of one, and what is not offered
// none of them. The bytes say what the world is; see choices.
func FuzzSearchIsBooking(f *testing.F) {
	s := apitest.New(f) // one for all inputs, each of which has a business of its own
	said := &reasonsSaid{missing: map[string]bool{}, counts: map[string]int{}}
	for _, seed := range worldSeeds() {
		f.Add(seed)
		said.missing[string(seed)] = true
	}
	f.Cleanup(func() { said.check(f) })
	f.Fuzz(func(t *testing.T, data []byte) {
		t.Parallel()
		w := newWorld(t, s, data)
		said.add(string(data), w.check(t))
	})
}

// reasonsSaid counts what searches say. A generator that never reaches a rule would prove
// nothing about it.
type reasonsSaid struct {
	sync.Mutex
	missing map[string]bool // seeds that have not been tried
	counts  map[string]int
}

func (s *reasonsSaid) add(data string, counts map[string]int) {
	s.Lock()
	defer s.Unlock()
	delete(s.missing, data)
	for code, n := range counts {
		s.counts[code] += n
	}
}

// check looks at the counts if all seeds have been tried, as without -fuzz and -run they are.
func (s *reasonsSaid) check(tb testing.TB) {
	tb.Helper()
	if tb.Failed() || len(s.missing) > 0 {
		return
	}
	for _, code := range []string{
		"offered", "offered to complete a request", "alternative", "alternative without requirements", "moved", "moved by link", "moved by link to an alternative", "off the grid", "service_inactive", "resource_inactive", "resource_not_eligible", "requirement_unmet", "in_past",
		"min_notice", "horizon", "closed", "outside_hours", "time_off", "booked", "capacity", "held", "buffer", "limit_day", "limit_week",
	} {
		assert.Positive(tb, s.counts[code], "%s is never reached", code)
	}
}

// check tries what the search says, and returns how often it says what.
func (w *world) check(t *testing.T) map[string]int {
	t.Helper()
	said := map[string]int{}
	found := w.search(t, w.requested, "&explain=true")
	outcome := map[string]string{} // of each start: who is taken, or what is in the way
	for _, slot := range found.Data {
		require.NotContains(t, outcome, slot.StartAt, "twice")
		outcome[slot.StartAt] = strings.Join(slot.ResourceIDs, " ")
		said["offered"]++
		if 0 < len(w.requested) && len(w.requested) < w.requirements {
			said["offered to complete a request"]++
		}
	}
	for _, refused := range found.Refused {
		require.NotContains(t, outcome, refused.StartAt, "twice")
		require.NotEmpty(t, refused.Reasons, refused.StartAt)
		outcome[refused.StartAt] = fmt.Sprint(refused.Reasons)
		for _, reason := range refused.Reasons {
			said[reason.Code]++
		}
	}
	require.Equal(t, w.grid, slices.Sorted(maps.Keys(outcome)), "what is refused is exactly what is not offered")
	w.checkOtherSearches(t, found)

	edges := w.edges(outcome)
	const attempts = 9
	for _, slot := range some(found.Data, attempts, func(s slot) bool { return edges[s.StartAt] }) {
		w.checkOffered(t, slot.StartAt, slot.ResourceIDs)
	}
	if n := len(found.Data); n > 1 {
		w.checkMove(t, found.Data[0], found.Data[n-1])
		said["moved"]++
	}
	w.checkOffGrid(t, found, said)
	w.checkMovesByLink(t, found, said)
	for _, refused := range found.various(edges) {
		n := w.checkRefused(t, refused, found.Data)
		said["alternative"] += n
		if len(w.requested) > 0 && w.requirements == 0 {
			said["alternative without requirements"] += n
		}
	}
	return said
}

// edges are the starts that differ from one of their neighbours, where mistakes are made.
func (w *world) edges(outcome map[string]string) map[string]bool {
	edges := map[string]bool{w.grid[0]: true, w.grid[len(w.grid)-1]: true}
	for i := 1; i < len(w.grid); i++ {
		if a, b := w.grid[i-1], w.grid[i]; outcome[a] != outcome[b] {
			edges[a], edges[b] = true, true
		}
	}
	return edges
}

// various are some of the refusals for each reason.
func (s *slots) various(edges map[string]bool) (various []refusal) {
	by := map[string][]refusal{}
	for _, refused := range s.Refused {
		for _, reason := range refused.Reasons {
			by[reason.Code] = append(by[reason.Code], refused)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(by)) {
		various = append(various, some(by[code], 2, func(r refusal) bool { return edges[r.StartAt] })...)
	}
	return various
}

// some chooses at most n, first from those that are preferred, from the first to the last.
func some[T any](from []T, n int, preferred func(T) bool) (chosen []T) {
	var first, rest []T
	for _, v := range from {
		if preferred(v) {
			first = append(first, v)
		} else {
			rest = append(rest, v)
		}
	}
	for _, list := range [][]T{first, rest} {
		take := min(n-len(chosen), len(list))
		for k := range take {
			chosen = append(chosen, list[k*(len(list)-1)/max(1, take-1)])
		}
	}
	return chosen
}

// checkOtherSearches says that it makes no difference to what is offered how one asks.
func (w *world) checkOtherSearches(t *testing.T, found slots) {
	t.Helper()
	plain := w.search(t, w.requested, "")
	require.Equal(t, found.Data, plain.Data, "explaining changes nothing")
	require.Equal(t, found.Snapshot, plain.Snapshot)
	const few = 3
	require.Equal(t, found.Data[:min(few, len(found.Data))], w.search(t, w.requested, fmt.Sprint("&limit=", few)).Data)
	if w.active && len(w.requested) == 0 {
		var public slots
		w.public.Get(t, "/api/v1/booking/availability?"+w.query).Require(t, 200).Decode(t, &public)
		require.Equal(t, startsOf(found), startsOf(public), "the public is offered the same")
	}
	if w.requirements > 1 {
		w.Get(t, "/api/v1/availability/resources?"+w.query).RequireProblem(t, 422, "validation_failed")
	} else {
		w.checkPerResource(t, startsOf(found))
	}
}

// checkPerResource says that the starts of each resource are those of asking for it alone, and
// that somebody is free exactly when one of them is.
func (w *world) checkPerResource(t *testing.T, starts []string) {
	t.Helper()
	want := map[string][]string{}
	for _, id := range w.resources {
		if len(w.requested) == 0 && w.accepts(id, w.kinds[id]) || slices.Contains(w.requested, id) {
			want[id] = startsOf(w.search(t, []string{id}, ""))
		}
	}
	query := "/api/v1/availability/resources?" + w.query
	if len(w.requested) > 0 {
		query += "&resource_ids=" + strings.Join(w.requested, ",")
	}
	var all, few resourceAvailability
	w.Get(t, query).Require(t, 200).Decode(t, &all)
	w.Get(t, query+"&limit=2").Require(t, 200).Decode(t, &few)
	require.Len(t, few.Data, len(all.Data))
	var somebody []string
	for i, resource := range all.Data {
		require.Equal(t, want[resource.ResourceID], resource.Starts, resource.ResourceID)
		require.False(t, resource.Truncated)
		delete(want, resource.ResourceID)
		somebody = append(somebody, resource.Starts...)
		n := min(2, len(resource.Starts))
		require.Equal(t, resource.Starts[:n], few.Data[i].Starts)
		require.Equal(t, n < len(resource.Starts), few.Data[i].Truncated)
	}
	for id, starts := range want {
		require.Empty(t, starts, "%s is not listed", id)
	}
	if len(w.requested) == 0 {
		slices.Sort(somebody)
		require.Equal(t, starts, append([]string{}, slices.Compact(somebody)...))
	}
}

func startsOf(found slots) []string {
	starts := []string{}
	for _, slot := range found.Data {
		starts = append(starts, slot.StartAt)
	}
	return starts
}

// checkOffered books a start in every way there is, and undoes it: with the resources that
// were offered, also if they are not named.
func (w *world) checkOffered(t *testing.T, start string, resources []string) {
	t.Helper()
	book := func(noun string, wish m) {
		response := w.Post(t, "/api/v1/"+noun, wish)
		require.Equal(t, 201, response.Status, "%s at %s: %s", noun, start, response.Body)
		require.ElementsMatch(t, resources, response.Object(t)["resource_ids"], noun)
		w.Do(t, http.MethodDelete, "/api/v1/"+noun+"/"+response.ID(t), nil).Require(t, 204)
	}
	book("holds", w.wish(start, resources))
	wish := w.wish(start, w.requested)
	book("holds", wish)
	wish["customer_id"] = w.customer
	book("appointments", wish)
	require.Equal(t, "available", w.verdict(t, wish), start)
}

// verdict is what a series of one would come to.
func (w *world) verdict(t *testing.T, wish m) any {
	t.Helper()
	wish["rrule"], wish["dry_run"] = "FREQ=DAILY;COUNT=1", true
	return w.Post(t, "/api/v1/series", wish).Require(t, 200).Object(t)["occurrences"].([]any)[0].(m)["verdict"]
}

// checkMove books one of the starts that are offered, and moves it to another one.
func (w *world) checkMove(t *testing.T, from, to slot) {
	t.Helper()
	wish := w.wish(from.StartAt, from.ResourceIDs)
	wish["customer_id"] = w.customer
	id := w.Post(t, "/api/v1/appointments", wish).Require(t, 201).ID(t)
	moved := w.Post(t, "/api/v1/appointments/"+id+"/reschedule", m{"start_at": to.StartAt, "resource_ids": to.ResourceIDs}).Require(t, 200).Object(t)
	require.Equal(t, to.StartAt, moved["start_at"])
	require.ElementsMatch(t, to.ResourceIDs, moved["resource_ids"])
	w.Do(t, http.MethodDelete, "/api/v1/appointments/"+id, nil).Require(t, 204)
}

// checkOffGrid says that the public gets nothing that no search offers, even if it is free, and
// that those who work for the business may have it.
func (w *world) checkOffGrid(t *testing.T, found slots, said map[string]int) {
	t.Helper()
	if !w.active || len(w.requested) > 0 {
		return
	}
	const attempts = 3
	for _, slot := range some(found.Data, attempts, func(slot) bool { return false }) {
		start := utc(instant(t, slot.StartAt).Add(time.Minute))
		for _, path := range []string{"holds", "appointments"} {
			wish := w.wish(start, nil)
			if path == "appointments" {
				wish["customer"] = somebody("off@grid.example")
			}
			answer := w.public.Post(t, publicly+path, wish)
			if answer.Status == 422 { // the horizon ends there
				continue
			}
			w.checkPublicAlternatives(t, answer.RequireProblem(t, 409, "off_grid"))
			said["off the grid"]++
		}
	}
}

// checkPublicAlternatives says that the public can have each alternative.
func (w *world) checkPublicAlternatives(t *testing.T, problem m) {
	t.Helper()
	for _, a := range problem["alternatives"].([]any) {
		held := w.public.Post(t, publicly+"holds", w.wish(a.(m)["start_at"].(string), nil))
		require.Equal(t, 201, held.Status, "the alternative %v: %s", a, held.Body)
		w.public.Do(t, http.MethodDelete, publicly+"holds/"+held.ID(t), nil).Require(t, 204)
	}
}

// checkMovesByLink books for somebody who has not signed in, and moves that to what the public
// is offered, and to the alternatives of what is refused; also when a resource that it has is
// not active any more.
func (w *world) checkMovesByLink(t *testing.T, found slots, said map[string]int) {
	t.Helper()
	if !w.active || len(w.requested) > 0 || len(found.Data) == 0 {
		return
	}
	w.Do(t, http.MethodPatch, "/api/v1/business", m{"cancellation_window_hours": 0}).Require(t, 200)
	first := found.Data[len(found.Data)/2]
	if w.begins(t, first.StartAt) {
		return
	}
	wish := w.wish(first.StartAt, nil)
	wish["customer"] = somebody("by@link.example")
	_, token := bookPublicly(t, w.public, wish)
	for _, active := range []bool{true, false} {
		w.Do(t, http.MethodPatch, "/api/v1/resources/"+first.ResourceIDs[0], m{"is_active": active}).Require(t, 200)
		w.checkMovesOfLink(t, token, said)
	}
	w.Do(t, http.MethodPatch, "/api/v1/resources/"+first.ResourceIDs[0], m{"is_active": true}).Require(t, 200)
	w.public.Post(t, publicly+"appointments/"+token+"/cancel", m{}).Require(t, 200)
}

// begins is whether an appointment at the start has begun: it can be booked, but its customer can
// neither move nor cancel it.
func (w *world) begins(t *testing.T, start string) bool {
	t.Helper()
	return !instant(t, start).After(w.now)
}

func (w *world) checkMovesOfLink(t *testing.T, token string, said map[string]int) {
	t.Helper()
	const attempts = 4
	move := func(start string) *apitest.Response {
		return w.public.Post(t, publicly+"appointments/"+token+"/reschedule", m{"start_at": start})
	}
	var offered slots
	w.public.Get(t, publicly+"availability?"+w.query).Require(t, 200).Decode(t, &offered)
	terms := w.public.Get(t, publicly+"appointments/"+token).Require(t, 200).Object(t)["terms"].(m)
	if len(offered.Data) > 0 {
		require.Equal(t, true, terms["can_reschedule"])
	}
	for _, slot := range some(offered.Data, attempts, func(slot) bool { return false }) {
		if w.begins(t, slot.StartAt) {
			continue
		}
		moved := move(slot.StartAt)
		require.Equal(t, 200, moved.Status, "offered at %s: %s", slot.StartAt, moved.Body)
		require.Equal(t, slot.StartAt, moved.Object(t)["start_at"])
		said["moved by link"]++
	}
	starts := startsOf(offered)
	refused := slices.DeleteFunc(slices.Clone(w.grid), func(start string) bool { return slices.Contains(starts, start) })
	for _, start := range some(refused, attempts, func(string) bool { return false }) {
		if w.begins(t, start) {
			continue
		}
		answer := move(start)
		if answer.Status == 200 || answer.Status == 422 { // where it is itself; too soon, or too far ahead
			continue
		}
		for _, a := range answer.RequireProblem(t, 409, "slot_taken")["alternatives"].([]any) {
			if w.begins(t, a.(m)["start_at"].(string)) {
				continue
			}
			moved := move(a.(m)["start_at"].(string))
			require.Equal(t, 200, moved.Status, "the alternative %v to %s: %s", a, start, moved.Body)
			said["moved by link to an alternative"]++
		}
	}
}

// checkRefused tries in every way to book a start that is refused, holds what is said
// against the reasons that the search has given, and returns how many alternatives there are.
func (w *world) checkRefused(t *testing.T, refused refusal, offered []slot) int {
	t.Helper()
	wish := w.wish(refused.StartAt, w.requested)
	status, code := refused.answer()
	w.Post(t, "/api/v1/holds", wish).RequireProblem(t, status, code)
	wish["customer_id"] = w.customer
	problem := w.Post(t, "/api/v1/appointments", wish).RequireProblem(t, status, code)
	switch code {
	case "validation_failed":
		require.NotEmpty(t, problem["errors"])
		return 0
	case "slot_taken":
		requireConflicts(t, refused, problem)
	}
	require.Equal(t, "conflict", w.verdict(t, wish), refused.StartAt)
	return w.checkAlternatives(t, refused.StartAt, problem["alternatives"].([]any), offered)
}

// requireConflicts says that a refusal names those who are not free, and why, as the search does.
func requireConflicts(t *testing.T, refused refusal, problem m) {
	t.Helper()
	conflicts := map[string]string{}
	for _, c := range problem["conflicts"].([]any) {
		conflicts[c.(m)["resource_id"].(string)] = c.(m)["reason"].(string)
	}
	require.Len(t, conflicts, len(refused.Reasons), "%v", problem)
	for _, reason := range refused.Reasons {
		require.Contains(t, saidWithoutBuffers(reason.Code), conflicts[reason.ResourceID], "%s: %v", reason.Code, problem)
	}
}

// saidWithoutBuffers is what a refusal can say where an explanation says code: only the latter
// knows which part of a booking is a buffer, and buffers are the last thing that is said.
func saidWithoutBuffers(code string) []string {
	switch code {
	case "buffer", "held", "limit_day", "limit_week":
		return []string{code, "booked", "capacity", "held"}
	default:
		return []string{code}
	}
}

// answer is what booking the start must come to: that another one may do, or that something is
// wrong with the request, or with the start, whoever is there.
func (r *refusal) answer() (status int, code string) {
	switch reason := r.Reasons[0]; reason.Code {
	case "service_inactive", "resource_inactive", "resource_not_eligible", "requirement_unmet", "in_past", "min_notice", "horizon":
		return 422, "validation_failed"
	case "limit_day", "limit_week":
		if reason.ResourceID == "" {
			return 409, reason.Code
		}
	}
	return 409, "slot_taken"
}

// checkAlternatives says that alternatives can be booked, that those with the resources that
// were requested come first, and that nothing like them that is offered is nearer.
func (w *world) checkAlternatives(t *testing.T, start string, alternatives []any, offered []slot) int {
	t.Helper()
	const most = 3
	require.LessOrEqual(t, len(alternatives), most)
	distance := func(to string) time.Duration { return instant(t, to).Sub(instant(t, start)).Abs() }
	var farthest time.Duration // of those with the same resources
	starts, same, others := map[string]bool{}, map[string]bool{}, 0
	for _, a := range alternatives {
		at, resources := a.(m)["start_at"].(string), a.(m)["resource_ids"].([]any)
		require.False(t, starts[at], "twice")
		starts[at] = true
		if w.takesRequested(t, resources) {
			require.Zero(t, others, "those with the same resources come first")
			same[at], farthest = true, max(farthest, distance(at))
		} else {
			others++
		}
		held := w.Post(t, "/api/v1/holds", m{"service_id": w.service, "start_at": at, "resource_ids": resources})
		require.Equal(t, 201, held.Status, "the alternative %v to %s: %s", a, start, held.Body)
		w.Do(t, http.MethodDelete, "/api/v1/holds/"+held.ID(t), nil).Require(t, 204)
	}
	enough, within := most, 24*time.Hour
	if len(w.requested) > 0 {
		enough-- // one is for others
	}
	if len(alternatives) < most {
		within *= 7
	}
	for _, slot := range offered {
		if d := distance(slot.StartAt); len(same) < enough && d < within || d < farthest {
			require.True(t, same[slot.StartAt], "%s is nearer to %s than %v", slot.StartAt, start, alternatives)
		}
	}
	return len(alternatives)
}

// takesRequested reports whether all requested resources are taken. Others that are taken in
// their place, where the service does not say of which kind, must be of the same.
func (w *world) takesRequested(t *testing.T, resources []any) bool {
	t.Helper()
	kinds := map[string]int{}
	all := true
	for _, id := range w.requested {
		all = all && slices.Contains(resources, any(id))
		kinds[w.kinds[id]]++
	}
	for _, id := range resources {
		kinds[w.kinds[id.(string)]]--
	}
	for kind, n := range kinds {
		require.True(t, n == 0 || w.requirements > 0 || len(w.requested) == 0, "%d of %s", n, kind)
	}
	return all
}
